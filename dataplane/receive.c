/* SPDX-License-Identifier: Apache-2.0 */
#include "receive.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "match.h"
#include "wire/isd.h"
#include "wire/mcdata_info.h"
#include "wire/sip_refusal.h"
#include "wire/sip_shape.h"

#define DECODED_SIZE_MAX 2048 /* octets of all base64 parts of one message, decoded */

/* What a frame says that remains to be judged. */
enum matter {
	NOTHING,
	RESPONSE,
	NOTIFICATION,
	KMM,
};

/* One frame on its way through the stages. */
struct lane {
	struct fk_net_frame net;
	struct fk_nd nd;
	struct fk_sip_message sip;
	uint16_t status; /* of the response to send; 0: none */
	enum matter matter;
	bool is_asked_for; /* 'nd' asks for an address of ours */
	bool has_claim;	   /* it names an attempt, by branch or Message ID */
	struct fk_token_claim claim;
	struct fk_sds_notification note;
	struct fk_match_kmm kmm;
	uint32_t user_size;
	char user[FK_URI_SIZE_MAX]; /* the MCData ID that it is from */
	size_t n_decoded;
	uint8_t decoded[DECODED_SIZE_MAX];
};

struct fk_receive_stage {
	struct fk_sip_shapes *shapes;
	struct fk_frame frames[FK_WORKER_BURST];
	struct lane lanes[FK_WORKER_BURST];
	struct fk_answers answers;
};

struct fk_receive_stage *fk_receive_stage_new(void)
{
	struct fk_receive_stage *stage = calloc(1, sizeof(*stage));

	if (stage == NULL)
		return NULL;
	stage->shapes = fk_sip_shapes_new();
	if (stage->shapes == NULL) {
		free(stage);
		return NULL;
	}
	return stage;
}

void fk_receive_stage_free(struct fk_receive_stage *stage)
{
	if (stage == NULL)
		return;
	fk_sip_shapes_free(stage->shapes);
	free(stage);
}

/* The three parts of an SDS (3GPP sheet 3.3), and the two of Interworking Security Data (6.1); NULL
 * where there is none. */
struct sds_parts {
	const uint8_t *info, *signalling, *payload, *mcptt_info, *isd;
	size_t info_size, signalling_size, payload_size, mcptt_info_size, isd_size;
};

static bool is_next_hop(const struct fk_worker *w, const struct fk_address *address)
{
	for (uint32_t i = 0; i < w->table->header.n_next_hops; i++) {
		if (fk_address_equal(&w->table->next_hops[i].address, address))
			return true;
	}
	return false;
}

/* The octets of one part, decoded if need be. */
static bool part_octets(struct lane *lane, const struct fk_sip_part *part, const uint8_t **ret_at,
			size_t *ret_size)
{
	size_t size;

	if (part->is_opaque)
		return false;
	if (!part->is_base64) {
		*ret_at = part->octets;
		*ret_size = part->size;
		return true;
	}
	if (fk_base64_decode(part->octets, part->size, lane->decoded + lane->n_decoded,
			     sizeof(lane->decoded) - lane->n_decoded, &size) != FK_OK)
		return false;
	*ret_at = lane->decoded + lane->n_decoded;
	*ret_size = size;
	lane->n_decoded += size;
	return true;
}

/* All parts of one carrier, and none of the other. */
static bool are_whole(const struct sds_parts *parts)
{
	bool has_t2 = parts->mcptt_info != NULL || parts->isd != NULL;

	if (parts->info != NULL && parts->signalling != NULL)
		return !has_t2;
	return parts->mcptt_info != NULL && parts->isd != NULL && parts->info == NULL &&
	       parts->signalling == NULL && parts->payload == NULL;
}

/* Sorts the body into 'ret_parts'; those of carrier T2 are known only if there is a layout for
 * them. Returns 0, or the status that refuses the request. */
static uint16_t sort_parts(const struct fk_worker *w, struct lane *lane,
			   struct sds_parts *ret_parts)
{
	struct fk_sip_part parts[FK_SIP_PARTS_TAKEN];
	enum fk_err err;
	bool ok = true;
	uint32_t n;

