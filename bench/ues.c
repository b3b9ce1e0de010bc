/* SPDX-License-Identifier: Apache-2.0 */
#include "ues.h"

#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/cpu.h"

#define CHAINS 8 /* as many as latency over throughput, at least */
#define ROUNDS 4096

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

struct fk_bench_walk fk_bench_ues_new(uint32_t n)
{
	size_t size = n * sizeof(struct fk_bench_ue);
	uint64_t seed = n, *words;
	struct fk_bench_ue *ues =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ues == MAP_FAILED) {
		fprintf(stderr, "bench: no memory for %u UEs\n", n);
		exit(1);
	}
	(void)madvise(ues, size, MADV_HUGEPAGE); /* helps, and is not promised */
	words = (uint64_t *)ues;
	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = next_random(&seed);
	return (struct fk_bench_walk){.ues = ues, .n = n};
}

const struct fk_bench_ue *fk_bench_ues_next(struct fk_bench_walk *walk)
{
	const struct fk_bench_ue *burst = &walk->ues[walk->at];
	uint32_t ahead = (walk->at + 2 * FK_CRYPTO_BURST_MAX) % walk->n;

	for (uint32_t i = 0; i < FK_CRYPTO_BURST_MAX; i++)
		__builtin_prefetch(&walk->ues[ahead + i]);
	walk->at = (walk->at + FK_CRYPTO_BURST_MAX) % walk->n;
	return burst;
}

const struct fk_crypto_engine *fk_bench_engine(uint32_t index, struct fk_crypto_scratch *scratch)
{
	for (uint32_t i = 0, n = 0; fk_crypto_engines[i] != NULL; i++) {
		const struct fk_crypto_engine *engine;

		if (!fk_crypto_engines[i]->is_supported() || n++ != index)
			continue;
		if (fk_engine_select(fk_crypto_engines[i]->name, scratch, &engine) == FK_OK)
			return engine;
		fprintf(stderr, "bench: engine %s fails its self-test\n",
			fk_crypto_engines[i]->name);
		exit(1);
	}
	return NULL;
}

bool fk_bench_is_fast(const struct fk_crypto_engine *engine)
{
	return engine->n_lanes < FK_CRYPTO_BURST_MAX;
}

/* Chains in variables of their own: as an array some compilers would keep them in memory. The empty
 * assembly keeps each round from being folded away. */
#define STEP(x)                                     \
	do {                                        \
		x = AES_ROUND(x, key);              \
		__asm__ __volatile__("" : "+v"(x)); \
	} while (0)
#define RUN(a, b, c, d, e, f, g, h)             \
	for (unsigned r = 0; r < ROUNDS; r++) { \
		STEP(a);                        \
		STEP(b);                        \
		STEP(c);                        \
		STEP(d);                        \
		STEP(e);                        \
		STEP(f);                        \
		STEP(g);                        \
		STEP(h);                        \
	}

/* Four blocks at a time. */
#define AES_ROUND _mm512_aesenc_epi128
__attribute__((target("avx512f,vaes"))) static uint64_t rounds_vaes512(void)
{
	__m512i key = _mm512_set1_epi32(0x5c5c5c5c), a = key, b = key, c = key, d = key, e = key,
		f = key, g = key, h = key;
	uint64_t start = __rdtsc();

	RUN(a, b, c, d, e, f, g, h);
	return (__rdtsc() - start) / 4;
}
#undef AES_ROUND

/* Two blocks at a time. */
#define AES_ROUND _mm256_aesenc_epi128
__attribute__((target("avx2,vaes"))) static uint64_t rounds_vaes(void)
{
	__m256i key = _mm256_set1_epi32(0x5c5c5c5c), a = key, b = key, c = key, d = key, e = key,
		f = key, g = key, h = key;
	uint64_t start = __rdtsc();

	RUN(a, b, c, d, e, f, g, h);
	return (__rdtsc() - start) / 2;
}
#undef AES_ROUND

#define AES_ROUND _mm_aesenc_si128
__attribute__((target("aes"))) static uint64_t rounds_aesni(void)
{
	__m128i key = _mm_set1_epi32(0x5c5c5c5c), a = key, b = key, c = key, d = key, e = key,
		f = key, g = key, h = key;
	uint64_t start = __rdtsc();

	RUN(a, b, c, d, e, f, g, h);
	return __rdtsc() - start;
}
#undef AES_ROUND

double fk_bench_aes_round(void)
{
	uint64_t cycles = 0;

	if (fk_cpu_has_vaes512())
		cycles = rounds_vaes512();
	else if (fk_cpu_has_vaes())
		cycles = rounds_vaes();
	else if (fk_cpu_has_aes())
		cycles = rounds_aesni();
	return (double)cycles / (ROUNDS * (double)CHAINS);
}
