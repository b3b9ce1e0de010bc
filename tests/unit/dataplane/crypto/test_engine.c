/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "crypto/aes_block.h"
#include "crypto/aes_kernel.h"
#include "crypto/cpu.h"
#include "crypto/key_wrap.h"
#include "fixture.h"

static int never_supported(void)
{
	return 0;
}

static const struct fk_crypto_engine *good_engine(void)
{
	return test_engines()[0];
}

/* Engines that err in one lane of one burst size, of one shape. */
static enum fk_wrap_shape wrong_shape;

static void wrap_wrong(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
		       const struct fk_wrap_lane *lanes, uint32_t n)
{
	good_engine()->wrap(scratch, shape, lanes, n);
	if (n == 37 && shape == wrong_shape)
		lanes[36].wrapped[fk_wrap_key_size(shape) + 7] ^= 1;
}

static void unwrap_wrong(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
			 struct fk_unwrap_lane *lanes, uint32_t n)
{
	good_engine()->unwrap(scratch, shape, lanes, n);
	for (uint32_t i = 0; i < n && shape == wrong_shape; i++)
		lanes[i].ok = 1;
}

static void mac_wrong(struct fk_crypto_scratch *scratch, struct fk_mac_lane *lanes, uint32_t n)
{
	good_engine()->mac(scratch, lanes, n);
	if (n == 64)
		lanes[17].mac[0] ^= 0x80;
}

static void ecb_wrong(struct fk_crypto_scratch *scratch, const uint8_t key[static 32],
		      const uint8_t (*in)[16], uint8_t (*out)[16], uint32_t n)
{
	good_engine()->ecb(scratch, key, in, out, n);
	if (n == 9)
		out[8][15] ^= 1;
}

static void outer_wrong(struct fk_crypto_scratch *scratch, const struct fk_outer_lane *lanes,
			uint32_t n)
{
	good_engine()->outer(scratch, lanes, n);
	if (n == 23)
		lanes[22].octets[0] ^= 1;
}

Test(engine, the_list_goes_from_fastest_to_portable)
{
	size_t n = 0;

	while (fk_crypto_engines[n] != NULL)
		n++;
	cr_assert_gt(n, 0);
	cr_assert_str_eq(fk_crypto_engines[n - 1]->name, "scalar");
	cr_assert(fk_crypto_engines[n - 1]->is_supported());
}

Test(engine, every_engine_of_this_cpu_passes_its_self_test)
{
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++)
		cr_assert_eq(fk_engine_self_test(*e, test_scratch()), FK_OK, "%s", (*e)->name);
}

Test(engine, self_test_finds_one_wrong_bit_in_one_lane)
{
	struct fk_crypto_engine bad;

	for (wrong_shape = 0; wrong_shape < FK_N_WRAP_SHAPES; wrong_shape++) {
		bad = *good_engine();
		bad.wrap = wrap_wrong;
		cr_assert_eq(fk_engine_self_test(&bad, test_scratch()), FK_ESELFTEST, "%s",
			     shape_name(wrong_shape));
		bad = *good_engine();
		bad.unwrap = unwrap_wrong;
		cr_assert_eq(fk_engine_self_test(&bad, test_scratch()), FK_ESELFTEST, "%s",
			     shape_name(wrong_shape));
	}
	bad = *good_engine();
	bad.mac = mac_wrong;
	cr_assert_eq(fk_engine_self_test(&bad, test_scratch()), FK_ESELFTEST);
	bad = *good_engine();
	bad.outer = outer_wrong;
	cr_assert_eq(fk_engine_self_test(&bad, test_scratch()), FK_ESELFTEST);
	bad = *good_engine();
	bad.ecb = ecb_wrong;
	cr_assert_eq(fk_engine_self_test(&bad, test_scratch()), FK_ESELFTEST);
}

Test(engine, select_takes_the_fastest_that_this_cpu_supports)
{
	const struct fk_crypto_engine *engine = NULL;

	cr_assert_eq(fk_engine_select(NULL, test_scratch(), &engine), FK_OK);
	cr_assert_eq(engine, good_engine());
}