	*ret_parts = (struct sds_parts){0};
	err = fk_sip_split_body(&lane->sip, parts, FK_SIP_PARTS_TAKEN, &n);
	if (err == FK_EUNSUPPORTED)
		return 415;
	if (err != FK_OK)
		return 400;
	for (uint32_t i = 0; i < n && ok; i++) {
		struct fk_view type = parts[i].content_type;

		if (fk_view_is(type, "application/vnd.3gpp.mcdata-info+xml"))
			ok = part_octets(lane, &parts[i], &ret_parts->info, &ret_parts->info_size);
		else if (fk_view_is(type, "application/vnd.3gpp.mcdata-signalling"))
			ok = part_octets(lane, &parts[i], &ret_parts->signalling,
					 &ret_parts->signalling_size);
		else if (fk_view_is(type, "application/vnd.3gpp.mcdata-payload"))
			ok = part_octets(lane, &parts[i], &ret_parts->payload,
					 &ret_parts->payload_size);
		else if (!w->has_isd_layout)
			continue;
		else if (fk_view_is(type, "application/vnd.3gpp.mcptt-info+xml"))
			ok = part_octets(lane, &parts[i], &ret_parts->mcptt_info,
					 &ret_parts->mcptt_info_size);
		else if (fk_view_is(type, FK_ISD_TYPE))
			ok = part_octets(lane, &parts[i], &ret_parts->isd, &ret_parts->isd_size);
	}
	if (!ok)
		return 400;
	if (ret_parts->info == NULL && ret_parts->signalling == NULL &&
	    ret_parts->payload == NULL && ret_parts->isd == NULL)
		return 415;
	return are_whole(ret_parts) ? 0 : 400;
}

static void refuse(struct fk_worker *w, struct lane *lane, uint16_t status)
{
	fk_worker_count(w, status == 415   ? FK_COUNTER_RX_MEDIA_REFUSED
			   : status == 400 ? FK_COUNTER_RX_BODY_REFUSED
					   : FK_COUNTER_RX_METHOD_REFUSED);
	lane->status = status;
}

static void settle(struct lane *lane, enum fk_match_result result)
{
	lane->status = result == FK_MATCH_ANSWER ? 200 : 0;
}

/* Who is said to have sent it. */
static void keep_user(struct lane *lane, const char *user, uint32_t size)
{
	lane->user_size = size;
	memcpy(lane->user, user, size);
}

static void take_claim(const struct fk_worker *w, struct lane *lane, enum matter matter)
{
	lane->matter = matter;
	lane->has_claim = true;
	fk_match_hint(w, &lane->claim);
}

static void take_notification(struct fk_worker *w, struct lane *lane, const struct sds_parts *parts)
{
	if (fk_sds_decode_notification(parts->signalling, parts->signalling_size, &lane->note) !=
	    FK_OK) {
		refuse(w, lane, 400);
		return;
	}
	fk_message_id_read(lane->note.message_id, &lane->claim);
	take_claim(w, lane, NOTIFICATION);
}

static void take_kmm(struct fk_worker *w, struct lane *lane, const struct sds_parts *parts)
{
	struct fk_sds_signalling signalling;
	const uint8_t *payload;
	size_t payload_size;
	enum fk_err err;

	err = fk_sds_decode_signalling(parts->signalling, parts->signalling_size, &signalling);
	if (err != FK_OK || parts->payload == NULL) {
		refuse(w, lane, 400);
		return;
	}
	lane->status = 200;
	err = fk_sds_decode_data(parts->payload, parts->payload_size, &payload, &payload_size);
	if (err != FK_OK) {
		fk_worker_count(w, err == FK_EUNSUPPORTED ? FK_COUNTER_RX_KMM_PROTECTED
							  : FK_COUNTER_RX_KMM_MALFORMED);
	} else if (fk_match_kmm_read(w, payload, payload_size, &lane->kmm)) {
		lane->matter = KMM;
		if (signalling.has_in_reply_to) {
			fk_message_id_read(signalling.in_reply_to, &lane->claim);
			take_claim(w, lane, KMM);
		}
	}
}

