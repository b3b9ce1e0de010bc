/* SPDX-License-Identifier: Apache-2.0 */
/* hostile.c - see hostile.h. */
#include <string.h>

#include <fleetkey/kmm.h>

#include "hostile.h"

#define N_GARBAGE	 32  /* datagrams a UE */
#define GARBAGE_SIZE_MAX 256 /* octets */
#define BRANCH_TEXT	 "branch=z9hG4bK"

const char *fk_hostile_kind_name(enum fk_hostile_kind kind)
{
	static const char *const names[] = {
#define X(name, label) label,
		FK_HOSTILE_KIND_MAP(X)
#undef X
	};

	return names[kind];
}

static const struct {
	const char *mode;
	uint32_t kinds;
} modes[] = {
	{"truncate", 1u << FK_HOSTILE_TRUNCATED | 1u << FK_HOSTILE_TRUNCATED_RESPONSE},
	{"garbage", 1u << FK_HOSTILE_GARBAGE},
	{"unknown-peer", 1u << FK_HOSTILE_UNKNOWN_PEER},
	{"forged", 1u << FK_HOSTILE_FORGED_MESSAGE_ID | 1u << FK_HOSTILE_FORGED_BRANCH |
			   1u << FK_HOSTILE_WRONG_UE_NOTIFICATION |
			   1u << FK_HOSTILE_WRONG_UE_ANSWER},
	{"replay", 1u << FK_HOSTILE_REPLAY},
	{"bad-mac", 1u << FK_HOSTILE_BAD_MAC},
	{"all", (1u << FK_HOSTILE_KINDS) - 1},
};

bool fk_hostile_read_mode(const char *mode, uint32_t *ret_kinds)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(mode, modes[i].mode) == 0) {
			*ret_kinds = modes[i].kinds;
			return true;
		}
	}
	return false;
}

static bool send_datagram(const struct fk_hostile_truth *t, const uint8_t *payload, size_t size,
			  const struct fk_address *source, uint16_t port)
{
	struct fk_datagram datagram = {
		.payload = payload,
		.size = (uint16_t)size,
		.source = *source,
		.source_port = t->source_port,
		.destination = t->kmf,
		.destination_port = port,
		.is_hostile = true,
	};

	return t->outbox.send(t->outbox.arg, &datagram);
}

/* Sends one lie and counts it if it got away. */
static void lie(struct fk_hostile *h, const struct fk_hostile_truth *t, enum fk_hostile_kind kind,
		const uint8_t *payload, size_t size, const struct fk_address *source, uint16_t port)
{
	if (send_datagram(t, payload, size, source, port))
		h->sent[kind]++;
}

/* Writes a message under a branch that belongs to no transaction; 0 if it does not fit. */
static size_t write_message(const struct fk_hostile_truth *t, const struct fk_compose *message,
			    uint8_t buf[static FK_SIM_DATAGRAM_MAX])
{
	struct fk_compose copy = *message;
	size_t size = 0;

	copy.slot = FK_TXN_HOSTILE;
	copy.nonce = fk_txns_draw(t->txns);
	return fk_compose_message(&copy, buf, &size) == FK_OK ? size : 0;
}

bool fk_hostile_send(const struct fk_hostile_truth *truth, const struct fk_compose *message)
{
	uint8_t buf[FK_SIM_DATAGRAM_MAX];
	size_t size = write_message(truth, message, buf);

	return size > 0 && send_datagram(truth, buf, size, &truth->source, truth->kmf_port);
}

static void send_message(struct fk_hostile *h, const struct fk_hostile_truth *t,
			 enum fk_hostile_kind kind, const struct fk_compose *message,
			 const struct fk_address *source)
{
	uint8_t buf[FK_SIM_DATAGRAM_MAX];
	size_t size = write_message(t, message, buf);

	if (size > 0)
		lie(h, t, kind, buf, size, source, t->kmf_port);
}

static void truncate(struct fk_hostile *h, const struct fk_hostile_truth *t,
		     const struct fk_compose *message)
{
	uint8_t buf[FK_SIM_DATAGRAM_MAX];
	size_t size = write_message(t, message, buf);

	for (size_t n = 0; n < size; n++)
		lie(h, t, FK_HOSTILE_TRUNCATED, buf, n, &t->source, t->kmf_port);
}

/* 202 as it went out, and the same as 200. */
static void truncate_responses(struct fk_hostile *h, const struct fk_hostile_truth *t)
{
	static const char ok[] = "SIP/2.0 200 OK";
	const uint8_t *rest = memchr(t->accepted, '\r', t->accepted_size);
	size_t rest_size = rest == NULL ? 0 : t->accepted_size - (size_t)(rest - t->accepted);
	uint8_t buf[FK_SIM_DATAGRAM_MAX];

	if (rest == NULL || sizeof(ok) - 1 + rest_size > sizeof(buf))
		return;
	memcpy(buf, ok, sizeof(ok) - 1);
	memcpy(buf + sizeof(ok) - 1, rest, rest_size);
	for (size_t n = 0; n < t->accepted_size; n++)
		lie(h, t, FK_HOSTILE_TRUNCATED_RESPONSE, t->accepted, n, &t->source,
		    t->response_port);
	for (size_t n = 0; n < sizeof(ok) - 1 + rest_size; n++)
		lie(h, t, FK_HOSTILE_TRUNCATED_RESPONSE, buf, n, &t->source, t->response_port);
}

