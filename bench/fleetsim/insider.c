/* SPDX-License-Identifier: Apache-2.0 */
/* insider.c - see insider.h. */
#include <fleetkey/kmm.h>

#include "forge.h"
#include "insider.h"

const char *fk_insider_answer_name(enum fk_insider_answer kind)
{
	static const char *const names[] = {
#define X(name, label, counter) label,
		FK_INSIDER_ANSWER_MAP(X)
#undef X
	};

	return names[kind];
}

const char *fk_insider_counter_name(enum fk_insider_answer kind)
{
	static const char *const names[] = {
#define X(name, label, counter) counter,
		FK_INSIDER_ANSWER_MAP(X)
#undef X
	};

	return names[kind];
}

const struct fk_sim_key *fk_insider_key(const struct fk_insider *insider,
					const struct fk_sim_ue *ue)
{
	const struct fk_sim_key *own, *shared;

	if (insider->ue == NULL || insider->ue == ue || insider->ue->active_keyset == 0)
		return NULL;
	for (uint32_t i = 0; (own = fk_sim_ue_key(insider->ue, i)) != NULL; i++) {
		if (own->keyset_id != insider->ue->active_keyset)
			continue;
		for (uint32_t k = 0; (shared = fk_sim_ue_key(ue, k)) != NULL; k++) {
			if (shared->keyset_id != 0 && shared->algorithm_id == own->algorithm_id &&
			    shared->key_id == own->key_id &&
			    fk_ct_equal(shared->octets, own->octets, sizeof(own->octets)))
				return own;
		}
	}
	return NULL;
}

/* As the KMF would say it, with a number that is as far ahead as the radio takes one: whoever
 * obeyed would take none of the KMF's after it. */
static struct fk_kmm_header command_header(const struct fk_radio *radio, const struct fk_sim_ue *ue,
					   const struct fk_sim_key *key)
{
	return (struct fk_kmm_header){
		.response_kind = FK_KMM_RESPONSE_IMMEDIATE,
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = ue->rsi,
		.source_rsi = radio->kmf_rsi,
		.message_number = (uint16_t)(ue->inbound_number + ue->mnp),
		.mac = {.algorithm_id = key->algorithm_id,
			.key_id = key->key_id,
			.mac_format = fk_sim_ue_mac_format(ue)},
	};
}

static void give(struct fk_insider *insider, struct fk_radio *radio, struct fk_sim_ue *ue,
		 const struct fk_sim_key *key, uint8_t *kmm, size_t size)
{
	struct fk_radio_answer answer;

	if (fk_ossl_mac(radio->ossl, key->octets, kmm, size, fk_sim_ue_mac_format(ue),
			kmm + size - FK_KMM_MAC_BLOCK_SIZE) != FK_OK)
		return;
	insider->n_commands++;
	radio->is_forged = true;
	insider->n_obeyed +=
		fk_radio_receive(radio, ue, kmm, size, &answer) == FK_SIM_WELL_FORMED &&
		answer.size > 0;
	radio->is_forged = false;
}

void fk_insider_command(struct fk_insider *insider, struct fk_radio *radio, struct fk_sim_ue *ue)
{
	const struct fk_sim_key *key = fk_insider_key(insider, ue);
	uint8_t other = ue->active_keyset == 1 ? 2 : 1, kmm[FK_KMM_SIZE_MAX];
	const struct fk_kmm_changeover_pair pair = {ue->active_keyset, other};
	const struct fk_kmm_delete_keyset_one one = {.keyset_id = other};
	struct fk_kmm_header header;
	size_t size;

	if (key == NULL)
		return;
	header = command_header(radio, ue, key);
	if (fk_kmm_encode_changeover(&header, FK_KMM_CHANGEOVER_COMMAND, &pair, kmm, sizeof(kmm),
				     &size) == FK_OK)
		give(insider, radio, ue, key, kmm, size);
	if (fk_kmm_encode_delete_keyset(&header, FK_KMM_DELETE_KEYSET_COMMAND, &one, kmm,
					sizeof(kmm), &size) == FK_OK)
		give(insider, radio, ue, key, kmm, size);
	if (fk_kmm_encode_empty(&header, FK_KMM_ZEROIZE_COMMAND, kmm, sizeof(kmm), &size) == FK_OK)
		give(insider, radio, ue, key, kmm, size);
}

/* Whether it can be told beside this truth: where the answer is due under the shared key itself, it
 * is the server's word for who calls, and that alone, that gives the insider away. */
static bool forge(enum fk_insider_answer kind, const struct fk_sim_key *key,
		  struct fk_forged *forged)
{
	if (kind != FK_INSIDER_OWN_NAME && fk_forge_mac_key_id(forged) == key->key_id)
		return false;
	if (kind != FK_INSIDER_UE_KEY_NAME)
		fk_forge_key_id(forged, key->key_id);
	return true;
}

void fk_insider_answer(struct fk_insider *insider, const struct fk_hostile_truth *truth,
		       const struct fk_fleet *fleet, struct fk_ossl *ossl,
		       const struct fk_sim_ue *ue)
{
	const struct fk_sim_key *key = fk_insider_key(insider, ue);

	for (uint32_t i = 0; key != NULL && i < FK_INSIDER_ANSWERS; i++) {
		struct fk_compose message = truth->answer;
		struct fk_forged forged;

		if (fk_forge_copy(message.kmm, message.kmm_size, &forged) != FK_OK ||
		    !forge((enum fk_insider_answer)i, key, &forged) ||
		    fk_forge_sign(&forged, ossl, key->octets) != FK_OK)
			continue;
		message.kmm = forged.octets;
		if (i == FK_INSIDER_OWN_NAME) {
			message.mcdata_id = fk_fleet_mcdata_id(fleet, insider->ue);
			message.mcdata_id_size = insider->ue->mcdata_id_size;
		}
		insider->sent[i] += fk_hostile_send(truth, &message);
	}
}