Test(engine, select_finds_every_engine_by_name)
{
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		const struct fk_crypto_engine *engine = NULL;

		cr_assert_eq(fk_engine_select((*e)->name, test_scratch(), &engine), FK_OK);
		cr_assert_eq(engine, *e);
	}
}

Test(engine, select_refuses_a_name_that_it_does_not_know)
{
	const struct fk_crypto_engine *engine = NULL;

	cr_assert_eq(fk_engine_select("abacus", test_scratch(), &engine), FK_ENOTFOUND);
	cr_assert_eq(fk_engine_select("", test_scratch(), &engine), FK_ENOTFOUND);
	cr_assert_null(engine);
}

Test(engine, select_refuses_or_skips_what_this_cpu_lacks)
{
	struct fk_crypto_engine lacking = *good_engine();
	const struct fk_crypto_engine *engines[] = {&lacking, &fk_engine_scalar, NULL};
	const struct fk_crypto_engine *engine = NULL;

	lacking.name = "lacking";
	lacking.is_supported = never_supported;
	cr_assert_eq(fk_engine_select_from(engines, "lacking", test_scratch(), &engine),
		     FK_EUNSUPPORTED);
	cr_assert_null(engine);
	cr_assert_eq(fk_engine_select_from(engines, NULL, test_scratch(), &engine), FK_OK);
	cr_assert_eq(engine, &fk_engine_scalar);
}

Test(engine, select_names_the_engine_that_fails_its_self_test)
{
	struct fk_crypto_engine bad = *good_engine();
	const struct fk_crypto_engine *engines[] = {&bad, &fk_engine_scalar, NULL};
	const struct fk_crypto_engine *engine = NULL;

	bad.name = "bad";
	bad.wrap = wrap_wrong;
	cr_assert_eq(fk_engine_select_from(engines, NULL, test_scratch(), &engine), FK_ESELFTEST);
	cr_assert_eq(engine, &bad, "never silently another one");
}

static enum fk_err open_without_memory(void)
{
	return FK_ENOMEM;
}

Test(engine, select_says_when_a_thread_cannot_be_made_ready)
{
	struct fk_crypto_engine poor = *good_engine();
	const struct fk_crypto_engine *engines[] = {&poor, &fk_engine_scalar, NULL};
	const struct fk_crypto_engine *engine = NULL;

	poor.open = open_without_memory;
	cr_assert_eq(fk_engine_select_from(engines, NULL, test_scratch(), &engine), FK_ENOMEM);
	cr_assert_null(engine);
}

static void *self_test_all(void *ready)
{
	struct fk_crypto_scratch *scratch = aligned_alloc(64, sizeof(*scratch));
	intptr_t n_failed = 0;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		if (ready != NULL)
			n_failed += fk_engine_open(*e) != FK_OK;
		n_failed += fk_engine_self_test(*e, scratch) != FK_OK;
	}
	free(scratch);
	return (void *)n_failed;
}

Test(engine, threads_side_by_side_do_not_disturb_each_other_made_ready_or_not)
{
	pthread_t threads[4];
	static int ready;

	for (int i = 0; i < 4; i++)
		cr_assert_eq(
			pthread_create(&threads[i], NULL, self_test_all, i % 2 ? &ready : NULL), 0);
	for (int i = 0; i < 4; i++) {
		void *n_failed = &ready;

		pthread_join(threads[i], &n_failed);
		cr_assert_null(n_failed, "an engine failed in a thread");
	}
}

Test(engine, ecb_agrees_with_openssl_in_place_and_apart)
{
	uint64_t seed = 3;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t n = 0; n <= LANES_MAX; n++) {
			uint8_t key[32], in[LANES_MAX][16], out[LANES_MAX][16], expected[16];

			random_fill(&seed, key, sizeof(key));
			random_fill(&seed, in, sizeof(in));
			memset(out, 0x5c, sizeof(out));
			(*e)->ecb(test_scratch(), key, (const uint8_t(*)[16])in, out, n);
			for (uint32_t i = 0; i < n; i++) {
				openssl_ecb(key, in[i], expected);
				cr_assert_arr_eq(out[i], expected, 16, "%s %u", (*e)->name, i);
			}
			for (uint32_t i = n; i < LANES_MAX; i++)
				cr_assert_eq(out[i][0], 0x5c, "no block too many");
			(*e)->ecb(test_scratch(), key, (const uint8_t(*)[16])in, in, n);
			cr_assert_arr_eq(in, out, n * 16, "%s in place", (*e)->name);
		}
	}
}

