/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lanes_x86.h - the AES kernel of an x86 engine, written once for three register widths.
 *
 * Not an interface: aesni.c, vaes.c and vaes512.c include it after defining
 *
 *   ENGINE, ENGINE_NAME, IS_SUPPORTED   the engine's symbol, its name, its CPU test
 *   TARGET                              the function attribute that turns the instructions on
 *   vec, VEC_LANES                      a register and the UEs whose blocks stand in it: 1, 2 or 4
 *   VEC_*                               the instructions, named below as they are used
 *
 * A batch is eight registers: their chains of AES rounds hide each other's latency. Within a
 * register a lane is the block [A | R] of the key wrap: A in its lower half, R in its upper.
 *
 * The whitening is folded away. State and halves are kept XORed with the first round key, and the
 * last round key is XORed with it as well: the output of the last round then already is the next
 * input, and round 0 costs nothing. The step counter is XORed into that last key, off the chain.
 */
#include <immintrin.h>

#include "aes_kernel.h"

#define VECS	  8
#define LANES	  (VECS * VEC_LANES)
#define TARGET_IN TARGET inline __attribute__((always_inline))

/* What one batch of lanes needs while it walks. */
struct lanes_batch {
	vec keys[FK_AES_256_ROUNDS + 1][VECS]; /* round-major; the last one is folded */
	vec halves[4][VECS];		       /* R1..R4 in the upper halves, whitened */
	vec states[VECS];		       /* where the chains start, whitened */
};

struct lanes_work {
	struct lanes_batch batches[2];	      /* the one that walks, the one made ready beside it */
	uint8_t initial[LANES][FK_AES_BLOCK]; /* initial values, in the lower halves */
	uint8_t blocks[LANES][FK_AES_BLOCK];  /* ECB's short bursts */
	uint8_t unused[FK_WRAPPED_SIZE_MAX];  /* outputs of lanes that nobody asked for */
};
static_assert(sizeof(struct lanes_work) <= FK_KERNEL_WORK_MAX, "the kernel's part holds it");

/* Where a member of each UE of register 'j' stands: an array of pointers, of the lanes' octets. */
#define LANES_POINT(pointers, lanes, j, member)                                    \
	do {                                                                       \
		for (unsigned lane_ = 0; lane_ < VEC_LANES; lane_++)               \
			(pointers)[lane_] = (lanes)[(j)*VEC_LANES + lane_] member; \
	} while (0)

#define RCON_NEXT(r) (1 << ((r) / 2 - 1)) /* of the even round key r */

/* w, w+x, w+x+y, w+x+y+z of the four words. */
static TARGET_IN vec words_accumulate(vec x)
{
	x = VEC_XOR(x, VEC_SHIFT_UP(x, 4));
	return VEC_XOR(x, VEC_SHIFT_UP(x, 8));
}

/* The round key two after 'older', on even rounds: RotWord, SubWord and the round constant.
 * The last word stands in all columns, so the last round's ShiftRows moves nothing. */
static TARGET_IN vec key_even(vec older, vec newer, int rcon)
{
	const vec rotated = VEC_SET_WORDS(0x0c0f0e0d);
	vec sums = VEC_XOR(words_accumulate(older), VEC_SET_WORDS(rcon));

	return VEC_ENC_LAST(VEC_SHUFFLE_OCTETS(newer, rotated), sums);
}

static TARGET_IN vec key_odd(vec older, vec newer)
{
	return VEC_ENC_LAST(VEC_SHUFFLE_WORDS(newer, 0xff), words_accumulate(older));
}

/* Round keys 'first' and 'first' + 1 of column 'j', from the two before them. */
static TARGET_IN void column_extend(struct lanes_batch *batch, unsigned j, unsigned first)
{
	vec low = key_even(batch->keys[first - 2][j], batch->keys[first - 1][j], RCON_NEXT(first));

	batch->keys[first][j] = low;
	batch->keys[first + 1][j] = key_odd(batch->keys[first - 1][j], low);
}

/* The expansion in three parts of like size, for the wrap to hide between its steps.
 * spec: FIPS 197 §5.2 */
