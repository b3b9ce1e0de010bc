/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "crypto/token_tag.h"
#include "fixture.h"

static const uint8_t key[32] = "an operator's own thirty-two oct";

static struct fk_token_key key_make(const struct fk_crypto_engine *engine)
{
	struct fk_token_key tk;

	fk_token_key_init(&tk, engine, test_scratch(), key);
	return tk;
}

static void tokens_randomise(uint64_t tokens[LANES_MAX], uint64_t *seed)
{
	random_fill(seed, tokens, LANES_MAX * sizeof(tokens[0]));
	tokens[0] = 0;
	tokens[1] = UINT64_MAX;
}

static void branches_randomise(struct fk_branch branches[LANES_MAX], uint64_t *seed)
{
	random_fill(seed, branches, LANES_MAX * sizeof(branches[0]));
	for (uint32_t i = 0; i < LANES_MAX; i++)
		branches[i].count &= 0xffffff;
	branches[0] = (struct fk_branch){0};
	branches[1] = (struct fk_branch){UINT64_MAX, UINT32_MAX, 0xffffff};
}

Test(message_id, comes_back_as_the_token_at_every_burst_size)
{
	uint64_t seed = 1, tokens[LANES_MAX], token;
	uint8_t ids[LANES_MAX][FK_MESSAGE_ID_SIZE];

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		struct fk_token_key tk = key_make(*e);

		for (uint32_t n = 1; n <= LANES_MAX; n++) {
			tokens_randomise(tokens, &seed);
			fk_message_id_make(&tk, tokens, ids, NULL, n);
			for (uint32_t i = 0; i < n; i++) {
				cr_assert_eq(fk_message_id_check(&tk, ids[i], &token), FK_OK);
				cr_assert_eq(token, tokens[i]);
			}
		}
	}
}

/* spec: RFC 4122 §4.1.1, §4.1.3 */
Test(message_id, is_a_version_4_uuid)
{
	uint64_t seed = 2, tokens[LANES_MAX];
	uint8_t ids[LANES_MAX][FK_MESSAGE_ID_SIZE];
	struct fk_token_key tk = key_make(test_engines()[0]);

	tokens_randomise(tokens, &seed);
	fk_message_id_make(&tk, tokens, ids, NULL, LANES_MAX);
	for (uint32_t i = 0; i < LANES_MAX; i++) {
		cr_assert_eq(ids[i][6] >> 4, 4, "version");
		cr_assert_eq(ids[i][8] >> 6, 2, "variant");
	}
}

/* The layout that the header states, computed once more with OpenSSL. spec: SP 800-38B §6.2 */
Test(message_id, holds_58_bits_of_cmac_behind_the_token_and_the_mark_is_32_others)
{
	uint64_t token = 0x0123456789abcdefull, tag = 0, high = 0, low = 0;
	uint8_t id[1][FK_MESSAGE_ID_SIZE], subkey[16] = {0}, carry;
	uint8_t block[16] = {1, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	struct fk_token_key tk = key_make(test_engines()[0]);
	uint32_t mark = 0;

	fk_message_id_make(&tk, &token, id, &mark, 1);
	openssl_ecb(key, subkey, subkey);
	carry = subkey[0] >> 7;
	for (int i = 0; i < 16; i++)
		subkey[i] = (uint8_t)(subkey[i] << 1 | (i < 15 ? subkey[i + 1] >> 7 : 0));
	subkey[15] ^= carry != 0 ? 0x87 : 0;
	for (int i = 0; i < 16; i++)
		block[i] ^= subkey[i];
	openssl_ecb(key, block, block);
	for (int i = 0; i < 8; i++) {
		tag = tag << 8 | block[i];
		high = high << 8 | id[0][i];
		low = low << 8 | id[0][8 + i];
	}
	cr_assert_eq(high, 0x0123456789ab4cdeull);
	cr_assert_eq(low >> 58, 0x2f, "variant and the token's last four bits");
	cr_assert_eq(low & ((1ull << 58) - 1), tag >> 6);
	cr_assert_eq(mark, (uint32_t)block[8] << 24 | (uint32_t)block[9] << 16 |
				   (uint32_t)block[10] << 8 | block[11]);
}

Test(message_id, any_bit_changed_is_refused_and_nothing_is_written)
{
	uint64_t seed = 3, tokens[LANES_MAX], token;
	uint8_t ids[LANES_MAX][FK_MESSAGE_ID_SIZE];

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		struct fk_token_key tk = key_make(*e);

		tokens_randomise(tokens, &seed);
		fk_message_id_make(&tk, tokens, ids, NULL, LANES_MAX);
		for (uint32_t i = 0; i < LANES_MAX; i++) {
			for (uint32_t bit = 0; bit < 128; bit++) {
				token = 99;
				ids[i][bit / 8] ^= (uint8_t)(1 << bit % 8);
				cr_assert_eq(fk_message_id_check(&tk, ids[i], &token), FK_EAUTH,
					     "bit %u", bit);
				cr_assert_eq(token, 99);
				ids[i][bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
		}
	}
}

Test(message_id, another_key_refuses_it)
{
	uint64_t token = 5;
	uint8_t id[1][FK_MESSAGE_ID_SIZE], other_key[32] = {1};
	struct fk_token_key tk = key_make(test_engines()[0]), other;

	fk_token_key_init(&other, test_engines()[0], test_scratch(), other_key);
	fk_message_id_make(&tk, &token, id, NULL, 1);
	cr_assert_eq(fk_message_id_check(&other, id[0], &token), FK_EAUTH);
}

Test(message_id, all_engines_make_the_same)
{
	uint64_t seed = 4, tokens[LANES_MAX];
	uint8_t ids[LANES_MAX][FK_MESSAGE_ID_SIZE], first[LANES_MAX][FK_MESSAGE_ID_SIZE];

	tokens_randomise(tokens, &seed);
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		struct fk_token_key tk = key_make(*e);

		fk_message_id_make(&tk, tokens, ids, NULL, LANES_MAX);
		if (*e == test_engines()[0])
			memcpy(first, ids, sizeof(first));
		cr_assert_arr_eq(ids, first, sizeof(first), "%s", (*e)->name);
	}
}

Test(branch, comes_back_whole_at_every_burst_size)
{
	uint64_t seed = 5;
	struct fk_branch branches[LANES_MAX], said;
	char texts[LANES_MAX][FK_BRANCH_LEN];

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		struct fk_token_key tk = key_make(*e);

		for (uint32_t n = 1; n <= LANES_MAX; n++) {
			branches_randomise(branches, &seed);
			fk_branch_make(&tk, branches, texts, n);
			for (uint32_t i = 0; i < n; i++) {
				cr_assert_eq(fk_branch_check(&tk, texts[i], FK_BRANCH_LEN, &said),
					     FK_OK);
				cr_assert_eq(said.token, branches[i].token);
				cr_assert_eq(said.epoch, branches[i].epoch);
				cr_assert_eq(said.count, branches[i].count);
			}
		}
	}
}

