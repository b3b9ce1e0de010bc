/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - see server.h. */
#include <stdio.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "accepted.h"
#include "hint.h"
#include "inspect.h"
#include "plain_ok.h"
#include "server.h"
#include "speak.h"

#define RESPONSE_SIZE_MAX FK_SIM_DATAGRAM_MAX
#define SIP_OK		  200
#define SIP_ACCEPTED	  202
#define SIP_OVERLOADED	  503
#define REGISTER_EVERY_MS 12000 /* a radio that has no answer */
#define WARNING(text)	  "Warning: 399 fleetsim \"" text "\"\r\n"

/* One request from the KMF while it is dealt with. */
struct request {
	const struct fk_net_frame *frame;
	struct fk_face *face; /* whom it reached */
	struct fk_sip_message sip;
	uint16_t response_port;
	uint8_t response[RESPONSE_SIZE_MAX];
	size_t response_size;
	struct fk_inspected parts;
	const uint8_t *kmm;
	size_t kmm_size;
	struct fk_sim_ue *ue;
	bool is_known; /* it is like one that was good */
	bool is_plain; /* ... and is taken to be good: 'sip' and 'parts' are there */
};

static void count(struct fk_server *s, enum fk_sim_count c)
{
	s->counts->count[c]++;
}

/* Where responses go: the sent-by port, or the source port if rport asks so (RFC 3581). */
static uint16_t response_port(const struct fk_net_frame *frame, const struct fk_sip_message *sip)
{
	return sip->via_rport ? frame->source_port : fk_sip_sent_by_port(sip->via_sent_by);
}

/* The To-tag is a hash of what names the transaction: a repeat gets the same response. */
static void write_response(struct request *r, uint16_t status, const char *extra_headers)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t hash = fk_sim_hash(r->sip.via_branch.at, r->sip.via_branch.len) ^
			fk_sim_hash(r->sip.call_id.at, r->sip.call_id.len);
	char tag[17];

	for (uint32_t i = 0; i < 16; i++)
		tag[i] = digits[hash >> (4 * i) & 15];
	tag[16] = '\0';
	r->response_port = response_port(r->frame, &r->sip);
	r->response_size = status != SIP_ACCEPTED
				   ? 0
				   : fk_accepted_write(&r->sip, tag, &r->frame->source, r->response,
						       sizeof(r->response));
	if (r->response_size == 0 &&
	    fk_sip_build_response(&r->sip, status, tag, &r->frame->source, r->frame->source_port,
				  extra_headers, r->response, sizeof(r->response),
				  &r->response_size) != FK_OK)
		r->response_size = 0;
}

static void send_response(struct fk_server *s, const struct request *r)
{
	struct fk_datagram datagram = {
		.payload = r->response,
		.size = (uint16_t)r->response_size,
		.source = s->address,
		.source_port = r->face->port,
		.destination = r->frame->source,
		.destination_port = r->response_port,
	};

	/* What cannot leave is as good as lost: the KMF repeats its request. */
	if (r->response_size > 0)
		(void)s->outbox.send(s->outbox.arg, &datagram);
}

static void respond(struct fk_server *s, struct request *r, uint16_t status,
		    const char *extra_headers)
{
	write_response(r, status, extra_headers);
	send_response(s, r);
}

/* How a fault is refused where 400 does not say enough. spec: 3GPP sheet 3.7, RFC 3261 */
static const struct {
	enum fk_sim_malformed reason;
	uint16_t status;
	const char *headers;
} refusals[] = {
	{FK_SIM_MALFORMED_PARTS, 403, WARNING("199 expected MIME bodies not in the request")},
	{FK_SIM_MALFORMED_RESOURCE_LISTS, 403,
	 WARNING("199 expected MIME bodies not in the request")},
	{FK_SIM_MALFORMED_TARGET, 403,
	 WARNING("204 unable to determine targeted user for one-to-one SDS")},
	{FK_SIM_MALFORMED_REQUEST_URI, 404, NULL},
	{FK_SIM_MALFORMED_IDENTITY, 404, WARNING("141 user unknown to the participating function")},
	{FK_SIM_MALFORMED_SERVICE, 403, NULL},
	{FK_SIM_MALFORMED_CALLING_USER, 403, NULL},
	{FK_SIM_MALFORMED_UNKNOWN_UE, 404, NULL},
	{FK_SIM_MALFORMED_NEXT_HOP, 404, NULL},
	{FK_SIM_MALFORMED_METHOD, 405, "Allow: MESSAGE, OPTIONS\r\n"},
};

