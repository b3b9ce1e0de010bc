/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/outer.h"
#include "fixture.h"

#define SENTINEL 0x5c

struct outer_case {
	const char *name;
	uint8_t tek[32], mi[FK_MI_SIZE], plain[FK_KMM_SIZE_MAX], cipher[FK_KMM_SIZE_MAX];
	uint16_t size;
};

/* spec: P25 sheet 3.7 */
static size_t cases_load(struct outer_case *cases, size_t max)
{
	json_t *array = vectors_load("p25-kmm-outer-layer.json"), *test_case;
	size_t i, n = 0;

	json_array_foreach(array, i, test_case)
	{
		struct outer_case *c = &cases[n++];
		uint8_t iv[16], expanded[16];

		cr_assert(n <= max);
		c->name = vector_text(test_case, "name");
		vector_hex(test_case, "tek_hex", c->tek, 32);
		vector_hex(test_case, "message_indicator_hex", c->mi, FK_MI_SIZE);
		vector_hex(test_case, "expanded_iv_hex", iv, 16);
		c->size =
			(uint16_t)vector_hex(test_case, "plaintext_hex", c->plain, FK_KMM_SIZE_MAX);
		cr_assert_eq(vector_hex(test_case, "ciphertext_hex", c->cipher, FK_KMM_SIZE_MAX),
			     c->size);
		fk_outer_mi_expand(c->mi, expanded);
		cr_assert_arr_eq(expanded, iv, 16, "%s", c->name);
	}
	return n;
}

Test(outer, published_messages_in_every_lane_both_ways)
{
	static struct outer_case cases[LANES_MAX];
	static uint8_t octets[LANES_MAX][FK_KMM_SIZE_MAX + 1];
	size_t n_cases = cases_load(cases, LANES_MAX);

	cr_assert_eq(n_cases, 9);
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t n = 1; n <= LANES_MAX; n++) {
			struct fk_outer_lane lanes[LANES_MAX];

			memset(octets, SENTINEL, sizeof(octets));
			for (uint32_t i = 0; i < n; i++) {
				const struct outer_case *c = &cases[(i + n) % n_cases];

				memcpy(octets[i], c->plain, c->size);
				lanes[i] =
					(struct fk_outer_lane){c->tek, c->mi, octets[i], c->size};
			}
			(*e)->outer(test_scratch(), lanes, n);
			for (uint32_t i = 0; i < n; i++) {
				const struct outer_case *c = &cases[(i + n) % n_cases];

				cr_assert_arr_eq(octets[i], c->cipher, c->size, "%s: %s, lane %u",
						 (*e)->name, c->name, i);
				cr_assert_eq(octets[i][c->size], SENTINEL, "no octet too many");
			}
			(*e)->outer(test_scratch(), lanes, n);
			for (uint32_t i = 0; i < n; i++) {
				const struct outer_case *c = &cases[(i + n) % n_cases];

				cr_assert_arr_eq(octets[i], c->plain, c->size, "%s: back", c->name);
			}
		}
	}
}

Test(outer, the_published_sequence_of_message_indicators)
{
	json_error_t error;
	json_t *root = json_load_file(FK_VECTORS_DIR "/p25-kmm-outer-layer.json", 0, &error), *step;
	json_t *steps = json_object_get(root, "mi_sequence");
	size_t i;

	cr_assert_eq(json_array_size(steps), 3);
	json_array_foreach(steps, i, step)
	{
		uint8_t mi[FK_MI_SIZE], next[FK_MI_SIZE], expected[FK_MI_SIZE];

		vector_hex(step, "from_mi_hex", mi, FK_MI_SIZE);
		vector_hex(step, "next_mi_hex", expected, FK_MI_SIZE);
		memset(next, SENTINEL, sizeof(next));
		fk_outer_mi_next(mi, next);
		cr_assert_arr_eq(next, expected, FK_MI_SIZE);
		fk_outer_mi_next(mi, mi);
		cr_assert_arr_eq(mi, expected, FK_MI_SIZE, "in place");
	}
	json_decref(root);
}

/* The sheet's words, one bit at a time. */
static uint64_t register_by_the_book(uint64_t x)
{
	for (uint32_t i = 0; i < 64; i++)
		x = x << 1 | ((x >> 63 ^ x >> 61 ^ x >> 45 ^ x >> 37 ^ x >> 26 ^ x >> 14) & 1);
	return x;
}

Test(outer, the_register_agrees_with_one_that_steps_bit_by_bit)
{
	uint64_t seed = 21;

	for (uint32_t i = 0; i < 100000; i++) {
		uint8_t mi[FK_MI_SIZE], next[FK_MI_SIZE];
		uint64_t x = 0, y = 0;

		random_fill(&seed, mi, sizeof(mi));
		fk_outer_mi_next(mi, next);
		for (uint32_t b = 0; b < 8; b++) {
			x = x << 8 | mi[b];
			y = y << 8 | next[b];
		}
		cr_assert_eq(y, register_by_the_book(x));
		cr_assert_eq(next[8], 0);
	}
}