/* spec: RFC 3261 §8.1.1.7, §25.1 */
Test(branch, is_the_cookie_and_lower_case_hex)
{
	uint64_t seed = 6;
	struct fk_branch branches[LANES_MAX];
	char texts[LANES_MAX][FK_BRANCH_LEN];
	struct fk_token_key tk = key_make(test_engines()[0]);

	branches_randomise(branches, &seed);
	branches[2] = (struct fk_branch){0x0123456789abcdefull, 0x89abcdef, 0x00beef};
	fk_branch_make(&tk, branches, texts, LANES_MAX);
	cr_assert_arr_eq(texts[2], "z9hG4bK0123456789abcdef89abcdef00beef", 37);
	for (uint32_t i = 0; i < LANES_MAX; i++) {
		cr_assert_arr_eq(texts[i], "z9hG4bK", 7);
		for (uint32_t c = 7; c < FK_BRANCH_LEN; c++)
			cr_assert_not_null(memchr("0123456789abcdef", texts[i][c], 16));
	}
}

Test(branch, any_bit_changed_is_refused_and_nothing_is_written)
{
	uint64_t seed = 7;
	struct fk_branch branches[LANES_MAX], said;
	char texts[LANES_MAX][FK_BRANCH_LEN];

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		struct fk_token_key tk = key_make(*e);

		branches_randomise(branches, &seed);
		fk_branch_make(&tk, branches, texts, LANES_MAX);
		for (uint32_t i = 0; i < 16; i++) {
			for (uint32_t bit = 0; bit < 8 * FK_BRANCH_LEN; bit++) {
				said.token = 99;
				texts[i][bit / 8] ^= (char)(1 << bit % 8);
				cr_assert_eq(fk_branch_check(&tk, texts[i], FK_BRANCH_LEN, &said),
					     FK_EAUTH, "bit %u", bit);
				cr_assert_eq(said.token, 99);
				texts[i][bit / 8] ^= (char)(1 << bit % 8);
			}
		}
	}
}

Test(branch, any_digit_changed_into_any_other_is_refused)
{
	struct fk_branch branch = {0x1122334455667788ull, 3, 4}, said;
	char text[1][FK_BRANCH_LEN];
	struct fk_token_key tk = key_make(test_engines()[0]);

	fk_branch_make(&tk, &branch, text, 1);
	for (uint32_t at = 7; at < FK_BRANCH_LEN; at++) {
		char was = text[0][at];

		for (const char *digit = "0123456789abcdef"; *digit != 0; digit++) {
			text[0][at] = *digit;
			cr_assert_eq(fk_branch_check(&tk, text[0], FK_BRANCH_LEN, &said),
				     *digit == was ? FK_OK : FK_EAUTH, "digit %u as %c", at,
				     *digit);
		}
		text[0][at] = was;
	}
}