static TARGET_IN void column_expand_start(struct lanes_batch *batch, unsigned j, vec low, vec high)
{
	batch->keys[0][j] = low;
	batch->keys[1][j] = high;
	column_extend(batch, j, 2);
	column_extend(batch, j, 4);
}

static TARGET_IN void column_expand_middle(struct lanes_batch *batch, unsigned j)
{
	column_extend(batch, j, 6);
	column_extend(batch, j, 8);
	column_extend(batch, j, 10);
}

static TARGET_IN void column_expand_end(struct lanes_batch *batch, unsigned j)
{
	column_extend(batch, j, 12);
	batch->keys[14][j] =
		key_even(batch->keys[12][j], batch->keys[13][j], RCON_NEXT(FK_AES_256_ROUNDS));
}

static TARGET_IN void column_fold(struct lanes_batch *batch, unsigned j)
{
	batch->keys[14][j] = VEC_XOR(batch->keys[14][j], batch->keys[0][j]);
}

static TARGET_IN void column_expand(struct lanes_batch *batch, unsigned j, vec low, vec high)
{
	column_expand_start(batch, j, low, high);
	column_expand_middle(batch, j);
	column_expand_end(batch, j);
}

/* All rounds but the whitening and the last. The last round's key stays with the caller. */
static TARGET_IN void rounds_encrypt(vec s[VECS], const vec (*keys)[VECS])
{
	for (unsigned r = 1; r < FK_AES_256_ROUNDS; r++)
		for (unsigned j = 0; j < VECS; j++)
			s[j] = VEC_ENC(s[j], keys[r][j]);
}

static TARGET_IN void rounds_decrypt(vec s[VECS], const vec (*keys)[VECS])
{
	for (unsigned r = 1; r < FK_AES_256_ROUNDS; r++)
		for (unsigned j = 0; j < VECS; j++)
			s[j] = VEC_DEC(s[j], keys[r][j]);
}

/* Turns a column of the encryption schedule into one of the equivalent inverse cipher.
 * spec: FIPS 197 §5.3.5 */
static TARGET_IN void column_invert(struct lanes_batch *batch, unsigned j)
{
	for (unsigned r = 0; r < 7; r++) {
		vec x = batch->keys[r][j], y = batch->keys[14 - r][j];

		batch->keys[r][j] = r == 0 ? y : VEC_UNMIX(y);
		batch->keys[14 - r][j] = r == 0 ? x : VEC_UNMIX(x);
	}
	batch->keys[7][j] = VEC_UNMIX(batch->keys[7][j]);
}

static TARGET_IN vec counter(unsigned t)
{
	return VEC_SET_LOWER((uint64_t)t << 56);
}

/* Makes column 'j' ready to be wrapped, in three parts. */
static TARGET_IN void wrap_ready_start(struct lanes_batch *batch, unsigned j,
				       const struct fk_wrap_lane *lanes)
{
	const uint8_t *keks[VEC_LANES];

	LANES_POINT(keks, lanes, j, .kek);
	column_expand_start(batch, j, VEC_GATHER(keks, 0), VEC_GATHER(keks, 16));
}

static TARGET_IN void wrap_ready_end(struct lanes_batch *batch, unsigned j,
				     const struct fk_wrap_lane *lanes, const uint8_t *initial)
{
	const uint8_t *keys[VEC_LANES];
	vec k = batch->keys[0][j], r12, r34, r1;

	LANES_POINT(keys, lanes, j, .key);
	r12 = VEC_GATHER(keys, 0);
	r34 = VEC_GATHER(keys, 16);
	r1 = VEC_XOR(VEC_SHIFT_UP(r12, 8), k);
	column_expand_end(batch, j);
	column_fold(batch, j);
	batch->halves[0][j] = r1;
	batch->halves[1][j] = VEC_XOR(r12, k);
	batch->halves[2][j] = VEC_XOR(VEC_SHIFT_UP(r34, 8), k);
	batch->halves[3][j] = VEC_XOR(r34, k);
	batch->states[j] = VEC_LOWER_UPPER(VEC_XOR(VEC_LOAD(initial + j * sizeof(vec)), k), r1);
}

