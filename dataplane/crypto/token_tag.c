/* SPDX-License-Identifier: Apache-2.0 */
#include "token_tag.h"

#include <string.h>

#include "aes_kernel.h"
#include "octets.h"

#define TAG_BITS      58
#define DOMAIN_ID     1 /* Message ID */
#define DOMAIN_BRANCH 2
#define COOKIE_LEN    (sizeof(FK_BRANCH_COOKIE) - 1) /* characters */
#define TOKEN_LEN     16
#define EPOCH_LEN     8
#define COUNT_LEN     6
#define TAG_LEN	      15
#define COUNT_MASK    0xffffffu

static_assert(COOKIE_LEN + TOKEN_LEN + EPOCH_LEN + COUNT_LEN + TAG_LEN == FK_BRANCH_LEN,
	      "the parts fill the branch");

/* The one block that is tagged, with CMAC's subkey for whole blocks. spec: SP 800-38B §6.2 */
static void tag_block(const struct fk_token_key *tk, uint8_t domain, const struct fk_branch *branch,
		      uint8_t block[static 16])
{
	uint64_t high = (uint64_t)domain << 56 | branch->token >> 8;
	uint64_t low =
		branch->token << 56 | (uint64_t)branch->epoch << 24 | (branch->count & COUNT_MASK);

	fk_be64_store(block, high ^ fk_be64_load(tk->subkey1));
	fk_be64_store(block + 8, low ^ fk_be64_load(tk->subkey1 + 8));
}

/* In place: blocks become cipher blocks. */
static void tags_compute(struct fk_token_key *tk, uint8_t (*blocks)[16], uint32_t n)
{
	tk->engine->ecb(tk->scratch, tk->key, (const uint8_t(*)[16])blocks, blocks, n);
}

static uint64_t tag_of(const uint8_t cipher[static 16])
{
	return fk_be64_load(cipher) >> (64 - TAG_BITS);
}

/* The first bits that no tag takes. */
static uint32_t mark_of(const uint8_t cipher[static 16])
{
	return (uint32_t)(fk_be64_load(cipher + 8) >> 32);
}

void fk_token_claims_check(struct fk_token_key *tk, struct fk_token_claim *const *claims,
			   uint32_t n)
{
	uint8_t blocks[FK_CRYPTO_BURST_MAX][16];
	uint64_t computed = 0;

	assert(n <= FK_CRYPTO_BURST_MAX);
	for (uint32_t i = 0; i < n; i++)
		tag_block(tk, claims[i]->domain, &claims[i]->said, blocks[i]);
	tags_compute(tk, blocks, n);
	for (uint32_t i = 0; i < n; i++) {
		computed = tag_of(blocks[i]);
		claims[i]->is_authentic =
			fk_ct_equal(&computed, &claims[i]->tag, sizeof(computed)) &
			claims[i]->is_shaped;
	}
	/* The right tag of a forged token must not be left for anybody to find. */
	fk_wipe(blocks, n * sizeof(blocks[0]));
	fk_wipe(&computed, sizeof(computed));
}

void fk_token_key_init(struct fk_token_key *tk, const struct fk_crypto_engine *engine,
		       struct fk_crypto_scratch *scratch, const uint8_t key[static 32])
{
	uint8_t zero[1][16] = {{0}};

	tk->engine = engine;
	tk->scratch = scratch;
	memcpy(tk->key, key, sizeof(tk->key));
	tags_compute(tk, zero, 1);
	fk_cmac_double(zero[0]);
	memcpy(tk->subkey1, zero[0], sizeof(tk->subkey1));
	fk_wipe(zero, sizeof(zero));
}

void fk_token_key_wipe(struct fk_token_key *tk)
{
	fk_wipe(tk, sizeof(*tk));
}

/*
 * A Message ID is the 122 bits token || tag with the six fixed bits of a version-4 UUID between
 * them:
 *
 *   octets 0-5   token bits 63..16
 *   octet 6      version 4 (upper four bits), token bits 15..12
 *   octet 7      token bits 11..4
 *   octet 8      variant 10 (upper two bits), token bits 3..0, tag bits 57..56
 *   octets 9-15  tag bits 55..0
 */
static void message_id_put(uint64_t token, uint64_t tag, uint8_t id[static FK_MESSAGE_ID_SIZE])
{
	fk_be64_store(id, (token & ~0xffffull) | 0x4000 | (token >> 4 & 0xfff));
	fk_be64_store(id + 8, 2ull << 62 | (token & 0xf) << TAG_BITS | tag);
}