/* What is left in memory and registers: every call below leaves them to the search. */
#define FILL	   0xa5
#define STACK_SIZE 262144

struct residue {
	const struct fk_crypto_engine *engine;
	enum fk_wrap_shape shape;
	uint8_t keks[LANES_MAX][32], keys[LANES_MAX][32], frames[LANES_MAX][80];
	uint8_t wrapped[LANES_MAX][40], unwrapped[LANES_MAX][32], blocks[LANES_MAX][16];
	struct fk_wrap_lane wraps[LANES_MAX];
	struct fk_unwrap_lane unwraps[LANES_MAX];
	struct fk_mac_lane macs[LANES_MAX];
	struct fk_outer_lane outers[LANES_MAX];
	uint32_t n;
	uint8_t vectors[32][64]; /* registers, as wide as this CPU has them */
	uint64_t general[9];	 /* those that a call may change */
	ucontext_t home, there;
	uint8_t stack[STACK_SIZE];
	size_t stack_at; /* from here on it was written to */
};

static struct residue residue;

#if defined(__x86_64__)
#define STORE(instruction, register, i) instruction " %%" register #i ", 64*" #i "(%[to])\n\t"
#define STORE_8(in, r, a, b, c, d, e, f, g, h) \
	STORE(in, r, a)                        \
	STORE(in, r, b)                        \
	STORE(in, r, c)                        \
	STORE(in, r, d) STORE(in, r, e) STORE(in, r, f) STORE(in, r, g) STORE(in, r, h)
#define STORE_16(in, r) \
	STORE_8(in, r, 0, 1, 2, 3, 4, 5, 6, 7) STORE_8(in, r, 8, 9, 10, 11, 12, 13, 14, 15)
#define STORE_32(in, r)                                \
	STORE_16(in, r)                                \
	STORE_8(in, r, 16, 17, 18, 19, 20, 21, 22, 23) \
	STORE_8(in, r, 24, 25, 26, 27, 28, 29, 30, 31)

/* To stand right behind the call. */
static inline __attribute__((always_inline)) void registers_read(void)
{
	__asm__ __volatile__("movq %%rax, 0(%[to])\n\tmovq %%rcx, 8(%[to])\n\t"
			     "movq %%rdx, 16(%[to])\n\tmovq %%rsi, 24(%[to])\n\t"
			     "movq %%rdi, 32(%[to])\n\tmovq %%r8, 40(%[to])\n\t"
			     "movq %%r9, 48(%[to])\n\tmovq %%r10, 56(%[to])\n\t"
			     "movq %%r11, 64(%[to])"
			     :
			     : [to] "r"(residue.general)
			     : "memory");
	if (fk_cpu_has_avx512())
		__asm__ __volatile__(STORE_32("vmovdqu64", "zmm")
				     :
				     : [to] "r"(residue.vectors)
				     : "memory");
	else if (fk_cpu_has_avx())
		__asm__ __volatile__(STORE_16("vmovdqu", "ymm")
				     :
				     : [to] "r"(residue.vectors)
				     : "memory");
	else
		__asm__ __volatile__(STORE_16("movdqu", "xmm")
				     :
				     : [to] "r"(residue.vectors)
				     : "memory");
}
#else
static void registers_read(void)
{
}
#endif

static void call_wrap(void)
{
	residue.engine->wrap(test_scratch(), residue.shape, residue.wraps, residue.n);
	registers_read();
}

static void call_unwrap(void)
{
	residue.engine->unwrap(test_scratch(), residue.shape, residue.unwraps, residue.n);
	registers_read();
}