Test(branch, another_length_is_refused_without_reading_beyond_it)
{
	struct fk_branch branch = {1, 2, 3}, said;
	char text[1][FK_BRANCH_LEN], longer[FK_BRANCH_LEN + 1];
	struct fk_token_key tk = key_make(test_engines()[0]);

	fk_branch_make(&tk, &branch, text, 1);
	memcpy(longer, text[0], FK_BRANCH_LEN);
	longer[FK_BRANCH_LEN] = '0';
	cr_assert_eq(fk_branch_check(&tk, longer, sizeof(longer), &said), FK_EAUTH);
	for (size_t len = 0; len < FK_BRANCH_LEN; len++) {
		char *cut = (char *)guarded_new(len, GUARD_BEHIND);

		memcpy(cut, text[0], len);
		cr_assert_eq(fk_branch_check(&tk, cut, len, &said), FK_EAUTH, "length %zu", len);
	}
}

Test(branch, upper_case_is_not_ours)
{
	struct fk_branch branch = {0xabcdefabcdefabcdull, 2, 3}, said;
	char text[1][FK_BRANCH_LEN];
	struct fk_token_key tk = key_make(test_engines()[0]);

	fk_branch_make(&tk, &branch, text, 1);
	for (uint32_t i = 7; i < FK_BRANCH_LEN; i++)
		text[0][i] = (char)toupper((unsigned char)text[0][i]);
	cr_assert_eq(fk_branch_check(&tk, text[0], FK_BRANCH_LEN, &said), FK_EAUTH);
}

Test(branch, tag_of_a_message_id_does_not_pass_as_one_of_a_branch)
{
	uint64_t token = 0x42, tag = 0;
	struct fk_branch said;
	uint8_t id[1][FK_MESSAGE_ID_SIZE];
	char text[FK_BRANCH_LEN + 1];
	struct fk_token_key tk = key_make(test_engines()[0]);

	fk_message_id_make(&tk, &token, id, NULL, 1);
	for (int i = 8; i < 16; i++)
		tag = tag << 8 | id[0][i];
	tag &= (1ull << 58) - 1;
	/* Epoch and count 0, as in the block that the Message ID's tag covers: only domains differ.
	 */
	snprintf(text, sizeof(text), "z9hG4bK%016llx%08x%06x%015llx", (unsigned long long)token, 0,
		 0, (unsigned long long)tag << 2);
	cr_assert_eq(fk_branch_check(&tk, text, FK_BRANCH_LEN, &said), FK_EAUTH);
}

Test(token_key, is_all_zeros_after_the_wipe)
{
	struct fk_token_key tk = key_make(test_engines()[0]), zeros;

	memset(&zeros, 0, sizeof(zeros));
	fk_token_key_wipe(&tk);
	cr_assert_arr_eq(&tk, &zeros, sizeof(tk));
}

/* Branches and Message IDs among each other, at every burst size, any of them forged. */
Test(claims, of_a_burst_are_believed_each_by_its_own_tag)
{
	uint64_t seed = 9, tokens[LANES_MAX];
	struct fk_branch branches[LANES_MAX];
	struct fk_token_claim claims[LANES_MAX], *pointers[LANES_MAX];
	uint8_t ids[LANES_MAX][FK_MESSAGE_ID_SIZE];
	char texts[LANES_MAX][FK_BRANCH_LEN];

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		struct fk_token_key tk = key_make(*e);

		for (uint32_t n = 1; n <= LANES_MAX; n++) {
			uint64_t forged;

			random_fill(&seed, &forged, sizeof(forged));
			tokens_randomise(tokens, &seed);
			branches_randomise(branches, &seed);
			fk_message_id_make(&tk, tokens, ids, NULL, n);
			fk_branch_make(&tk, branches, texts, n);
			for (uint32_t i = 0; i < n; i++) {
				bool is_forged = (forged >> i & 1) != 0;

				pointers[i] = &claims[i];
				ids[i][15] ^= (uint8_t)is_forged;
				texts[i][20] = (char)(texts[i][20] ^ (is_forged ? 1 : 0));
				if (i % 2 == 0)
					fk_message_id_read(ids[i], &claims[i]);
				else
					fk_branch_read(texts[i], FK_BRANCH_LEN, &claims[i]);
			}
			fk_token_claims_check(&tk, pointers, n);
			for (uint32_t i = 0; i < n; i++) {
				bool is_forged = (forged >> i & 1) != 0;

				cr_assert_eq(claims[i].is_authentic, !is_forged, "%s, %u of %u",
					     (*e)->name, i, n);
				if (!is_forged)
					cr_assert_eq(claims[i].said.token,
						     i % 2 == 0 ? tokens[i] : branches[i].token);
			}
		}
	}
}

Test(claims, that_do_not_look_like_ours_are_not_authentic)
{
	struct fk_token_key tk = key_make(test_engines()[0]);
	struct fk_token_claim claims[3], *pointers[] = {&claims[0], &claims[1], &claims[2]};
	uint8_t id[FK_MESSAGE_ID_SIZE] = {0};

	fk_branch_read(NULL, 0, &claims[0]);
	fk_branch_read("z9hG4bK", 7, &claims[1]);
	fk_message_id_read(id, &claims[2]);
	fk_token_claims_check(&tk, pointers, 3);
	for (int i = 0; i < 3; i++)
		cr_assert(!claims[i].is_shaped && !claims[i].is_authentic);
}
