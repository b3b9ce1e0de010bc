/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/aes_kernel.h"
#include "fixture.h"

#define SENTINEL 0x5c

/* Every engine with every shape: 'e' and 'shape' in the block that follows. */
#define EACH_SHAPE_OF_EACH_ENGINE(e, shape)                                                 \
	for (const struct fk_crypto_engine *const *e = test_engines(); *(e) != NULL; (e)++) \
		for (enum fk_wrap_shape shape = 0; (shape) < FK_N_WRAP_SHAPES; (shape)++)

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
static void expect_pair_in_every_lane(enum fk_wrap_shape shape, const uint8_t *kek,
				      const uint8_t *key, const uint8_t *wrapped, const char *name)
{
	uint32_t key_size = fk_wrap_key_size(shape);
	static struct burst b;
	uint64_t seed = 1;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
			burst_randomise(&b, &seed);
			b.wraps[lane].kek = b.unwraps[lane].kek = kek;
			b.wraps[lane].key = key;
			(*e)->wrap(test_scratch(), shape, b.wraps, LANES_MAX);
			cr_assert_arr_eq(b.wrapped[lane], wrapped, key_size + 8,
					 "%s: %s wraps in lane %u", (*e)->name, name, lane);
			(*e)->unwrap(test_scratch(), shape, b.unwraps, LANES_MAX);
			cr_assert_eq(b.unwraps[lane].ok, 1);
			cr_assert_arr_eq(b.unwrapped[lane], key, key_size,
					 "%s: %s unwraps in lane %u", (*e)->name, name, lane);
		}
	}
}

static void expect_refused_by_all(enum fk_wrap_shape shape, const uint8_t *kek,
				  const uint8_t *wrapped, const char *name)
{
	static const uint8_t zeros[32];

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		uint8_t key[32];
		struct fk_unwrap_lane lane = {kek, wrapped, key, 7};

		memset(key, SENTINEL, sizeof(key));
		(*e)->unwrap(test_scratch(), shape, &lane, 1);
		cr_assert_eq(lane.ok, 0, "%s refuses %s", (*e)->name, name);
		cr_assert_arr_eq(key, zeros, fk_wrap_key_size(shape), "%s releases nothing of %s",
				 (*e)->name, name);
	}
}

/* Cases of AES-192 and of the DES family are no engine's work: key_wrap.h refuses them. */
static void run_vectors(const char *file, uint32_t n_valid, uint32_t n_refused)
{
	json_t *cases = vectors_load(file), *test_case;
	uint32_t valid = 0, refused = 0;
	size_t i;

	json_array_foreach(cases, i, test_case)
	{
		const char *name = vector_text(test_case, "name");
		uint8_t kek[64], key[64], wrapped[72];
		size_t kek_size, wrapped_size;
		enum fk_wrap_shape shape;

		if (strstr(vector_text(test_case, "algorithm"), "key wrap") == NULL ||
		    strstr(vector_text(test_case, "algorithm"), "AES-") == NULL)
			continue;
		kek_size = vector_hex(test_case, "kek_hex", kek, sizeof(kek));
		wrapped_size = vector_hex(test_case, "wrapped_hex", wrapped, sizeof(wrapped));
		shape = shape_of(kek_size, wrapped_size - 8);
		if (shape == FK_N_WRAP_SHAPES)
			continue;
		if (vector_is_valid(test_case)) {
			cr_assert_eq(vector_hex(test_case, "key_hex", key, sizeof(key)),
				     wrapped_size - 8);
			expect_pair_in_every_lane(shape, kek, key, wrapped, name);
			valid++;
		} else {
			expect_refused_by_all(shape, kek, wrapped, name);
			refused++;
		}
	}
	cr_assert_eq(valid, n_valid, "%s: %u valid cases of our sizes", file, valid);
	cr_assert_eq(refused, n_refused, "%s: %u forged cases of our sizes", file, refused);
}

Test(wrap, rfc_3394_section_4_in_every_lane_of_every_engine)
{
	run_vectors("aes-kw.json", 3, 0);
}

Test(wrap, p25_wraps_in_every_lane_and_forged_ones_are_refused)
{
	run_vectors("p25-otar-kek.json", 9, 3);
}

