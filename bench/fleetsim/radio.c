/* SPDX-License-Identifier: Apache-2.0 */
/* radio.c - see radio.h. */
#include <string.h>

#include <fleetkey/kmm.h>

#include "radio.h"

#define STATUS_NOT_PERFORMED	   0x01 /* P25 sheet 1.6 */
#define STATUS_NO_SUCH_ITEM	   0x02
#define STATUS_NO_ITEM		   0x02
#define STATUS_UNSUPPORTED_MESSAGE 0x03
#define STATUS_OUT_OF_MEMORY	   0x05
#define STATUS_INVALID_ALGORITHM   0x09
#define KEYSET_ID_MAX		   240	/* above are the keysets of KEKs, P25 sheet 2.3 */
#define KEY_FORMAT_KEK_OR_ERASE	   0xa0 /* P25 sheet 2.4 */
#define NUMBER_AHEAD_MAX	   0x7fff

/* One KMM on its way through the radio. */
struct exchange {
	struct fk_radio *radio;
	struct fk_sim_ue *ue;
	struct fk_kmm_frame frame;
	const uint8_t *tek;		/* the key that the MAC verified under */
	struct fk_sim_key *traffic_key; /* its entry, or NULL if it is the protection TEK */
};

static void count(struct fk_radio *radio, enum fk_sim_count c)
{
	radio->counts->count[c]++;
}

static bool mac_verifies(struct exchange *x, const uint8_t *tek)
{
	const struct fk_kmm_mac *mac = &x->frame.header.mac;
	uint8_t expected[FK_KMM_MAC_SIZE];

	if (fk_ossl_mac(x->radio->ossl, tek, x->frame.octets, x->frame.size, mac->mac_format,
			expected) != FK_OK)
		return false;
	return fk_ct_equal(expected, mac->mac, sizeof(expected));
}

/* Tries every key that goes by the name in the MAC block; key IDs need not be unique. */
static bool authenticate(struct exchange *x)
{
	const struct fk_kmm_header *h = &x->frame.header;
	struct fk_sim_ue *ue = x->ue;
	struct fk_sim_key *key;

	if (!h->has_mac || !h->has_message_number)
		return false;
	if (ue->ptek_algorithm_id != 0 && ue->ptek_algorithm_id == h->mac.algorithm_id &&
	    ue->ptek_key_id == h->mac.key_id && mac_verifies(x, ue->ptek)) {
		x->tek = ue->ptek;
		return true;
	}
	for (uint32_t i = 0;
	     (key = fk_sim_ue_find_key(ue, h->mac.algorithm_id, h->mac.key_id, i)) != NULL; i++) {
		/* A KEK authenticates nothing. */
		if (key->keyset_id != FK_KMM_KEYSET_KEKS && mac_verifies(x, key->octets)) {
			x->tek = key->octets;
			x->traffic_key = key;
			return true;
		}
	}
	return false;
}

/* A Warm-Start-Command is authenticated by the key that it brings. Unwraps it into 'ret_ptek'.
 * spec: P25 sheet 3.6, 4 */
static bool authenticate_warm_start(struct exchange *x, struct fk_kmm_warm_start *ret_start,
				    uint8_t ret_ptek[static FK_OSSL_KEY_SIZE])
{
	const struct fk_kmm_header *h = &x->frame.header;

	if (!h->has_mac || !h->has_message_number ||
	    fk_kmm_decode_warm_start(&x->frame, ret_start) != FK_OK)
		return false;
	if (ret_start->decryption_algorithm_id != x->ue->kek_algorithm_id ||
	    ret_start->decryption_key_id != x->ue->kek_key_id) {
		count(x->radio, FK_SIM_NO_KEK);
		return false;
	}
	if (fk_ossl_unwrap(x->radio->ossl, x->ue->kek, ret_start->key, ret_ptek) != FK_OK) {
		count(x->radio, FK_SIM_BAD_WRAP);
		return false;
	}
	x->tek = ret_ptek;
	return h->mac.algorithm_id == ret_start->algorithm_id &&
	       h->mac.key_id == ret_start->key_id && mac_verifies(x, ret_ptek);
}

