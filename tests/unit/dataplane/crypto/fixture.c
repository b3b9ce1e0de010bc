/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/aes_kernel.h"

const struct fk_crypto_engine *const *test_engines(void)
{
	static const struct fk_crypto_engine *usable[8];
	size_t n = 0;

	for (size_t i = 0; fk_crypto_engines[i] != NULL; i++)
		if (fk_crypto_engines[i]->is_supported())
			usable[n++] = fk_crypto_engines[i];
	usable[n] = NULL;
	cr_assert_gt(n, 0);
	return usable;
}

struct fk_crypto_scratch *test_scratch(void)
{
	static struct fk_crypto_scratch scratch;

	return &scratch;
}

json_t *vectors_load(const char *name)
{
	char path[4096];
	json_error_t error;
	json_t *root, *cases;

	snprintf(path, sizeof(path), "%s/%s", FK_VECTORS_DIR, name);
	root = json_load_file(path, 0, &error);
	cr_assert_not_null(root, "%s: %s", path, error.text);
	cases = json_object_get(root, "cases");
	cr_assert(json_array_size(cases) > 0, "%s holds no cases", path);
	return cases;
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	cr_assert(c >= 'a' && c <= 'f', "a hex digit, not '%c'", c);
	return (unsigned)(c - 'a') + 10;
}

const char *vector_text(const json_t *test_case, const char *member)
{
	const char *text = json_string_value(json_object_get(test_case, member));

	cr_assert_not_null(text, "member %s", member);
	return text;
}

size_t vector_hex(const json_t *test_case, const char *member, uint8_t *buf, size_t cap)
{
	const char *text = vector_text(test_case, member);
	size_t size = strlen(text) / 2;

	cr_assert(strlen(text) % 2 == 0 && size <= cap, "member %s has %zu octets", member, size);
	for (size_t i = 0; i < size; i++)
		buf[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return size;
}

int vector_is_valid(const json_t *test_case)
{
	const json_t *valid = json_object_get(test_case, "valid");

	cr_assert(json_is_boolean(valid));
	return json_is_true(valid);
}

static uint64_t random_next(uint64_t *seed)
{
	/* splitmix64: any seed will do, every step is a new output. */
	uint64_t x = *seed += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

void random_fill(uint64_t *seed, void *buf, size_t size)
{
	uint8_t *at = buf;

	while (size > 0) {
		uint64_t x = random_next(seed);
		size_t take = size < sizeof(x) ? size : sizeof(x);

		memcpy(at, &x, take);
		at += take;
		size -= take;
	}
}

uint32_t random_below(uint64_t *seed, uint32_t limit)
{
	return (uint32_t)(random_next(seed) >> 32) % limit;
}

uint8_t *guarded_new(size_t size, enum guard_side side)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *area = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(size <= page && area != MAP_FAILED);
	cr_assert_eq(mprotect(area + page, page, PROT_READ | PROT_WRITE), 0);
	return side == GUARD_BEFORE ? area + page : area + 2 * page - size;
}

void guarded_set_read_only(uint8_t *octets, int read_only)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *start = (void *)((uintptr_t)octets & ~(page - 1));

	cr_assert_eq(mprotect(start, page, read_only ? PROT_READ : PROT_READ | PROT_WRITE), 0);
}

enum fk_wrap_shape shape_of(size_t kek_size, size_t key_size)
{
	for (enum fk_wrap_shape shape = 0; shape < FK_N_WRAP_SHAPES; shape++)
		if (fk_wrap_kek_size(shape) == kek_size && fk_wrap_key_size(shape) == key_size)
			return shape;
	return FK_N_WRAP_SHAPES;
}

const char *shape_name(enum fk_wrap_shape shape)
{
	static const char *const names[FK_N_WRAP_SHAPES] = {
		[FK_WRAP_256_UNDER_256] = "256 under 256",
		[FK_WRAP_128_UNDER_128] = "128 under 128",
		[FK_WRAP_128_UNDER_256] = "128 under 256",
		[FK_WRAP_256_UNDER_128] = "256 under 128",
	};

	return names[shape];
}

