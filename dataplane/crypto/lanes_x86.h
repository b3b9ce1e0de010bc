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
 * Code that a shape of key wrap decides takes the rounds of AES and the halves of a key as
 * constants and is inlined: each shape has loops of its own.
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
	vec halves[FK_KW_HALVES_MAX][VECS];    /* R1..R4 in the upper halves, whitened */
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

/* w, w+x, w+x+y, w+x+y+z of the four words. */
static TARGET_IN vec words_accumulate(vec x)
{
	x = VEC_XOR(x, VEC_SHIFT_UP(x, 4));
	return VEC_XOR(x, VEC_SHIFT_UP(x, 8));
}

/* The round key after 'newer', one cipher key after 'older', with RotWord, SubWord and the round
 * constant. The last word stands in all columns, so the last round's ShiftRows moves nothing. */
static TARGET_IN vec key_rotated(vec older, vec newer, int rcon)
{
	const vec rotated = VEC_SET_WORDS(0x0c0f0e0d);
	vec sums = VEC_XOR(words_accumulate(older), VEC_SET_WORDS(rcon));

	return VEC_ENC_LAST(VEC_SHUFFLE_OCTETS(newer, rotated), sums);
}

/* The same with SubWord alone: AES-256 has it on odd rounds. */
static TARGET_IN vec key_plain(vec older, vec newer)
{
	return VEC_ENC_LAST(VEC_SHUFFLE_WORDS(newer, 0xff), words_accumulate(older));
}

/* Round key 'r' of column 'j'. spec: FIPS 197 §5.2 */
static TARGET_IN void column_extend(struct lanes_batch *batch, unsigned j, unsigned r,
				    unsigned rounds)
{
	vec newer = batch->keys[r - 1][j];

	if (rounds == FK_AES_128_ROUNDS)
		batch->keys[r][j] =
			key_rotated(newer, newer, r < 9 ? 1 << (r - 1) : 0x1b << (r - 9));
	else if (r % 2 == 0)
		batch->keys[r][j] = key_rotated(batch->keys[r - 2][j], newer, 1 << (r / 2 - 1));
	else
		batch->keys[r][j] = key_plain(batch->keys[r - 2][j], newer);
}

static TARGET_IN void column_extend_range(struct lanes_batch *batch, unsigned j, unsigned first,
					  unsigned last, unsigned rounds)
{
	for (unsigned r = first; r <= last; r++)
		column_extend(batch, j, r, rounds);
}

/* The expansion in three parts of like size, for the wrap to hide between its steps. */
static TARGET_IN void column_expand_start(struct lanes_batch *batch, unsigned j,
					  const uint8_t *const keys[VEC_LANES], unsigned rounds)
{
	batch->keys[0][j] = VEC_GATHER(keys, 0);
	if (rounds == FK_AES_128_ROUNDS) {
		column_extend_range(batch, j, 1, 3, rounds);
	} else {
		batch->keys[1][j] = VEC_GATHER(keys, 16);
		column_extend_range(batch, j, 2, 5, rounds);
	}
}

static TARGET_IN void column_expand_middle(struct lanes_batch *batch, unsigned j, unsigned rounds)
{
	if (rounds == FK_AES_128_ROUNDS)
		column_extend_range(batch, j, 4, 7, rounds);
	else
		column_extend_range(batch, j, 6, 11, rounds);
}

static TARGET_IN void column_expand_end(struct lanes_batch *batch, unsigned j, unsigned rounds)
{
	column_extend_range(batch, j, rounds == FK_AES_128_ROUNDS ? 8 : 12, rounds, rounds);
}

static TARGET_IN void column_fold(struct lanes_batch *batch, unsigned j, unsigned rounds)
{
	batch->keys[rounds][j] = VEC_XOR(batch->keys[rounds][j], batch->keys[0][j]);
}