Test(outer, agrees_with_openssl_on_every_size_with_own_and_common_keys_between_guard_pages,
     .timeout = 120)
{
	uint64_t seed = 22;

	for (uint32_t size = 0; size <= FK_KMM_SIZE_MAX; size++) {
		enum guard_side side = size % 2 == 0 ? GUARD_BEFORE : GUARD_BEHIND;
		uint8_t *octets = guarded_new(size, side), *key = guarded_new(32, side);
		uint8_t *mi = guarded_new(FK_MI_SIZE, side);
		uint8_t plain[FK_KMM_SIZE_MAX], expected[FK_KMM_SIZE_MAX], iv[16];

		random_fill(&seed, key, 32);
		random_fill(&seed, mi, FK_MI_SIZE);
		random_fill(&seed, plain, size);
		guarded_set_read_only(key, 1);
		guarded_set_read_only(mi, 1);
		fk_outer_mi_expand(mi, iv);
		openssl_ofb_skip(key, iv, plain, size, expected);
		for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
			uint8_t other[FK_KMM_SIZE_MAX];
			const struct fk_outer_lane lanes[2] = {
				{key, mi, octets, (uint16_t)size},
				{key, mi, other, (uint16_t)size},
			};

			memcpy(octets, plain, size);
			memcpy(other, plain, size);
			(*e)->outer(test_scratch(), lanes, 1 + size % 2);
			cr_assert_arr_eq(octets, expected, size, "%s, %u octets", (*e)->name, size);
			if (size % 2 == 1)
				cr_assert_arr_eq(other, expected, size, "%s", (*e)->name);
		}
	}
}

Test(outer, an_empty_burst_touches_nothing)
{
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++)
		(*e)->outer(test_scratch(), NULL, 0);
}

Test(outer, a_message_indicator_of_zeros_is_refused_and_any_other_is_not)
{
	uint8_t mi[FK_MI_SIZE] = {0};

	cr_assert_eq(fk_outer_mi_check(mi), FK_EINVAL);
	mi[8] = 1;
	cr_assert_eq(fk_outer_mi_check(mi), FK_EINVAL, "the ninth octet is no state");
	for (uint32_t bit = 0; bit < 64; bit++) {
		memset(mi, 0, sizeof(mi));
		mi[bit / 8] = (uint8_t)(1 << bit % 8);
		cr_assert_eq(fk_outer_mi_check(mi), FK_OK);
	}
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

Test(outer, attempts_have_indicators_of_their_own_and_the_same_ones_again)
{
	enum {
		N = 1 << 16
	};
	static uint64_t made[N];
	static const uint8_t key[32] = {1, 2, 3};
	struct fk_token_key tk;

	fk_token_key_init(&tk, test_engines()[0], test_scratch(), key);
	for (uint32_t first = 0; first < N; first += LANES_MAX) {
		uint8_t mis[LANES_MAX][FK_MI_SIZE], again[1][FK_MI_SIZE];
		uint64_t tokens[LANES_MAX];

		for (uint32_t i = 0; i < LANES_MAX; i++)
			tokens[i] = 0x0100100000000100ull + ((uint64_t)(first + i) << 16);
		fk_outer_mi_make(&tk, tokens, mis, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++) {
			cr_assert_eq(fk_outer_mi_check(mis[i]), FK_OK);
			cr_assert_eq(mis[i][8], 0);
			memcpy(&made[first + i], mis[i], 8);
		}
		fk_outer_mi_make(&tk, &tokens[first % 63], again, 1);
		cr_assert_arr_eq(again[0], mis[first % 63], FK_MI_SIZE);
	}
	qsort(made, N, sizeof(made[0]), compare_u64);
	for (uint32_t i = 1; i < N; i++)
		cr_assert_neq(made[i], made[i - 1], "two attempts, one indicator");
	fk_token_key_wipe(&tk);
}

/* A round function that is 0, and 1 in every sixth round: halves swap five times, and the sixth
 * takes token 1 to zero. */
static uint32_t crafted_calls;

static void ecb_crafted(struct fk_crypto_scratch *scratch, const uint8_t key[static 32],
			const uint8_t (*in)[16], uint8_t (*out)[16], uint32_t n)
{
	(void)scratch;
	(void)key;
	(void)in;
	memset(out, 0, n * sizeof(*out));
	for (uint32_t i = 0; i < n && crafted_calls % 6 == 5; i++)
		out[i][3] = 1;
	crafted_calls++;
}

Test(outer, the_one_token_that_comes_to_zero_is_taken_further)
{
	struct fk_crypto_engine crafted = *test_engines()[0];
	struct fk_token_key tk = {.engine = &crafted, .scratch = test_scratch()};
	const uint64_t tokens[2] = {1, 2};
	const uint8_t expected[2][FK_MI_SIZE] = {{[7] = 1}, {[7] = 3}};
	uint8_t mis[2][FK_MI_SIZE];

	crafted.ecb = ecb_crafted;
	fk_outer_mi_make(&tk, tokens, mis, 2);
	cr_assert_eq(crafted_calls, 12, "twice through the permutation");
	cr_assert_arr_eq(mis, expected, sizeof(mis));
}
