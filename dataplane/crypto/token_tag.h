/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_tag.h - makes a token unforgeable, and gives it its shapes on the wire.
 *
 * A tag is the leftmost 58 bits of an AES-256 CMAC over one block: domain 1, token 8, epoch 4,
 * count 3 octets. Domain keeps a Message ID from passing as a branch. A Message ID is a version-4
 * UUID (RFC 4122 §4.4) made of 64 bits of token and 58 bits of tag. A branch is the magic cookie
 * and lower-case hex: token 16 digits, epoch 8, count 6, tag 15 (60 bits, the last two zero).
 *
 * Threads: a key belongs to one thread. Memory: struct fk_token_key holds the CMAC subkey and is
 * wiped by its owner; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "engine.h"

#define FK_MESSAGE_ID_SIZE 16
#define FK_BRANCH_COOKIE   "z9hG4bK"
#define FK_BRANCH_LEN	   52 /* characters: cookie 7, token 16, epoch 8, count 6, tag 15 */

struct fk_token_key {
	const struct fk_crypto_engine *engine;
	struct fk_crypto_scratch *scratch;
	uint8_t key[32];
	uint8_t subkey1[16]; /* K1 of CMAC: messages are always one whole block */
};

/* What a branch says: which attempt, sent by which life of the dataplane, which transaction. */
struct fk_branch {
	uint64_t token;
	uint32_t epoch;
	uint32_t count; /* 24 bits: transactions of this UE in this epoch */
};

void fk_token_key_init(struct fk_token_key *tk, const struct fk_crypto_engine *engine,
		       struct fk_crypto_scratch *scratch, const uint8_t key[static 32]);
void fk_token_key_wipe(struct fk_token_key *tk);

/* Burst forms: 'n' at most FK_CRYPTO_BURST_MAX. 'ret_marks' (may be NULL) takes 32 more bits of
 * each token's CMAC: they go with the token for good, and nobody can tell them from its Message ID.
 */
void fk_message_id_make(struct fk_token_key *tk, const uint64_t *tokens,
			uint8_t (*ret_ids)[FK_MESSAGE_ID_SIZE], uint32_t *ret_marks, uint32_t n);
void fk_branch_make(struct fk_token_key *tk, const struct fk_branch *branches,
		    char (*ret_texts)[FK_BRANCH_LEN], uint32_t n); /* no NUL */

/* What a branch or a Message ID says, and whether that is true. */
struct fk_token_claim {
	struct fk_branch said; /* a Message ID says a token and nothing else */
	uint64_t tag;
	uint8_t domain;
	bool is_shaped; /* it looks like one of ours; false: 'said' may be anything */
	bool is_authentic;
};

/* Read, but do not believe. 'text' is the branch parameter's value, 'len' its characters. */
void fk_branch_read(const char *text, size_t len, struct fk_token_claim *ret_claim);
void fk_message_id_read(const uint8_t id[static FK_MESSAGE_ID_SIZE],
			struct fk_token_claim *ret_claim);
/* Sets is_authentic of 'n' claims, at most FK_CRYPTO_BURST_MAX. Constant time: a tag is computed
 * for every claim, whatever its shape. */
void fk_token_claims_check(struct fk_token_key *tk, struct fk_token_claim *const *claims,
			   uint32_t n);

/* One alone, which costs as much as a burst: FK_OK and what it says; FK_EAUTH if it is not ours. */
FK_MUST_USE enum fk_err fk_message_id_check(struct fk_token_key *tk,
					    const uint8_t id[static FK_MESSAGE_ID_SIZE],
					    uint64_t *ret_token);
FK_MUST_USE enum fk_err fk_branch_check(struct fk_token_key *tk, const char *text, size_t len,
					struct fk_branch *ret_branch);