/* A command under a key that the whole group knows may come from any member of it. */
static bool is_anybodys(const struct exchange *x)
{
	return x->traffic_key != NULL && x->ue->ptek_algorithm_id != 0 &&
	       x->frame.header.message_id != FK_KMM_INVENTORY_COMMAND;
}

/* Header of an answer: kind 1, the UE's next number, MAC as in the command. */
static struct fk_kmm_header answer_header(struct exchange *x)
{
	const struct fk_kmm_header *h = &x->frame.header;

	return (struct fk_kmm_header){
		.response_kind = FK_KMM_RESPONSE_NONE,
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = h->source_rsi,
		.source_rsi = x->ue->rsi,
		.message_number = (uint16_t)(x->ue->outbound_number + 1),
		.mac = {.algorithm_id = h->mac.algorithm_id,
			.key_id = h->mac.key_id,
			.mac_format = h->mac.mac_format},
	};
}

/* Puts the MAC under 'tek' into the encoded answer; its number counts as sent. */
static void seal(struct exchange *x, const uint8_t *tek, enum fk_err err, size_t size,
		 struct fk_radio_answer *answer)
{
	uint8_t *mac = answer->octets + size - FK_KMM_MAC_BLOCK_SIZE;

	if (err != FK_OK || fk_ossl_mac(x->radio->ossl, tek, answer->octets, size,
					x->frame.header.mac.mac_format, mac) != FK_OK)
		return;
	answer->size = size;
	x->ue->outbound_number++;
}

static void refuse(struct exchange *x, uint8_t status, struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	struct fk_kmm_negative_ack nack = {
		.acknowledged_message_id = x->frame.header.message_id,
		.acknowledged_message_number = x->frame.header.message_number,
		.status = status,
	};
	size_t size = 0;
	enum fk_err err = fk_kmm_encode_negative_ack(&header, &nack, answer->octets,
						     sizeof(answer->octets), &size);

	seal(x, x->tek, err, size, answer);
}

/* True if the UE refuses this key for no reason but its trait. */
static bool refuses_key(const struct exchange *x, uint16_t sln)
{
	const struct fk_traits *traits = x->radio->traits;

	return traits != NULL && fk_ue_has_trait(x->ue, FK_TRAIT_STATUS) &&
	       (traits->spec.status_sln == 0 || traits->spec.status_sln == sln);
}

/* The KEK of that name: the radio's own, or a CKEK that it was given; NULL if it has none. */
static const uint8_t *find_kek(const struct fk_sim_ue *ue, uint8_t algorithm_id, uint16_t key_id)
{
	const struct fk_sim_key *key;

	if (algorithm_id == ue->kek_algorithm_id && key_id == ue->kek_key_id)
		return ue->kek;
	for (uint32_t i = 0; (key = fk_sim_ue_key(ue, i)) != NULL; i++) {
		if (key->keyset_id == FK_KMM_KEYSET_KEKS && key->algorithm_id == algorithm_id &&
		    key->key_id == key_id)
			return key->octets;
	}
	return NULL;
}

/* A key goes where its format says: a TEK into a keyset of TEKs, a KEK, which only the radio's own
 * KEK brings, into that of KEKs. spec: P25 sheet 2.3, 2.4 */
static bool is_in_its_place(const struct fk_sim_ue *ue, const struct fk_kmm_rekey_command *rekey,
			    const struct fk_kmm_key_item *item, const uint8_t *kek)
{
	if (rekey->keyset_format == FK_KMM_FORMAT_KEK)
		return rekey->keyset_id == FK_KMM_KEYSET_KEKS &&
		       (item->key_format & KEY_FORMAT_KEK_OR_ERASE) == FK_KMM_FORMAT_KEK &&
		       item->sln >= FK_KMM_SLN_KEK_MIN && kek == ue->kek;
	return rekey->keyset_format == 0 && rekey->keyset_id != 0 &&
	       rekey->keyset_id <= KEYSET_ID_MAX && item->sln < FK_KMM_SLN_KEK_MIN &&
	       (item->key_format & KEY_FORMAT_KEK_OR_ERASE) == 0;
}