static TARGET_IN void column_expand(struct lanes_batch *batch, unsigned j,
				    const uint8_t *const keys[VEC_LANES], unsigned rounds)
{
	column_expand_start(batch, j, keys, rounds);
	column_expand_middle(batch, j, rounds);
	column_expand_end(batch, j, rounds);
}

/* All rounds but the whitening and the last. The last round's key stays with the caller. */
static TARGET_IN void rounds_encrypt(vec s[VECS], const vec (*keys)[VECS], unsigned rounds)
{
	for (unsigned r = 1; r < rounds; r++)
		for (unsigned j = 0; j < VECS; j++)
			s[j] = VEC_ENC(s[j], keys[r][j]);
}

static TARGET_IN void rounds_decrypt(vec s[VECS], const vec (*keys)[VECS], unsigned rounds)
{
	for (unsigned r = 1; r < rounds; r++)
		for (unsigned j = 0; j < VECS; j++)
			s[j] = VEC_DEC(s[j], keys[r][j]);
}

/* Turns a column of the encryption schedule into one of the equivalent inverse cipher.
 * spec: FIPS 197 §5.3.5 */
static TARGET_IN void column_invert(struct lanes_batch *batch, unsigned j, unsigned rounds)
{
	for (unsigned r = 0; r < rounds / 2; r++) {
		vec x = batch->keys[r][j], y = batch->keys[rounds - r][j];

		batch->keys[r][j] = r == 0 ? y : VEC_UNMIX(y);
		batch->keys[rounds - r][j] = r == 0 ? x : VEC_UNMIX(x);
	}
	batch->keys[rounds / 2][j] = VEC_UNMIX(batch->keys[rounds / 2][j]);
}

static TARGET_IN vec counter(unsigned t)
{
	return VEC_SET_LOWER((uint64_t)t << 56);
}

/* Makes column 'j' ready to be wrapped, in three parts. */
static TARGET_IN void wrap_ready_start(struct lanes_batch *batch, unsigned j,
				       const struct fk_wrap_lane *lanes, unsigned rounds)
{
	const uint8_t *keks[VEC_LANES];

	LANES_POINT(keks, lanes, j, .kek);
	column_expand_start(batch, j, keks, rounds);
}

static TARGET_IN void wrap_ready_end(struct lanes_batch *batch, unsigned j,
				     const struct fk_wrap_lane *lanes, const uint8_t *initial,
				     unsigned rounds, unsigned n_halves)
{
	const uint8_t *keys[VEC_LANES];
	vec k = batch->keys[0][j], start = VEC_XOR(VEC_LOAD(initial + j * sizeof(vec)), k);

	LANES_POINT(keys, lanes, j, .key);
	for (unsigned i = 0; i < n_halves; i += 2) {
		vec pair = VEC_GATHER(keys, 8 * i);

		batch->halves[i][j] = VEC_XOR(VEC_SHIFT_UP(pair, 8), k);
		batch->halves[i + 1][j] = VEC_XOR(pair, k);
	}
	column_expand_end(batch, j, rounds);
	column_fold(batch, j, rounds);
	batch->states[j] = VEC_LOWER_UPPER(start, batch->halves[0][j]);
}

static TARGET_IN void wrap_step(struct lanes_batch *batch, vec s[VECS], unsigned t, unsigned rounds,
				unsigned n_halves)
{
	vec *half = batch->halves[(t - 1) % n_halves];
	const vec *next = batch->halves[t % n_halves];
	vec c = counter(t);

	rounds_encrypt(s, batch->keys, rounds);
	for (unsigned j = 0; j < VECS; j++) {
		vec x = VEC_ENC_LAST(s[j], VEC_XOR(batch->keys[rounds][j], c));

		half[j] = x;
		s[j] = VEC_LOWER_UPPER(x, next[j]);
	}
}

