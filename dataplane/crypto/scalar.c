/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The portable engine: bitsliced AES, 64 lanes in the bits of a word.
 *
 * One word holds one bit of one octet position for every lane, so ShiftRows is a choice of names,
 * MixColumns a handful of XORs, and no address or branch depends on a key. It is the fall-back and
 * the reference for the vector engines, so it shares no AES code with them.
 */
#include "aes_kernel.h"
#include "sbox_sliced.h"

#define LANES 64

struct sliced_octet {
	uint64_t bit[8];
};

struct sliced_block {
	struct sliced_octet octet[FK_AES_BLOCK];
};

struct scalar_work {
	struct sliced_block keys[FK_AES_256_ROUNDS + 1];
	struct sliced_block state, spare;
	struct sliced_octet halves[FK_KW_HALVES_MAX][8]; /* R1..R4 of the key wrap */
	uint32_t n_rounds;
};
static_assert(sizeof(struct scalar_work) <= FK_KERNEL_WORK_MAX, "the kernel's part holds it");
static_assert(LANES == FK_CRYPTO_BURST_MAX, "one step serves a whole burst");

static inline void octet_xor(struct sliced_octet *to, const struct sliced_octet *from)
{
	for (int i = 0; i < 8; i++)
		to->bit[i] ^= from->bit[i];
}

/* Gives one lane's octet to the slice, and takes it back. */
static inline void octet_set(struct sliced_octet *to, uint32_t lane, uint8_t value)
{
	for (int i = 0; i < 8; i++) {
		uint64_t bit = (uint64_t)(value >> i & 1) << lane;

		to->bit[i] = (to->bit[i] & ~(1ull << lane)) | bit;
	}
}

static inline uint8_t octet_get(const struct sliced_octet *from, uint32_t lane)
{
	uint32_t value = 0;

	for (int i = 0; i < 8; i++)
		value |= (uint32_t)(from->bit[i] >> lane & 1) << i;
	return (uint8_t)value;
}

static FK_NOINLINE void octets_set(struct sliced_octet *to, uint32_t lane, const uint8_t *from,
				   uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		octet_set(&to[i], lane, from[i]);
}

static FK_NOINLINE void octets_get(const struct sliced_octet *from, uint32_t lane, uint8_t *to,
				   uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		to[i] = octet_get(&from[i], lane);
}

/* XORs one public octet into every lane. */
static void octet_xor_all(struct sliced_octet *to, uint8_t value)
{
	for (int i = 0; i < 8; i++)
		to->bit[i] ^= 0 - (uint64_t)(value >> i & 1);
}

/* Multiplies by x in the AES field. */
static inline struct sliced_octet octet_double(const struct sliced_octet *a)
{
	uint64_t top = a->bit[7];

	return (struct sliced_octet){.bit = {top, a->bit[0] ^ top, a->bit[1], a->bit[2] ^ top,
					     a->bit[3] ^ top, a->bit[4], a->bit[5], a->bit[6]}};
}

static void block_xor(struct sliced_block *to, const struct sliced_block *from)
{
	for (int i = 0; i < FK_AES_BLOCK; i++)
		octet_xor(&to->octet[i], &from->octet[i]);
}

/* keys[0], and with AES-256 keys[1] too, hold the cipher keys of all lanes. spec: FIPS 197 §5.2 */
static FK_NOINLINE void expand(struct scalar_work *work, uint32_t n_rounds)
{
	uint32_t n_own = n_rounds == FK_AES_128_ROUNDS ? 1 : 2; /* round keys in a cipher key */
	uint8_t rcon = 1;

	work->n_rounds = n_rounds;
	for (uint32_t r = n_own; r <= n_rounds; r++) {
		const struct sliced_block *older = &work->keys[r - n_own];
		const struct sliced_block *newer = &work->keys[r - 1];
		struct sliced_block *next = &work->keys[r];
		bool starts = r % n_own == 0; /* a new cipher key: RotWord and the constant */

		for (uint32_t i = 0; i < 4; i++) {
			struct sliced_octet x = newer->octet[12 + (starts ? (i + 1) % 4 : i)];

			fk_sbox_sliced(x.bit);
			octet_xor(&x, &older->octet[i]);
			next->octet[i] = x;
		}
		if (starts) {
			octet_xor_all(&next->octet[0], rcon);
			rcon = (uint8_t)(rcon << 1 ^ (rcon >> 7) * 0x1b);
		}
		for (uint32_t i = 4; i < FK_AES_BLOCK; i++) {
			next->octet[i] = older->octet[i];
			octet_xor(&next->octet[i], &next->octet[i - 4]);
		}
	}
}

