/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof.h - the cryptography that an engineer asks about: one message at a time.
 *
 * All is done by the code that the dataplane has, but for AES-192 and the steps of a MAC key's
 * derivation, which are OpenSSL's.
 *
 * Threads: a struct fk_proof belongs to one thread. Memory: it holds the engine's scratch, which
 * the engine wipes; nothing here keeps a key.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

#include "crypto/outer.h"

struct fk_proof; /* layout is private to proof.c */

/* Selects and tests an engine. FK_OK; FK_ENOMEM; FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_proof_new(struct fk_proof **ret_proof);
void fk_proof_free(struct fk_proof *proof);

/*
 * AES key wrap and unwrap, RFC 3394. KEKs of 16, 24 or 32 octets, keys of 16 to 32 in steps of 8.
 * Return FK_OK; FK_EUNSUPPORTED (other sizes); FK_EAUTH (unwrap: the integrity value is wrong).
 */
FK_MUST_USE enum fk_err fk_proof_wrap(struct fk_proof *proof, const struct fk_secret *kek,
				      const struct fk_secret *key, uint8_t *buf, size_t cap,
				      size_t *ret_size);
FK_MUST_USE enum fk_err fk_proof_unwrap(struct fk_proof *proof, const struct fk_secret *kek,
					const uint8_t *wrapped, size_t size,
					struct fk_secret *ret_key);

/*
 * Computes the MAC of a whole KMM that has a MAC block. spec: P25 sheet 3.3-3.5
 * Returns FK_OK; FK_EUNSUPPORTED if the TEK is not of 32 octets.
 */
FK_MUST_USE enum fk_err fk_proof_mac(struct fk_proof *proof, const struct fk_secret *tek,
				     const uint8_t *frame, size_t size, uint8_t mac_format,
				     uint8_t ret_mac[static 8]);

/* What stands between a TEK and the MAC key of one message. spec: P25 sheet 3.4, 3.5 */
struct fk_proof_derivation {
	uint8_t initial_value[8]; /* CBC-MAC */
	uint8_t input[27];	  /* CMAC: what is hashed; the context is a part of it */
	size_t input_size;
	const uint8_t *context; /* CMAC: borrows from the frame */
	size_t context_size;
	uint8_t mac_key[32]; /* the caller wipes it */
};

/*
 * Derives the MAC key of a whole KMM again, by OpenSSL: what the engine keeps to itself.
 * Returns FK_OK; FK_EUNSUPPORTED if the TEK is not of 32 octets; FK_EIO if OpenSSL fails.
 */
FK_MUST_USE enum fk_err fk_proof_derive(const struct fk_secret *tek, const uint8_t *frame,
					size_t size, uint8_t mac_format,
					struct fk_proof_derivation *ret_derivation);

/*
 * Encrypts or decrypts the outer layer; 'out' may be 'in'. spec: P25 sheet 3.7
 * Returns FK_OK; FK_EUNSUPPORTED if the TEK is not of 32 octets; FK_EINVAL for an all-zero message
 * indicator; FK_ERANGE if there are more octets than a KMM has.
 */
FK_MUST_USE enum fk_err fk_proof_outer(struct fk_proof *proof, const struct fk_secret *tek,
				       const uint8_t mi[static FK_MI_SIZE], const uint8_t *in,
				       size_t size, uint8_t *out);