/* The KMF that the message names, if it names one, is this. */
static bool is_for_us(const struct fk_worker *w, const struct fk_isd_message *message)
{
	const struct fk_keytable_header *h = &w->table->header;

	return message->kmf_uri_size == 0 ||
	       (message->kmf_uri_size == h->kmf_uri_size &&
		memcmp(message->kmf_uri, w->text + h->kmf_uri_offset, h->kmf_uri_size) == 0);
}

/* A KMM by carrier T2, which has neither IDs nor dispositions. 3GPP sheet 6.2 */
static void take_isd(struct fk_worker *w, struct lane *lane, const struct sds_parts *parts)
{
	struct fk_mcdata_info info;
	struct fk_isd_message message;
	struct fk_isd_error error;

	if (fk_mcptt_info_parse(parts->mcptt_info, parts->mcptt_info_size, &info) != FK_OK) {
		refuse(w, lane, 400);
		return;
	}
	keep_user(lane, info.calling_user_id, info.calling_user_id_size);
	lane->status = 200;
	if (fk_isd_decode(&w->isd_layout, parts->isd, parts->isd_size, &message, &error) != FK_OK ||
	    message.lmr_type == FK_ISD_LMR_TETRA)
		fk_worker_count(w, FK_COUNTER_RX_ISD_REFUSED);
	else if (!is_for_us(w, &message))
		fk_worker_count(w, FK_COUNTER_RX_KMM_NOT_FOR_US);
	else if (fk_match_kmm_read(w, message.payload, message.payload_size, &lane->kmm))
		lane->matter = KMM;
}

static struct fk_view view_of(const uint8_t *octets, size_t size)
{
	return (struct fk_view){.at = (const char *)octets, .len = (uint32_t)size};
}

/* The next of its kind is read by the shape of this one. */
static void learn_sds(struct fk_worker *w, const struct lane *lane, const struct sds_parts *parts)
{
	const struct fk_sip_shape_body body = {
		.info = view_of(parts->info, parts->info_size),
		.signalling = view_of(parts->signalling, parts->signalling_size),
		.payload = view_of(parts->payload, parts->payload_size),
	};

	fk_sip_shapes_learn(w->receive->shapes, lane->net.payload, lane->net.payload_size,
			    &lane->sip, &body);
}

/* Reads the body in full. True if it is an SDS on carrier T1; what it is else is dealt with. */
static bool read_sds(struct fk_worker *w, struct lane *lane, struct sds_parts *ret_parts)
{
	struct fk_mcdata_info info;
	uint16_t status = sort_parts(w, lane, ret_parts);

	if (status != 0) {
		refuse(w, lane, status);
		return false;
	}
	if (ret_parts->isd != NULL) {
		take_isd(w, lane, ret_parts);
		return false;
	}
	if (fk_mcdata_info_parse(ret_parts->info, ret_parts->info_size, &info) != FK_OK ||
	    ret_parts->signalling_size == 0) {
		refuse(w, lane, 400);
		return false;
	}
	keep_user(lane, info.calling_user_id, info.calling_user_id_size);
	learn_sds(w, lane, ret_parts);
	return true;
}

/* The same of a body that a shape has told about. */
static void recall_sds(struct lane *lane, const struct fk_sip_shape_body *body,
		       struct sds_parts *ret_parts)
{
	keep_user(lane, body->user.at, body->user.len);
	*ret_parts = (struct sds_parts){
		.signalling = (const uint8_t *)body->signalling.at,
		.signalling_size = body->signalling.len,
		.payload = body->payload.len > 0 ? (const uint8_t *)body->payload.at : NULL,
		.payload_size = body->payload.len,
	};
}

/* An SDS: signalling alone is a disposition, with a payload it is a KMM. 3GPP sheet 4.6. 'known' is
 * what a shape has said of its body, or NULL. */
