/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forge.h - false KMMs made from a true one, for the fleet's lies.
 *
 * Threads: everything here is pure but for the OpenSSL context. Memory: nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "ossl.h"
#include "ue.h"

/* A KMM with its MAC block. */
struct fk_forged {
	uint8_t octets[FK_SIM_ANSWER_SIZE_MAX];
	size_t size;
};

/* Copies a true KMM of at most FK_SIM_ANSWER_SIZE_MAX octets, at least header and MAC block. */
FK_MUST_USE enum fk_err fk_forge_copy(const uint8_t *kmm, size_t size,
				      struct fk_forged *ret_forged);

/* Changes one bit of the MAC, or of the body with number, counted round. */
void fk_forge_flip_mac(struct fk_forged *forged, uint32_t bit);
void fk_forge_flip_body(struct fk_forged *forged, uint32_t bit);

/* Puts other parties or another MAC key's name in; the MAC no longer verifies. */
void fk_forge_source(struct fk_forged *forged, uint32_t rsi);
void fk_forge_destination(struct fk_forged *forged, uint32_t rsi);
void fk_forge_key_id(struct fk_forged *forged, uint16_t key_id);

/* Takes the MAC block off and says so in the header. */
void fk_forge_strip_mac(struct fk_forged *forged);

/* MACs it under another key than its MAC block names. FK_OK, or what fk_ossl_mac() says. */
FK_MUST_USE enum fk_err fk_forge_sign(struct fk_forged *forged, struct fk_ossl *ossl,
				      const uint8_t tek[static FK_OSSL_KEY_SIZE]);

/* The key ID in its MAC block. */
uint16_t fk_forge_mac_key_id(const struct fk_forged *forged);
