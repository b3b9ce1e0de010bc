/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do all engines of this CPU agree with OpenSSL on random keys? At every burst size in turn, in
 * place and apart, with every buffer against a guard page, once on either side. A hundred thousand
 * keys for each shape of wrap and unwrap, for CMAC, CBC-MAC and outer layer, or FLEETKEY_AGREE_KEYS
 * of them; FLEETKEY_AGREE_SEED makes them others. scripts/soak does that.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aes_kernel.h"
#include "crypto/outer.h"
#include "fixture.h"

#define KEYS_DEFAULT 100000
#define TIMEOUT_S    7200 /* the test runner has a shorter one of its own */

/* Buffers of one lane, each alone on its page. */
struct lane {
	uint8_t *kek, *key, *mi;		 /* read-only while they are inputs */
	uint8_t *wrapped, *unwrapped, *in_place; /* outputs; in_place has 40 octets */
	uint8_t *frame;				 /* FK_KMM_SIZE_MAX octets */
};

/* GUARD_BEHIND and GUARD_BEFORE. */
static struct lane lanes_of[2][LANES_MAX];

static uint64_t setting(const char *name, uint64_t value)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : value;
}

static uint64_t keys_wanted(void)
{
	return setting("FLEETKEY_AGREE_KEYS", KEYS_DEFAULT);
}

static uint64_t seed_make(uint64_t test)
{
	return test << 32 | setting("FLEETKEY_AGREE_SEED", 1);
}

static void lanes_make(void)
{
	for (uint32_t s = 0; s < 2; s++)
		for (uint32_t i = 0; i < LANES_MAX; i++) {
			enum guard_side side = s == 0 ? GUARD_BEHIND : GUARD_BEFORE;

			lanes_of[s][i] = (struct lane){
				.kek = guarded_new(32, side),
				.key = guarded_new(32, side),
				.mi = guarded_new(FK_MI_SIZE, side),
				.wrapped = guarded_new(40, side),
				.unwrapped = guarded_new(32, side),
				.in_place = guarded_new(40, side),
				.frame = guarded_new(FK_KMM_SIZE_MAX, side),
			};
		}
}

/* Where 'size' of 'cap' octets have to stand to touch the guard page. */
static uint8_t *place_of(uint8_t *octets, uint32_t s, size_t cap, size_t size)
{
	return s == 0 ? octets + cap - size : octets;
}

/* What was covered, since a CPU may lack an engine. */
static void say_done(const char *what, uint64_t n)
{
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++)
		cr_log_info("%s: %s agrees with OpenSSL on %" PRIu64 " keys", what, (*e)->name, n);
}

static void expect_wraps(const struct fk_crypto_engine *engine, enum fk_wrap_shape shape,
			 struct lane *l, const uint8_t (*expected)[40], uint32_t n)
{
	uint32_t key_size = fk_wrap_key_size(shape);
	struct fk_wrap_lane wraps[LANES_MAX];
	struct fk_unwrap_lane unwraps[LANES_MAX];

	for (uint32_t i = 0; i < n; i++) {
		wraps[i] = (struct fk_wrap_lane){l[i].kek, l[i].key, l[i].wrapped};
		unwraps[i] = (struct fk_unwrap_lane){l[i].kek, l[i].wrapped, l[i].unwrapped, 7};
		memset(l[i].wrapped, 0x5c, key_size + 8);
		memset(l[i].unwrapped, 0x5c, key_size);
	}
	engine->wrap(test_scratch(), shape, wraps, n);
	engine->unwrap(test_scratch(), shape, unwraps, n);
	for (uint32_t i = 0; i < n; i++) {
		cr_assert_arr_eq(l[i].wrapped, expected[i], key_size + 8, "%s, %s, lane %u of %u",
				 engine->name, shape_name(shape), i, n);
		cr_assert_eq(unwraps[i].ok, 1);
		cr_assert_arr_eq(l[i].unwrapped, l[i].key, key_size, "%s, %s, lane %u of %u",
				 engine->name, shape_name(shape), i, n);
	}
}

/* The key stands where it will be wrapped, at the front or behind the integrity value, and comes
 * back to the same place. */