/* Octet 'row' of column 'column' after ShiftRows, or after its inverse. */
static inline int shifted(int column, int row)
{
	return 4 * ((column + row) % 4) + row;
}

static inline int unshifted(int column, int row)
{
	return 4 * ((column - row + 4) % 4) + row;
}

static inline void mix_column(struct sliced_octet *out, const struct sliced_octet in[4])
{
	struct sliced_octet all = in[0];

	for (int i = 1; i < 4; i++)
		octet_xor(&all, &in[i]);
	for (int i = 0; i < 4; i++) {
		struct sliced_octet pair = in[i];

		octet_xor(&pair, &in[(i + 1) % 4]);
		out[i] = octet_double(&pair);
		octet_xor(&out[i], &all);
		octet_xor(&out[i], &in[i]);
	}
}

/* The inverse is MixColumns after adding 4 (a0 + a2) and 4 (a1 + a3) to the octets of each pair. */
static inline void unmix_column(struct sliced_octet *out, struct sliced_octet in[4])
{
	for (int i = 0; i < 2; i++) {
		struct sliced_octet x = in[i];

		octet_xor(&x, &in[i + 2]);
		x = octet_double(&x);
		x = octet_double(&x);
		octet_xor(&in[i], &x);
		octet_xor(&in[i + 2], &x);
	}
	mix_column(out, in);
}

/* spec: FIPS 197 §5.1 */
static FK_NOINLINE void encrypt(struct scalar_work *work)
{
	struct sliced_block *s = &work->state, *t = &work->spare;

	block_xor(s, &work->keys[0]);
	for (uint32_t r = 1; r <= work->n_rounds; r++) {
		for (int i = 0; i < FK_AES_BLOCK; i++)
			fk_sbox_sliced(s->octet[i].bit);
		for (int c = 0; c < 4; c++) {
			struct sliced_octet in[4];

			for (int row = 0; row < 4; row++)
				in[row] = s->octet[shifted(c, row)];
			if (r < work->n_rounds)
				mix_column(&t->octet[4 * c], in);
			else
				memcpy(&t->octet[4 * c], in, sizeof(in));
		}
		*s = *t;
		block_xor(s, &work->keys[r]);
	}
}

/* spec: FIPS 197 §5.3 */
static FK_NOINLINE void decrypt(struct scalar_work *work)
{
	struct sliced_block *s = &work->state, *t = &work->spare;

	block_xor(s, &work->keys[work->n_rounds]);
	for (int r = (int)work->n_rounds - 1; r >= 0; r--) {
		for (int c = 0; c < 4; c++)
			for (int row = 0; row < 4; row++)
				t->octet[4 * c + row] = s->octet[unshifted(c, row)];
		for (int i = 0; i < FK_AES_BLOCK; i++)
			fk_sbox_sliced_inverse(t->octet[i].bit);
		block_xor(t, &work->keys[r]);
		for (int c = 0; c < 4 && r > 0; c++)
			unmix_column(&s->octet[4 * c], &t->octet[4 * c]);
		if (r == 0)
			*s = *t;
	}
}