static TARGET_IN void wrap_step(struct lanes_batch *batch, vec s[VECS], unsigned t)
{
	vec *half = batch->halves[(t - 1) % 4];
	const vec *next = batch->halves[t % 4];
	vec c = counter(t);

	rounds_encrypt(s, batch->keys);
	for (unsigned j = 0; j < VECS; j++) {
		vec x = VEC_ENC_LAST(s[j], VEC_XOR(batch->keys[14][j], c));

		half[j] = x;
		s[j] = VEC_LOWER_UPPER(x, next[j]);
	}
}

/*
 * Walks one batch, and makes 'next' (or NULL) ready on the way: the steps fill the AES unit, the
 * expansion of the next keys fits in beside them.
 * spec: RFC 3394 §2.2.1
 */
static FK_NOINLINE TARGET void batch_wrap(struct lanes_batch *batch,
					  const struct fk_wrap_lane *lanes,
					  struct lanes_batch *next,
					  const struct fk_wrap_lane *next_lanes,
					  const uint8_t *initial)
{
	vec s[VECS];

	for (unsigned j = 0; j < VECS; j++)
		s[j] = batch->states[j];
	static_assert(FK_KW_STEPS == 3 * VECS, "three steps for each column of the next batch");
	for (unsigned j = 0; j < VECS; j++) {
		wrap_step(batch, s, 3 * j + 1);
		if (next != NULL)
			wrap_ready_start(next, j, next_lanes);
		wrap_step(batch, s, 3 * j + 2);
		if (next != NULL)
			column_expand_middle(next, j);
		wrap_step(batch, s, 3 * j + 3);
		if (next != NULL)
			wrap_ready_end(next, j, next_lanes, initial);
	}
	for (unsigned j = 0; j < VECS; j++) {
		uint8_t *wrapped[VEC_LANES];
		vec k = batch->keys[0][j];
		vec r2 = VEC_XOR(batch->halves[1][j], k), r3 = VEC_XOR(batch->halves[2][j], k);

		LANES_POINT(wrapped, lanes, j, .wrapped);
		/* The state is A of the last step beside R1: the first 16 octets as they stand. */
		VEC_SCATTER(wrapped, 0, VEC_XOR(s[j], k));
		VEC_SCATTER(wrapped, 16, VEC_UPPERS(r2, r3));
		VEC_SCATTER_UPPER(wrapped, 32, VEC_XOR(batch->halves[3][j], k));
	}
}

static FK_NOINLINE TARGET void batch_wrap_ready(struct lanes_batch *batch,
						const struct fk_wrap_lane *lanes,
						const uint8_t *initial)
{
	for (unsigned j = 0; j < VECS; j++) {
		wrap_ready_start(batch, j, lanes);
		column_expand_middle(batch, j);
		wrap_ready_end(batch, j, lanes, initial);
	}
}

static void initial_set(struct lanes_work *work, const uint64_t *ivs, uint32_t n)
{
	for (uint32_t i = 0; i < LANES; i++) {
		uint64_t iv = __builtin_bswap64(ivs == NULL ? FK_KW_IV : ivs[i < n ? i : 0]);

		memcpy(work->initial[i], &iv, sizeof(iv));
	}
}

/* A batch of 'n' lanes as it stands in the burst, or filled up in 'padded' if it is short: then
 * the first lane is repeated and its repeats' outputs go to 'unused_octets'. */
static const struct fk_wrap_lane *wrap_lanes(const struct fk_wrap_lane *lanes, uint32_t n,
					     struct fk_wrap_lane *padded, uint8_t *unused_octets)
{
	if (n >= LANES)
		return lanes;
	for (uint32_t i = 0; i < LANES; i++) {
		padded[i] = lanes[i < n ? i : 0];
		if (i >= n)
			padded[i].wrapped = unused_octets;
	}
	return padded;
}

