/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lanes_x86.h - the AES kernel of an x86 engine, written once for two register widths.
 *
 * Not an interface: aesni.c and vaes.c include it after defining
 *
 *   ENGINE, ENGINE_NAME, IS_SUPPORTED   the engine's symbol, its name, its CPU test
 *   TARGET                              the function attribute that turns the instructions on
 *   vec, VEC_LANES                      a register and the UEs whose blocks stand in it: 1 or 2
 *   VEC_*                               the instructions, named below as they are used
 *   VECS_CLEAR                          wipes the registers
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

struct lanes_work {
	vec keys[FK_AES_256_ROUNDS + 1][VECS]; /* round-major; the last one is folded */
	vec halves[4][VECS];		       /* R1..R4 in the upper halves, whitened */
	vec states[VECS];
	uint8_t initial[LANES][FK_AES_BLOCK]; /* initial values, in the lower halves */
	uint8_t blocks[LANES][FK_AES_BLOCK];  /* ECB's short bursts */
	uint8_t unused[FK_WRAPPED_SIZE_MAX];  /* outputs of lanes that nobody asked for */
};
static_assert(sizeof(struct lanes_work) <= FK_KERNEL_WORK_MAX, "the kernel's part holds it");

/* Pointers of one batch. Lanes beyond the burst repeat the first one into work->unused. */
struct lanes_io {
	const uint8_t *keks[LANES];
	const uint8_t *inputs[LANES];
	uint8_t *outputs[LANES];
};

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

/* Expands one register's keys into column 'j'. spec: FIPS 197 §5.2 */
static TARGET_IN void column_expand(struct lanes_work *work, unsigned j, vec low, vec high)
{
	work->keys[0][j] = low;
	work->keys[1][j] = high;
#define ROUND_PAIR(r)                            \
	low = key_even(low, high, RCON_NEXT(r)); \
	work->keys[r][j] = low;                  \
	high = key_odd(high, low);               \
	work->keys[(r) + 1][j] = high
	ROUND_PAIR(2);
	ROUND_PAIR(4);
	ROUND_PAIR(6);
	ROUND_PAIR(8);
	ROUND_PAIR(10);
	ROUND_PAIR(12);
#undef ROUND_PAIR
	work->keys[14][j] = key_even(low, high, RCON_NEXT(14));
}

