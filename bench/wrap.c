/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many TSC cycles does one AES-256 wrap of a 256-bit key cost, key expansion included, when
 * every UE has a KEK of its own? Each engine of this CPU, and OpenSSL's EVP with a context that is
 * kept and keyed anew, in turns, so that a busy minute of the host hits both alike.
 */
#include <getopt.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "crypto/engine.h"

#define N_UES	 1024 /* distinct KEKs: they stay in the second-level cache */
#define RUNS	 31
#define CASE_MAX 8

struct bench_case {
	char name[32];
	const struct fk_crypto_engine *engine; /* NULL: OpenSSL */
	double cycles[RUNS];		       /* per key, sorted in the end */
	double ratios[RUNS];		       /* OpenSSL's cycles over ours, of the same turn */
};

struct ue {
	uint8_t kek[32], wrapped[40];
} __attribute__((aligned(64)));

static struct fk_crypto_scratch scratch;
static struct ue ues[N_UES];
static uint8_t tek[32];

static void run_engine(const struct fk_crypto_engine *engine)
{
	struct fk_wrap_lane lanes[FK_CRYPTO_BURST_MAX];

	for (uint32_t first = 0; first < N_UES; first += FK_CRYPTO_BURST_MAX) {
		for (uint32_t i = 0; i < FK_CRYPTO_BURST_MAX; i++) {
			struct ue *ue = &ues[first + i];

			lanes[i] = (struct fk_wrap_lane){ue->kek, tek, ue->wrapped};
		}
		engine->wrap(&scratch, lanes, FK_CRYPTO_BURST_MAX);
	}
}

static void run_openssl(EVP_CIPHER_CTX *ctx)
{
	for (uint32_t i = 0; i < N_UES; i++) {
		int size;

		if (EVP_EncryptInit_ex(ctx, NULL, NULL, ues[i].kek, NULL) != 1 ||
		    EVP_EncryptUpdate(ctx, ues[i].wrapped, &size, tek, sizeof(tek)) != 1) {
			fprintf(stderr, "bench-wrap: OpenSSL failed\n");
			exit(1);
		}
	}
}

static EVP_CIPHER_CTX *openssl_context(void)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx == NULL)
		exit(1);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, NULL, NULL) != 1)
		exit(1);
	return ctx;
}

/* A sample is at least this many keys, so that reading the clock costs nothing. */
static double measure(const struct bench_case *c, EVP_CIPHER_CTX *ctx)
{
	uint32_t repeats = c->engine == NULL || c->engine->n_lanes == FK_CRYPTO_BURST_MAX ? 1 : 16;
	uint64_t start = __rdtsc();

	for (uint32_t i = 0; i < repeats; i++) {
		if (c->engine != NULL)
			run_engine(c->engine);
		else
			run_openssl(ctx);
	}
	return (double)(__rdtsc() - start) / (repeats * (double)N_UES);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static uint32_t cases_make(struct bench_case *cases)
{
	uint32_t n = 0;

	snprintf(cases[n++].name, sizeof(cases[0].name), "openssl_evp_reused_ctx/1k");
	for (uint32_t i = 0; fk_crypto_engines[i] != NULL && n < CASE_MAX; i++) {
		const struct fk_crypto_engine *engine;

		if (!fk_crypto_engines[i]->is_supported())
			continue;
		if (fk_engine_select(fk_crypto_engines[i]->name, &scratch, &engine) != FK_OK) {
			fprintf(stderr, "bench-wrap: engine %s fails its self-test\n",
				fk_crypto_engines[i]->name);
			exit(1);
		}
		cases[n].engine = engine;
		snprintf(cases[n++].name, sizeof(cases[0].name), "%s/1k", engine->name);
	}
	return n;
}

static void cases_run(struct bench_case *cases, uint32_t n)
{
	EVP_CIPHER_CTX *ctx = openssl_context();

	for (uint32_t run = 0; run < RUNS + 2; run++) { /* two to warm up */
		for (uint32_t i = 0; i < n; i++) {
			uint32_t at = run < 2 ? 0 : run - 2;

			cases[i].cycles[at] = measure(&cases[i], ctx);
			cases[i].ratios[at] = cases[0].cycles[at] / cases[i].cycles[at];
		}
	}
	EVP_CIPHER_CTX_free(ctx);
	for (uint32_t i = 0; i < n; i++) {
		qsort(cases[i].cycles, RUNS, sizeof(double), compare);
		qsort(cases[i].ratios, RUNS, sizeof(double), compare);
	}
}

/* The results as the bench script merges them; host and commit are its own to say. */
static int report_write(const char *path, const struct bench_case *cases, uint32_t n)
{
	json_t *results = json_array(), *root;
	int failed;

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(results, json_pack("{s:s, s:s, s:f, s:f, s:f, s:s, s:i}",
							 "bench", "wrap", "case", cases[i].name,
							 "median", cases[i].cycles[RUNS / 2], "p5",
							 cases[i].cycles[RUNS / 20], "p99",
							 cases[i].cycles[RUNS - 1], "unit",
							 "cycles/key", "runs", RUNS));
	root = json_pack("{s:i, s:s, s:o, s:{s:f}}", "schema", 1, "command", "bench-wrap",
			 "results", results, "ratios", "wrap_vs_openssl_reused_ctx",
			 n > 1 ? cases[1].ratios[RUNS / 2] : 1.0);
	failed = root == NULL || json_dump_file(root, path, JSON_INDENT(1)) != 0;
	json_decref(root);
	if (failed)
		fprintf(stderr, "bench-wrap: cannot write %s\n", path);
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"json", required_argument, NULL, 'j'}, {0}};
	static struct bench_case cases[CASE_MAX];
	const char *json_path = NULL;
	uint32_t n;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j') {
			fprintf(stderr, "usage: bench-wrap [--json FILE]\n");
			return 2;
		}
		json_path = optarg;
	}
	srandom(1);
	for (size_t i = 0; i < sizeof(ues); i++)
		((uint8_t *)ues)[i] = (uint8_t)random();
	n = cases_make(cases);
	cases_run(cases, n);
	printf("%-28s %10s %10s %10s %12s\n", "AES-256 wrap, cycles/key", "median", "p5", "p99",
	       "x OpenSSL");
	for (uint32_t i = 0; i < n; i++)
		printf("%-28s %10.1f %10.1f %10.1f %12.1f\n", cases[i].name,
		       cases[i].cycles[RUNS / 2], cases[i].cycles[RUNS / 20],
		       cases[i].cycles[RUNS - 1], cases[i].ratios[RUNS / 2]);
	return json_path != NULL ? report_write(json_path, cases, n) : 0;
}