/* Columns of the next batch that are made ready beside three steps: 1 or 2. */
#define COLUMNS_A_TURN(n_halves) (3 * VECS / FK_KW_STEPS(n_halves))
static_assert(COLUMNS_A_TURN(4) * FK_KW_STEPS(4) == 3 * VECS &&
		      COLUMNS_A_TURN(2) * FK_KW_STEPS(2) == 3 * VECS,
	      "the steps have room for all columns of the next batch");

/*
 * Walks one batch, and makes 'next' (or NULL) ready on the way: the steps fill the AES unit, the
 * expansion of the next keys fits in beside them.
 * spec: RFC 3394 §2.2.1
 */
static TARGET_IN void batch_wrap(struct lanes_batch *batch, const struct fk_wrap_lane *lanes,
				 struct lanes_batch *next, const struct fk_wrap_lane *next_lanes,
				 const uint8_t *initial, unsigned rounds, unsigned n_halves)
{
	const unsigned n_columns = COLUMNS_A_TURN(n_halves);
	vec s[VECS];

	for (unsigned j = 0; j < VECS; j++)
		s[j] = batch->states[j];
	for (unsigned j = 0; j < VECS; j += n_columns) {
		unsigned t = 3 * j / n_columns;

		wrap_step(batch, s, t + 1, rounds, n_halves);
		for (unsigned i = 0; i < n_columns && next != NULL; i++)
			wrap_ready_start(next, j + i, next_lanes, rounds);
		wrap_step(batch, s, t + 2, rounds, n_halves);
		for (unsigned i = 0; i < n_columns && next != NULL; i++)
			column_expand_middle(next, j + i, rounds);
		wrap_step(batch, s, t + 3, rounds, n_halves);
		for (unsigned i = 0; i < n_columns && next != NULL; i++)
			wrap_ready_end(next, j + i, next_lanes, initial, rounds, n_halves);
	}
	for (unsigned j = 0; j < VECS; j++) {
		uint8_t *wrapped[VEC_LANES];
		vec k = batch->keys[0][j];

		LANES_POINT(wrapped, lanes, j, .wrapped);
		/* The state is A of the last step beside R1: the first 16 octets as they stand. */
		VEC_SCATTER(wrapped, 0, VEC_XOR(s[j], k));
		if (n_halves == 4) {
			vec r2 = VEC_XOR(batch->halves[1][j], k);

			VEC_SCATTER(wrapped, 16, VEC_UPPERS(r2, VEC_XOR(batch->halves[2][j], k)));
		}
		VEC_SCATTER_UPPER(wrapped, 8 * n_halves,
				  VEC_XOR(batch->halves[n_halves - 1][j], k));
	}
}

static TARGET_IN void batch_wrap_ready(struct lanes_batch *batch, const struct fk_wrap_lane *lanes,
				       const uint8_t *initial, unsigned rounds, unsigned n_halves)
{
	for (unsigned j = 0; j < VECS; j++) {
		wrap_ready_start(batch, j, lanes, rounds);
		column_expand_middle(batch, j, rounds);
		wrap_ready_end(batch, j, lanes, initial, rounds, n_halves);
	}
}

static TARGET_IN void unwrap_step(struct lanes_batch *batch, vec s[VECS], unsigned t,
				  unsigned rounds, unsigned n_halves)
{
	vec *half = batch->halves[(t - 1) % n_halves];
	const vec *next = batch->halves[(t + n_halves - 2) % n_halves];
	vec c = counter(t - 1);

	rounds_decrypt(s, batch->keys, rounds);
	for (unsigned j = 0; j < VECS; j++) {
		vec x = VEC_DEC_LAST(s[j], VEC_XOR(batch->keys[rounds][j], c));

		half[j] = x;
		s[j] = VEC_LOWER_UPPER(x, next[j]);
	}
}