static void take_message(struct fk_worker *w, struct lane *lane,
			 const struct fk_sip_shape_body *known)
{
	struct sds_parts parts;

	if (known != NULL)
		recall_sds(lane, known, &parts);
	else if (!read_sds(w, lane, &parts))
		return;
	if ((parts.signalling[0] & FK_SDS_PROTECTED) != 0) {
		fk_worker_count(w, FK_COUNTER_RX_KMM_PROTECTED);
		lane->status = 200;
	} else if (parts.signalling[0] == FK_SDS_NOTIFICATION) {
		take_notification(w, lane, &parts);
	} else {
		take_kmm(w, lane, &parts);
	}
}

static void take_request(struct fk_worker *w, struct lane *lane,
			 const struct fk_sip_shape_body *known)
{
	uint16_t status = fk_sip_refusal(&lane->sip, FK_OK);

	fk_worker_count(w, FK_COUNTER_RX_REQUESTS);
	if (status != 0) {
		refuse(w, lane, status);
	} else if (lane->sip.method == FK_SIP_MESSAGE) {
		take_message(w, lane, known);
	} else if (lane->sip.method == FK_SIP_OPTIONS) {
		fk_worker_count(w, FK_COUNTER_RX_OPTIONS);
		lane->status = 200;
	}
}

static void take_malformed(struct fk_worker *w, struct lane *lane, enum fk_err err)
{
	if (err == FK_EFORMAT) {
		fk_worker_count(w, FK_COUNTER_RX_NOT_SIP);
		return;
	}
	fk_worker_count(w, FK_COUNTER_RX_MALFORMED_SIP);
	lane->status = fk_sip_refusal(&lane->sip, err);
}

static void take_datagram(struct fk_worker *w, struct lane *lane)
{
	const struct fk_net_frame *net = &lane->net;
	struct fk_sip_shapes *shapes = w->receive->shapes;
	struct fk_sip_shape_body body;
	enum fk_err err = FK_OK;
	bool is_known;

	if (!fk_host_has(&w->config.host, &net->destination) ||
	    (net->destination_port != w->config.sip_port &&
	     net->destination_port != w->config.worker_port)) {
		fk_worker_count(w, FK_COUNTER_RX_NOT_OURS);
		return;
	}
	if (!is_next_hop(w, &net->source)) {
		fk_worker_count(w, FK_COUNTER_RX_UNKNOWN_PEER);
		return;
	}
	is_known = fk_sip_shapes_read(shapes, net->payload, net->payload_size, &lane->sip, &body);
	if (is_known)
		fk_worker_count(w, FK_COUNTER_RX_BY_SHAPE);
	else
		err = fk_sip_parse(net->payload, net->payload_size, &lane->sip);
	if (err != FK_OK) {
		take_malformed(w, lane, err);
	} else if (lane->sip.is_response) {
		if (!is_known)
			fk_sip_shapes_learn(shapes, net->payload, net->payload_size, &lane->sip,
					    NULL);
		fk_branch_read(lane->sip.via_branch.at, lane->sip.via_branch.len, &lane->claim);
		take_claim(w, lane, RESPONSE);
	} else {
		take_request(w, lane, is_known ? &body : NULL);
	}
}

/* Returns true if the frame was turned into its own answer and is to be sent. */
static bool take_icmp(struct fk_worker *w, const struct fk_net_frame *net, struct fk_frame *frame)
{
	fk_worker_count(w, FK_COUNTER_RX_ICMP);
	if (!fk_host_has(&w->config.host, &net->destination))
		return false;
	fk_net_turn_echo(frame->octets, frame->size, w->config.port.mac);
	return true;
}

/* Whoever has our address by its own word: as where it solicits from, or as what it advertises. */
static bool speaks_for_us(const struct fk_worker *w, const struct lane *lane)
{
	const struct fk_address *spoken_for =
		lane->net.kind == FK_NET_SOLICITATION ? &lane->net.source : &lane->nd.target;

	return lane->nd.has_mac && fk_host_has(&w->config.host, spoken_for);
}

