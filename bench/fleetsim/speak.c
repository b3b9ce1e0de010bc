/* SPDX-License-Identifier: Apache-2.0 */
/* speak.c - see speak.h. */
#include <string.h>

#include <fleetkey/kmm.h>

#include "forge.h"
#include "server.h"
#include "speak.h"

#define MEMBERS_TRIED 64 /* UEs looked at for another member of the same groups */
#define RSI_MAX	      0xffffff

static void count(struct fk_server *s, enum fk_sim_count c)
{
	s->counts->count[c]++;
}

static uint32_t index_of(const struct fk_server *s, const struct fk_sim_ue *ue)
{
	return (uint32_t)(ue - s->fleet->ues);
}

static struct fk_compose compose_base(struct fk_server *s, const struct fk_speech *speech)
{
	return (struct fk_compose){
		.context = &speech->face->compose,
		.mcdata_id = fk_fleet_mcdata_id(s->fleet, speech->ue),
		.mcdata_id_size = speech->ue->mcdata_id_size,
		.is_compact = (index_of(s, speech->ue) & 1) != 0, /* both forms in every fleet */
		.date_time_s = s->date_time_s,
		.conversation_id = speech->signalling->conversation_id,
		.message_id = speech->signalling->message_id,
		.bare_kmm = s->bare_kmm,
	};
}

/* A version-4 UUID. spec: RFC 4122 §4.4 */
static void draw_message_id(struct fk_server *s, uint8_t id[static FK_SDS_ID_SIZE])
{
	uint64_t random[2] = {fk_txns_draw(s->txns), fk_txns_draw(s->txns)};

	memcpy(id, random, FK_SDS_ID_SIZE);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}

static bool begin(struct fk_server *s, const struct fk_speech *speech, struct fk_compose *message)
{
	return fk_txn_begin(s->txns, message, &speech->kmf, s->kmf_port, s->now_ms) == FK_OK;
}

/* Another UE of the same groups that stands near by, or NULL. */
static const struct fk_sim_ue *find_member(const struct fk_server *s, const struct fk_sim_ue *ue)
{
	const struct fk_fleet *fleet = s->fleet;
	uint32_t index = index_of(s, ue);

	for (uint32_t i = 1; i < fleet->n_ues && i <= MEMBERS_TRIED; i++) {
		const struct fk_sim_ue *other = &fleet->ues[(index + i) % fleet->n_ues];

		if (other->groups == ue->groups && other->ptek_algorithm_id != 0)
			return other;
	}
	return NULL;
}

static struct fk_hostile_truth hostile_truth(struct fk_server *s, const struct fk_speech *speech,
					     const struct fk_compose *notification,
					     const struct fk_compose *answer)
{
	const struct fk_fleet *fleet = s->fleet;
	const struct fk_sim_ue *other = &fleet->ues[(index_of(s, speech->ue) + 1) % fleet->n_ues];

	return (struct fk_hostile_truth){
		.txns = s->txns,
		.outbox = s->outbox,
		.notification = *notification,
		.answer = *answer,
		.other_mcdata_id = other == speech->ue ? NULL : fk_fleet_mcdata_id(fleet, other),
		.other_mcdata_id_size = other->mcdata_id_size,
		.accepted = speech->response,
		.accepted_size = speech->response_size,
		.source = s->address,
		.kmf = speech->kmf,
		.source_port = speech->face->port,
		.kmf_port = s->kmf_port,
		.response_port = speech->response_port,
	};
}

static struct fk_lies_truth lies_truth(struct fk_server *s, const struct fk_speech *speech,
				       const struct fk_hostile_truth *wire)
{
	const struct fk_sim_ue *other = find_member(s, speech->ue);
	struct fk_lies_truth truth = {
		.wire = *wire,
		.ossl = s->radio->ossl,
		.ue = speech->ue,
		.other = other,
		.earlier = speech->earlier->size == 0 ? NULL : speech->earlier->octets,
		.earlier_size = speech->earlier->size,
		.nobody_rsi = RSI_MAX - 1, /* fleet files end at 9,999,999 */
	};

	if (other != NULL) {
		truth.wire.other_mcdata_id = fk_fleet_mcdata_id(s->fleet, other);
		truth.wire.other_mcdata_id_size = other->mcdata_id_size;
	}
	return truth;
}

/* An answer whose MAC is broken. */
static void speak_bad_mac(struct fk_server *s, const struct fk_speech *speech,
			  const struct fk_compose *answer)
{
	struct fk_compose message = *answer;
	struct fk_forged forged;

	if (fk_forge_copy(answer->kmm, answer->kmm_size, &forged) != FK_OK)
		return;
	fk_forge_flip_mac(&forged, s->date_time_s & 63);
	message.kmm = forged.octets;
	if (begin(s, speech, &message))
		s->traits->events[FK_TRAIT_BAD_MAC]++;
}

/*
 * An answer that another member of the group gives in the UE's name. Where the MAC key is the UE's
 * own the member can only use its own, under the UE's name for it. Where the group shares the MAC
 * key the MAC is right, and it is the server's word for who calls that gives the member away.
 */