static void key_set(struct scalar_work *work, uint32_t lane, const uint8_t *key, uint32_t size)
{
	octets_set(work->keys[0].octet, lane, key, FK_AES_BLOCK);
	if (size > FK_AES_BLOCK)
		octets_set(work->keys[1].octet, lane, key + FK_AES_BLOCK, FK_AES_BLOCK);
}

static uint32_t rounds_of(uint32_t key_size)
{
	return key_size == 16 ? FK_AES_128_ROUNDS : FK_AES_256_ROUNDS;
}

static void work_wipe(struct scalar_work *work)
{
	fk_wipe(work, sizeof(*work));
	fk_residue_wipe();
}

/* spec: RFC 3394 §2.2.1 */
static void kernel_wrap(void *kernel_work, enum fk_wrap_shape shape,
			const struct fk_wrap_lane *lanes, const uint64_t *ivs, uint32_t n)
{
	uint32_t kek_size = fk_wrap_kek_size(shape), n_halves = fk_wrap_key_size(shape) / 8;
	struct scalar_work *work = kernel_work;

	assert(n <= LANES);
	memset(work, 0, sizeof(*work));
	for (uint32_t l = 0; l < n; l++) {
		uint64_t iv = __builtin_bswap64(ivs == NULL ? FK_KW_IV : ivs[l]);
		uint8_t a[8];

		memcpy(a, &iv, sizeof(a));
		key_set(work, l, lanes[l].kek, kek_size);
		octets_set(work->state.octet, l, a, 8);
		for (uint32_t i = 0; i < n_halves; i++)
			octets_set(work->halves[i], l, lanes[l].key + 8 * i, 8);
	}
	expand(work, rounds_of(kek_size));
	for (uint32_t t = 1; t <= FK_KW_STEPS(n_halves); t++) {
		struct sliced_octet *half = work->halves[(t - 1) % n_halves];

		memcpy(&work->state.octet[8], half, sizeof(work->halves[0]));
		encrypt(work);
		memcpy(half, &work->state.octet[8], sizeof(work->halves[0]));
		octet_xor_all(&work->state.octet[7], (uint8_t)t);
	}
	for (uint32_t l = 0; l < n; l++) {
		octets_get(work->state.octet, l, lanes[l].wrapped, 8);
		for (uint32_t i = 0; i < n_halves; i++)
			octets_get(work->halves[i], l, lanes[l].wrapped + 8 + 8 * i, 8);
	}
	work_wipe(work);
}

static void scalar_wrap(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
			const struct fk_wrap_lane *lanes, uint32_t n)
{
	kernel_wrap(scratch->octets, shape, lanes, NULL, n);
}

/* One bit per lane: 1 where the initial value is right. */
static uint64_t iv_is_right(const struct sliced_octet *a)
{
	uint64_t wrong = 0;

	for (int i = 0; i < 8; i++) {
		struct sliced_octet x = a[i];

		octet_xor_all(&x, (uint8_t)FK_KW_IV);
		for (int b = 0; b < 8; b++)
			wrong |= x.bit[b];
	}
	return ~wrong;
}

/* spec: RFC 3394 §2.2.2 */
static void scalar_unwrap(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
			  struct fk_unwrap_lane *lanes, uint32_t n)
{
	uint32_t kek_size = fk_wrap_kek_size(shape), n_halves = fk_wrap_key_size(shape) / 8;
	struct scalar_work *work = (struct scalar_work *)scratch->octets;
	uint64_t right;