static void expect_wraps_in_place(const struct fk_crypto_engine *engine, enum fk_wrap_shape shape,
				  struct lane *l, const uint8_t (*expected)[40], uint32_t n)
{
	uint32_t key_size = fk_wrap_key_size(shape);
	struct fk_wrap_lane wraps[LANES_MAX];
	struct fk_unwrap_lane unwraps[LANES_MAX];

	for (uint32_t i = 0; i < n; i++) {
		uint8_t *key = l[i].in_place + i % 2 * FK_WRAP_OVERHEAD;

		memcpy(key, l[i].key, key_size);
		wraps[i] = (struct fk_wrap_lane){l[i].kek, key, l[i].in_place};
		unwraps[i] = (struct fk_unwrap_lane){l[i].kek, l[i].in_place, key, 7};
	}
	engine->wrap(test_scratch(), shape, wraps, n);
	for (uint32_t i = 0; i < n; i++)
		cr_assert_arr_eq(l[i].in_place, expected[i], key_size + 8,
				 "%s, %s in place, lane %u of %u", engine->name, shape_name(shape),
				 i, n);
	engine->unwrap(test_scratch(), shape, unwraps, n);
	for (uint32_t i = 0; i < n; i++)
		cr_assert(unwraps[i].ok == 1 && memcmp(unwraps[i].key, l[i].key, key_size) == 0,
			  "%s, %s back in place, lane %u of %u", engine->name, shape_name(shape), i,
			  n);
}

static void run_wraps(enum fk_wrap_shape shape)
{
	uint32_t kek_size = fk_wrap_kek_size(shape), key_size = fk_wrap_key_size(shape);
	uint64_t seed = seed_make(1) + shape, done = 0, wanted = keys_wanted();

	for (uint32_t n = 1, s = 0; done < wanted; done += n, n = n % LANES_MAX + 1, s ^= n == 1) {
		uint8_t expected[LANES_MAX][40];
		struct lane l[LANES_MAX];

		for (uint32_t i = 0; i < n; i++) {
			const struct lane *all = &lanes_of[s][i];

			l[i] = (struct lane){
				.kek = place_of(all->kek, s, 32, kek_size),
				.key = place_of(all->key, s, 32, key_size),
				.wrapped = place_of(all->wrapped, s, 40, key_size + 8),
				.unwrapped = place_of(all->unwrapped, s, 32, key_size),
				.in_place = place_of(all->in_place, s, 40, key_size + 8),
			};
			random_fill(&seed, l[i].kek, kek_size);
			random_fill(&seed, l[i].key, key_size);
			openssl_wrap_any(l[i].kek, kek_size, l[i].key, key_size, expected[i]);
		}
		for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
			expect_wraps(*e, shape, l, (const uint8_t(*)[40])expected, n);
			expect_wraps_in_place(*e, shape, l, (const uint8_t(*)[40])expected, n);
		}
	}
	say_done(shape_name(shape), done);
}

Test(agree, wrap_and_unwrap_of_256_bits_under_256, .init = lanes_make, .timeout = TIMEOUT_S)
{
	run_wraps(FK_WRAP_256_UNDER_256);
}

Test(agree, wrap_and_unwrap_of_128_bits_under_128, .init = lanes_make, .timeout = TIMEOUT_S)
{
	run_wraps(FK_WRAP_128_UNDER_128);
}

Test(agree, wrap_and_unwrap_of_128_bits_under_256, .init = lanes_make, .timeout = TIMEOUT_S)
{
	run_wraps(FK_WRAP_128_UNDER_256);
}

Test(agree, wrap_and_unwrap_of_256_bits_under_128, .init = lanes_make, .timeout = TIMEOUT_S)
{
	run_wraps(FK_WRAP_256_UNDER_128);
}

/* Mostly the sizes that are sent, and now and then any. */
static size_t size_choose(size_t min, uint64_t *seed)
{
	uint32_t limit = random_below(seed, 8) == 0 ? FK_KMM_SIZE_MAX : 128;

	return min + random_below(seed, limit - (uint32_t)min + 1);
}

static struct fk_mac_lane mac_lane_make(uint32_t s, uint32_t i, const uint8_t *tek, uint64_t *seed)
{
	size_t size = size_choose(FK_MAC_FRAME_MIN, seed);
	uint8_t *frame = place_of(lanes_of[s][i].frame, s, FK_KMM_SIZE_MAX, size);