void fk_message_id_make(struct fk_token_key *tk, const uint64_t *tokens,
			uint8_t (*ret_ids)[FK_MESSAGE_ID_SIZE], uint32_t *ret_marks, uint32_t n)
{
	assert(n <= FK_CRYPTO_BURST_MAX);
	for (uint32_t i = 0; i < n; i++) {
		const struct fk_branch id = {.token = tokens[i]};

		tag_block(tk, DOMAIN_ID, &id, ret_ids[i]);
	}
	tags_compute(tk, ret_ids, n);
	for (uint32_t i = 0; i < n; i++) {
		if (ret_marks != NULL)
			ret_marks[i] = mark_of(ret_ids[i]);
		message_id_put(tokens[i], tag_of(ret_ids[i]), ret_ids[i]);
	}
}

void fk_message_id_read(const uint8_t id[static FK_MESSAGE_ID_SIZE],
			struct fk_token_claim *ret_claim)
{
	uint64_t high = fk_be64_load(id), low = fk_be64_load(id + 8);

	*ret_claim = (struct fk_token_claim){
		.said.token = (high & ~0xffffull) | (high & 0xfff) << 4 | (low >> TAG_BITS & 0xf),
		.tag = low & ((1ull << TAG_BITS) - 1),
		.domain = DOMAIN_ID,
		.is_shaped = (high >> 12 & 0xf) == 4 && low >> 62 == 2,
	};
}

enum fk_err fk_message_id_check(struct fk_token_key *tk,
				const uint8_t id[static FK_MESSAGE_ID_SIZE], uint64_t *ret_token)
{
	struct fk_token_claim claim, *claims[] = {&claim};

	fk_message_id_read(id, &claim);
	fk_token_claims_check(tk, claims, 1);
	if (!claim.is_authentic)
		return FK_EAUTH;
	*ret_token = claim.said.token;
	return FK_OK;
}

void fk_branch_make(struct fk_token_key *tk, const struct fk_branch *branches,
		    char (*ret_texts)[FK_BRANCH_LEN], uint32_t n)
{
	uint8_t blocks[FK_CRYPTO_BURST_MAX][16];

	assert(n <= FK_CRYPTO_BURST_MAX);
	for (uint32_t i = 0; i < n; i++)
		tag_block(tk, DOMAIN_BRANCH, &branches[i], blocks[i]);
	tags_compute(tk, blocks, n);
	for (uint32_t i = 0; i < n; i++) {
		char *at = ret_texts[i];

		memcpy(at, FK_BRANCH_COOKIE, COOKIE_LEN);
		at += COOKIE_LEN;
		fk_hex_put(at, branches[i].token, TOKEN_LEN);
		fk_hex_put(at + TOKEN_LEN, branches[i].epoch, EPOCH_LEN);
		fk_hex_put(at + TOKEN_LEN + EPOCH_LEN, branches[i].count & COUNT_MASK, COUNT_LEN);
		fk_hex_put(at + TOKEN_LEN + EPOCH_LEN + COUNT_LEN, tag_of(blocks[i]) << 2, TAG_LEN);
	}
	fk_wipe(blocks, n * sizeof(blocks[0]));
}

/* Digits that words of eight cannot part: a word has the count and the tag's first two, the last
 * one repeats three of the one before. */
void fk_branch_read(const char *text, size_t len, struct fk_token_claim *ret_claim)
{
	uint64_t bad = 0, tag;
	uint32_t words[6];
	const char *at;

	*ret_claim = (struct fk_token_claim){.domain = DOMAIN_BRANCH};
	if (len != FK_BRANCH_LEN || memcmp(text, FK_BRANCH_COOKIE, COOKIE_LEN) != 0)
		return;
	at = text + COOKIE_LEN;
	for (uint32_t i = 0; i < 5; i++)
		words[i] = fk_hex_read_word(at + 8 * i, &bad);
	words[5] = fk_hex_read_word(text + FK_BRANCH_LEN - 8, &bad);
	if (bad != 0)
		return;
	tag = (uint64_t)(words[3] & 0xff) << 52 | (uint64_t)words[4] << 20 | (words[5] & 0xfffff);
	ret_claim->said = (struct fk_branch){
		.token = (uint64_t)words[0] << 32 | words[1],
		.epoch = words[2],
		.count = words[3] >> 8,
	};
	ret_claim->tag = tag >> 2;
	ret_claim->is_shaped = (tag & 3) == 0;
}

enum fk_err fk_branch_check(struct fk_token_key *tk, const char *text, size_t len,
			    struct fk_branch *ret_branch)
{
	struct fk_token_claim claim, *claims[] = {&claim};

	fk_branch_read(text, len, &claim);
	fk_token_claims_check(tk, claims, 1);
	if (!claim.is_authentic)
		return FK_EAUTH;
	*ret_branch = claim.said;
	return FK_OK;
}