static void call_mac(void)
{
	residue.engine->mac(test_scratch(), residue.macs, residue.n);
	registers_read();
}

static void call_outer(void)
{
	residue.engine->outer(test_scratch(), residue.outers, residue.n);
	registers_read();
}

static void call_key_wrap(void)
{
	uint8_t out[40];
	enum fk_err err = FK_OK;

	for (uint32_t i = 0; i < residue.n && err == FK_OK; i++)
		err = fk_key_wrap(residue.keks[i], 16, residue.keys[i], 32, out, NULL);
	registers_read();
	cr_assert_eq(err, FK_OK);
}

static void call_key_unwrap(void)
{
	enum fk_err err = FK_OK;

	for (uint32_t i = 0; i < residue.n && err == FK_OK; i++)
		err = fk_key_unwrap(residue.keks[i], 32, residue.wrapped[i], 40,
				    residue.unwrapped[i], NULL);
	registers_read();
	cr_assert_eq(err, FK_OK);
}

static void call_ecb(void)
{
	residue.engine->ecb(test_scratch(), residue.keks[0], (const uint8_t(*)[16])residue.blocks,
			    residue.blocks, residue.n);
	registers_read();
}

static void residue_prepare(const struct fk_crypto_engine *engine, enum fk_wrap_shape shape,
			    uint32_t n)
{
	struct residue *r = &residue;
	uint64_t seed = n;

	r->engine = engine;
	r->shape = shape;
	r->n = n;
	random_fill(&seed, r->keks, sizeof(r->keks));
	random_fill(&seed, r->keys, sizeof(r->keys));
	random_fill(&seed, r->frames, sizeof(r->frames));
	for (uint32_t i = 0; i < LANES_MAX; i++) {
		openssl_wrap_any(r->keks[i], fk_wrap_kek_size(shape), r->keys[i],
				 fk_wrap_key_size(shape), r->wrapped[i]);
		r->wraps[i] = (struct fk_wrap_lane){r->keks[i], r->keys[i], r->wrapped[i]};
		r->unwraps[i] =
			(struct fk_unwrap_lane){r->keks[i], r->wrapped[i], r->unwrapped[i], 0};
		r->outers[i] = (struct fk_outer_lane){r->keks[i], r->keys[i], r->frames[i], 80};
		r->macs[i] = (struct fk_mac_lane){.tek = r->keks[i],
						  .frame = r->frames[i],
						  .frame_size = 80,
						  .mac_format = i % 2 == 0 ? FK_KMM_MAC_FORMAT_CMAC
									   : FK_KMM_MAC_FORMAT_CBC};
	}
}

/* Runs 'call' on a stack of its own, filled beforehand. */
static void residue_run(void (*call)(void))
{
	struct residue *r = &residue;

	memset(test_scratch(), FILL, sizeof(struct fk_crypto_scratch));
	memset(r->stack, FILL, sizeof(r->stack));
	memset(r->vectors, 0, sizeof(r->vectors));
	cr_assert_eq(getcontext(&r->there), 0);
	r->there.uc_stack.ss_sp = r->stack;
	r->there.uc_stack.ss_size = sizeof(r->stack);
	r->there.uc_link = &r->home;
	makecontext(&r->there, call, 0);
	cr_assert_eq(swapcontext(&r->home, &r->there), 0);
	r->stack_at = 0;
	while (r->stack_at < STACK_SIZE && r->stack[r->stack_at] == FILL)
		r->stack_at++;
}

/* Any eight octets in a row of the secret, as they stand, or as the words of SHA-256. */
static int holds(const uint8_t *area, size_t area_size, const uint8_t *secret, size_t secret_size)
{
	uint8_t words[sizeof(((struct fk_aes_schedule *)NULL)->keys)];

	for (size_t i = 0; i < secret_size; i++)
		words[i] = secret[i ^ 3];
	for (size_t i = 0; i + 8 <= secret_size; i += 4)
		if (memmem(area, area_size, secret + i, 8) != NULL ||
		    memmem(area, area_size, words + i, 8) != NULL)
			return 1;
	return 0;
}

