/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature.h - the signature of a report: Ed25519 over a text that has the report's SHA-512.
 *
 *   "fleetkey-report-1 sha512 <128 hex digits>\n"
 *
 * The digest is over all lines of the report but the last, which holds the signature; so a report
 * of any length is hashed as it goes by, and other tools can check it too. RFC 8032, FIPS 180-4
 *
 * Threads: everything here is pure, but a digest belongs to one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_REPORT_SEED_SIZE	  32 /* octets of the private key */
#define FK_REPORT_PUBLIC_SIZE	  32
#define FK_REPORT_SIGNATURE_SIZE  64
#define FK_REPORT_DIGEST_SIZE	  64
#define FK_REPORT_PUBLIC_PEM_SIZE 160 /* octets of the PEM text, NUL included, at most */

struct fk_report_digest; /* layout is private to signature.c */

/* NULL: short of memory. The caller owns it. */
struct fk_report_digest *fk_report_digest_new(void);
void fk_report_digest_free(struct fk_report_digest *digest);
/* FK_OK or FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_report_digest_add(struct fk_report_digest *digest, const void *octets,
					     size_t size);
/* What was added so far; more may follow. FK_OK or FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_report_digest_get(const struct fk_report_digest *digest,
					     uint8_t ret_digest[static FK_REPORT_DIGEST_SIZE]);

/* The public key of a private one, and as PEM (SubjectPublicKeyInfo). FK_OK or FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_report_public(const uint8_t seed[static FK_REPORT_SEED_SIZE],
					 uint8_t ret_public[static FK_REPORT_PUBLIC_SIZE]);
FK_MUST_USE enum fk_err fk_report_public_pem(const uint8_t key[static FK_REPORT_PUBLIC_SIZE],
					     char ret_pem[static FK_REPORT_PUBLIC_PEM_SIZE]);
/* FK_OK; FK_EFORMAT if 'pem' holds no public key of Ed25519. */
FK_MUST_USE enum fk_err fk_report_public_read(const char *pem, size_t size,
					      uint8_t ret_public[static FK_REPORT_PUBLIC_SIZE]);

/* FK_OK or FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_report_sign(const uint8_t seed[static FK_REPORT_SEED_SIZE],
				       const uint8_t digest[static FK_REPORT_DIGEST_SIZE],
				       uint8_t ret_signature[static FK_REPORT_SIGNATURE_SIZE]);
/* FK_OK; FK_EAUTH if the signature is not that key's over that digest; FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_report_verify(const uint8_t key[static FK_REPORT_PUBLIC_SIZE],
					 const uint8_t digest[static FK_REPORT_DIGEST_SIZE],
					 const uint8_t signature[static FK_REPORT_SIGNATURE_SIZE]);