/* Unwraps and stores one key; returns its status. */
static uint8_t load_key(struct exchange *x, const struct fk_kmm_rekey_command *rekey,
			const struct fk_kmm_key_item *item)
{
	struct fk_sim_ue *ue = x->ue;
	const uint8_t *kek = find_kek(ue, rekey->decryption_algorithm_id, rekey->decryption_key_id);
	uint8_t octets[FK_OSSL_KEY_SIZE];
	enum fk_err err;
	bool is_stored;

	if (kek == NULL) {
		count(x->radio, FK_SIM_NO_KEK);
		return FK_KMM_STATUS_NO_KEK;
	}
	if (rekey->algorithm_id != FK_ALGORITHM_AES_256 ||
	    rekey->key_length != FK_OSSL_WRAPPED_SIZE)
		return STATUS_INVALID_ALGORITHM;
	if (!is_in_its_place(ue, rekey, item, kek))
		return STATUS_NOT_PERFORMED;
	if (ue->keysets != 0 && rekey->keyset_id > ue->keysets &&
	    rekey->keyset_id != FK_KMM_KEYSET_KEKS) {
		count(x->radio, FK_SIM_BEYOND_CAPABILITY);
		return STATUS_NO_SUCH_ITEM;
	}
	err = fk_ossl_unwrap(x->radio->ossl, kek, item->key, octets);
	if (err != FK_OK) {
		count(x->radio, FK_SIM_BAD_WRAP);
		return STATUS_NOT_PERFORMED;
	}
	if (refuses_key(x, item->sln)) {
		x->radio->traits->events[FK_TRAIT_STATUS]++;
		ue->refusal = FK_SIM_REFUSED_STATUS;
		fk_wipe(octets, sizeof(octets));
		return x->radio->traits->spec.status;
	}
	is_stored = fk_sim_ue_store_key(ue, rekey->keyset_id, item->sln, rekey->algorithm_id,
					item->key_id, octets);
	fk_wipe(octets, sizeof(octets));
	if (is_stored && kek != ue->kek)
		count(x->radio, FK_SIM_UNDER_CKEK);
	return is_stored ? FK_KMM_STATUS_PERFORMED : STATUS_OUT_OF_MEMORY;
}

static void obey_rekey(struct exchange *x, const struct fk_kmm_rekey_command *rekey,
		       struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	struct fk_kmm_rekey_ack ack = {.acknowledged_message_id = FK_KMM_REKEY_COMMAND};
	uint8_t tek[FK_OSSL_KEY_SIZE]; /* the MAC key of the command, which it may replace */
	size_t size = 0;
	enum fk_err err;

	memcpy(tek, x->tek, sizeof(tek));
	for (uint32_t i = 0; i < rekey->n_keys; i++)
		ack.statuses[ack.n_statuses++] = (struct fk_kmm_key_status){
			.algorithm_id = rekey->algorithm_id,
			.key_id = rekey->keys[i].key_id,
			.status = load_key(x, rekey, &rekey->keys[i]),
		};
	err = fk_kmm_encode_rekey_ack(&header, &ack, answer->octets, sizeof(answer->octets), &size);
	seal(x, tek, err, size, answer);
	fk_wipe(tek, sizeof(tek));
}

/* The KMF has proven that it holds the traffic key, and our answer proves that we do: the keyset
 * that the key is in has come whole. */
static void verify_keyset(struct exchange *x)
{
	uint8_t keyset_id = x->traffic_key->keyset_id;
	struct fk_sim_key *key;

	for (uint32_t i = 0; (key = fk_sim_ue_key(x->ue, i)) != NULL; i++) {
		if (key->keyset_id == keyset_id)
			key->is_verified = true;
	}
}