/* Returns true if it is a solicitation for an address of ours. */
static bool take_nd(struct fk_worker *w, struct lane *lane)
{
	fk_worker_count(w, FK_COUNTER_RX_ND);
	if (fk_nd_parse(&lane->net, &lane->nd) != FK_OK) {
		fk_worker_count(w, FK_COUNTER_RX_ND_REFUSED);
		return false;
	}
	if (speaks_for_us(w, lane))
		fk_claim_heard(w, lane->nd.mac);
	if (lane->net.kind == FK_NET_SOLICITATION)
		return fk_host_has(&w->config.host, &lane->nd.target);
	fk_neigh_advertised(&w->neigh, &lane->nd, w->now_us);
	return false;
}

static void take_unreadable(struct fk_worker *w, enum fk_err err)
{
	fk_worker_count(w, err == FK_EAUTH    ? FK_COUNTER_RX_BAD_CHECKSUM
			   : err == FK_ETRUNC ? FK_COUNTER_RX_TRUNCATED_FRAME
					      : FK_COUNTER_RX_NOT_OURS);
}

/* Reads one frame. Returns true if it is to be sent back as it is now. */
static bool take_frame(struct fk_worker *w, struct lane *lane, struct fk_frame *frame)
{
	enum fk_err err = fk_net_parse(frame->octets, frame->size, &lane->net);

	lane->status = 0;
	lane->matter = NOTHING;
	lane->has_claim = false;
	lane->is_asked_for = false;
	lane->n_decoded = 0;
	if (err != FK_OK) {
		lane->net.kind = FK_NET_OTHER;
		take_unreadable(w, err);
		return false;
	}
	/* What is sent to us is another node's now. */
	if (w->claim.is_yielded) {
		lane->net.kind = FK_NET_OTHER;
		fk_worker_count(w, FK_COUNTER_RX_NOT_OURS);
		return false;
	}
	switch (lane->net.kind) {
	case FK_NET_UDP:
		take_datagram(w, lane);
		return false;
	case FK_NET_ARP_REQUEST:
	case FK_NET_ARP_REPLY:
		fk_worker_count(w, FK_COUNTER_RX_ARP);
		if (fk_host_has(&w->config.host, &lane->net.source))
			fk_claim_heard(w, lane->net.source_mac);
		else if (fk_address_equal(&lane->net.destination, &w->config.host.ipv4.address))
			fk_neigh_learn(&w->neigh, &lane->net, w->now_us);
		return false;
	case FK_NET_SOLICITATION:
	case FK_NET_ADVERTISEMENT:
		lane->is_asked_for = take_nd(w, lane);
		return false;
	case FK_NET_ICMP_ECHO:
		return take_icmp(w, &lane->net, frame);
	case FK_NET_FRAGMENT:
		fk_worker_count(w, FK_COUNTER_RX_FRAGMENT);
		return false;
	case FK_NET_EXTENSION:
		if (!fk_host_has(&w->config.host, &lane->net.destination))
			break;
		fk_worker_count(w, FK_COUNTER_RX_IPV6_EXTENSION);
		return false;
	case FK_NET_OTHER:
		break;
	}
	fk_worker_count(w, FK_COUNTER_RX_NOT_OURS);
	return false;
}

/* All tags of the burst together. */
static void claim_stage(struct fk_worker *w, struct lane *lanes, uint32_t n)
{
	struct fk_token_claim *claims[FK_WORKER_BURST];
	uint32_t n_claims = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!lanes[i].has_claim)
			continue;
		claims[n_claims++] = &lanes[i].claim;
		if (lanes[i].matter != RESPONSE)
			fk_match_hint_text(w, &lanes[i].claim);
	}
	if (n_claims > 0)
		fk_token_claims_check(&w->secrets->token_key, claims, n_claims);
}

static struct fk_view user_of(const struct lane *lane)
{
	return (struct fk_view){.at = lane->user, .len = lane->user_size};
}

/* All MACs of the burst together, in the order of the lanes that still are about a KMM and have
 * one.
 */
