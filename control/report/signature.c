/* SPDX-License-Identifier: Apache-2.0 */
#include "report/signature.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define STATEMENT_HEAD	   "fleetkey-report-1 sha512 "
#define STATEMENT_SIZE_MAX (sizeof(STATEMENT_HEAD) + 2 * FK_REPORT_DIGEST_SIZE + 2)

/* The opaque type is OpenSSL's own; no member is ours. */
static EVP_MD_CTX *context_of(struct fk_report_digest *digest)
{
	return (EVP_MD_CTX *)digest;
}

struct fk_report_digest *fk_report_digest_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha512(), NULL) <= 0) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return (struct fk_report_digest *)ctx;
}

void fk_report_digest_free(struct fk_report_digest *digest)
{
	EVP_MD_CTX_free(context_of(digest));
}

enum fk_err fk_report_digest_add(struct fk_report_digest *digest, const void *octets, size_t size)
{
	return EVP_DigestUpdate(context_of(digest), octets, size) > 0 ? FK_OK : FK_ESELFTEST;
}

enum fk_err fk_report_digest_get(const struct fk_report_digest *digest,
				 uint8_t ret_digest[static FK_REPORT_DIGEST_SIZE])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned size = 0;
	bool ok = copy != NULL && EVP_MD_CTX_copy_ex(copy, (const EVP_MD_CTX *)digest) > 0 &&
		  EVP_DigestFinal_ex(copy, ret_digest, &size) > 0 && size == FK_REPORT_DIGEST_SIZE;

	EVP_MD_CTX_free(copy);
	return ok ? FK_OK : FK_ESELFTEST;
}

enum fk_err fk_report_public(const uint8_t seed[static FK_REPORT_SEED_SIZE],
			     uint8_t ret_public[static FK_REPORT_PUBLIC_SIZE])
{
	EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, FK_REPORT_SEED_SIZE);
	size_t size = FK_REPORT_PUBLIC_SIZE;
	bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, ret_public, &size) > 0 &&
		  size == FK_REPORT_PUBLIC_SIZE;

	EVP_PKEY_free(key); /* clears the private key */
	return ok ? FK_OK : FK_ESELFTEST;
}

enum fk_err fk_report_public_pem(const uint8_t key[static FK_REPORT_PUBLIC_SIZE],
				 char ret_pem[static FK_REPORT_PUBLIC_PEM_SIZE])
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, FK_REPORT_PUBLIC_SIZE);
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;

	if (pkey != NULL && bio != NULL && PEM_write_bio_PUBKEY(bio, pkey) > 0)
		n = BIO_read(bio, ret_pem, FK_REPORT_PUBLIC_PEM_SIZE - 1);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	if (n <= 0)
		return FK_ESELFTEST;
	ret_pem[n] = '\0';
	return FK_OK;
}

enum fk_err fk_report_public_read(const char *pem, size_t size,
				  uint8_t ret_public[static FK_REPORT_PUBLIC_SIZE])
{
	BIO *bio = size <= INT32_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
	EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	size_t public_size = FK_REPORT_PUBLIC_SIZE;
	bool ok = pkey != NULL && EVP_PKEY_id(pkey) == EVP_PKEY_ED25519 &&
		  EVP_PKEY_get_raw_public_key(pkey, ret_public, &public_size) > 0 &&
		  public_size == FK_REPORT_PUBLIC_SIZE;

	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return ok ? FK_OK : FK_EFORMAT;
}

/* What is signed; returns its octets. */
static size_t make_statement(const uint8_t digest[static FK_REPORT_DIGEST_SIZE],
			     char ret_text[static STATEMENT_SIZE_MAX])
{
	size_t n = strlen(STATEMENT_HEAD);

	memcpy(ret_text, STATEMENT_HEAD, n);
	for (size_t i = 0; i < FK_REPORT_DIGEST_SIZE; i++)
		n += (size_t)snprintf(ret_text + n, STATEMENT_SIZE_MAX - n, "%02x", digest[i]);
	ret_text[n++] = '\n';
	return n;
}

enum fk_err fk_report_sign(const uint8_t seed[static FK_REPORT_SEED_SIZE],
			   const uint8_t digest[static FK_REPORT_DIGEST_SIZE],
			   uint8_t ret_signature[static FK_REPORT_SIGNATURE_SIZE])
{
	EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, FK_REPORT_SEED_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = FK_REPORT_SIGNATURE_SIZE, n;
	char statement[STATEMENT_SIZE_MAX];
	bool ok;

	n = make_statement(digest, statement);
	ok = key != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) > 0 &&
	     EVP_DigestSign(ctx, ret_signature, &size, (const uint8_t *)statement, n) > 0 &&
	     size == FK_REPORT_SIGNATURE_SIZE;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? FK_OK : FK_ESELFTEST;
}

enum fk_err fk_report_verify(const uint8_t key[static FK_REPORT_PUBLIC_SIZE],
			     const uint8_t digest[static FK_REPORT_DIGEST_SIZE],
			     const uint8_t signature[static FK_REPORT_SIGNATURE_SIZE])
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, FK_REPORT_PUBLIC_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char statement[STATEMENT_SIZE_MAX];
	size_t n = make_statement(digest, statement);
	enum fk_err err = FK_ESELFTEST;

	if (pkey != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) > 0)
		err = EVP_DigestVerify(ctx, signature, FK_REPORT_SIGNATURE_SIZE,
				       (const uint8_t *)statement, n) == 1
			      ? FK_OK
			      : FK_EAUTH;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return err;
}