	assert(n <= LANES);
	memset(work, 0, sizeof(*work));
	for (uint32_t l = 0; l < n; l++) {
		key_set(work, l, lanes[l].kek, kek_size);
		octets_set(work->state.octet, l, lanes[l].wrapped, 8);
		for (uint32_t i = 0; i < n_halves; i++)
			octets_set(work->halves[i], l, lanes[l].wrapped + 8 + 8 * i, 8);
	}
	expand(work, rounds_of(kek_size));
	for (uint32_t t = FK_KW_STEPS(n_halves); t >= 1; t--) {
		struct sliced_octet *half = work->halves[(t - 1) % n_halves];

		octet_xor_all(&work->state.octet[7], (uint8_t)t);
		memcpy(&work->state.octet[8], half, sizeof(work->halves[0]));
		decrypt(work);
		memcpy(half, &work->state.octet[8], sizeof(work->halves[0]));
	}
	right = iv_is_right(work->state.octet);
	for (uint32_t i = 0; i < n_halves; i++)
		for (int j = 0; j < 8; j++)
			for (int b = 0; b < 8; b++)
				work->halves[i][j].bit[b] &= right;
	for (uint32_t l = 0; l < n; l++) {
		for (uint32_t i = 0; i < n_halves; i++)
			octets_get(work->halves[i], l, lanes[l].key + 8 * i, 8);
		lanes[l].ok = (uint8_t)(right >> l & 1);
	}
	work_wipe(work);
}

static void kernel_cbc(void *kernel_work, struct fk_cbc_batch *batch)
{
	struct scalar_work *work = kernel_work;

	memset(work, 0, sizeof(*work));
	for (uint32_t l = 0; l < batch->n_lanes; l++)
		key_set(work, l, batch->keys[l], 32);
	expand(work, FK_AES_256_ROUNDS);
	if (batch->has_cmac) {
		encrypt(work);
		for (uint32_t l = 0; l < batch->n_lanes; l++)
			octets_get(work->state.octet, l, batch->zero_blocks[l], FK_AES_BLOCK);
		fk_cbc_finish_blocks(batch, 0, batch->n_lanes);
		memset(&work->state, 0, sizeof(work->state));
	}
	for (uint32_t b = 0; b < batch->n_blocks; b++) {
		for (uint32_t l = 0; l < batch->n_lanes; l++)
			octets_set(work->spare.octet, l, batch->blocks[b][l], FK_AES_BLOCK);
		block_xor(&work->state, &work->spare);
		encrypt(work);
		for (uint32_t l = 0; l < batch->n_lanes; l++)
			octets_get(work->state.octet, l, batch->blocks[b][l], FK_AES_BLOCK);
	}
}

static void scalar_ecb(struct fk_crypto_scratch *scratch, const uint8_t key[static 32],
		       const uint8_t (*in)[16], uint8_t (*out)[16], uint32_t n)
{
	struct scalar_work *work = (struct scalar_work *)scratch->octets;

	assert(n <= LANES);
	memset(work, 0, sizeof(*work));
	for (uint32_t l = 0; l < n; l++) {
		key_set(work, l, key, 32);
		octets_set(work->state.octet, l, in[l], FK_AES_BLOCK);
	}
	expand(work, FK_AES_256_ROUNDS);
	encrypt(work);
	for (uint32_t l = 0; l < n; l++)
		octets_get(work->state.octet, l, out[l], FK_AES_BLOCK);
	work_wipe(work);
}

static fk_hmac_fn hmac_portable(void)
{
	return fk_hmac_portable;
}

static const struct fk_aes_kernel kernel = {
	.wrap = kernel_wrap,
	.cbc = kernel_cbc,
	.cbc_work_size = sizeof(struct scalar_work),
	.hmac = hmac_portable,
};

static void scalar_mac(struct fk_crypto_scratch *scratch, struct fk_mac_lane *lanes, uint32_t n)
{
	fk_mac_burst(&kernel, scratch, lanes, n);
}

static void scalar_outer(struct fk_crypto_scratch *scratch, const struct fk_outer_lane *lanes,
			 uint32_t n)
{
	fk_outer_burst(&kernel, scratch, lanes, n);
}

static int scalar_is_supported(void)
{
	return 1;
}

const struct fk_crypto_engine fk_engine_scalar = {
	.name = "scalar",
	.n_lanes = LANES,
	.is_supported = scalar_is_supported,
	.wrap = scalar_wrap,
	.unwrap = scalar_unwrap,
	.mac = scalar_mac,
	.outer = scalar_outer,
	.ecb = scalar_ecb,
};