/* Lists the keys of the active keyset; the protection TEK is in none. */
static void obey_inventory(struct exchange *x, struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	struct fk_kmm_inventory inventory; /* large: only what is listed is written */
	const struct fk_sim_ue *ue = x->ue;
	const struct fk_sim_key *key;
	size_t size = 0;
	enum fk_err err;

	inventory.inventory_type = FK_INVENTORY_ACTIVE_KEY_IDS;
	inventory.n_items = 0;
	for (uint32_t i = 0; (key = fk_sim_ue_key(ue, i)) != NULL; i++) {
		if (key->keyset_id != 0 && key->keyset_id == ue->active_keyset)
			inventory.items[inventory.n_items++] = (struct fk_kmm_inventory_item){
				.keyset_id = key->keyset_id,
				.algorithm_id = key->algorithm_id,
				.key_id = key->key_id,
			};
	}
	err = fk_kmm_encode_inventory_response(&header, &inventory, answer->octets,
					       sizeof(answer->octets), &size);
	seal(x, x->tek, err, size, answer);
	if (x->traffic_key != NULL)
		verify_keyset(x);
}

/* The radio has no room for this KMM, however well it is made. */
static bool is_too_large(const struct exchange *x)
{
	return x->ue->max_kmm != 0 && x->frame.size > x->ue->max_kmm;
}

static bool has_too_many_keys(const struct exchange *x, const struct fk_kmm_rekey_command *rekey)
{
	return x->ue->max_keys != 0 && rekey->n_keys > x->ue->max_keys;
}

/* A keyset without a key is none. */
static bool has_keyset(const struct fk_sim_ue *ue, uint8_t keyset_id)
{
	const struct fk_sim_key *key;

	for (uint32_t i = 0; (key = fk_sim_ue_key(ue, i)) != NULL; i++) {
		if (key->keyset_id == keyset_id && keyset_id != 0)
			return true;
	}
	return false;
}

/* spec: P25 sheet 4: a changeover to the keyset that is active already is performed */
static void obey_changeover(struct exchange *x, const struct fk_kmm_changeover_pair *pair,
			    struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	struct fk_sim_ue *ue = x->ue;
	size_t size = 0;
	enum fk_err err;

	if (!has_keyset(ue, pair->activated_keyset_id)) {
		refuse(x, STATUS_NO_ITEM, answer);
		return;
	}
	if (ue->active_keyset != pair->activated_keyset_id &&
	    ue->active_keyset != pair->superseded_keyset_id) {
		refuse(x, STATUS_NOT_PERFORMED, answer);
		return;
	}
	ue->active_keyset = pair->activated_keyset_id;
	count(x->radio, FK_SIM_CHANGEOVERS);
	err = fk_kmm_encode_changeover(&header, FK_KMM_CHANGEOVER_RESPONSE, pair, answer->octets,
				       sizeof(answer->octets), &size);
	seal(x, x->tek, err, size, answer);
}

/* A radio keeps what it may be talking under: the keys of its active keyset. */
static uint8_t delete_key(struct fk_sim_ue *ue, const struct fk_kmm_key_status *name)
{
	struct fk_sim_key *key = fk_sim_ue_find_key(ue, name->algorithm_id, name->key_id, 0);

	if (key == NULL)
		return STATUS_NO_ITEM;
	if (key->keyset_id == ue->active_keyset)
		return STATUS_NOT_PERFORMED;
	fk_sim_ue_delete_key(ue, key);
	return FK_KMM_STATUS_PERFORMED;
}

static void obey_delete_key(struct exchange *x, struct fk_kmm_delete_key_list *list,
			    struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	uint8_t tek[FK_OSSL_KEY_SIZE]; /* the MAC key of the command, which it may delete */
	size_t size = 0;
	enum fk_err err;

	memcpy(tek, x->tek, sizeof(tek));
	for (uint32_t i = 0; i < list->n_keys; i++)
		list->keys[i].status = delete_key(x->ue, &list->keys[i]);
	err = fk_kmm_encode_delete_key(&header, FK_KMM_DELETE_KEY_RESPONSE, list, answer->octets,
				       sizeof(answer->octets), &size);
	seal(x, tek, err, size, answer);
	fk_wipe(tek, sizeof(tek));
}