/* Refuses a request that cannot be understood, or is not what the profile asks for. */
static void refuse(struct fk_server *s, struct request *r, enum fk_sim_malformed reason)
{
	s->counts->malformed[reason]++;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].reason != reason)
			continue;
		respond(s, r, refusals[i].status, refusals[i].headers);
		return;
	}
	respond(s, r, 400, NULL);
}

static bool is_of_face(const struct fk_server *s, const struct request *r)
{
	return r->face->name[0] == '\0' ||
	       strcmp(r->face->name, fk_fleet_next_hop(s->fleet, r->ue)) == 0;
}

/* Body and sender. */
static enum fk_sim_malformed inspect_body(struct request *r)
{
	const struct fk_compose_context *compose = &r->face->compose;
	enum fk_sim_malformed malformed =
		r->face->profile == FK_FACE_T2
			? fk_inspect_isd(&r->sip, compose->isd_layout, compose->kmf_uri, &r->parts)
			: fk_inspect_body(&r->sip, &r->parts);

	return malformed != FK_SIM_WELL_FORMED
		       ? malformed
		       : fk_face_check(r->face, &r->sip, r->frame->payload, &r->parts);
}

/* Body, target, sender and preamble; everything that can be said before the radio looks. */
static enum fk_sim_malformed inspect(struct fk_server *s, struct request *r)
{
	enum fk_sim_malformed malformed = r->is_plain ? FK_SIM_WELL_FORMED : inspect_body(r);
	struct fk_kmm_preamble preamble;

	if (malformed != FK_SIM_WELL_FORMED)
		return malformed;
	r->ue = fk_fleet_find(s->fleet, r->parts.target, r->parts.target_size);
	if (r->ue == NULL)
		return FK_SIM_MALFORMED_UNKNOWN_UE;
	if (!is_of_face(s, r))
		return FK_SIM_MALFORMED_NEXT_HOP;
	r->kmm = r->parts.payload;
	r->kmm_size = r->parts.payload_size;
	if (s->bare_kmm)
		return FK_SIM_WELL_FORMED;
	if (fk_kmm_preamble_decode(r->kmm, r->kmm_size, &preamble) != FK_OK ||
	    preamble.algorithm_id != FK_ALGORITHM_CLEAR)
		return FK_SIM_MALFORMED_PREAMBLE;
	r->kmm += FK_KMM_PREAMBLE_SIZE;
	r->kmm_size -= FK_KMM_PREAMBLE_SIZE;
	return FK_SIM_WELL_FORMED;
}

/* With Retry-After, if that is to be said. */
static void respond_overloaded(struct fk_server *s, struct request *r)
{
	uint32_t retry_after_s = s->traits->spec.retry_after_s;
	char header[48];

	(void)snprintf(header, sizeof(header), "Retry-After: %u\r\n", retry_after_s);
	respond(s, r, SIP_OVERLOADED, retry_after_s > 0 ? header : NULL);
}

/* From the first request on, as long as it was told to be. */
static bool is_overloaded(const struct fk_server *s, struct fk_face *face)
{
	uint64_t overload_ms = (uint64_t)s->traits->spec.overload_s * 1000;

	if (face->begun_at_ms == 0)
		face->begun_at_ms = s->now_ms;
	return overload_ms == 0 || s->now_ms - face->begun_at_ms < overload_ms;
}

/* Refuses everybody, as a face that was told to does. True if it did. */
static bool refuse_all(struct fk_server *s, struct request *r)
{
	switch (r->face->refusal) {
	case 401:
		respond(s, r, 401, "WWW-Authenticate: Digest realm=\"mc\",nonce=\"1\"\r\n");
		break;
	case 407:
		respond(s, r, 407, "Proxy-Authenticate: Digest realm=\"mc\",nonce=\"1\"\r\n");
		break;
	case SIP_OVERLOADED:
		if (!is_overloaded(s, r->face))
			return false;
		respond_overloaded(s, r);
		break;
	case FK_FACE_WARNING_141:
		respond(s, r, 404, WARNING("141 user unknown to the participating function"));
		break;
	default:
		return false;
	}
	r->face->n_refused++;
	return true;
}