static void mac_stage(struct fk_worker *w, struct lane *lanes, uint32_t n, struct fk_mac_lane *macs)
{
	uint32_t n_macs = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct fk_kmm_frame *frame = &lanes[i].kmm.frame;

		if (lanes[i].matter != KMM)
			continue;
		if (!fk_match_kmm_begin(w, user_of(&lanes[i]), &lanes[i].kmm)) {
			lanes[i].matter = NOTHING;
			continue;
		}
		if (lanes[i].kmm.tek == NULL)
			continue;
		macs[n_macs++] = (struct fk_mac_lane){
			.tek = lanes[i].kmm.tek,
			.frame = frame->octets,
			.frame_size = frame->size,
			.mac_format = frame->header.mac.mac_format,
		};
	}
	if (n_macs > 0)
		w->config.engine->mac(&w->secrets->scratch, macs, n_macs);
}

/* Then each message is applied in the order in which it came. */
static void apply_stage(struct fk_worker *w, struct lane *lanes, uint32_t n,
			const struct fk_mac_lane *macs)
{
	for (uint32_t i = 0; i < n; i++) {
		struct lane *lane = &lanes[i];

		switch (lane->matter) {
		case NOTHING:
			break;
		case RESPONSE:
			fk_match_response(w, &lane->sip, &lane->claim);
			break;
		case NOTIFICATION:
			settle(lane,
			       fk_match_notification(w, &lane->note, &lane->claim, user_of(lane)));
			break;
		case KMM:
			settle(lane, fk_match_kmm_finish(
					     w, &lane->kmm, lane->has_claim ? &lane->claim : NULL,
					     lane->kmm.tek != NULL ? (macs++)->mac : NULL));
			break;
		}
	}
}

/* Somebody asks for our hardware address, by ARP. */
static bool is_arp_for_us(const struct fk_worker *w, const struct fk_net_frame *net)
{
	return net->kind == FK_NET_ARP_REQUEST &&
	       fk_address_equal(&net->destination, &w->config.host.ipv4.address);
}

static void answer_stage(struct fk_worker *w, struct lane *lanes, uint32_t n)
{
	struct fk_answers *answers = &w->receive->answers;
	struct lane *answered[FK_WORKER_BURST];
	uint32_t n_answers = 0;

	for (uint32_t i = 0; i < n; i++)
		if (lanes[i].status != 0 || lanes[i].is_asked_for ||
		    is_arp_for_us(w, &lanes[i].net))
			answered[n_answers++] = &lanes[i];
	if (n_answers == 0 || !fk_answers_reserve(answers, w, n_answers))
		return;
	for (uint32_t i = 0; i < n_answers; i++) {
		const struct lane *lane = answered[i];

		if (lane->status != 0)
			fk_answers_add_sip(answers, w, &lane->net, &lane->sip, lane->status);
		else if (lane->is_asked_for)
			fk_answers_add_advertisement(answers, w, &lane->net, &lane->nd.target);
		else
			fk_answers_add_arp(answers, w, &lane->net);
	}
	fk_answers_send(answers, w); /* what is left waits for the next turn */
}

uint32_t fk_receive_poll(struct fk_worker *w)
{
	struct fk_receive_stage *s = w->receive;
	const struct fk_port *port = &w->config.port;
	struct fk_mac_lane macs[FK_WORKER_BURST];
	uint64_t at_us = w->now_us + w->realtime_offset_us;
	uint32_t n, n_free = 0;

	if (!fk_answers_send(&s->answers, w))
		return 0;
	n = port->ops->receive(port->self, s->frames, FK_WORKER_BURST);
	if (n == 0)
		return 0;
	fk_worker_add(w, FK_COUNTER_RX_FRAMES, n);
	for (uint32_t i = 0; i < n; i++) {
		if (w->config.capture != NULL)
			fk_capture_put(w->config.capture, s->frames[i].octets, s->frames[i].size,
				       (struct fk_capture_mask){0}, at_us);
		if (take_frame(w, &s->lanes[i], &s->frames[i]))
			fk_answer_echo(w, &s->frames[i]);
	}
	claim_stage(w, s->lanes, n);
	mac_stage(w, s->lanes, n, macs);
	apply_stage(w, s->lanes, n, macs);
	answer_stage(w, s->lanes, n);
	for (uint32_t i = 0; i < n; i++) {
		if (s->frames[i].octets != NULL)
			s->frames[n_free++] = s->frames[i];
	}
	port->ops->free(port->self, s->frames, n_free);
	return n;
}