/* One cipher call in a context that is kept: contexts by name are slow. */
static int cipher_run(const EVP_CIPHER *cipher, int encrypt, const uint8_t *key, const uint8_t *iv,
		      const uint8_t *in, size_t size, uint8_t *out)
{
	static EVP_CIPHER_CTX *ctx;
	int n = 0;

	if (ctx == NULL)
		ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	cr_assert_eq(EVP_CipherInit_ex(ctx, cipher, NULL, key, iv, encrypt), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	return EVP_CipherUpdate(ctx, out, &n, in, (int)size) == 1 && n > 0;
}

static void wrap_with_iv(const uint8_t *kek, const uint8_t *iv, const uint8_t *key, uint8_t *out)
{
	cr_assert(cipher_run(EVP_aes_256_wrap(), 1, kek, iv, key, 32, out));
}

void openssl_wrap(const uint8_t kek[32], const uint8_t key[32], uint8_t wrapped[40])
{
	wrap_with_iv(kek, NULL, key, wrapped);
}

void openssl_wrap_any(const uint8_t *kek, size_t kek_size, const uint8_t *key, size_t key_size,
		      uint8_t *wrapped)
{
	const EVP_CIPHER *cipher = kek_size == 16 ? EVP_aes_128_wrap() : EVP_aes_256_wrap();

	cr_assert(cipher_run(cipher, 1, kek, NULL, key, key_size, wrapped));
}

int openssl_unwrap_any(const uint8_t *kek, size_t kek_size, const uint8_t *wrapped,
		       size_t wrapped_size, uint8_t *key)
{
	const EVP_CIPHER *cipher = kek_size == 16 ? EVP_aes_128_wrap() : EVP_aes_256_wrap();

	return cipher_run(cipher, 0, kek, NULL, wrapped, wrapped_size, key);
}

int openssl_unwrap(const uint8_t kek[32], const uint8_t wrapped[40], uint8_t key[32])
{
	return openssl_unwrap_any(kek, 32, wrapped, 40, key);
}

void openssl_ecb(const uint8_t key[32], const uint8_t in[16], uint8_t out[16])
{
	cr_assert(cipher_run(EVP_aes_256_ecb(), 1, key, NULL, in, 16, out));
}

void openssl_ofb_skip(const uint8_t key[32], const uint8_t iv[16], const uint8_t *in, size_t size,
		      uint8_t *out)
{
	uint8_t padded[FK_KMM_SIZE_MAX + 16] = {0};

	memcpy(padded + 16, in, size);
	cr_assert(cipher_run(EVP_aes_256_ofb(), 1, key, iv, padded, size + 16, padded));
	memcpy(out, padded + 16, size);
}

void openssl_mac_key(const uint8_t tek[32], const uint8_t *frame, size_t size, uint8_t mac_format,
		     uint8_t key[32])
{
	uint8_t buf[64] = {0};
	unsigned n = 0;

	if (mac_format == FK_KMM_MAC_FORMAT_CBC) {
		uint8_t iv[8] = {0, 0, 0, 0, 0, 0, (uint8_t)((size - 8) >> 8), (uint8_t)(size - 8)};

		wrap_with_iv(tek, iv, tek, buf);
		memcpy(key, buf + 8, 32);
		return;
	}
	buf[n + 3] = 1;
	n += 4;
	memcpy(buf + n, "OTAR MAC", 9);
	n += 9;
	memcpy(buf + n, frame, 12);
	n += (frame[3] & 0x30) == 0x20 ? 12 : 10;
	buf[n++] = 1;
	buf[n++] = 0;
	cr_assert_not_null(HMAC(EVP_sha256(), tek, 32, buf, n, key, NULL));
}

static void cmac(const uint8_t *key, const uint8_t *octets, size_t size, uint8_t out[16])
{
	static EVP_MAC_CTX *ctx;
	char cipher[] = "AES-256-CBC";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
		OSSL_PARAM_construct_end(),
	};
	size_t n;

	if (ctx == NULL)
		ctx = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "CMAC", NULL));
	cr_assert_eq(EVP_MAC_init(ctx, key, 32, params), 1);
	cr_assert_eq(EVP_MAC_update(ctx, octets, size), 1);
	cr_assert_eq(EVP_MAC_final(ctx, out, &n, 16), 1);
}

void openssl_mac(const uint8_t tek[32], const uint8_t *frame, size_t size, uint8_t mac_format,
		 uint8_t mac[8])
{
	uint8_t key[32], octets[FK_KMM_SIZE_MAX + 16] = {0}, out[FK_KMM_SIZE_MAX + 16];
	size_t n = size - 8, padded = (n + 15) / 16 * 16;
	const uint8_t zero_iv[16] = {0};

	openssl_mac_key(tek, frame, size, mac_format, key);
	memcpy(octets, frame, size - 13);
	memcpy(octets + size - 13, frame + size - 5, 5);
	if (mac_format == FK_KMM_MAC_FORMAT_CMAC) {
		cmac(key, octets, n, out);
		memcpy(mac, out, 8);
	} else {
		cr_assert(cipher_run(EVP_aes_256_cbc(), 1, key, zero_iv, octets, padded, out));
		memcpy(mac, out + padded - 16, 8);
	}
}