static uint8_t delete_keyset(struct fk_sim_ue *ue, uint8_t keyset_id)
{
	struct fk_sim_key *key;

	if (!has_keyset(ue, keyset_id))
		return STATUS_NO_ITEM;
	if (keyset_id == ue->active_keyset)
		return STATUS_NOT_PERFORMED;
	for (uint32_t i = 0; (key = fk_sim_ue_key(ue, i)) != NULL; i++) {
		if (key->keyset_id == keyset_id)
			fk_sim_ue_delete_key(ue, key);
	}
	return FK_KMM_STATUS_PERFORMED;
}

static void obey_delete_keyset(struct exchange *x, struct fk_kmm_delete_keyset_one *one,
			       struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	uint8_t tek[FK_OSSL_KEY_SIZE]; /* the MAC key of the command, which it may delete */
	size_t size = 0;
	enum fk_err err;

	memcpy(tek, x->tek, sizeof(tek));
	one->status = delete_keyset(x->ue, one->keyset_id);
	err = fk_kmm_encode_delete_keyset(&header, FK_KMM_DELETE_KEYSET_RESPONSE, one,
					  answer->octets, sizeof(answer->octets), &size);
	seal(x, tek, err, size, answer);
	fk_wipe(tek, sizeof(tek));
}

/* The answer leaves, and every key goes. What was answered stays for a repeat of the command: its
 * octets are no key. spec: P25 sheet 4, Zeroize */
static void obey_zeroize(struct exchange *x, struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	size_t size = 0;
	enum fk_err err = fk_kmm_encode_empty(&header, FK_KMM_ZEROIZE_RESPONSE, answer->octets,
					      sizeof(answer->octets), &size);

	seal(x, x->tek, err, size, answer);
	fk_sim_ue_forget_keys(x->ue);
	count(x->radio, FK_SIM_ZEROIZED);
	x->ue->refusal = FK_SIM_REFUSED_ZEROIZED;
	if (x->radio->traits != NULL && fk_ue_has_trait(x->ue, FK_TRAIT_ZEROIZE_MUTE)) {
		x->radio->traits->events[FK_TRAIT_ZEROIZE_MUTE]++;
		answer->size = 0;
	}
}

/* The KMF has answered; nothing answers that. */
static void note_registration(struct exchange *x)
{
	if (x->frame.header.message_id == FK_KMM_DEREGISTRATION_RESPONSE) {
		count(x->radio, FK_SIM_DEREGISTERED);
	} else {
		count(x->radio, FK_SIM_REGISTERED);
		x->ue->awaits_registration = 0;
	}
}

static void obey_warm_start(struct exchange *x, const struct fk_kmm_warm_start *start,
			    const uint8_t ptek[static FK_OSSL_KEY_SIZE],
			    struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	const struct fk_kmm_rekey_ack ack = {
		.acknowledged_message_id = FK_KMM_WARM_START_COMMAND,
		.n_statuses = 1,
		.statuses = {{.algorithm_id = start->algorithm_id, .key_id = start->key_id}},
	};
	struct fk_sim_ue *ue = x->ue;
	size_t size = 0;
	enum fk_err err;

	memcpy(ue->ptek, ptek, sizeof(ue->ptek));
	ue->ptek_algorithm_id = start->algorithm_id;
	ue->ptek_key_id = start->key_id;
	ue->inbound_number = x->frame.header.message_number;
	count(x->radio, FK_SIM_WARM_STARTS);
	count(x->radio, FK_SIM_COMMANDS);
	err = fk_kmm_encode_rekey_ack(&header, &ack, answer->octets, sizeof(answer->octets), &size);
	seal(x, ptek, err, size, answer);
}

/* It says which key it lacks, without a MAC: it has nothing to make one with. spec: P25 sheet 4,
 * Unable-to-Decrypt */