static void kernel_wrap(void *kernel_work, const struct fk_wrap_lane *lanes, const uint64_t *ivs,
			uint32_t n)
{
	struct lanes_work *work = kernel_work;
	struct fk_wrap_lane padded[LANES];
	const struct fk_wrap_lane *batch_lanes, *next_lanes;
	const uint8_t *initial = work->initial[0];

	assert(n <= FK_CRYPTO_BURST_MAX);
	if (n == 0)
		return;
	initial_set(work, ivs, n);
	next_lanes = wrap_lanes(lanes, n, padded, work->unused);
	batch_wrap_ready(&work->batches[0], next_lanes, initial);
	for (uint32_t first = 0; first < n; first += LANES) {
		uint32_t after = first + LANES, side = first / LANES % 2;
		struct lanes_batch *next = NULL;

		batch_lanes = next_lanes;
		if (after < n) {
			if (ivs != NULL)
				initial_set(work, ivs + after, n - after);
			next_lanes = wrap_lanes(lanes + after, n - after, padded, work->unused);
			next = &work->batches[1 - side];
		}
		batch_wrap(&work->batches[side], batch_lanes, next, next_lanes, initial);
	}
	fk_wipe(work->batches, n > LANES ? sizeof(work->batches) : sizeof(work->batches[0]));
	fk_wipe(work->initial, sizeof(work->initial));
	fk_wipe(work->unused, sizeof(work->unused));
	fk_residue_wipe();
}

static void engine_wrap(struct fk_crypto_scratch *scratch, const struct fk_wrap_lane *lanes,
			uint32_t n)
{
	kernel_wrap(scratch->octets, lanes, NULL, n);
}

static TARGET_IN void unwrap_step(struct lanes_batch *batch, vec s[VECS], unsigned t)
{
	vec *half = batch->halves[(t + 3) % 4];
	const vec *next = batch->halves[(t + 2) % 4];
	vec c = counter(t - 1);

	rounds_decrypt(s, batch->keys);
	for (unsigned j = 0; j < VECS; j++) {
		vec x = VEC_DEC_LAST(s[j], VEC_XOR(batch->keys[14][j], c));

		half[j] = x;
		s[j] = VEC_LOWER_UPPER(x, next[j]);
	}
}

static TARGET_IN void unwrap_ready(struct lanes_batch *batch, unsigned j,
				   const struct fk_unwrap_lane *lanes)
{
	const uint8_t *keks[VEC_LANES], *wrapped[VEC_LANES];
	vec k, first, r23;

	LANES_POINT(keks, lanes, j, .kek);
	LANES_POINT(wrapped, lanes, j, .wrapped);
	column_expand(batch, j, VEC_GATHER(keks, 0), VEC_GATHER(keks, 16));
	column_invert(batch, j);
	column_fold(batch, j);
	k = batch->keys[0][j];
	first = VEC_XOR(VEC_GATHER(wrapped, 0), k); /* A beside R1 */
	r23 = VEC_GATHER(wrapped, 16);
	batch->halves[0][j] = first;
	batch->halves[1][j] = VEC_XOR(VEC_SHIFT_UP(r23, 8), k);
	batch->halves[2][j] = VEC_XOR(r23, k);
	batch->halves[3][j] = VEC_XOR(VEC_GATHER_UPPER(wrapped, 32), k);
	batch->states[j] =
		VEC_LOWER_UPPER(VEC_XOR(first, counter(FK_KW_STEPS)), batch->halves[3][j]);
}

/* Writes the keys of one batch and says which lanes were authentic, a bit each. Keys of the others
 * become zeros by a mask, not by a branch. spec: RFC 3394 §2.2.2 */