/* Vector code keeps a word of one lane beside the same word of the next. */
static int holds_words_of_lanes(const uint8_t *area, size_t area_size, const uint8_t (*secrets)[32],
				uint32_t n, uint8_t pad)
{
	for (uint32_t i = 0; i + 1 < n; i++)
		for (size_t word = 0; word < 32; word += 4) {
			uint8_t pair[8];

			for (size_t b = 0; b < 4; b++) {
				pair[b] = secrets[i][word + 3 - b] ^ pad;
				pair[4 + b] = secrets[i + 1][word + 3 - b] ^ pad;
			}
			if (memmem(area, area_size, pair, sizeof(pair)) != NULL)
				return 1;
		}
	return 0;
}

static int stack_holds(const uint8_t *secret, size_t secret_size)
{
	return holds(residue.stack + residue.stack_at, STACK_SIZE - residue.stack_at, secret,
		     secret_size);
}

/* 'key_size' octets of the secret are a key of AES, or all are: neither its schedule may be left.
 */
static void expect_no_residue_of(const uint8_t secret[32], size_t key_size, const char *what)
{
	struct fk_aes_schedule schedule;
	uint8_t padded[32];

	cr_assert(!stack_holds(secret, 32), "%s: %s on the stack", residue.engine->name, what);
	fk_aes_schedule_init(&schedule, secret, key_size);
	cr_assert(!stack_holds(schedule.keys[0], (schedule.n_rounds + 1) * FK_AES_BLOCK_SIZE),
		  "%s: round keys of %s on the stack", residue.engine->name, what);
	cr_assert(!holds((const uint8_t *)residue.general, sizeof(residue.general), secret, 32),
		  "%s: %s in a register", residue.engine->name, what);
	for (size_t i = 0; i < 32; i++)
		padded[i] = secret[i] ^ 0x36;
	cr_assert(!stack_holds(padded, 32), "%s: inner pad of %s on the stack",
		  residue.engine->name, what);
	for (size_t i = 0; i < 32; i++)
		padded[i] = secret[i] ^ 0x5c;
	cr_assert(!stack_holds(padded, 32), "%s: outer pad of %s on the stack",
		  residue.engine->name, what);
}

static void expect_no_residue(const char *call, size_t kek_size)
{
	const uint8_t *octets = test_scratch()->octets;
	const uint8_t *stack = residue.stack + residue.stack_at;
	size_t stack_size = STACK_SIZE - residue.stack_at;
	const uint8_t(*keks)[32] = (const uint8_t(*)[32])residue.keks;
	uint8_t mac_keys[LANES_MAX][32];

	/* The scratch holds what it held before, or zeros: stronger than a search. */
	for (size_t i = 0; i < sizeof(struct fk_crypto_scratch); i++)
		cr_assert(octets[i] == FILL || octets[i] == 0, "%s: %s left octet %zu",
			  residue.engine->name, call, i);
	/* So do vector registers. */
	for (size_t i = 0; i < sizeof(residue.vectors); i++)
		cr_assert_eq(residue.vectors[i / 64][i % 64], 0,
			     "%s: %s left octet %zu of vector register %zu", residue.engine->name,
			     call, i % 64, i / 64);
	for (uint32_t i = 0; i < residue.n; i++) {
		openssl_mac_key(residue.keks[i], residue.frames[i], 80, residue.macs[i].mac_format,
				mac_keys[i]);
		expect_no_residue_of(residue.keks[i], kek_size, "a KEK or TEK");
		expect_no_residue_of(residue.keys[i], 32, "a key");
		expect_no_residue_of(mac_keys[i], 32, "a MAC key");
	}
	cr_assert(!holds_words_of_lanes(stack, stack_size, keks, residue.n, 0x36) &&
			  !holds_words_of_lanes(stack, stack_size, keks, residue.n, 0x5c) &&
			  !holds_words_of_lanes(stack, stack_size, keks, residue.n, 0) &&
			  !holds_words_of_lanes(stack, stack_size, (const uint8_t(*)[32])mac_keys,
						residue.n, 0),
		  "%s: %s left words of neighbouring lanes on the stack", residue.engine->name,
		  call);
}