static void say_unable(struct exchange *x, struct fk_radio_answer *answer)
{
	const struct fk_kmm_header header = {
		.response_kind = FK_KMM_RESPONSE_NONE,
		.destination_rsi = x->radio->kmf_rsi,
		.source_rsi = x->ue->rsi,
	};
	bool has_kek = x->ue->kek_algorithm_id != 0;
	const struct fk_kmm_unable unable = {
		.body_format = has_kek ? FK_KMM_BODY_HAS_KEK : 0,
		.algorithm_id = x->frame.header.mac.algorithm_id,
		.key_id = x->frame.header.mac.key_id,
		.status = has_kek ? FK_KMM_STATUS_INVALID_KEY_ID : FK_KMM_STATUS_NO_KEK,
	};
	size_t size = 0;

	if (fk_kmm_encode_unable(&header, &unable, answer->octets, sizeof(answer->octets), &size) !=
	    FK_OK)
		return;
	answer->size = size;
	count(x->radio, FK_SIM_UNABLE);
}

/* spec: P25 sheet 4, Hello: flag 0 from either side announces presence */
static void obey_hello(struct exchange *x, struct fk_radio_answer *answer)
{
	struct fk_kmm_header header = answer_header(x);
	size_t size = 0;
	enum fk_err err = fk_kmm_encode_hello(&header, FK_HELLO_HERE, answer->octets,
					      sizeof(answer->octets), &size);

	count(x->radio, FK_SIM_GREETED);
	seal(x, x->tek, err, size, answer);
}

/* Decodes the body before anything changes, so that a bad body changes nothing. */
static enum fk_sim_malformed obey(struct exchange *x, struct fk_radio_answer *answer)
{
	struct fk_kmm_rekey_command rekey;
	struct fk_kmm_changeover_pair pair;
	struct fk_kmm_delete_key_list list;
	struct fk_kmm_delete_keyset_one one;
	uint8_t type, status, flag;

	switch (x->frame.header.message_id) {
	case FK_KMM_REKEY_COMMAND:
		if (fk_kmm_decode_rekey_command(&x->frame, &rekey) != FK_OK)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		if (is_too_large(x) || has_too_many_keys(x, &rekey)) {
			count(x->radio, FK_SIM_BEYOND_CAPABILITY);
			refuse(x, STATUS_OUT_OF_MEMORY, answer);
		} else {
			obey_rekey(x, &rekey, answer);
		}
		break;
	case FK_KMM_CHANGEOVER_COMMAND:
		if (fk_kmm_decode_changeover(&x->frame, &pair) != FK_OK)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		obey_changeover(x, &pair, answer);
		break;
	case FK_KMM_DELETE_KEY_COMMAND:
		if (fk_kmm_decode_delete_key(&x->frame, &list) != FK_OK)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		obey_delete_key(x, &list, answer);
		break;
	case FK_KMM_DELETE_KEYSET_COMMAND:
		if (fk_kmm_decode_delete_keyset(&x->frame, &one) != FK_OK)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		obey_delete_keyset(x, &one, answer);
		break;
	case FK_KMM_ZEROIZE_COMMAND:
		if (fk_kmm_decode_empty(&x->frame) != FK_OK)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		obey_zeroize(x, answer);
		break;
	case FK_KMM_INVENTORY_COMMAND:
		if (fk_kmm_decode_inventory_command(&x->frame, &type) != FK_OK)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		if (type == FK_INVENTORY_ACTIVE_KEY_IDS)
			obey_inventory(x, answer);
		else
			refuse(x, STATUS_NOT_PERFORMED, answer);
		break;
	case FK_KMM_HELLO:
		if (fk_kmm_decode_hello(&x->frame, &flag) != FK_OK || flag != FK_HELLO_HERE)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		obey_hello(x, answer);
		break;
	case FK_KMM_REGISTRATION_RESPONSE:
	case FK_KMM_DEREGISTRATION_RESPONSE:
		if (fk_kmm_decode_registration_response(&x->frame, &status) != FK_OK ||
		    status != FK_KMM_STATUS_PERFORMED)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		note_registration(x);
		break;
	case FK_KMM_NO_SERVICE:
		if (fk_kmm_decode_empty(&x->frame) != FK_OK)
			return FK_SIM_MALFORMED_KMM;
		x->ue->inbound_number = x->frame.header.message_number;
		count(x->radio, FK_SIM_NO_SERVICE);
		break;
	default:
		x->ue->inbound_number = x->frame.header.message_number;
		refuse(x, STATUS_UNSUPPORTED_MESSAGE, answer);
	}
	return FK_SIM_WELL_FORMED;
}

