/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.h - a worker on a bench: a key table and a region in plain memory, a port made of buffers, a
 * clock that the test turns, and a peer that builds real answers with the wire and crypto
 * libraries.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/kmm.h>
#include <fleetkey/sds.h>

#include "wire/sip.h"
#include "worker.h"

#define RIG_OWN_IPV4	  0xc000020au /* 192.0.2.10 */
#define RIG_PEER_IPV4	  0xc0000214u /* 192.0.2.20 */
#define RIG_PEER_PORT	  5060
#define RIG_N_UES	  100u
#define RIG_KMF_RSI	  9999999u
#define RIG_CAMPAIGN_SLOT 3
#define RIG_GENERATION	  7
#define RIG_N_KEYS	  16u /* the campaign has so many; it says that it has one */
#define RIG_FRAME_MAX	  2048
#define RIG_FRAMES_MAX	  4096
#define RIG_NOW_US	  1000000000u

struct rig_frame {
	uint64_t at_us;
	uint16_t size;
	uint8_t octets[RIG_FRAME_MAX];
};

struct rig {
	bool is_ipv6; /* worker and peer have IPv6 addresses only: rig_address() of the IPv4 ones */
	const char *isd_layout; /* the peer is reached by carrier T2; NULL: by T1 */
	struct fk_worker *worker;
	struct fk_keytable *table;
	struct fk_region *region;
	uint64_t now_us;
	uint32_t epoch;
	bool link_is_full; /* the port takes nothing */
	bool no_buffers;
	struct rig_frame *in, *out; /* towards and from the worker */
	uint32_t n_in, n_in_read, n_out, n_out_read;
};

extern const uint8_t rig_peer_mac[6], rig_own_mac[6];

/* A worker that is attached, leased, and has resolved its peer. A test that is compiled with
 * RIG_IPV6 runs over IPv6. */
#ifdef RIG_IPV6
#define rig_new rig_new_ipv6
#else
struct rig *rig_new(void);
#endif
struct rig *rig_new_ipv6(void);
/* The same with a peer that is reached by carrier T2; the layout is borrowed. */
struct rig *rig_new_t2(const char *isd_layout);
/* The same, but it has not turned yet and knows no neighbour. */
struct rig *rig_new_unresolved(void);
/* The peer answers the worker's ARP request; what left until then is skipped. */
void rig_resolve_peer(struct rig *rig);
/* The dataplane is killed, and the next one repairs the region and attaches to it. */
void rig_kill(struct rig *rig);
void rig_free(struct rig *rig);

/* Turns the worker until it has nothing to do, at the present time. */
void rig_turn(struct rig *rig);
/* Lets time pass in steps of a millisecond, turning the worker at each. */
void rig_pass_ms(struct rig *rig, uint32_t ms);

/* A state as control reads it. */
struct fk_ue_state rig_state(struct rig *rig, uint32_t ue_index);
uint64_t rig_count(struct rig *rig, enum fk_counter counter);
/* The sum of all counters that say why something received was dropped or refused. */
uint64_t rig_n_drops(struct rig *rig);
uint32_t rig_n_doorbells(struct rig *rig);

/* An order of attempt 'attempt'; step 0 is a rekey under the PTEK, 1 an inventory under the TEK. */
struct fk_order rig_order(uint32_t ue_index, uint8_t step, uint8_t attempt);
void rig_push(struct rig *rig, const struct fk_order *order);

/* Pushes an order and returns the request that left for it. */
struct fk_sip_message rig_send(struct rig *rig, const struct fk_order *order);
/* Delivers the response to a request. */
void rig_respond(struct rig *rig, const struct fk_sip_message *request, uint16_t status);

#define RIG_ANY_STATUS 1
/*
 * Delivers a datagram and expects that it is counted once, under 'reason' (FK_COUNTERS: under any
 * reason to drop), that no octet of a state changes and no doorbell rings, and that it is answered
 * with 'status' (0: not at all; RIG_ANY_STATUS: as may be). What left before is forgotten.
 */
void rig_expect(struct rig *rig, uint32_t ipv4, uint16_t port, const void *octets, size_t size,
		enum fk_counter reason, uint16_t status);

