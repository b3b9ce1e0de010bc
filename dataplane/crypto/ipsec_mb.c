/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine on Intel's multi-buffer library, which picks its own instructions: for CPUs that it
 * serves better than we do, and as a second opinion on our own kernels.
 *
 * Its ECB never mixes keys across lanes, its CBC does. A step of the key wrap is therefore a CBC
 * job of one block in every lane, with the step's counter as initial value: CBC's XOR comes just
 * where RFC 3394 wants A ^ t.
 *
 * The library keeps its state in a manager of 200 KiB, which no two threads may share. A thread's
 * manager is mapped, locked and kept out of core dumps by open(), or else by the thread's first
 * burst; it goes with the thread. Keys come to stand in the caller's scratch alone: a manager holds
 * pointers to them and running cipher blocks.
 */
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <sys/mman.h>

#include "aes_kernel.h"
#include "cpu.h"

#define LANES	      FK_CRYPTO_BURST_MAX
#define SCHEDULE_SIZE (16 * (FK_AES_256_ROUNDS + 1)) /* octets */
#define UNWRAP_LANES  32			     /* both schedules of more do not fit */

/* What one thread owns. The manager stands behind it in the same mapping. */
struct thread_state {
	IMB_MGR *manager;
	size_t mapped_size;
	IMB_JOB jobs[LANES];
};

struct imb_work {
	union {
		struct {
			uint8_t encrypt[LANES][SCHEDULE_SIZE];
			uint8_t unused[SCHEDULE_SIZE];
		};
		struct {
			uint8_t pairs[UNWRAP_LANES][2][SCHEDULE_SIZE]; /* unwrap: both ways */
		};
		struct {
			uint8_t cbc_encrypt[FK_CBC_LANES][SCHEDULE_SIZE];
			uint8_t cbc_unused[SCHEDULE_SIZE];
			uint8_t messages[FK_CBC_LANES][FK_CBC_BLOCKS_MAX][FK_AES_BLOCK];
		};
	};
	uint8_t blocks[LANES][FK_AES_BLOCK]; /* A and the half in turn */
	uint8_t ivs[LANES][FK_AES_BLOCK];
	uint8_t halves[LANES][FK_KW_HALVES_MAX][8];
} __attribute__((aligned(16)));
static_assert(sizeof(struct imb_work) <= FK_KERNEL_WORK_MAX, "the kernel's part holds it");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t end_of_thread;
static _Thread_local struct thread_state *own_state;

static void state_free(void *memory)
{
	struct thread_state *state = memory;
	size_t size = state->mapped_size;

	fk_wipe(state, size);
	munmap(state, size);
}

static void key_create(void)
{
	int failed = pthread_key_create(&end_of_thread, state_free);

	assert(!failed);
	(void)failed;
}

static struct thread_state *state_new(void)
{
	size_t head_size = (sizeof(struct thread_state) + 63) / 64 * 64;
	size_t size = head_size + imb_get_mb_mgr_size();
	struct thread_state *state =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (state == MAP_FAILED)
		return NULL;
	/* Locked if the limit allows it: no key stands here. */
	(void)mlock(state, size);
	(void)madvise(state, size, MADV_DONTDUMP);
	state->mapped_size = size;
	state->manager = imb_set_pointers_mb_mgr((uint8_t *)state + head_size, 0, 1);
	init_mb_mgr_auto(state->manager, NULL);
	pthread_once(&once, key_create);
	if (imb_get_errno(state->manager) != 0 || pthread_setspecific(end_of_thread, state) != 0) {
		munmap(state, size);
		return NULL;
	}
	return state;
}

static enum fk_err imb_open(void)
{
	if (own_state == NULL)
		own_state = state_new();
	return own_state == NULL ? FK_ENOMEM : FK_OK;
}

static struct thread_state *state_get(void)
{
	enum fk_err err = imb_open();

	assert(err == FK_OK); /* a thread that wants to know beforehand calls fk_engine_open() */
	(void)err;
	return own_state;
}

/* Both schedules of a KEK of 16 or 32 octets. */
static void expand(struct thread_state *state, const uint8_t *key, uint32_t key_size,
		   uint8_t *encrypt, uint8_t *decrypt)
{
	if (key_size == 16)
		IMB_AES_KEYEXP_128(state->manager, key, encrypt, decrypt);
	else
		IMB_AES_KEYEXP_256(state->manager, key, encrypt, decrypt);
}

/* CBC of 'size' octets in place, under a key of 'key_size' octets. */
static void job_set(IMB_JOB *job, const uint8_t *schedule, uint32_t key_size, uint8_t *octets,
		    uint32_t size, const uint8_t *iv)
{
	*job = (IMB_JOB){
		.enc_keys = schedule,
		.dec_keys = schedule,
		.key_len_in_bytes = key_size,
		.src = octets,
		.dst = octets,
		.msg_len_to_cipher_in_bytes = size,
		.iv = iv,
		.iv_len_in_bytes = FK_AES_BLOCK,
		.cipher_mode = IMB_CIPHER_CBC,
		.cipher_direction = IMB_DIR_ENCRYPT,
		.hash_alg = IMB_AUTH_NULL,
		.chain_order = IMB_ORDER_CIPHER_HASH,
	};
}