/* Keeps the answer for a repeat of the command. */
static void remember(struct fk_sim_ue *ue, uint64_t hash, const struct fk_radio_answer *answer)
{
	ue->accepted_hash = hash;
	ue->answer_size = (uint8_t)answer->size;
	memcpy(ue->answer, answer->octets, answer->size);
}

/* A number ahead of the last one, not a late copy of an old one, met a window that is too narrow.
 */
static void note_small_window(struct exchange *x)
{
	struct fk_traits *traits = x->radio->traits;

	if (traits == NULL || !fk_ue_has_trait(x->ue, FK_TRAIT_SMALL_WINDOW) ||
	    !fk_kmm_number_is_new(x->ue->inbound_number, x->frame.header.message_number,
				  NUMBER_AHEAD_MAX))
		return;
	traits->events[FK_TRAIT_SMALL_WINDOW]++;
	x->ue->refusal = FK_SIM_REFUSED_NUMBER;
}

/* All of it but the checks that any KMM gets first. */
static void receive_warm_start(struct exchange *x, uint64_t hash, struct fk_radio_answer *answer)
{
	uint8_t ptek[FK_OSSL_KEY_SIZE];
	struct fk_kmm_warm_start start;

	if (!authenticate_warm_start(x, &start, ptek)) {
		count(x->radio, FK_SIM_BAD_MAC);
	} else if (!fk_kmm_number_is_new(x->ue->inbound_number, x->frame.header.message_number,
					 x->ue->mnp)) {
		count(x->radio, FK_SIM_NUMBER_REFUSED);
		refuse(x, FK_KMM_STATUS_INVALID_NUMBER, answer);
	} else {
		obey_warm_start(x, &start, ptek, answer);
		remember(x->ue, hash, answer);
	}
	fk_wipe(ptek, sizeof(ptek));
}

enum fk_sim_malformed fk_radio_receive(struct fk_radio *radio, struct fk_sim_ue *ue,
				       const uint8_t *kmm, size_t size,
				       struct fk_radio_answer *ret_answer)
{
	struct exchange x = {.radio = radio, .ue = ue};
	const struct fk_kmm_header *h = &x.frame.header;
	uint16_t last = ue->inbound_number;
	enum fk_sim_malformed malformed;
	uint64_t hash;