static void expect_unwrapped(uint32_t key_size)
{
	for (uint32_t i = 0; i < residue.n; i++)
		cr_assert_arr_eq(residue.unwrapped[i], residue.keys[i], key_size,
				 "the call did its work");
}

static void run_residue(uint32_t n)
{
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (enum fk_wrap_shape shape = 0; shape < FK_N_WRAP_SHAPES; shape++) {
			residue_prepare(*e, shape, n);
			residue_run(call_wrap);
			expect_no_residue("wrap", fk_wrap_kek_size(shape));
			residue_run(call_unwrap);
			expect_unwrapped(fk_wrap_key_size(shape));
			expect_no_residue("unwrap", fk_wrap_kek_size(shape));
		}
		residue_run(call_mac);
		expect_no_residue("mac", 32);
		residue_run(call_ecb);
		expect_no_residue("ecb", 32);
		residue_run(call_outer);
		expect_no_residue("outer", 32);
	}
}

Test(engine, leaves_no_key_octets_in_scratch_stack_or_registers_after_a_full_burst)
{
	run_residue(LANES_MAX);
}

Test(engine, leaves_no_key_octets_in_scratch_stack_or_registers_after_a_short_burst)
{
	run_residue(1);
	run_residue(17);
}

Test(engine, one_key_at_a_time_leaves_no_key_octets_either)
{
	residue_prepare(good_engine(), FK_WRAP_256_UNDER_256, 3);
	residue_run(call_key_wrap);
	expect_no_residue("key wrap", 16);
	residue_run(call_key_unwrap);
	expect_unwrapped(32);
	expect_no_residue("key unwrap", 32);
}

Test(engine, the_search_for_residue_does_find_a_key)
{
	uint8_t secret[32], area[100] = {0};
	uint64_t seed = 5;

	random_fill(&seed, secret, sizeof(secret));
	cr_assert(!holds(area, sizeof(area), secret, sizeof(secret)));
	memcpy(area + 13, secret + 8, 8);
	cr_assert(holds(area, sizeof(area), secret, sizeof(secret)));
}

Test(engine, the_search_for_residue_does_find_words_of_neighbouring_lanes)
{
	uint8_t secrets[3][32], area[100] = {0};
	const uint8_t(*read)[32] = (const uint8_t(*)[32])secrets;
	uint64_t seed = 6;

	random_fill(&seed, secrets, sizeof(secrets));
	cr_assert(!holds_words_of_lanes(area, sizeof(area), read, 3, 0x36));
	for (size_t b = 0; b < 4; b++) {
		area[40 + b] = secrets[1][11 - b] ^ 0x36;
		area[44 + b] = secrets[2][11 - b] ^ 0x36;
	}
	cr_assert(holds_words_of_lanes(area, sizeof(area), read, 3, 0x36));
	cr_assert(!holds_words_of_lanes(area, sizeof(area), read, 3, 0x5c));
}

static void call_careless(void)
{
	struct fk_aes_schedule schedule; /* is not wiped */

	fk_aes_schedule_init(&schedule, residue.keks[0], 32);
	registers_read();
}

Test(engine, the_search_for_residue_does_find_the_last_round_key)
{
	struct fk_aes_schedule schedule;

	residue_prepare(good_engine(), FK_WRAP_256_UNDER_256, 1);
	residue_run(call_careless);
	fk_aes_schedule_init(&schedule, residue.keks[0], 32);
	cr_assert(stack_holds(schedule.keys[FK_AES_ROUNDS_MAX], FK_AES_BLOCK_SIZE));
}

#if defined(__x86_64__)
static void call_nothing(void)
{
	__asm__ __volatile__("movq %0, %%xmm9" : : "r"(*(const uint64_t *)residue.keys) : "xmm9");
	registers_read();
}

Test(engine, the_search_for_residue_does_see_a_vector_register)
{
	residue_prepare(good_engine(), FK_WRAP_256_UNDER_256, 1);
	residue_run(call_nothing);
	cr_assert_arr_eq(residue.vectors[9], residue.keys[0], 8);
}
#endif
