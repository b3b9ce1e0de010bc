/* SPDX-License-Identifier: Apache-2.0 */
/* lies.c - see lies.h. */
#include "lies.h"
#include "forge.h"

#define ANSWERS_A_UE	2 /* a rekey and its closing exchange */
#define REPLAY_EVERY	8 /* one lie in so many is a replay of the true answer */
#define OTHER_KMF_RSI	9999998
#define FORGED_KEY_BITS 0x0800 /* changed in the key ID */

const char *fk_lie_name(enum fk_lie lie)
{
	static const char *const names[] = {
#define X(name, label, counter) label,
		FK_LIE_MAP(X)
#undef X
	};

	return names[lie];
}

const char *fk_lie_counter_name(enum fk_lie lie)
{
	static const char *const names[] = {
#define X(name, label, counter) counter,
		FK_LIE_MAP(X)
#undef X
	};

	return names[lie];
}

void fk_lies_begin(struct fk_lies *lies, uint64_t n_wanted, uint32_t n_ues)
{
	uint64_t n_answers = (uint64_t)n_ues * ANSWERS_A_UE;

	*lies = (struct fk_lies){
		.n_wanted = n_wanted,
		.n_each = n_answers == 0 ? 0 : (uint32_t)((n_wanted + n_answers - 1) / n_answers),
	};
}

/* A key that nobody holds. */
static void draw_key(struct fk_txns *txns, uint8_t key[static FK_OSSL_KEY_SIZE])
{
	for (uint32_t i = 0; i < FK_OSSL_KEY_SIZE; i++)
		key[i] = (uint8_t)fk_txns_draw(txns);
}

/* Writes the KMM of this kind. False if it cannot be told beside this truth. */
static bool forge(struct fk_lies *lies, const struct fk_lies_truth *t, enum fk_lie lie,
		  struct fk_forged *forged)
{
	const struct fk_compose *answer = &t->wire.answer;
	uint8_t key[FK_OSSL_KEY_SIZE];
	uint32_t bit = (uint32_t)lies->turn;

	if (fk_forge_copy(answer->kmm, answer->kmm_size, forged) != FK_OK)
		return false;
	switch (lie) {
	case FK_LIE_FORGED_MAC:
		fk_forge_flip_mac(forged, bit);
		return true;
	case FK_LIE_FORGED_BODY:
		fk_forge_flip_body(forged, bit);
		return true;
	case FK_LIE_FORGED_KEY:
		draw_key(t->wire.txns, key);
		return fk_forge_sign(forged, t->ossl, key) == FK_OK;
	case FK_LIE_FORGED_MEMBER:
		/* Under a key that the group shares, its members cannot be told apart by MAC. */
		return t->other != NULL && fk_forge_mac_key_id(forged) == t->ue->ptek_key_id &&
		       fk_forge_sign(forged, t->ossl, t->other->ptek) == FK_OK;
	case FK_LIE_FORGED_KEY_ID:
		fk_forge_key_id(forged, fk_forge_mac_key_id(forged) ^ FORGED_KEY_BITS);
		return true;
	case FK_LIE_NO_MAC:
		fk_forge_strip_mac(forged);
		return true;
	case FK_LIE_CROSS_USER:
		return t->other != NULL;
	case FK_LIE_CROSS_RSI:
		if (t->other != NULL)
			fk_forge_source(forged, t->other->rsi);
		return t->other != NULL;
	case FK_LIE_STRANGER:
		fk_forge_source(forged, t->nobody_rsi);
		return true;
	case FK_LIE_OTHER_KMF:
		fk_forge_destination(forged, OTHER_KMF_RSI);
		return true;
	case FK_LIE_REPLAY_EARLIER:
		return t->earlier != NULL &&
		       fk_forge_copy(t->earlier, t->earlier_size, forged) == FK_OK;
	case FK_LIE_REPLAY:
		return true;
	case FK_LIES:
		break;
	}
	return false;
}

/* True if it went out. */
static bool tell(struct fk_lies *lies, const struct fk_lies_truth *t, enum fk_lie lie)
{
	struct fk_compose message = t->wire.answer;
	struct fk_forged forged;

	if (!fk_lies_wants(lies) || !forge(lies, t, lie, &forged))
		return false;
	message.kmm = forged.octets;
	message.kmm_size = forged.size;
	if (lie == FK_LIE_CROSS_USER) {
		message.mcdata_id = t->wire.other_mcdata_id;
		message.mcdata_id_size = t->wire.other_mcdata_id_size;
	}
	if (!fk_hostile_send(&t->wire, &message))
		return false;
	lies->sent[lie]++;
	lies->n_sent++;
	return true;
}

static uint32_t n_replays(const struct fk_lies *lies)
{
	return (lies->n_each + REPLAY_EVERY - 1) / REPLAY_EVERY;
}

void fk_lies_before(struct fk_lies *lies, const struct fk_lies_truth *truth)
{
	uint32_t n = lies->n_each - n_replays(lies);

	/* Most kinds can always be told, so the tries are more than enough. */
	for (uint32_t tries = 0; n > 0 && tries < 4 * lies->n_each + FK_LIES; tries++) {
		n -= tell(lies, truth, (enum fk_lie)(lies->turn % FK_LIE_REPLAY));
		lies->turn++;
	}
}

void fk_lies_after(struct fk_lies *lies, const struct fk_lies_truth *truth)
{
	for (uint32_t i = n_replays(lies); i > 0; i--)
		(void)tell(lies, truth, FK_LIE_REPLAY); /* counts what went out */
}
