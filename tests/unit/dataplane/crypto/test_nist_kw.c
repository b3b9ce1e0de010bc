/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NIST's CAVS answers for KW, as Debian installs them. Files whose names end in _inv wrap with
 * AES's inverse cipher, and those of KWP pad: RFC 3394 and P25 know neither.
 * spec: SP 800-38F §6.2
 */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/key_wrap.h"
#include "fixture.h"

#define OCTETS_MAX 600

struct cavs_case {
	uint8_t kek[32], key[OCTETS_MAX], wrapped[OCTETS_MAX];
	size_t kek_size, key_size, wrapped_size;
	int is_forged;
};

struct cavs_count {
	uint32_t n_wrapped, n_forged, n_unsupported, n_invalid;
};

static size_t hex_read(const char *text, uint8_t *buf, size_t cap)
{
	size_t n = 0;

	for (unsigned octet; sscanf(text + 2 * n, "%2x", &octet) == 1; n++) {
		cr_assert_lt(n, cap);
		buf[n] = (uint8_t)octet;
	}
	return n;
}

/* All 64 lanes, so that the case stands in each lane of each engine once in a while. */
static void expect_engines_agree(const struct cavs_case *c, enum fk_wrap_shape shape, uint32_t lane)
{
	static struct fk_wrap_lane wraps[LANES_MAX];
	static struct fk_unwrap_lane unwraps[LANES_MAX];
	static uint8_t wrapped[LANES_MAX][40], keys[LANES_MAX][32], other[32], spare[40];

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (uint32_t i = 0; i < LANES_MAX; i++) {
			wraps[i] = (struct fk_wrap_lane){other, other, wrapped[i]};
			unwraps[i] = (struct fk_unwrap_lane){other, spare, keys[i], 2};
		}
		unwraps[lane].kek = c->kek;
		unwraps[lane].wrapped = c->wrapped;
		(*e)->unwrap(test_scratch(), shape, unwraps, LANES_MAX);
		cr_assert_eq(unwraps[lane].ok, !c->is_forged, "%s", (*e)->name);
		if (c->is_forged)
			continue;
		cr_assert_arr_eq(keys[lane], c->key, c->key_size, "%s", (*e)->name);
		wraps[lane].kek = c->kek;
		wraps[lane].key = c->key;
		(*e)->wrap(test_scratch(), shape, wraps, LANES_MAX);
		cr_assert_arr_eq(wrapped[lane], c->wrapped, c->wrapped_size, "%s", (*e)->name);
	}
}

static void run_case(const struct cavs_case *c, struct cavs_count *count)
{
	static uint8_t out[OCTETS_MAX];
	uint32_t lane = (count->n_wrapped + count->n_forged) % LANES_MAX;
	enum fk_wrap_shape shape = shape_of(c->kek_size, c->wrapped_size - 8);
	const char *reason = NULL;
	enum fk_err err =
		fk_key_unwrap(c->kek, c->kek_size, c->wrapped, c->wrapped_size, out, &reason);

	count->n_wrapped += err == FK_OK;
	count->n_forged += err == FK_EAUTH;
	count->n_unsupported += err == FK_EUNSUPPORTED;
	count->n_invalid += err == FK_EINVAL;
	cr_assert_eq(err == FK_OK, reason == NULL);
	if (err != FK_OK && err != FK_EAUTH)
		return;
	cr_assert_eq(err == FK_EAUTH, c->is_forged);
	expect_engines_agree(c, shape, lane);
	if (err == FK_EAUTH)
		return;
	cr_assert_eq(c->key_size, c->wrapped_size - 8);
	cr_assert_arr_eq(out, c->key, c->key_size);
	cr_assert_eq(fk_key_wrap(c->kek, c->kek_size, c->key, c->key_size, out, NULL), FK_OK);
	cr_assert_arr_eq(out, c->wrapped, c->wrapped_size);
}

/* A case is K and then P and C in either order, or C and FAIL. */
static struct cavs_count run_file(const char *name)
{
	static struct cavs_case c;
	struct cavs_count count = {0};
	char path[4096], line[2 * OCTETS_MAX + 32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", FK_CAVS_DIR, name);
	file = fopen(path, "r");
	cr_assert_not_null(file, "%s: install python3-cryptography-vectors (scripts/deps test)",
			   path);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "K = ", 4) == 0) {
			memset(&c, 0, sizeof(c));
			c.kek_size = hex_read(line + 4, c.kek, sizeof(c.kek));
		} else if (strncmp(line, "P = ", 4) == 0) {
			c.key_size = hex_read(line + 4, c.key, sizeof(c.key));
		} else if (strncmp(line, "C = ", 4) == 0) {
			c.wrapped_size = hex_read(line + 4, c.wrapped, sizeof(c.wrapped));
		} else if (strncmp(line, "FAIL", 4) == 0) {
			c.is_forged = 1;
		} else {
			continue;
		}
		if (c.wrapped_size > 0 && (c.key_size > 0 || c.is_forged))
			run_case(&c, &count);
	}
	fclose(file);
	cr_assert_eq(count.n_wrapped + count.n_forged + count.n_unsupported + count.n_invalid, 500,
		     "%s: no case is left out", path);
	return count;
}

/* A file has a hundred cases each of 128, 256, 192, 320 and 4096 bits; the first two are served. */
static void expect_served(const char *name, uint32_t n_forged)
{
	struct cavs_count count = run_file(name);

	cr_assert_eq(count.n_wrapped, 200 - n_forged, "%s: %u wrapped", name, count.n_wrapped);
	cr_assert_eq(count.n_forged, n_forged, "%s: %u forged", name, count.n_forged);
	cr_assert_eq(count.n_unsupported, 100, "%s: keys of AES-192", name);
	cr_assert_eq(count.n_invalid, 200, "%s: keys of no cipher", name);
}

Test(nist_kw, kw_ae_128_passes)
{
	expect_served("KW_AE_128.txt", 0);
}

Test(nist_kw, kw_ae_256_passes)
{
	expect_served("KW_AE_256.txt", 0);
}

Test(nist_kw, kw_ad_128_passes_and_its_forgeries_are_refused)
{
	expect_served("KW_AD_128.txt", 40);
}

Test(nist_kw, kw_ad_256_passes_and_its_forgeries_are_refused)
{
	expect_served("KW_AD_256.txt", 40);
}

Test(nist_kw, all_of_aes_192_is_refused_as_unsupported)
{
	cr_assert_eq(run_file("KW_AE_192.txt").n_unsupported, 500);
	cr_assert_eq(run_file("KW_AD_192.txt").n_unsupported, 500);
}