static FK_NOINLINE TARGET uint32_t batch_unwrap(struct lanes_batch *batch,
						const struct fk_unwrap_lane *lanes)
{
	vec s[VECS];
	uint32_t right = 0;

	for (unsigned j = 0; j < VECS; j++)
		unwrap_ready(batch, j, lanes);
	for (unsigned j = 0; j < VECS; j++)
		s[j] = batch->states[j];
	for (unsigned t = FK_KW_STEPS; t >= 1; t--)
		unwrap_step(batch, s, t);
	for (unsigned j = 0; j < VECS; j++) {
		uint8_t *keys[VEC_LANES];
		vec k = batch->keys[0][j], k_upper = VEC_UPPERS(k, k);
		vec ok = VEC_EQUAL_LOWER(VEC_XOR(s[j], k), VEC_SET_LOWER(FK_KW_IV));
		vec r12 = VEC_UPPERS(batch->halves[0][j], batch->halves[1][j]);
		vec r34 = VEC_UPPERS(batch->halves[2][j], batch->halves[3][j]);

		LANES_POINT(keys, lanes, j, .key);
		VEC_SCATTER(keys, 0, VEC_AND(VEC_XOR(r12, k_upper), ok));
		VEC_SCATTER(keys, 16, VEC_AND(VEC_XOR(r34, k_upper), ok));
		right |= VEC_LANE_BITS(ok) << (j * VEC_LANES);
	}
	return right;
}

static void engine_unwrap(struct fk_crypto_scratch *scratch, struct fk_unwrap_lane *lanes,
			  uint32_t n)
{
	struct lanes_work *work = (struct lanes_work *)scratch->octets;
	struct fk_unwrap_lane padded[LANES];

	assert(n <= FK_CRYPTO_BURST_MAX);
	if (n == 0)
		return;
	for (uint32_t first = 0; first < n; first += LANES) {
		uint32_t left = n - first;
		const struct fk_unwrap_lane *batch_lanes = lanes + first;
		uint32_t right;

		for (uint32_t i = 0; i < LANES && left < LANES; i++) {
			padded[i] = lanes[first + (i < left ? i : 0)];
			if (i >= left)
				padded[i].key = work->unused;
			batch_lanes = padded;
		}
		right = batch_unwrap(&work->batches[0], batch_lanes);
		for (uint32_t i = 0; i < LANES && i < left; i++)
			lanes[first + i].ok = (uint8_t)(right >> i & 1);
	}
	fk_wipe(&work->batches[0], sizeof(work->batches[0]));
	fk_wipe(work->unused, sizeof(work->unused));
	fk_residue_wipe();
}

/* Encrypts one block per lane, whitened already; the result is whitened for the next one. */
static TARGET_IN void states_encrypt(const struct lanes_batch *batch, vec s[VECS])
{
	rounds_encrypt(s, batch->keys);
	for (unsigned j = 0; j < VECS; j++)
		s[j] = VEC_ENC_LAST(s[j], batch->keys[14][j]);
}

static FK_NOINLINE TARGET void batch_cbc_ready(struct lanes_batch *batch, struct fk_cbc_batch *cbc,
					       uint32_t first)
{
	for (unsigned j = 0; j < VECS; j++) {
		const uint8_t *keys[VEC_LANES];

		LANES_POINT(keys, cbc->keys + first, j, );
		column_expand(batch, j, VEC_GATHER(keys, 0), VEC_GATHER(keys, 16));
		column_fold(batch, j);
	}
}

static FK_NOINLINE TARGET void batch_cbc_zeros(const struct lanes_batch *batch,
					       struct fk_cbc_batch *cbc, uint32_t first)
{
	vec s[VECS];

	for (unsigned j = 0; j < VECS; j++)
		s[j] = batch->keys[0][j];
	states_encrypt(batch, s);
	for (unsigned j = 0; j < VECS; j++)
		VEC_STORE(cbc->zero_blocks[first + j * VEC_LANES],
			  VEC_XOR(s[j], batch->keys[0][j]));
}

static FK_NOINLINE TARGET void batch_cbc(const struct lanes_batch *batch, struct fk_cbc_batch *cbc,
					 uint32_t first)
{
	vec s[VECS];

	for (unsigned j = 0; j < VECS; j++)
		s[j] = batch->keys[0][j];
	for (uint32_t b = 0; b < cbc->n_blocks; b++) {
		uint8_t(*blocks)[FK_AES_BLOCK] = cbc->blocks[b] + first;

		for (unsigned j = 0; j < VECS; j++)
			s[j] = VEC_XOR(s[j], VEC_LOAD(blocks[j * VEC_LANES]));
		states_encrypt(batch, s);
		for (unsigned j = 0; j < VECS; j++)
			VEC_STORE(blocks[j * VEC_LANES], VEC_XOR(s[j], batch->keys[0][j]));
	}
}