static TARGET_IN void unwrap_ready(struct lanes_batch *batch, unsigned j,
				   const struct fk_unwrap_lane *lanes, unsigned rounds,
				   unsigned n_halves)
{
	const uint8_t *keks[VEC_LANES], *wrapped[VEC_LANES];
	vec k, first;

	LANES_POINT(keks, lanes, j, .kek);
	LANES_POINT(wrapped, lanes, j, .wrapped);
	column_expand(batch, j, keks, rounds);
	column_invert(batch, j, rounds);
	column_fold(batch, j, rounds);
	k = batch->keys[0][j];
	first = VEC_XOR(VEC_GATHER(wrapped, 0), k); /* A beside R1 */
	batch->halves[0][j] = first;
	if (n_halves == 4) {
		vec r23 = VEC_GATHER(wrapped, 16);

		batch->halves[1][j] = VEC_XOR(VEC_SHIFT_UP(r23, 8), k);
		batch->halves[2][j] = VEC_XOR(r23, k);
	}
	batch->halves[n_halves - 1][j] = VEC_XOR(VEC_GATHER_UPPER(wrapped, 8 * n_halves), k);
	batch->states[j] = VEC_LOWER_UPPER(VEC_XOR(first, counter(FK_KW_STEPS(n_halves))),
					   batch->halves[n_halves - 1][j]);
}

/* Writes the keys of one batch and says which lanes were authentic, a bit each. Keys of the others
 * become zeros by a mask, not by a branch. spec: RFC 3394 §2.2.2 */
static TARGET_IN uint32_t batch_unwrap(struct lanes_batch *batch,
				       const struct fk_unwrap_lane *lanes, unsigned rounds,
				       unsigned n_halves)
{
	vec s[VECS];
	uint32_t right = 0;

	for (unsigned j = 0; j < VECS; j++)
		unwrap_ready(batch, j, lanes, rounds, n_halves);
	for (unsigned j = 0; j < VECS; j++)
		s[j] = batch->states[j];
	for (unsigned t = FK_KW_STEPS(n_halves); t >= 1; t--)
		unwrap_step(batch, s, t, rounds, n_halves);
	for (unsigned j = 0; j < VECS; j++) {
		uint8_t *keys[VEC_LANES];
		vec k = batch->keys[0][j], k_upper = VEC_UPPERS(k, k);
		vec ok = VEC_EQUAL_LOWER(VEC_XOR(s[j], k), VEC_SET_LOWER(FK_KW_IV));

		LANES_POINT(keys, lanes, j, .key);
		for (unsigned i = 0; i < n_halves; i += 2) {
			vec pair = VEC_UPPERS(batch->halves[i][j], batch->halves[i + 1][j]);

			VEC_SCATTER(keys, 8 * i, VEC_AND(VEC_XOR(pair, k_upper), ok));
		}
		right |= VEC_LANE_BITS(ok) << (j * VEC_LANES);
	}
	return right;
}

/* What a shape of key wrap has of its own. */
struct lanes_shape {
	void (*ready)(struct lanes_batch *batch, const struct fk_wrap_lane *lanes,
		      const uint8_t *initial);
	void (*wrap)(struct lanes_batch *batch, const struct fk_wrap_lane *lanes,
		     struct lanes_batch *next, const struct fk_wrap_lane *next_lanes,
		     const uint8_t *initial);
	uint32_t (*unwrap)(struct lanes_batch *batch, const struct fk_unwrap_lane *lanes);
};

/* One shape's functions, with its constants written in. */
#define SHAPE(name, rounds, n_halves)                                                        \
	static FK_NOINLINE TARGET void ready_##name(struct lanes_batch *batch,               \
						    const struct fk_wrap_lane *lanes,        \
						    const uint8_t *initial)                  \
	{                                                                                    \
		batch_wrap_ready(batch, lanes, initial, rounds, n_halves);                   \
	}                                                                                    \
	static FK_NOINLINE TARGET void wrap_##name(                                          \
		struct lanes_batch *batch, const struct fk_wrap_lane *lanes,                 \
		struct lanes_batch *next, const struct fk_wrap_lane *next_lanes,             \
		const uint8_t *initial)                                                      \
	{                                                                                    \
		batch_wrap(batch, lanes, next, next_lanes, initial, rounds, n_halves);       \
	}                                                                                    \
	static FK_NOINLINE TARGET uint32_t unwrap_##name(struct lanes_batch *batch,          \
							 const struct fk_unwrap_lane *lanes) \
	{                                                                                    \
		return batch_unwrap(batch, lanes, rounds, n_halves);                         \
	}