/* Answers a new request or a repeat as the UE's traits have it. True if the UE is to hear it. */
static bool accept(struct fk_server *s, struct request *r)
{
	uint64_t branch_hash = fk_sim_hash(r->sip.via_branch.at, r->sip.via_branch.len);
	uint16_t status = fk_sim_ue_find_transaction(r->ue, branch_hash);
	bool is_repeat = status != 0;

	if (!is_repeat) {
		status = fk_traits_answer(s->traits, r->ue, (uint32_t)(r->ue - s->fleet->ues),
					  s->now_ms);
		fk_sim_ue_note_transaction(r->ue, branch_hash, status);
		if (status == SIP_ACCEPTED)
			r->face->n_accepted++;
		else
			r->face->n_refused++;
	}
	if (status == SIP_OVERLOADED) {
		respond_overloaded(s, r);
	} else if (status == SIP_ACCEPTED && r->face->profile == FK_FACE_T2) {
		respond(s, r, SIP_OK, NULL); /* spec: 3GPP sheet 6.2 */
	} else {
		respond(s, r, status, NULL);
	}
	if (is_repeat) {
		count(s, FK_SIM_REPEATS);
		count(s, FK_SIM_RETRANSMISSIONS);
	}
	return !is_repeat && status == SIP_ACCEPTED &&
	       !fk_traits_is_deaf(s->traits, r->ue, s->now_ms);
}

static void receive_message(struct fk_server *s, struct request *r)
{
	enum fk_sim_malformed malformed = FK_SIM_WELL_FORMED, body;
	struct fk_radio_answer answer, earlier;

	r->face->n_requests++;
	if (!r->is_plain)
		malformed = fk_inspect_header(&r->sip, r->frame->payload, r->frame->payload_size);
	body = inspect(s, r);
	if (body != FK_SIM_WELL_FORMED) {
		refuse(s, r, body); /* a message counts once */
		return;
	}
	if (malformed != FK_SIM_WELL_FORMED)
		s->counts->malformed[malformed]++;
	else if (!r->is_known)
		fk_plain_request_learn(&s->plain_requests, r->face, r->frame->payload,
				       r->frame->payload_size, &r->sip, &r->parts);
	/* Without room for its answers the command is not taken, and not accepted: the KMF repeats
	 * it. */
	if (fk_txns_free_count(s->txns) < FK_SPEAK_TRANSACTIONS_MAX) {
		count(s, FK_SIM_DEFERRED);
		return;
	}
	if (refuse_all(s, r) || !accept(s, r))
		return;
	fk_insider_command(s->insider, s->radio, r->ue);
	earlier.size = r->ue->answer_size;
	memcpy(earlier.octets, r->ue->answer, r->ue->answer_size);
	body = fk_radio_receive(s->radio, r->ue, r->kmm, r->kmm_size, &answer);
	if (body != FK_SIM_WELL_FORMED && malformed == FK_SIM_WELL_FORMED)
		s->counts->malformed[body]++;
	fk_speak(s, &(struct fk_speech){
			    .face = r->face,
			    .ue = r->ue,
			    .signalling = &r->parts.signalling,
			    .answer = &answer,
			    .earlier = &earlier,
			    .kmf = r->frame->source,
			    .response = r->response,
			    .response_size = r->response_size,
			    .response_port = r->response_port,
		    });
}

static void receive_request(struct fk_server *s, struct request *r)
{
	count(s, FK_SIM_REQUESTS);
	s->kmf = r->frame->source;
	switch ((enum fk_sip_method)r->sip.method) {
	case FK_SIP_MESSAGE:
		receive_message(s, r);
		break;
	case FK_SIP_OPTIONS:
		respond(s, r, 200, NULL);
		break;
	case FK_SIP_ACK: /* is never answered */
		s->counts->malformed[FK_SIM_MALFORMED_METHOD]++;
		break;
	case FK_SIP_OTHER:
		refuse(s, r, FK_SIM_MALFORMED_METHOD);
		break;
	}
}