static TARGET void keys_expand(struct lanes_work *work, const uint8_t *const *keks)
{
	for (unsigned j = 0; j < VECS; j++)
		column_expand(work, j, VEC_GATHER(keks + j * VEC_LANES, 0),
			      VEC_GATHER(keks + j * VEC_LANES, 16));
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

static TARGET void keys_fold(struct lanes_work *work)
{
	for (unsigned j = 0; j < VECS; j++)
		work->keys[14][j] = VEC_XOR(work->keys[14][j], work->keys[0][j]);
}

/* Turns an encryption schedule into that of the equivalent inverse cipher.
 * spec: FIPS 197 §5.3.5 */
static TARGET void keys_invert(struct lanes_work *work)
{
	for (unsigned j = 0; j < VECS; j++) {
		for (unsigned r = 0; r < 7; r++) {
			vec x = work->keys[r][j], y = work->keys[14 - r][j];

			work->keys[r][j] = r == 0 ? y : VEC_UNMIX(y);
			work->keys[14 - r][j] = r == 0 ? x : VEC_UNMIX(x);
		}
		work->keys[7][j] = VEC_UNMIX(work->keys[7][j]);
	}
}

static TARGET_IN vec counter(unsigned t)
{
	return VEC_SET_LOWER((uint64_t)t << 56);
}

/* Octets 0..31 of the lanes' keys, as whitened upper halves. */
static TARGET void halves_load(struct lanes_work *work, const uint8_t *const *inputs,
			       unsigned offset)
{
	for (unsigned j = 0; j < VECS; j++) {
		vec k = work->keys[0][j];
		vec r12 = VEC_GATHER(inputs + j * VEC_LANES, offset);
		vec r34 = VEC_GATHER(inputs + j * VEC_LANES, offset + 16);

		work->halves[0][j] = VEC_XOR(VEC_SHIFT_UP(r12, 8), k);
		work->halves[1][j] = VEC_XOR(r12, k);
		work->halves[2][j] = VEC_XOR(VEC_SHIFT_UP(r34, 8), k);
		work->halves[3][j] = VEC_XOR(r34, k);
	}
}

/* spec: RFC 3394 §2.2.1 */
static TARGET void batch_wrap(struct lanes_work *work, const struct lanes_io *io)
{
	vec s[VECS];

	keys_expand(work, io->keks);
	keys_fold(work);
	halves_load(work, io->inputs, 0);
	for (unsigned j = 0; j < VECS; j++) {
		vec a = VEC_XOR(VEC_LOAD(work->initial[j * VEC_LANES]), work->keys[0][j]);

		s[j] = VEC_LOWER_UPPER(a, work->halves[0][j]);
	}
	for (unsigned t = 1; t <= FK_KW_STEPS; t++) {
		vec *half = work->halves[(t - 1) % 4];
		const vec *next = work->halves[t % 4];
		vec c = counter(t);

		rounds_encrypt(s, work->keys);
		for (unsigned j = 0; j < VECS; j++) {
			vec x = VEC_ENC_LAST(s[j], VEC_XOR(work->keys[14][j], c));

			half[j] = x;
			s[j] = VEC_LOWER_UPPER(x, next[j]);
		}
	}
	for (unsigned j = 0; j < VECS; j++) {
		vec k = work->keys[0][j];
		vec r2 = VEC_XOR(work->halves[1][j], k), r3 = VEC_XOR(work->halves[2][j], k);
		uint8_t *const *out = io->outputs + j * VEC_LANES;

		/* The state is A of the last step beside R1: the first 16 octets as they stand. */
		VEC_SCATTER(out, 0, VEC_XOR(s[j], k));
		VEC_SCATTER(out, 16, VEC_UPPERS(r2, r3));
		VEC_SCATTER_UPPER(out, 32, VEC_XOR(work->halves[3][j], k));
	}
}

/* Fills the pointers of one batch from a burst. */
#define LANES_IO(io, lanes, n, unused_octets, in, out)                                 \
	do {                                                                           \
		for (unsigned i_ = 0; i_ < LANES; i_++) {                              \
			const bool used_ = i_ < (n);                                   \
			const unsigned from_ = used_ ? i_ : 0;                         \
			(io)->keks[i_] = (lanes)[from_].kek;                           \
			(io)->inputs[i_] = (lanes)[from_].in;                          \
			(io)->outputs[i_] = used_ ? (lanes)[i_].out : (unused_octets); \
		}                                                                      \
	} while (0)

static void initial_set(struct lanes_work *work, const uint64_t *ivs, unsigned n)
{
	for (unsigned i = 0; i < LANES; i++) {
		uint64_t iv = __builtin_bswap64(ivs == NULL ? FK_KW_IV : ivs[i < n ? i : 0]);

		memcpy(work->initial[i], &iv, sizeof(iv));
	}
}

static TARGET void kernel_wrap(void *kernel_work, const struct fk_wrap_lane *lanes,
			       const uint64_t *ivs, uint32_t n)
{
	struct lanes_work *work = kernel_work;

	assert(n <= FK_CRYPTO_BURST_MAX);
	for (uint32_t first = 0; first < n; first += LANES) {
		struct lanes_io io;

		LANES_IO(&io, lanes + first, n - first, work->unused, key, wrapped);
		if (first == 0 || ivs != NULL)
			initial_set(work, ivs == NULL ? NULL : ivs + first, n - first);
		batch_wrap(work, &io);
	}
	if (n > 0)
		fk_wipe(work, sizeof(*work));
	VECS_CLEAR();
	fk_stack_wipe();
}

static void engine_wrap(struct fk_crypto_scratch *scratch, const struct fk_wrap_lane *lanes,
			uint32_t n)
{
	kernel_wrap(scratch->octets, lanes, NULL, n);
}

/* Writes the keys of one batch and says which lanes were authentic, a bit each.
 * spec: RFC 3394 §2.2.2 */
static TARGET uint32_t batch_unwrap(struct lanes_work *work, const struct lanes_io *io)
{
	vec s[VECS];
	uint32_t right = 0;

	keys_expand(work, io->keks);
	keys_invert(work);
	keys_fold(work);
	for (unsigned j = 0; j < VECS; j++) {
		vec k = work->keys[0][j];
		const uint8_t *const *in = io->inputs + j * VEC_LANES;
		vec first = VEC_XOR(VEC_GATHER(in, 0), k); /* A beside R1 */
		vec r23 = VEC_GATHER(in, 16);

		work->halves[0][j] = first;
		work->halves[1][j] = VEC_XOR(VEC_SHIFT_UP(r23, 8), k);
		work->halves[2][j] = VEC_XOR(r23, k);
		work->halves[3][j] = VEC_XOR(VEC_GATHER_UPPER(in, 32), k);
		s[j] = VEC_LOWER_UPPER(VEC_XOR(first, counter(FK_KW_STEPS)), work->halves[3][j]);
	}
	for (unsigned t = FK_KW_STEPS; t >= 1; t--) {
		vec *half = work->halves[(t + 3) % 4];
		const vec *next = work->halves[(t + 2) % 4];
		vec c = counter(t - 1);

		rounds_decrypt(s, work->keys);
		for (unsigned j = 0; j < VECS; j++) {
			vec x = VEC_DEC_LAST(s[j], VEC_XOR(work->keys[14][j], c));

			half[j] = x;
			s[j] = VEC_LOWER_UPPER(x, next[j]);
		}
	}
	for (unsigned j = 0; j < VECS; j++) {
		vec k = work->keys[0][j];
		vec a = VEC_XOR(s[j], k);
		vec ok =
			VEC_EQUAL_LOWER(a, VEC_SET_LOWER(FK_KW_IV)); /* ones or zeros, whole lane */
		vec r12 = VEC_UPPERS(work->halves[0][j], work->halves[1][j]);
		vec r34 = VEC_UPPERS(work->halves[2][j], work->halves[3][j]);
		vec k_upper = VEC_UPPERS(k, k);
		uint8_t *const *out = io->outputs + j * VEC_LANES;

		VEC_SCATTER(out, 0, VEC_AND(VEC_XOR(r12, k_upper), ok));
		VEC_SCATTER(out, 16, VEC_AND(VEC_XOR(r34, k_upper), ok));
		right |= VEC_LANE_BITS(ok) << (j * VEC_LANES);
	}
	return right;
}

static TARGET void engine_unwrap(struct fk_crypto_scratch *scratch, struct fk_unwrap_lane *lanes,
				 uint32_t n)
{
	struct lanes_work *work = (struct lanes_work *)scratch->octets;

	assert(n <= FK_CRYPTO_BURST_MAX);
	for (uint32_t first = 0; first < n; first += LANES) {
		struct lanes_io io;
		uint32_t right;

		LANES_IO(&io, lanes + first, n - first, work->unused, wrapped, key);
		right = batch_unwrap(work, &io);
		for (uint32_t i = 0; i < LANES && first + i < n; i++)
			lanes[first + i].ok = (uint8_t)(right >> i & 1);
	}
	if (n > 0)
		fk_wipe(work, sizeof(*work));
	VECS_CLEAR();
	fk_stack_wipe();
}

/* Encrypts one register-load of blocks per lane that stands in 's', whitened already; the result
 * is whitened for the next one. */
static TARGET_IN void states_encrypt(struct lanes_work *work, vec s[VECS])
{
	rounds_encrypt(s, work->keys);
	for (unsigned j = 0; j < VECS; j++)
		s[j] = VEC_ENC_LAST(s[j], work->keys[14][j]);
}

static TARGET void batch_cbc(struct lanes_work *work, struct fk_cbc_batch *batch, uint32_t first)
{
	const uint8_t *keys[LANES];
	vec s[VECS];

	for (unsigned i = 0; i < LANES; i++)
		keys[i] = batch->keys[first + i];
	keys_expand(work, keys);
	keys_fold(work);
	for (unsigned j = 0; j < VECS; j++)
		s[j] = work->keys[0][j];
	states_encrypt(work, s);
	for (unsigned j = 0; j < VECS; j++)
		VEC_STORE(batch->zero_blocks[first + j * VEC_LANES],
			  VEC_XOR(s[j], work->keys[0][j]));
	fk_cbc_finish_blocks(batch, first, LANES);

	for (unsigned j = 0; j < VECS; j++)
		s[j] = work->keys[0][j];
	for (uint32_t b = 0; b < batch->n_blocks; b++) {
		for (unsigned j = 0; j < VECS; j++)
			s[j] = VEC_XOR(s[j], VEC_LOAD(batch->blocks[b][first + j * VEC_LANES]));
		states_encrypt(work, s);
		for (unsigned j = 0; j < VECS; j++)
			VEC_STORE(batch->blocks[b][first + j * VEC_LANES],
				  VEC_XOR(s[j], work->keys[0][j]));
	}
}

static TARGET void kernel_cbc(void *kernel_work, struct fk_cbc_batch *batch)
{
	struct lanes_work *work = kernel_work;

	for (uint32_t first = 0; first < batch->n_lanes; first += LANES)
		batch_cbc(work, batch, first);
	fk_wipe(work, sizeof(*work));
	VECS_CLEAR(); /* fk_mac_burst() wipes the stack */
}

static const struct fk_aes_kernel kernel = {
	.wrap = kernel_wrap,
	.cbc = kernel_cbc,
	.sha256 = fk_sha256_fastest,
};

static void engine_mac(struct fk_crypto_scratch *scratch, struct fk_mac_lane *lanes, uint32_t n)
{
	fk_mac_burst(&kernel, scratch, lanes, n);
}

/* Up to LANES blocks of work->blocks under the one key in column 0. */
static TARGET void batch_ecb(struct lanes_work *work)
{
	vec s[VECS];

	for (unsigned j = 0; j < VECS; j++)
		s[j] = VEC_XOR(VEC_LOAD(work->blocks[j * VEC_LANES]), work->keys[0][0]);
	for (unsigned r = 1; r < FK_AES_256_ROUNDS; r++)
		for (unsigned j = 0; j < VECS; j++)
			s[j] = VEC_ENC(s[j], work->keys[r][0]);
	for (unsigned j = 0; j < VECS; j++)
		VEC_STORE(work->blocks[j * VEC_LANES], VEC_ENC_LAST(s[j], work->keys[14][0]));
}

static TARGET void engine_ecb(struct fk_crypto_scratch *scratch, const uint8_t key[static 32],
			      const uint8_t (*in)[16], uint8_t (*out)[16], uint32_t n)
{
	struct lanes_work *work = (struct lanes_work *)scratch->octets;
	const uint8_t *keys[2] = {key, key};

	assert(n <= FK_CRYPTO_BURST_MAX);
	column_expand(work, 0, VEC_GATHER(keys, 0), VEC_GATHER(keys, 16));
	for (uint32_t first = 0; first < n; first += LANES) {
		uint32_t take = n - first < LANES ? n - first : LANES;

		memcpy(work->blocks, in[first], take * FK_AES_BLOCK);
		batch_ecb(work);
		memcpy(out[first], work->blocks, take * FK_AES_BLOCK);
	}
	for (unsigned r = 0; r <= FK_AES_256_ROUNDS; r++)
		fk_wipe(&work->keys[r][0], sizeof(vec));
	fk_wipe(work->blocks, sizeof(work->blocks));
	VECS_CLEAR();
	fk_stack_wipe();
}

const struct fk_crypto_engine ENGINE = {
	.name = ENGINE_NAME,
	.n_lanes = LANES,
	.is_supported = IS_SUPPORTED,
	.wrap = engine_wrap,
	.unwrap = engine_unwrap,
	.mac = engine_mac,
	.ecb = engine_ecb,
};