static void jobs_run(struct thread_state *state, uint32_t n, IMB_CIPHER_DIRECTION direction,
		     uint32_t key_size)
{
	uint32_t done =
		IMB_SUBMIT_CIPHER_BURST_NOCHECK(state->manager, state->jobs, n, IMB_CIPHER_CBC,
						direction, (IMB_KEY_SIZE_BYTES)key_size);

	assert(done == n);
	(void)done;
}

static void work_wipe(struct imb_work *work)
{
	fk_wipe(work, sizeof(*work));
	fk_residue_wipe_deep();
}

/* spec: RFC 3394 §2.2.1 */
static void kernel_wrap(void *kernel_work, enum fk_wrap_shape shape,
			const struct fk_wrap_lane *lanes, const uint64_t *ivs, uint32_t n)
{
	uint32_t kek_size = fk_wrap_kek_size(shape), key_size = fk_wrap_key_size(shape);
	uint32_t n_halves = key_size / 8, n_steps = FK_KW_STEPS(n_halves);
	struct thread_state *state = state_get();
	struct imb_work *work = kernel_work;

	assert(n <= LANES);
	memset(work->ivs, 0, sizeof(work->ivs));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t iv = __builtin_bswap64(ivs == NULL ? FK_KW_IV : ivs[i]);

		expand(state, lanes[i].kek, kek_size, work->encrypt[i], work->unused);
		memcpy(work->halves[i], lanes[i].key, key_size);
		memcpy(work->blocks[i], &iv, sizeof(iv));
		job_set(&state->jobs[i], work->encrypt[i], kek_size, work->blocks[i], FK_AES_BLOCK,
			work->ivs[i]);
	}
	for (uint32_t t = 1; t <= n_steps; t++) {
		for (uint32_t i = 0; i < n; i++) {
			memcpy(work->blocks[i] + 8, work->halves[i][(t - 1) % n_halves], 8);
			work->ivs[i][7] =
				(uint8_t)(t - 1); /* of the step before, not of the first */
		}
		jobs_run(state, n, IMB_DIR_ENCRYPT, kek_size);
		for (uint32_t i = 0; i < n; i++)
			memcpy(work->halves[i][(t - 1) % n_halves], work->blocks[i] + 8, 8);
	}
	for (uint32_t i = 0; i < n; i++) {
		work->blocks[i][7] ^= (uint8_t)n_steps;
		memcpy(lanes[i].wrapped, work->blocks[i], 8);
		memcpy(lanes[i].wrapped + 8, work->halves[i], key_size);
	}
	work_wipe(work);
}

static void imb_wrap(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
		     const struct fk_wrap_lane *lanes, uint32_t n)
{
	kernel_wrap(scratch->octets, shape, lanes, NULL, n);
}

/* spec: RFC 3394 §2.2.2 */
static void unwrap_group(struct thread_state *state, struct imb_work *work,
			 enum fk_wrap_shape shape, struct fk_unwrap_lane *lanes, uint32_t n)
{
	uint32_t kek_size = fk_wrap_kek_size(shape), key_size = fk_wrap_key_size(shape);
	uint32_t n_halves = key_size / 8;

	memset(work->ivs[0], 0, sizeof(work->ivs[0]));
	for (uint32_t i = 0; i < n; i++) {
		expand(state, lanes[i].kek, kek_size, work->pairs[i][0], work->pairs[i][1]);
		memcpy(work->blocks[i], lanes[i].wrapped, 8);
		memcpy(work->halves[i], lanes[i].wrapped + 8, key_size);
		job_set(&state->jobs[i], work->pairs[i][1], kek_size, work->blocks[i], FK_AES_BLOCK,
			work->ivs[0]);
		state->jobs[i].cipher_direction = IMB_DIR_DECRYPT;
	}
	for (uint32_t t = FK_KW_STEPS(n_halves); t >= 1; t--) {
		for (uint32_t i = 0; i < n; i++) {
			work->blocks[i][7] ^= (uint8_t)t;
			memcpy(work->blocks[i] + 8, work->halves[i][(t - 1) % n_halves], 8);
		}
		jobs_run(state, n, IMB_DIR_DECRYPT, kek_size);
		for (uint32_t i = 0; i < n; i++)
			memcpy(work->halves[i][(t - 1) % n_halves], work->blocks[i] + 8, 8);
	}
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t iv = __builtin_bswap64(FK_KW_IV);
		uint8_t ok = fk_ct_equal(work->blocks[i], &iv, sizeof(iv));

		for (uint32_t b = 0; b < key_size; b++) /* by a mask, not by a branch */
			lanes[i].key[b] = work->halves[i][b / 8][b % 8] & (uint8_t)-ok;
		lanes[i].ok = ok;
	}
}