/* fk_mac_burst() wipes what this leaves. */
static void kernel_cbc(void *kernel_work, struct fk_cbc_batch *cbc)
{
	struct lanes_work *work = kernel_work;
	struct lanes_batch *batch = &work->batches[0];

	for (uint32_t first = 0; first < cbc->n_lanes; first += LANES) {
		batch_cbc_ready(batch, cbc, first);
		if (cbc->has_cmac) {
			batch_cbc_zeros(batch, cbc, first);
			fk_cbc_finish_blocks(cbc, first, LANES);
		}
		batch_cbc(batch, cbc, first);
	}
}

static const struct fk_aes_kernel kernel = {
	.wrap = kernel_wrap,
	.cbc = kernel_cbc,
	.cbc_work_size = sizeof(struct lanes_batch),
	.hmac = fk_hmac_fastest,
};

static void engine_mac(struct fk_crypto_scratch *scratch, struct fk_mac_lane *lanes, uint32_t n)
{
	fk_mac_burst(&kernel, scratch, lanes, n);
}

static void engine_outer(struct fk_crypto_scratch *scratch, const struct fk_outer_lane *lanes,
			 uint32_t n)
{
	fk_outer_burst(&kernel, scratch, lanes, n);
}

/* One key for all: it stands in column 0. */
static FK_NOINLINE TARGET void batch_ecb_ready(struct lanes_batch *batch, const uint8_t *key)
{
	const uint8_t *keys[VEC_LANES];

	for (unsigned i = 0; i < VEC_LANES; i++)
		keys[i] = key;
	column_expand(batch, 0, VEC_GATHER(keys, 0), VEC_GATHER(keys, 16));
}

static FK_NOINLINE TARGET void batch_ecb(const struct lanes_batch *batch,
					 uint8_t (*blocks)[FK_AES_BLOCK])
{
	vec s[VECS];

	for (unsigned j = 0; j < VECS; j++)
		s[j] = VEC_XOR(VEC_LOAD(blocks[j * VEC_LANES]), batch->keys[0][0]);
	for (unsigned r = 1; r < FK_AES_256_ROUNDS; r++)
		for (unsigned j = 0; j < VECS; j++)
			s[j] = VEC_ENC(s[j], batch->keys[r][0]);
	for (unsigned j = 0; j < VECS; j++)
		VEC_STORE(blocks[j * VEC_LANES], VEC_ENC_LAST(s[j], batch->keys[14][0]));
}

static void engine_ecb(struct fk_crypto_scratch *scratch, const uint8_t key[static 32],
		       const uint8_t (*in)[16], uint8_t (*out)[16], uint32_t n)
{
	struct lanes_work *work = (struct lanes_work *)scratch->octets;
	struct lanes_batch *batch = &work->batches[0];

	assert(n <= FK_CRYPTO_BURST_MAX);
	if (n == 0)
		return;
	batch_ecb_ready(batch, key);
	for (uint32_t first = 0; first < n; first += LANES) {
		uint32_t take = n - first < LANES ? n - first : LANES;

		memcpy(work->blocks, in[first], take * FK_AES_BLOCK);
		batch_ecb(batch, work->blocks);
		memcpy(out[first], work->blocks, take * FK_AES_BLOCK);
	}
	for (unsigned r = 0; r <= FK_AES_256_ROUNDS; r++)
		fk_wipe(&batch->keys[r][0], sizeof(vec));
	fk_wipe(work->blocks, sizeof(work->blocks));
	fk_residue_wipe();
}

const struct fk_crypto_engine ENGINE = {
	.name = ENGINE_NAME,
	.n_lanes = LANES,
	.is_supported = IS_SUPPORTED,
	.wrap = engine_wrap,
	.unwrap = engine_unwrap,
	.mac = engine_mac,
	.outer = engine_outer,
	.ecb = engine_ecb,
};