	ret_answer->size = 0;
	if (fk_kmm_decode(kmm, size, &x.frame) != FK_OK || x.frame.size != size)
		return FK_SIM_MALFORMED_KMM;
	if (h->destination_rsi != ue->rsi)
		return FK_SIM_MALFORMED_KMM_NOT_FOR_UE;
	if (h->source_rsi != radio->kmf_rsi)
		return FK_SIM_MALFORMED_KMM_SOURCE;
	hash = fk_sim_hash(kmm, size);
	if (!radio->is_forged && h->has_message_number && h->has_mac &&
	    fk_sim_ue_note_number(ue, h->mac.key_id, h->message_number, hash))
		count(radio, FK_SIM_MESSAGE_NUMBER_REUSED);
	/* These octets have verified once; the key they verified under may be gone by now. */
	if (h->message_number == ue->inbound_number && ue->accepted_hash == hash) {
		count(radio, FK_SIM_REPEATS);
		ret_answer->size = ue->answer_size;
		memcpy(ret_answer->octets, ue->answer, ue->answer_size);
		return FK_SIM_WELL_FORMED;
	}
	if (h->has_mac && h->mac.mac_format != fk_sim_ue_mac_format(ue)) {
		count(radio, FK_SIM_MAC_KIND);
		return FK_SIM_WELL_FORMED;
	}
	if (h->message_id == FK_KMM_WARM_START_COMMAND) {
		receive_warm_start(&x, hash, ret_answer);
		return FK_SIM_WELL_FORMED;
	}
	if (!authenticate(&x)) {
		if (h->has_mac && ue->ptek_algorithm_id == 0 &&
		    fk_ue_has_trait(ue, FK_TRAIT_NO_PTEK))
			say_unable(&x, ret_answer);
		else
			count(radio, FK_SIM_BAD_MAC);
		return FK_SIM_WELL_FORMED;
	}
	if (is_anybodys(&x)) {
		count(radio, FK_SIM_GROUP_KEY_REFUSED);
		return FK_SIM_WELL_FORMED;
	}
	if (!fk_kmm_number_is_new(ue->inbound_number, h->message_number, ue->mnp)) {
		count(radio, FK_SIM_NUMBER_REFUSED);
		note_small_window(&x);
		refuse(&x, FK_KMM_STATUS_INVALID_NUMBER, ret_answer);
		return FK_SIM_WELL_FORMED;
	}
	ue->refusal = FK_SIM_REFUSED_NOT;
	malformed = obey(&x, ret_answer);
	if (malformed != FK_SIM_WELL_FORMED)
		return malformed;
	count(radio, FK_SIM_COMMANDS);
	radio->counts->count[FK_SIM_NUMBERS_SKIPPED] += (uint16_t)(h->message_number - last - 1);
	if (h->response_kind == FK_KMM_RESPONSE_NONE)
		ret_answer->size = 0;
	remember(ue, hash, ret_answer);
	return FK_SIM_WELL_FORMED;
}

static enum fk_err encode_said(const struct fk_radio *radio, const struct fk_kmm_header *header,
			       uint8_t message_id, uint8_t hello_flag, struct fk_radio_answer *said,
			       size_t *ret_size)
{
	if (message_id == FK_KMM_HELLO)
		return fk_kmm_encode_hello(header, hello_flag, said->octets, sizeof(said->octets),
					   ret_size);
	return fk_kmm_encode_registration(header, message_id, FK_KMM_BODY_HAS_KEK, radio->kmf_rsi,
					  said->octets, sizeof(said->octets), ret_size);
}

void fk_radio_say(struct fk_radio *radio, struct fk_sim_ue *ue, uint8_t message_id,
		  uint8_t hello_flag, struct fk_radio_answer *ret_said)
{
	bool has_key = ue->ptek_algorithm_id != 0;
	const struct fk_kmm_header header = {
		.response_kind = message_id == FK_KMM_HELLO ? FK_KMM_RESPONSE_NONE
							    : FK_KMM_RESPONSE_IMMEDIATE,
		.has_message_number = has_key,
		.has_mac = has_key,
		.destination_rsi = radio->kmf_rsi,
		.source_rsi = ue->rsi,
		.message_number = (uint16_t)(ue->outbound_number + 1),
		.mac = {.algorithm_id = ue->ptek_algorithm_id,
			.key_id = ue->ptek_key_id,
			.mac_format = FK_KMM_MAC_FORMAT_CMAC},
	};
	uint8_t *kmm = ret_said->octets;
	size_t size;

	ret_said->size = 0;
	if ((!has_key && (message_id != FK_KMM_HELLO || !fk_ue_has_trait(ue, FK_TRAIT_NO_PTEK))) ||
	    encode_said(radio, &header, message_id, hello_flag, ret_said, &size) != FK_OK)
		return;
	if (has_key && fk_ossl_mac(radio->ossl, ue->ptek, kmm, size, FK_KMM_MAC_FORMAT_CMAC,
				   kmm + size - FK_KMM_MAC_BLOCK_SIZE) != FK_OK)
		return;
	ret_said->size = size;
	ue->outbound_number += has_key;
	ue->awaits_registration = message_id == FK_KMM_REGISTRATION_COMMAND;
}
