/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "report/signature.h"

/* The first key pair of RFC 8032 §7.1. */
static const uint8_t seed[FK_REPORT_SEED_SIZE] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
						  0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
						  0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19,
						  0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const uint8_t public[FK_REPORT_PUBLIC_SIZE] = {
	0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
	0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
	0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};

Test(report_signature, the_public_key_is_that_of_the_private_one)
{
	uint8_t got[FK_REPORT_PUBLIC_SIZE];

	cr_assert_eq(fk_report_public(seed, got), FK_OK);
	cr_assert_arr_eq(got, public, sizeof(public));
}

Test(report_signature, a_signature_is_good_for_its_digest_and_its_key_alone)
{
	uint8_t digest[FK_REPORT_DIGEST_SIZE] = {1, 2, 3}, signature[FK_REPORT_SIGNATURE_SIZE];
	uint8_t other[FK_REPORT_PUBLIC_SIZE], other_seed[FK_REPORT_SEED_SIZE] = {7};

	cr_assert_eq(fk_report_sign(seed, digest, signature), FK_OK);
	cr_expect_eq(fk_report_verify(public, digest, signature), FK_OK);
	cr_assert_eq(fk_report_public(other_seed, other), FK_OK);
	cr_expect_eq(fk_report_verify(other, digest, signature), FK_EAUTH);
	for (size_t i = 0; i < sizeof(signature); i++) {
		signature[i] ^= 1;
		cr_expect_eq(fk_report_verify(public, digest, signature), FK_EAUTH);
		signature[i] ^= 1;
	}
	for (size_t i = 0; i < sizeof(digest); i++) {
		digest[i] ^= 0x80;
		cr_expect_eq(fk_report_verify(public, digest, signature), FK_EAUTH);
		digest[i] ^= 0x80;
	}
}

Test(report_signature, a_public_key_comes_back_from_its_pem)
{
	uint8_t got[FK_REPORT_PUBLIC_SIZE];
	char pem[FK_REPORT_PUBLIC_PEM_SIZE];

	cr_assert_eq(fk_report_public_pem(public, pem), FK_OK);
	cr_expect_eq(strncmp(pem, "-----BEGIN PUBLIC KEY-----", 26), 0);
	cr_assert_eq(fk_report_public_read(pem, strlen(pem), got), FK_OK);
	cr_expect_arr_eq(got, public, sizeof(public));
	cr_expect_eq(fk_report_public_read(pem, strlen(pem) / 2, got), FK_EFORMAT);
	cr_expect_eq(fk_report_public_read("", 0, got), FK_EFORMAT);
}

Test(report_signature, a_digest_goes_on_after_it_was_read)
{
	struct fk_report_digest *whole = fk_report_digest_new(), *parts = fk_report_digest_new();
	uint8_t a[FK_REPORT_DIGEST_SIZE], b[FK_REPORT_DIGEST_SIZE];

	cr_assert_eq(fk_report_digest_add(whole, "abcdef", 6), FK_OK);
	cr_assert_eq(fk_report_digest_add(parts, "abc", 3), FK_OK);
	cr_assert_eq(fk_report_digest_get(parts, a), FK_OK);
	/* SHA-512 of "abc" begins so. FIPS 180-4 */
	cr_expect_eq(a[0], 0xdd);
	cr_expect_eq(a[1], 0xaf);
	cr_assert_eq(fk_report_digest_add(parts, "def", 3), FK_OK);
	cr_assert_eq(fk_report_digest_get(parts, a), FK_OK);
	cr_assert_eq(fk_report_digest_get(whole, b), FK_OK);
	cr_expect_arr_eq(a, b, sizeof(a));
	fk_report_digest_free(whole);
	fk_report_digest_free(parts);
}