	random_fill(seed, frame, size);
	frame[3] = random_below(seed, 2) == 0 ? 0xa8 : 0x88; /* with or without a message number */
	return (struct fk_mac_lane){
		.tek = tek,
		.frame = frame,
		.frame_size = (uint16_t)size,
		.mac_format =
			random_below(seed, 2) == 0 ? FK_KMM_MAC_FORMAT_CMAC : FK_KMM_MAC_FORMAT_CBC,
	};
}

Test(agree, cmac_and_cbc_mac_mixed, .init = lanes_make, .timeout = TIMEOUT_S)
{
	uint64_t seed = seed_make(2), n_cmacs = 0, n_cbcs = 0, wanted = keys_wanted();

	for (uint32_t n = 1, s = 0; n_cmacs < wanted || n_cbcs < wanted;
	     n = n % LANES_MAX + 1, s ^= n == 1) {
		bool is_common = random_below(&seed, 4) == 0; /* one TEK for all lanes */
		struct fk_mac_lane macs[LANES_MAX];
		uint8_t expected[LANES_MAX][8];

		for (uint32_t i = 0; i < n; i++) {
			random_fill(&seed, lanes_of[s][i].key, 32);
			macs[i] = mac_lane_make(s, i, lanes_of[s][is_common ? 0 : i].key, &seed);
			n_cmacs += macs[i].mac_format == FK_KMM_MAC_FORMAT_CMAC;
			n_cbcs += macs[i].mac_format == FK_KMM_MAC_FORMAT_CBC;
			openssl_mac(macs[i].tek, macs[i].frame, macs[i].frame_size,
				    macs[i].mac_format, expected[i]);
		}
		for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
			for (uint32_t i = 0; i < n; i++)
				memset(macs[i].mac, 0, 8);
			(*e)->mac(test_scratch(), macs, n);
			for (uint32_t i = 0; i < n; i++)
				cr_assert_arr_eq(macs[i].mac, expected[i], 8,
						 "%s, lane %u of %u, %u octets, format %x",
						 (*e)->name, i, n, macs[i].frame_size,
						 macs[i].mac_format);
		}
	}
	say_done("CMAC and CBC-MAC, each", n_cmacs < n_cbcs ? n_cmacs : n_cbcs);
}

Test(agree, outer_layer, .init = lanes_make, .timeout = TIMEOUT_S)
{
	static uint8_t plain[LANES_MAX][FK_KMM_SIZE_MAX], expected[LANES_MAX][FK_KMM_SIZE_MAX];
	uint64_t seed = seed_make(3), done = 0, wanted = keys_wanted();

	for (uint32_t n = 1, s = 0; done < wanted; done += n, n = n % LANES_MAX + 1, s ^= n == 1) {
		bool is_common = random_below(&seed, 4) == 0;
		struct fk_outer_lane outers[LANES_MAX];

		for (uint32_t i = 0; i < n; i++) {
			struct lane *l = &lanes_of[s][i];
			size_t size = size_choose(0, &seed);
			const uint8_t *key = is_common ? lanes_of[s][0].key : l->key;
			uint8_t iv[16];

			random_fill(&seed, l->key, 32);
			random_fill(&seed, l->mi, FK_MI_SIZE);
			random_fill(&seed, plain[i], size);
			outers[i] = (struct fk_outer_lane){
				key, l->mi,
				place_of(lanes_of[s][i].frame, s, FK_KMM_SIZE_MAX, size),
				(uint16_t)size};
			fk_outer_mi_expand(l->mi, iv);
			openssl_ofb_skip(key, iv, plain[i], size, expected[i]);
		}
		for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
			for (uint32_t i = 0; i < n; i++)
				memcpy(outers[i].octets, plain[i], outers[i].size);
			(*e)->outer(test_scratch(), outers, n);
			for (uint32_t i = 0; i < n; i++)
				cr_assert_arr_eq(outers[i].octets, expected[i], outers[i].size,
						 "%s, lane %u of %u, %u octets", (*e)->name, i, n,
						 outers[i].size);
		}
	}
	say_done("outer layer", done);
}
