/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

#define SENTINEL 0x5c

/* A burst with every buffer apart. */
struct burst {
	uint8_t keks[LANES_MAX][32], keys[LANES_MAX][32], wrapped[LANES_MAX][40];
	uint8_t unwrapped[LANES_MAX][32];
	struct fk_wrap_lane wraps[LANES_MAX];
	struct fk_unwrap_lane unwraps[LANES_MAX];
};

static void burst_point(struct burst *b)
{
	for (uint32_t i = 0; i < LANES_MAX; i++) {
		b->wraps[i] = (struct fk_wrap_lane){b->keks[i], b->keys[i], b->wrapped[i]};
		b->unwraps[i] =
			(struct fk_unwrap_lane){b->keks[i], b->wrapped[i], b->unwrapped[i], 7};
	}
}

static void burst_randomise(struct burst *b, uint64_t *seed)
{
	random_fill(seed, b->keks, sizeof(b->keks));
	random_fill(seed, b->keys, sizeof(b->keys));
	memset(b->wrapped, SENTINEL, sizeof(b->wrapped));
	memset(b->unwrapped, SENTINEL, sizeof(b->unwrapped));
	burst_point(b);
}

/* spec: RFC 3394 §2.2.1, §2.2.2 */
static void expect_pair_in_every_lane(const uint8_t *kek, const uint8_t *key,
				      const uint8_t *wrapped, const char *name)
{
	static struct burst b;
	uint64_t seed = 1;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
			burst_randomise(&b, &seed);
			b.wraps[lane].kek = b.unwraps[lane].kek = kek;
			b.wraps[lane].key = key;
			(*e)->wrap(test_scratch(), b.wraps, LANES_MAX);
			cr_assert_arr_eq(b.wrapped[lane], wrapped, 40, "%s: %s wraps in lane %u",
					 (*e)->name, name, lane);
			(*e)->unwrap(test_scratch(), b.unwraps, LANES_MAX);
			cr_assert_eq(b.unwraps[lane].ok, 1);
			cr_assert_arr_eq(b.unwrapped[lane], key, 32, "%s: %s unwraps in lane %u",
					 (*e)->name, name, lane);
		}
	}
}

/* Wraps of 128- and 192-bit keys, legacy ciphers and smaller KEKs are not this engine's work:
 * Fleetkey delivers AES-256 keys only. */
static int is_our_size(const json_t *test_case)
{
	return strstr(vector_text(test_case, "algorithm"), "AES-256 key wrap") != NULL &&
	       strlen(vector_text(test_case, "kek_hex")) == 64 &&
	       strlen(vector_text(test_case, "wrapped_hex")) == 80;
}

static void expect_refused_by_all(const uint8_t *kek, const uint8_t *wrapped, const char *name)
{
	static const uint8_t zeros[32];

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		uint8_t key[32];
		struct fk_unwrap_lane lane = {kek, wrapped, key, 7};

		memset(key, SENTINEL, sizeof(key));
		(*e)->unwrap(test_scratch(), &lane, 1);
		cr_assert_eq(lane.ok, 0, "%s refuses %s", (*e)->name, name);
		cr_assert_arr_eq(key, zeros, 32, "%s releases nothing of %s", (*e)->name, name);
	}
}

static void run_vectors(const char *file, uint32_t n_valid, uint32_t n_refused)
{
	json_t *cases = vectors_load(file), *test_case;
	uint32_t valid = 0, refused = 0;
	size_t i;

	json_array_foreach(cases, i, test_case)
	{
		const char *name = vector_text(test_case, "name");
		uint8_t kek[32], key[32], wrapped[40];

		if (!is_our_size(test_case))
			continue;
		vector_hex(test_case, "kek_hex", kek, sizeof(kek));
		vector_hex(test_case, "wrapped_hex", wrapped, sizeof(wrapped));
		if (vector_is_valid(test_case)) {
			cr_assert_eq(vector_hex(test_case, "key_hex", key, sizeof(key)), 32);
			expect_pair_in_every_lane(kek, key, wrapped, name);
			valid++;
		} else {
			expect_refused_by_all(kek, wrapped, name);
			refused++;
		}
	}
	cr_assert_eq(valid, n_valid, "%s: %u valid cases of our size", file, valid);
	cr_assert_eq(refused, n_refused, "%s: %u forged cases of our size", file, refused);
}

Test(wrap, rfc_3394_section_4_6_in_every_lane_of_every_engine)
{
	run_vectors("aes-kw.json", 1, 0);
}

Test(wrap, p25_wraps_in_every_lane_and_forged_ones_are_refused)
{
	run_vectors("p25-otar-kek.json", 7, 3);
}