static void speak_forged(struct fk_server *s, const struct fk_speech *speech,
			 const struct fk_compose *answer)
{
	const struct fk_sim_ue *member = find_member(s, speech->ue);
	struct fk_compose message = *answer;
	enum fk_false_name told_by = FK_FALSE_NAME_CALLER;
	struct fk_forged forged;

	if (member == NULL || fk_forge_copy(answer->kmm, answer->kmm_size, &forged) != FK_OK)
		return;
	if (fk_forge_mac_key_id(&forged) == speech->ue->ptek_key_id) {
		if (fk_forge_sign(&forged, s->radio->ossl, member->ptek) != FK_OK)
			return;
		told_by = FK_FALSE_NAME_KEY;
	} else {
		message.mcdata_id = fk_fleet_mcdata_id(s->fleet, member);
		message.mcdata_id_size = member->mcdata_id_size;
	}
	message.kmm = forged.octets;
	if (!begin(s, speech, &message))
		return;
	s->traits->events[FK_TRAIT_FORGED_MEMBER]++;
	s->traits->false_names[told_by]++;
}

/* The answer, and around it what the UE's traits add. */
static void speak_answer(struct fk_server *s, const struct fk_speech *speech,
			 struct fk_compose *answer)
{
	const struct fk_sim_ue *ue = speech->ue;
	struct fk_compose again = *answer;

	if (fk_ue_has_trait(ue, FK_TRAIT_BAD_MAC))
		speak_bad_mac(s, speech, answer);
	if (fk_ue_has_trait(ue, FK_TRAIT_FORGED_MEMBER))
		speak_forged(s, speech, answer);
	if (begin(s, speech, answer))
		count(s, FK_SIM_ANSWERS);
	if (fk_ue_has_trait(ue, FK_TRAIT_REPLAY) && begin(s, speech, &again))
		s->traits->events[FK_TRAIT_REPLAY]++;
}

void fk_speak(struct fk_server *s, const struct fk_speech *speech)
{
	struct fk_compose notification = compose_base(s, speech), answer = notification;
	bool answers = speech->answer->size > 0;
	bool is_hostile = answers && fk_hostile_wants(s->hostile);
	bool is_liar = answers && fk_lies_wants(s->lies);
	bool is_betrayed = answers && fk_insider_key(s->insider, speech->ue) != NULL;
	uint8_t message_id[FK_SDS_ID_SIZE];
	struct fk_hostile_truth truth;
	struct fk_lies_truth lies;

	draw_message_id(s, message_id);
	answer.message_id = message_id;
	answer.in_reply_to = speech->signalling->message_id;
	answer.kmm = speech->answer->octets;
	answer.kmm_size = speech->answer->size;
	if (is_hostile || is_liar || is_betrayed)
		truth = hostile_truth(s, speech, &notification, &answer);
	if (is_hostile)
		fk_hostile_before(s->hostile, &truth);
	if (is_liar) {
		lies = lies_truth(s, speech, &truth);
		fk_lies_before(s->lies, &lies);
	}
	if (is_betrayed)
		fk_insider_answer(s->insider, &truth, s->fleet, s->radio->ossl, speech->ue);
	if (speech->face->profile != FK_FACE_T2 && begin(s, speech, &notification))
		count(s, FK_SIM_NOTIFICATIONS);
	if (answers)
		speak_answer(s, speech, &answer);
	if (is_hostile)
		fk_hostile_after(s->hostile, &truth);
	if (is_liar)
		fk_lies_after(s->lies, &lies);
}

static const struct fk_face *face_of(const struct fk_server *s, const struct fk_sim_ue *ue)
{
	for (uint32_t i = 0; i < s->n_faces; i++)
		if (s->faces[i].name[0] == '\0' ||
		    strcmp(s->faces[i].name, fk_fleet_next_hop(s->fleet, ue)) == 0)
			return &s->faces[i];
	return NULL;
}

bool fk_speak_unasked(struct fk_server *s, struct fk_sim_ue *ue, uint8_t message_id)
{
	const struct fk_face *face = face_of(s, ue);
	uint8_t id[FK_SDS_ID_SIZE];
	uint8_t flag = fk_traits_hello_flag(&s->traits->spec, index_of(s, ue));
	bool is_hello = message_id == FK_KMM_HELLO;
	struct fk_radio_answer said;
	struct fk_compose message;

	if (fk_txns_free_count(s->txns) < FK_SPEAK_TRANSACTIONS_MAX ||
	    !fk_outbox_has_room(&s->outbox))
		return false;
	fk_radio_say(s->radio, ue, message_id, flag, &said);
	if (face == NULL || said.size == 0)
		return true; /* it has nothing to say it with */
	draw_message_id(s, id);
	message = (struct fk_compose){
		.context = &face->compose,
		.mcdata_id = fk_fleet_mcdata_id(s->fleet, ue),
		.mcdata_id_size = ue->mcdata_id_size,
		.is_compact = (index_of(s, ue) & 1) != 0,
		.date_time_s = s->date_time_s,
		.conversation_id = id, /* it begins one */
		.message_id = id,
		.kmm = said.octets,
		.kmm_size = said.size,
		.bare_kmm = s->bare_kmm,
	};
	if (fk_txn_begin(s->txns, &message, &s->kmf, s->kmf_port, s->now_ms) != FK_OK)
		return true;
	count(s, is_hello ? FK_SIM_HELLOS : FK_SIM_SAID);
	if (is_hello && flag != FK_HELLO_HERE && ue->ptek_algorithm_id != 0)
		count(s, flag == FK_HELLO_REKEY ? FK_SIM_HELLOS_1 : FK_SIM_HELLOS_2);
	return true;
}