SHAPE(256_under_256, FK_AES_256_ROUNDS, 4)
SHAPE(128_under_128, FK_AES_128_ROUNDS, 2)
SHAPE(128_under_256, FK_AES_256_ROUNDS, 2)
SHAPE(256_under_128, FK_AES_128_ROUNDS, 4)

static const struct lanes_shape shapes[FK_N_WRAP_SHAPES] = {
	[FK_WRAP_256_UNDER_256] = {ready_256_under_256, wrap_256_under_256, unwrap_256_under_256},
	[FK_WRAP_128_UNDER_128] = {ready_128_under_128, wrap_128_under_128, unwrap_128_under_128},
	[FK_WRAP_128_UNDER_256] = {ready_128_under_256, wrap_128_under_256, unwrap_128_under_256},
	[FK_WRAP_256_UNDER_128] = {ready_256_under_128, wrap_256_under_128, unwrap_256_under_128},
};

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

static void kernel_wrap(void *kernel_work, enum fk_wrap_shape shape,
			const struct fk_wrap_lane *lanes, const uint64_t *ivs, uint32_t n)
{
	const struct lanes_shape *s = &shapes[shape];
	struct lanes_work *work = kernel_work;
	struct fk_wrap_lane padded[LANES];
	const struct fk_wrap_lane *batch_lanes, *next_lanes;
	const uint8_t *initial = work->initial[0];

	assert(n <= FK_CRYPTO_BURST_MAX);
	if (n == 0)
		return;
	initial_set(work, ivs, n);
	next_lanes = wrap_lanes(lanes, n, padded, work->unused);
	s->ready(&work->batches[0], next_lanes, initial);
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
		s->wrap(&work->batches[side], batch_lanes, next, next_lanes, initial);
	}
	fk_wipe(work->batches, n > LANES ? sizeof(work->batches) : sizeof(work->batches[0]));
	fk_wipe(work->initial, sizeof(work->initial));
	fk_wipe(work->unused, sizeof(work->unused));
	fk_residue_wipe();
}

static void engine_wrap(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
			const struct fk_wrap_lane *lanes, uint32_t n)
{
	kernel_wrap(scratch->octets, shape, lanes, NULL, n);
}

static void engine_unwrap(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
			  struct fk_unwrap_lane *lanes, uint32_t n)
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
		right = shapes[shape].unwrap(&work->batches[0], batch_lanes);
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
	rounds_encrypt(s, batch->keys, FK_AES_256_ROUNDS);
	for (unsigned j = 0; j < VECS; j++)
		s[j] = VEC_ENC_LAST(s[j], batch->keys[FK_AES_256_ROUNDS][j]);
}

static FK_NOINLINE TARGET void batch_cbc_ready(struct lanes_batch *batch, struct fk_cbc_batch *cbc,
					       uint32_t first)
{
	for (unsigned j = 0; j < VECS; j++) {
		const uint8_t *keys[VEC_LANES];

		LANES_POINT(keys, cbc->keys + first, j, );
		column_expand(batch, j, keys, FK_AES_256_ROUNDS);
		column_fold(batch, j, FK_AES_256_ROUNDS);
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
	column_expand(batch, 0, keys, FK_AES_256_ROUNDS);
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
		VEC_STORE(blocks[j * VEC_LANES],
			  VEC_ENC_LAST(s[j], batch->keys[FK_AES_256_ROUNDS][0]));
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