static void imb_unwrap(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
		       struct fk_unwrap_lane *lanes, uint32_t n)
{
	struct imb_work *work = (struct imb_work *)scratch->octets;
	struct thread_state *state = state_get();

	assert(n <= LANES);
	for (uint32_t first = 0; first < n; first += UNWRAP_LANES)
		unwrap_group(state, work, shape, lanes + first,
			     n - first < UNWRAP_LANES ? n - first : UNWRAP_LANES);
	work_wipe(work);
}

/* The zero block is a message of one block of zeros. */
static void cbc_zeros(struct thread_state *state, struct imb_work *work, struct fk_cbc_batch *batch)
{
	memset(batch->zero_blocks, 0, sizeof(batch->zero_blocks));
	for (uint32_t i = 0; i < batch->n_lanes; i++)
		job_set(&state->jobs[i], work->cbc_encrypt[i], IMB_KEY_256_BYTES,
			batch->zero_blocks[i], FK_AES_BLOCK, work->ivs[0]);
	jobs_run(state, batch->n_lanes, IMB_DIR_ENCRYPT, IMB_KEY_256_BYTES);
	fk_cbc_finish_blocks(batch, 0, batch->n_lanes);
}

/* The library wants a lane's blocks one behind the other. */
static void kernel_cbc(void *kernel_work, struct fk_cbc_batch *batch)
{
	struct thread_state *state = state_get();
	struct imb_work *work = kernel_work;

	memset(work->ivs[0], 0, sizeof(work->ivs[0]));
	for (uint32_t i = 0; i < batch->n_lanes; i++)
		IMB_AES_KEYEXP_256(state->manager, batch->keys[i], work->cbc_encrypt[i],
				   work->cbc_unused);
	if (batch->has_cmac)
		cbc_zeros(state, work, batch);
	for (uint32_t i = 0; i < batch->n_lanes; i++) {
		for (uint32_t b = 0; b < batch->lane_blocks[i]; b++)
			memcpy(work->messages[i][b], batch->blocks[b][i], FK_AES_BLOCK);
		job_set(&state->jobs[i], work->cbc_encrypt[i], IMB_KEY_256_BYTES,
			work->messages[i][0], FK_AES_BLOCK * (uint32_t)batch->lane_blocks[i],
			work->ivs[0]);
	}
	jobs_run(state, batch->n_lanes, IMB_DIR_ENCRYPT, IMB_KEY_256_BYTES);
	for (uint32_t i = 0; i < batch->n_lanes; i++)
		for (uint32_t b = 0; b < batch->lane_blocks[i]; b++)
			memcpy(batch->blocks[b][i], work->messages[i][b], FK_AES_BLOCK);
}

/* HMAC jobs of the library take more than twice as long as our own (bench/mac.c has both). */
static const struct fk_aes_kernel kernel = {
	.wrap = kernel_wrap,
	.cbc = kernel_cbc,
	.cbc_work_size = sizeof(struct imb_work),
	.hmac = fk_hmac_fastest,
};

static void imb_mac(struct fk_crypto_scratch *scratch, struct fk_mac_lane *lanes, uint32_t n)
{
	fk_mac_burst(&kernel, scratch, lanes, n);
	fk_residue_wipe_deep();
}

static void imb_outer(struct fk_crypto_scratch *scratch, const struct fk_outer_lane *lanes,
		      uint32_t n)
{
	fk_outer_burst(&kernel, scratch, lanes, n);
	fk_residue_wipe_deep();
}

/* One key, so blocks may as well be messages of one block. */
static void imb_ecb(struct fk_crypto_scratch *scratch, const uint8_t key[static 32],
		    const uint8_t (*in)[16], uint8_t (*out)[16], uint32_t n)
{
	struct imb_work *work = (struct imb_work *)scratch->octets;
	struct thread_state *state = state_get();

	assert(n <= LANES);
	memset(work->ivs[0], 0, sizeof(work->ivs[0]));
	IMB_AES_KEYEXP_256(state->manager, key, work->encrypt[0], work->unused);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(work->blocks[i], in[i], FK_AES_BLOCK);
		job_set(&state->jobs[i], work->encrypt[0], IMB_KEY_256_BYTES, work->blocks[i],
			FK_AES_BLOCK, work->ivs[0]);
	}
	jobs_run(state, n, IMB_DIR_ENCRYPT, IMB_KEY_256_BYTES);
	for (uint32_t i = 0; i < n; i++)
		memcpy(out[i], work->blocks[i], FK_AES_BLOCK);
	work_wipe(work);
}

static int imb_is_supported(void)
{
	return fk_cpu_has_aes();
}

const struct fk_crypto_engine fk_engine_ipsec_mb = {
	.name = "ipsec_mb",
	.n_lanes = LANES,
	.is_supported = imb_is_supported,
	.open = imb_open,
	.wrap = imb_wrap,
	.unwrap = imb_unwrap,
	.mac = imb_mac,
	.outer = imb_outer,
	.ecb = imb_ecb,
};