static void garbage(struct fk_hostile *h, const struct fk_hostile_truth *t)
{
	uint8_t buf[GARBAGE_SIZE_MAX];

	for (uint32_t i = 0; i < N_GARBAGE; i++) {
		for (size_t at = 0; at < sizeof(buf); at++)
			buf[at] = (uint8_t)fk_txns_draw(t->txns);
		buf[0] |= 0x80; /* a SIP start line begins with a token: ASCII */
		lie(h, t, FK_HOSTILE_GARBAGE, buf, 1 + fk_txns_draw(t->txns) % sizeof(buf),
		    &t->source, t->kmf_port);
	}
}

/* One bit of each octet of the Message ID in turn. */
static void forge_message_ids(struct fk_hostile *h, const struct fk_hostile_truth *t)
{
	struct fk_compose forged = t->notification;
	uint8_t message_id[FK_SDS_ID_SIZE];

	forged.message_id = message_id;
	for (uint32_t i = 0; i < FK_SDS_ID_SIZE; i++) {
		memcpy(message_id, t->notification.message_id, sizeof(message_id));
		message_id[i] ^= (uint8_t)(1u << (i % 4)); /* keeps UUID version and variant */
		send_message(h, t, FK_HOSTILE_FORGED_MESSAGE_ID, &forged, &t->source);
	}
}

/* Refusals of the request, each with another digit of its branch changed. */
static void forge_branches(struct fk_hostile *h, const struct fk_hostile_truth *t)
{
	uint8_t buf[FK_SIM_DATAGRAM_MAX];
	char *branch;
	size_t offset;

	if (t->accepted_size > sizeof(buf) || t->accepted_size < 12)
		return;
	memcpy(buf, t->accepted, t->accepted_size);
	memcpy(buf + 8, "603", 3); /* final and without appeal, if it were believed */
	branch = memmem(buf, t->accepted_size, BRANCH_TEXT, sizeof(BRANCH_TEXT) - 1);
	if (branch == NULL)
		return;
	for (offset = sizeof(BRANCH_TEXT) - 1;
	     branch + offset < (char *)buf + t->accepted_size && branch[offset] != ';' &&
	     branch[offset] != ',' && branch[offset] != '\r';
	     offset++) {
		char original = branch[offset];

		branch[offset] = original == '0' ? '1' : '0';
		lie(h, t, FK_HOSTILE_FORGED_BRANCH, buf, t->accepted_size, &t->source,
		    t->response_port);
		branch[offset] = original;
	}
}

static void impersonate(struct fk_hostile *h, const struct fk_hostile_truth *t,
			enum fk_hostile_kind kind, const struct fk_compose *message)
{
	struct fk_compose forged = *message;

	if (t->other_mcdata_id == NULL)
		return;
	forged.mcdata_id = t->other_mcdata_id;
	forged.mcdata_id_size = t->other_mcdata_id_size;
	send_message(h, t, kind, &forged, &t->source);
}

static void break_mac(struct fk_hostile *h, const struct fk_hostile_truth *t)
{
	struct fk_compose forged = t->answer;
	uint8_t kmm[FK_KMM_SIZE_MAX];

	memcpy(kmm, t->answer.kmm, t->answer.kmm_size);
	kmm[t->answer.kmm_size - FK_KMM_MAC_BLOCK_SIZE] ^= 0x01;
	forged.kmm = kmm;
	send_message(h, t, FK_HOSTILE_BAD_MAC, &forged, &t->source);
}

void fk_hostile_before(struct fk_hostile *h, const struct fk_hostile_truth *t)
{
	struct fk_address stranger = t->source;

	stranger.octets[FK_ADDRESS_SIZE - 1] ^= 1; /* a neighbour of ours that is no next hop */
	h->n_ues++;
	for (uint32_t kind = 0; kind < FK_HOSTILE_KINDS; kind++) {
		if ((h->kinds & 1u << kind) == 0)
			continue;
		switch ((enum fk_hostile_kind)kind) {
		case FK_HOSTILE_TRUNCATED:
			truncate(h, t, &t->notification);
			truncate(h, t, &t->answer);
			break;
		case FK_HOSTILE_TRUNCATED_RESPONSE:
			truncate_responses(h, t);
			break;
		case FK_HOSTILE_GARBAGE:
			garbage(h, t);
			break;
		case FK_HOSTILE_UNKNOWN_PEER:
			send_message(h, t, FK_HOSTILE_UNKNOWN_PEER, &t->notification, &stranger);
			send_message(h, t, FK_HOSTILE_UNKNOWN_PEER, &t->answer, &stranger);
			break;
		case FK_HOSTILE_FORGED_MESSAGE_ID:
			forge_message_ids(h, t);
			break;
		case FK_HOSTILE_FORGED_BRANCH:
			forge_branches(h, t);
			break;
		case FK_HOSTILE_WRONG_UE_NOTIFICATION:
			impersonate(h, t, FK_HOSTILE_WRONG_UE_NOTIFICATION, &t->notification);
			break;
		case FK_HOSTILE_WRONG_UE_ANSWER:
			impersonate(h, t, FK_HOSTILE_WRONG_UE_ANSWER, &t->answer);
			break;
		case FK_HOSTILE_BAD_MAC:
			break_mac(h, t);
			break;
		case FK_HOSTILE_REPLAY: /* fk_hostile_after() */
		case FK_HOSTILE_KINDS:
			break;
		}
	}
}

void fk_hostile_after(struct fk_hostile *h, const struct fk_hostile_truth *t)
{
	if (h->kinds & 1u << FK_HOSTILE_REPLAY)
		send_message(h, t, FK_HOSTILE_REPLAY, &t->answer, &t->source);
}
