/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_token.c - what passes as a branch or Message ID of ours is made again, to the last octet.
 *
 * The tags are the fastest engine's, without its self-test: under sanitizers the portable one does
 * a few blocks a second, and engines have tests of their own.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/token_tag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct fk_token_key *token_key(void)
{
	static const uint8_t key[32] = "thirty-two octets that all know.";
	static struct fk_crypto_scratch scratch;
	static struct fk_token_key tk;
	const struct fk_crypto_engine *const *engine = fk_crypto_engines;

	if (tk.engine == NULL) {
		while (!(*engine)->is_supported())
			engine++;
		require(fk_engine_open(*engine) == FK_OK);
		fk_token_key_init(&tk, *engine, &scratch, key);
	}
	return &tk;
}

/* Of what the input gives a branch and a Message ID are made, which have to come back. */
static void check_made(struct fk_token_key *tk, const uint8_t *data)
{
	uint8_t ids[1][FK_MESSAGE_ID_SIZE];
	char texts[1][FK_BRANCH_LEN];
	struct fk_branch branch, read;
	uint64_t token, read_token;
	uint32_t mark;

	memcpy(&token, data, sizeof(token));
	memcpy(&branch.epoch, data + 8, sizeof(branch.epoch));
	memcpy(&branch.count, data + 12, sizeof(branch.count));
	branch.token = token;
	branch.count &= 0xffffff;
	fk_branch_make(tk, &branch, texts, 1);
	require(fk_branch_check(tk, texts[0], FK_BRANCH_LEN, &read) == FK_OK);
	require(read.token == token && read.epoch == branch.epoch && read.count == branch.count);
	fk_message_id_make(tk, &token, ids, &mark, 1);
	require(fk_message_id_check(tk, ids[0], &read_token) == FK_OK && read_token == token);
	texts[0][data[0] % FK_BRANCH_LEN] ^= 1;
	require(fk_branch_check(tk, texts[0], FK_BRANCH_LEN, &read) == FK_EAUTH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_token_key *tk = token_key();
	char texts[1][FK_BRANCH_LEN];
	struct fk_branch branch;

	if (fk_branch_check(tk, (const char *)data, size, &branch) == FK_OK) {
		fk_branch_make(tk, &branch, texts, 1);
		require(size == FK_BRANCH_LEN && memcmp(texts[0], data, size) == 0);
	}
	if (size >= FK_MESSAGE_ID_SIZE) {
		uint64_t token;

		(void)fk_message_id_check(tk, data, &token);
		check_made(tk, data);
	}
	return 0;
}