static struct fk_face *find_face(const struct fk_server *s, uint16_t port)
{
	for (uint32_t i = 0; i < s->n_faces; i++)
		if (s->faces[i].port == port)
			return &s->faces[i];
	return NULL;
}

void fk_server_receive(void *server, const struct fk_net_frame *frame)
{
	struct fk_server *s = server;
	struct request r; /* three kilobytes: each stage fills in what the next one needs */
	const char *branch;
	enum fk_err err;

	r.frame = frame;
	r.response_size = 0;
	r.is_plain = false;
	r.face = find_face(s, frame->destination_port);
	if (r.face == NULL) {
		count(s, FK_SIM_NOT_OURS);
		return;
	}
	if (fk_plain_ok_read(&r.face->compose, frame->payload, frame->payload_size, &branch) &&
	    ++s->n_plain_oks % FK_PLAIN_OK_CHECKED != 0) {
		fk_txn_respond(s->txns, branch, FK_SIM_BRANCH_LEN, SIP_OK, s->now_ms);
		return;
	}
	r.is_known = fk_plain_request_read(&s->plain_requests, r.face, frame->payload,
					   frame->payload_size, &r.sip, &r.parts);
	if (r.is_known && ++s->n_plain_requests % FK_PLAIN_REQUEST_CHECKED != 0) {
		r.is_plain = true;
		receive_request(s, &r);
		return;
	}
	err = fk_sip_parse(frame->payload, frame->payload_size, &r.sip);
	if (err == FK_EFORMAT) {
		s->counts->malformed[FK_SIM_MALFORMED_NOT_SIP]++;
	} else if (err != FK_OK) {
		s->counts->malformed[FK_SIM_MALFORMED_SIP_SYNTAX]++;
		if (!r.sip.is_response && r.sip.can_answer)
			respond(s, &r, 400, NULL);
	} else if (r.sip.is_response) {
		fk_txn_respond(s->txns, r.sip.via_branch.at, r.sip.via_branch.len, r.sip.status,
			       s->now_ms);
	} else {
		receive_request(s, &r);
	}
}

/* Those of OFFLINE, from '*at' on. False if there was no more room. */
static bool say_all(struct fk_server *s, uint32_t *at, uint8_t message_id, bool is_again)
{
	for (; *at < s->fleet->n_ues; (*at)++) {
		struct fk_sim_ue *ue = &s->fleet->ues[*at];

		if (fk_ue_has_trait(ue, FK_TRAIT_OFFLINE) &&
		    (!is_again || ue->awaits_registration) && !fk_speak_unasked(s, ue, message_id))
			return false;
	}
	return true;
}

static void say_back(struct fk_server *s)
{
	bool is_again = s->register_again_ms != 0;

	if (is_again && s->now_ms >= s->register_again_ms) {
		s->register_again_ms = s->now_ms + REGISTER_EVERY_MS;
		s->hello_at = 0;
	}
	if (!s->traits->spec.registers)
		(void)say_all(s, &s->hello_at, FK_KMM_HELLO, false);
	else if (say_all(s, &s->hello_at, FK_KMM_REGISTRATION_COMMAND, is_again) && !is_again)
		s->register_again_ms = s->now_ms + REGISTER_EVERY_MS;
}

void fk_server_tick(struct fk_server *s)
{
	if (fk_traits_are_leaving(s->traits, s->now_ms))
		(void)say_all(s, &s->leave_at, FK_KMM_DEREGISTRATION_COMMAND, false);
	if (fk_traits_are_back(s->traits, s->now_ms))
		say_back(s);
}

uint64_t fk_server_guess(void *server, const struct fk_net_frame *frame)
{
	(void)server;
	return fk_hint_hash(frame->payload, frame->payload_size);
}

void fk_server_expect(void *server, uint64_t hint)
{
	struct fk_server *s = server;

	fk_hint_index(s->fleet, hint);
}

void fk_server_prepare(void *server, uint64_t hint)
{
	struct fk_server *s = server;

	fk_hint_ue(s->fleet, hint);
}