/* The next frame that left, or NULL. */
const struct rig_frame *rig_next_out(struct rig *rig);
/* The next SIP message that left; fails the test if there is none. Views borrow from the frame. */
struct fk_sip_message rig_next_sip(struct rig *rig);
/* Payload of the KMM in a MESSAGE of ours, and its signalling. */
struct fk_kmm_frame rig_kmm_of(const struct fk_sip_message *sip,
			       struct fk_sds_signalling *ret_signalling);

/* IPv4 address 'ipv4', or in an IPv6 rig 2001:db8:: with 'ipv4' in its last four octets. */
struct fk_address rig_address(const struct rig *rig, uint32_t ipv4);

/* Puts a frame, or a datagram from 'ipv4', in front of the worker. */
void rig_frame_in(struct rig *rig, const uint8_t *octets, size_t size);
void rig_datagram_in(struct rig *rig, uint32_t ipv4, uint16_t port, const void *octets,
		     size_t size);

/* What the peer may say; each returns the size of the datagram. */
size_t rig_make_response(const struct fk_sip_message *request, uint16_t status, uint8_t *buf,
			 size_t cap);
/* A MESSAGE from 'user' with signalling and, if 'payload' is not NULL, a payload part. */
size_t rig_make_message(const char *user, const uint8_t *signalling, size_t signalling_size,
			const uint8_t *payload, size_t payload_size, uint8_t *buf, size_t cap);
size_t rig_make_notification(const char *user, uint8_t disposition, const uint8_t message_id[16],
			     uint8_t *buf, size_t cap);

/* How an answer departs from what it should be; all zero means it is right. */
struct rig_answer {
	uint32_t ue_index;
	/* FK_KMM_REKEY_ACK, _NEGATIVE_ACK, or a response: _INVENTORY_, _CHANGEOVER_, _DELETE_KEY_,
	 * _DELETE_KEYSET_ or _ZEROIZE_ */
	uint8_t message_id;
	uint16_t number;       /* message number of the answer */
	uint16_t acked_number; /* Negative-Ack */
	uint8_t acked_message_id;
	uint8_t status;	  /* and flag of a Hello, body format of a Registration */
	uint32_t kmf_rsi; /* of a Registration */
	uint16_t key_id;  /* acknowledged or listed */
	/* Not 0: so many keys instead, with these IDs, and, if acknowledged, these statuses. */
	uint8_t n_keys;
	uint16_t key_ids[FK_KMM_KEYS_MAX];
	uint8_t statuses[FK_KMM_KEYS_MAX];
	struct fk_kmm_changeover_pair pair;  /* Changeover-Response */
	struct fk_kmm_delete_keyset_one one; /* Delete-Keyset-Response */
	const uint8_t *mac_tek;		     /* NULL: no MAC */
	uint16_t mac_key_id;
	uint32_t source_rsi, destination_rsi;
	const char *user;
	const uint8_t *in_reply_to; /* NULL: absent */
	bool break_mac;
};

/* The right answer of a UE to step 0 or 1. */
struct rig_answer rig_right_answer(struct rig *rig, uint32_t ue_index, uint8_t step,
				   uint16_t number);
/* The parts of an SDS that carries it. */
struct rig_sds {
	uint8_t signalling[64], payload[300]; /* SDS SIGNALLING PAYLOAD and DATA PAYLOAD */
	size_t signalling_size, payload_size, kmm_offset; /* the KMM ends with the payload */
};
struct rig_sds rig_make_sds(struct rig *rig, const struct rig_answer *answer);
/* The datagram that carries it on T2: mcptt-info with that user (NULL: without), and 'isd'. */
size_t rig_make_isd_message(const char *user, const uint8_t *isd, size_t isd_size, uint8_t *buf,
			    size_t cap);
/* The datagram that carries it. */
size_t rig_make_answer(struct rig *rig, const struct rig_answer *answer, uint8_t *buf, size_t cap);
/* Builds and delivers it, and turns. */
void rig_answer_in(struct rig *rig, const struct rig_answer *answer);