Test(wrap, no_lane_is_touched_that_was_not_asked_for)
{
	static struct burst b;
	uint64_t seed = 42;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t n = 0; n < LANES_MAX; n++) {
			uint8_t sentinel[40];

			memset(sentinel, SENTINEL, sizeof(sentinel));
			burst_randomise(&b, &seed);
			(*e)->wrap(test_scratch(), b.wraps, n);
			(*e)->unwrap(test_scratch(), b.unwraps, n);
			cr_assert_arr_eq(b.wrapped[n], sentinel, 40, "%s", (*e)->name);
			cr_assert_arr_eq(b.unwrapped[n], sentinel, 32, "%s", (*e)->name);
			cr_assert_eq(b.unwraps[n].ok, 7, "%s", (*e)->name);
		}
	}
}

Test(wrap, openssl_unwraps_what_the_engines_wrapped)
{
	static struct burst b;
	uint64_t seed = 43;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		burst_randomise(&b, &seed);
		(*e)->wrap(test_scratch(), b.wraps, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++) {
			cr_assert(openssl_unwrap(b.keks[i], b.wrapped[i], b.unwrapped[i]));
			cr_assert_arr_eq(b.unwrapped[i], b.keys[i], 32);
		}
	}
}

Test(wrap, lanes_may_share_one_key_and_one_kek)
{
	static struct burst b;
	uint64_t seed = 44;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		uint8_t expected[40];

		burst_randomise(&b, &seed);
		openssl_wrap(b.keks[0], b.keys[0], expected);
		for (uint32_t i = 0; i < LANES_MAX; i++)
			b.wraps[i] = (struct fk_wrap_lane){b.keks[0], b.keys[0], b.wrapped[i]};
		(*e)->wrap(test_scratch(), b.wraps, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++)
			cr_assert_arr_eq(b.wrapped[i], expected, 40, "%s lane %u", (*e)->name, i);
	}
}

Test(wrap, an_empty_burst_touches_nothing)
{
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		(*e)->wrap(test_scratch(), NULL, 0);
		(*e)->unwrap(test_scratch(), NULL, 0);
	}
}

Test(unwrap, any_single_bit_changed_is_refused_and_its_neighbours_are_not)
{
	static struct burst b;
	static const uint8_t zeros[32];
	uint64_t seed = 45;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t bit = 0; bit < 320; bit++) {
			uint32_t lane = random_below(&seed, LANES_MAX);

			burst_randomise(&b, &seed);
			(*e)->wrap(test_scratch(), b.wraps, LANES_MAX);
			b.wrapped[lane][bit / 8] ^= (uint8_t)(1 << bit % 8);
			(*e)->unwrap(test_scratch(), b.unwraps, LANES_MAX);
			for (uint32_t i = 0; i < LANES_MAX; i++) {
				cr_assert_eq(b.unwraps[i].ok, i != lane, "%s bit %u lane %u",
					     (*e)->name, bit, i);
				cr_assert_arr_eq(b.unwrapped[i], i == lane ? zeros : b.keys[i], 32);
			}
		}
	}
}

Test(unwrap, a_wrong_kek_is_refused)
{
	static struct burst b;
	uint64_t seed = 46;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		burst_randomise(&b, &seed);
		(*e)->wrap(test_scratch(), b.wraps, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++)
			b.unwraps[i].kek = b.keks[(i + 1) % LANES_MAX];
		(*e)->unwrap(test_scratch(), b.unwraps, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++)
			cr_assert_eq(b.unwraps[i].ok, 0, "%s lane %u", (*e)->name, i);
	}
}

/* Inputs are read-only while they are inputs: an engine that writes to them dies, too. */
static void run_between_guards(enum guard_side side)
{
	static struct burst b;
	uint64_t seed = 47;

	for (uint32_t i = 0; i < LANES_MAX; i++) {
		uint8_t *kek = guarded_new(32, side), *key = guarded_new(32, side);
		uint8_t *wrapped = guarded_new(40, side), *unwrapped = guarded_new(32, side);

		random_fill(&seed, kek, 32);
		random_fill(&seed, key, 32);
		guarded_set_read_only(kek, 1);
		guarded_set_read_only(key, 1);
		b.wraps[i] = (struct fk_wrap_lane){kek, key, wrapped};
		b.unwraps[i] = (struct fk_unwrap_lane){kek, wrapped, unwrapped, 0};
	}
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t n = 1; n <= LANES_MAX; n++) {
			(*e)->wrap(test_scratch(), b.wraps, n);
			for (uint32_t i = 0; i < n; i++)
				guarded_set_read_only(b.wraps[i].wrapped, 1);
			(*e)->unwrap(test_scratch(), b.unwraps, n);
			for (uint32_t i = 0; i < n; i++) {
				cr_assert_arr_eq(b.unwraps[i].key, b.wraps[i].key, 32);
				guarded_set_read_only(b.wraps[i].wrapped, 0);
			}
		}
	}
}

Test(wrap, reads_and_writes_nothing_behind_its_buffers)
{
	run_between_guards(GUARD_BEHIND);
}

Test(wrap, reads_and_writes_nothing_before_its_buffers)
{
	run_between_guards(GUARD_BEFORE);
}