Test(wrap, no_lane_is_touched_that_was_not_asked_for)
{
	uint8_t sentinel[40];
	static struct burst b;
	uint64_t seed = 42;

	memset(sentinel, SENTINEL, sizeof(sentinel));
	EACH_SHAPE_OF_EACH_ENGINE(e, shape)
	{
		for (uint32_t n = 0; n < LANES_MAX; n++) {
			burst_randomise(&b, &seed);
			(*e)->wrap(test_scratch(), shape, b.wraps, n);
			(*e)->unwrap(test_scratch(), shape, b.unwraps, n);
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

	EACH_SHAPE_OF_EACH_ENGINE(e, shape)
	{
		uint32_t kek_size = fk_wrap_kek_size(shape), key_size = fk_wrap_key_size(shape);

		burst_randomise(&b, &seed);
		(*e)->wrap(test_scratch(), shape, b.wraps, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++) {
			cr_assert(openssl_unwrap_any(b.keks[i], kek_size, b.wrapped[i],
						     key_size + 8, b.unwrapped[i]));
			cr_assert_arr_eq(b.unwrapped[i], b.keys[i], key_size);
		}
	}
}

Test(wrap, lanes_may_share_one_key_and_one_kek)
{
	static struct burst b;
	uint64_t seed = 44;

	EACH_SHAPE_OF_EACH_ENGINE(e, shape)
	{
		uint32_t kek_size = fk_wrap_kek_size(shape), key_size = fk_wrap_key_size(shape);
		uint8_t expected[40];

		burst_randomise(&b, &seed);
		openssl_wrap_any(b.keks[0], kek_size, b.keys[0], key_size, expected);
		for (uint32_t i = 0; i < LANES_MAX; i++)
			b.wraps[i] = (struct fk_wrap_lane){b.keks[0], b.keys[0], b.wrapped[i]};
		(*e)->wrap(test_scratch(), shape, b.wraps, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++)
			cr_assert_arr_eq(b.wrapped[i], expected, key_size + 8, "%s %s lane %u",
					 (*e)->name, shape_name(shape), i);
	}
}

Test(wrap, an_empty_burst_touches_nothing)
{
	EACH_SHAPE_OF_EACH_ENGINE(e, shape)
	{
		(*e)->wrap(test_scratch(), shape, NULL, 0);
		(*e)->unwrap(test_scratch(), shape, NULL, 0);
	}
}

Test(unwrap, any_single_bit_changed_is_refused_and_its_neighbours_are_not)
{
	static struct burst b;
	static const uint8_t zeros[32];
	uint64_t seed = 45;

	EACH_SHAPE_OF_EACH_ENGINE(e, shape)
	{
		uint32_t key_size = fk_wrap_key_size(shape);

		for (uint32_t bit = 0; bit < 8 * (key_size + 8); bit++) {
			uint32_t lane = random_below(&seed, LANES_MAX);

			burst_randomise(&b, &seed);
			(*e)->wrap(test_scratch(), shape, b.wraps, LANES_MAX);
			b.wrapped[lane][bit / 8] ^= (uint8_t)(1 << bit % 8);
			(*e)->unwrap(test_scratch(), shape, b.unwraps, LANES_MAX);
			for (uint32_t i = 0; i < LANES_MAX; i++) {
				cr_assert_eq(b.unwraps[i].ok, i != lane, "%s %s bit %u lane %u",
					     (*e)->name, shape_name(shape), bit, i);
				cr_assert_arr_eq(b.unwrapped[i], i == lane ? zeros : b.keys[i],
						 key_size);
			}
		}
	}
}

Test(unwrap, a_wrong_kek_is_refused)
{
	static struct burst b;
	uint64_t seed = 46;

	EACH_SHAPE_OF_EACH_ENGINE(e, shape)
	{
		burst_randomise(&b, &seed);
		(*e)->wrap(test_scratch(), shape, b.wraps, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++)
			b.unwraps[i].kek = b.keks[(i + 1) % LANES_MAX];
		(*e)->unwrap(test_scratch(), shape, b.unwraps, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++)
			cr_assert_eq(b.unwraps[i].ok, 0, "%s %s lane %u", (*e)->name,
				     shape_name(shape), i);
	}
}

/* Inputs are read-only while they are inputs: an engine that writes to them dies, too. */
static void run_between_guards(enum guard_side side, enum fk_wrap_shape shape)
{
	uint32_t kek_size = fk_wrap_kek_size(shape), key_size = fk_wrap_key_size(shape);
	static struct burst b;
	uint64_t seed = 47;

	for (uint32_t i = 0; i < LANES_MAX; i++) {
		uint8_t *kek = guarded_new(kek_size, side), *key = guarded_new(key_size, side);
		uint8_t *wrapped = guarded_new(key_size + 8, side);

		random_fill(&seed, kek, kek_size);
		random_fill(&seed, key, key_size);
		guarded_set_read_only(kek, 1);
		guarded_set_read_only(key, 1);
		b.wraps[i] = (struct fk_wrap_lane){kek, key, wrapped};
		b.unwraps[i] =
			(struct fk_unwrap_lane){kek, wrapped, guarded_new(key_size, side), 0};
	}
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t n = 1; n <= LANES_MAX; n++) {
			(*e)->wrap(test_scratch(), shape, b.wraps, n);
			for (uint32_t i = 0; i < n; i++)
				guarded_set_read_only(b.wraps[i].wrapped, 1);
			(*e)->unwrap(test_scratch(), shape, b.unwraps, n);
			for (uint32_t i = 0; i < n; i++) {
				cr_assert_arr_eq(b.unwraps[i].key, b.wraps[i].key, key_size);
				guarded_set_read_only(b.wraps[i].wrapped, 0);
			}
		}
	}
}

Test(wrap, reads_and_writes_nothing_behind_its_buffers)
{
	for (enum fk_wrap_shape shape = 0; shape < FK_N_WRAP_SHAPES; shape++)
		run_between_guards(GUARD_BEHIND, shape);
}

Test(wrap, reads_and_writes_nothing_before_its_buffers)
{
	for (enum fk_wrap_shape shape = 0; shape < FK_N_WRAP_SHAPES; shape++)
		run_between_guards(GUARD_BEFORE, shape);
}
