/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leaves the worker on the bench, read back; and what its peer says to it.
 */
#include "rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct fk_crypto_scratch peer_scratch;

const struct rig_frame *rig_next_out(struct rig *rig)
{
	return rig->n_out_read < rig->n_out ? &rig->out[rig->n_out_read++] : NULL;
}

struct fk_sip_message rig_next_sip(struct rig *rig)
{
	const struct rig_frame *frame = rig_next_out(rig);
	struct fk_sip_message sip = {0};
	struct fk_address own = rig_address(rig, RIG_OWN_IPV4);
	struct fk_address peer = rig_address(rig, RIG_PEER_IPV4);
	struct fk_net_frame net;

	cr_assert_not_null(frame, "nothing was sent");
	cr_assert_eq(fk_net_parse(frame->octets, frame->size, &net), FK_OK);
	cr_assert_eq(net.kind, FK_NET_UDP);
	cr_assert(fk_address_equal(&net.source, &own));
	cr_assert(fk_address_equal(&net.destination, &peer));
	cr_assert_arr_eq(net.destination_mac, rig_peer_mac, 6);
	cr_assert_eq(fk_sip_parse(net.payload, net.payload_size, &sip), FK_OK, "%s", sip.error);
	return sip;
}

struct fk_kmm_frame rig_kmm_of(const struct fk_sip_message *sip,
			       struct fk_sds_signalling *ret_signalling)
{
	struct fk_sip_part parts[8];
	struct fk_kmm_frame frame = {0};
	const uint8_t *payload = NULL;
	size_t size = 0;
	uint32_t n;

	cr_assert_eq(fk_sip_split_body(sip, parts, 8, &n), FK_OK);
	for (uint32_t i = 0; i < n; i++) {
		if (fk_view_is(parts[i].content_type, "application/vnd.3gpp.mcdata-signalling"))
			cr_assert_eq(fk_sds_decode_signalling(parts[i].octets, parts[i].size,
							      ret_signalling),
				     FK_OK);
		if (fk_view_is(parts[i].content_type, "application/vnd.3gpp.mcdata-payload"))
			cr_assert_eq(
				fk_sds_decode_data(parts[i].octets, parts[i].size, &payload, &size),
				FK_OK);
	}
	cr_assert_not_null(payload);
	cr_assert_eq(
		fk_kmm_decode(payload + FK_KMM_PREAMBLE_SIZE, size - FK_KMM_PREAMBLE_SIZE, &frame),
		FK_OK);
	return frame;
}

void rig_frame_in(struct rig *rig, const uint8_t *octets, size_t size)
{
	struct rig_frame *in;

	if (rig->n_in_read == rig->n_in)
		rig->n_in = rig->n_in_read = 0;
	in = &rig->in[rig->n_in++];
	cr_assert_leq(rig->n_in, RIG_FRAMES_MAX);
	cr_assert_leq(size, sizeof(in->octets));
	in->size = (uint16_t)size;
	memcpy(in->octets, octets, size);
}

void rig_datagram_in(struct rig *rig, uint32_t ipv4, uint16_t port, const void *octets, size_t size)
{
	uint8_t frame[RIG_FRAME_MAX];
	struct fk_address source = rig_address(rig, ipv4);
	struct fk_address own = rig_address(rig, RIG_OWN_IPV4);
	struct fk_net_path path = fk_net_path_make(&source, &own, RIG_PEER_PORT, port);

	memcpy(path.source_mac, rig_peer_mac, 6);
	memcpy(path.destination_mac, rig_own_mac, 6);
	cr_assert_leq(size, sizeof(frame) - path.overhead);
	memcpy(frame + path.overhead, octets, size);
	rig_frame_in(rig, frame, fk_net_finish_udp(&path, frame, (uint16_t)size, 1));
}

size_t rig_make_response(const struct fk_sip_message *request, uint16_t status, uint8_t *buf,
			 size_t cap)
{
	const struct fk_address own = fk_address_of_ipv4(RIG_OWN_IPV4);
	size_t size;

	cr_assert_eq(
		fk_sip_build_response(request, status, "peer", &own, 5070, NULL, buf, cap, &size),
		FK_OK);
	return size;
}

static size_t put(uint8_t *buf, size_t cap, size_t at, const void *octets, size_t size)
{
	cr_assert_leq(at + size, cap);
	memcpy(buf + at, octets, size);
	return at + size;
}

static size_t put_part(uint8_t *buf, size_t cap, size_t at, const char *type, const void *octets,
		       size_t size)
{
	char head[160];
	int n = snprintf(head, sizeof(head), "--b\r\nContent-Type: %s\r\n\r\n", type);

	at = put(buf, cap, at, head, (size_t)n);
	at = put(buf, cap, at, octets, size);
	return put(buf, cap, at, "\r\n", 2);
}

/* A MESSAGE around the parts; the closing delimiter is put behind them. */
static size_t make_request(uint8_t *body, size_t body_cap, size_t size, uint8_t *buf, size_t cap)
{
	static uint32_t n_calls;
	char head[512];
	size_t at;
	int n;

	size = put(body, body_cap, size, "--b--\r\n", 7);
	n = snprintf(head, sizeof(head),
		     "MESSAGE sip:kmf@192.0.2.10 SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKpeer%u\r\n"
		     "Max-Forwards: 70\r\n"
		     "From: <sip:server@mc.example>;tag=p%u\r\n"
		     "To: <sip:kmf@mc.example>\r\n"
		     "Call-ID: call%u@mc.example\r\n"
		     "CSeq: 1 MESSAGE\r\n"
		     "Content-Type: multipart/mixed;boundary=b\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     n_calls, n_calls, n_calls, size);
	n_calls++;
	at = put(buf, cap, 0, head, (size_t)n);
	return put(buf, cap, at, body, size);
}

size_t rig_make_isd_message(const char *user, const uint8_t *isd, size_t isd_size, uint8_t *buf,
			    size_t cap)
{
	uint8_t body[1500];
	char info[512];
	size_t size;
	int n = snprintf(info, sizeof(info),
			 "<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"><mcptt-Params>%s%s%s"
			 "</mcptt-Params></mcpttinfo>",
			 user == NULL ? "" : "<mcptt-calling-user-id type=\"Normal\"><mcpttURI>",
			 user == NULL ? "" : user,
			 user == NULL ? "" : "</mcpttURI></mcptt-calling-user-id>");

	size = put_part(body, sizeof(body), 0, "application/vnd.3gpp.mcptt-info+xml", info,
			(size_t)n);
	size = put_part(body, sizeof(body), size, "application/vnd.3gpp.interworking-data", isd,
			isd_size);
	return make_request(body, sizeof(body), size, buf, cap);
}

size_t rig_make_message(const char *user, const uint8_t *signalling, size_t signalling_size,
			const uint8_t *payload, size_t payload_size, uint8_t *buf, size_t cap)
{
	uint8_t body[1500];
	char info[512];
	size_t size = 0;
	int n = snprintf(info, sizeof(info),
			 "<?xml version=\"1.0\"?><mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\">"
			 "<mcdata-Params><request-type>one-to-one-sds</request-type>"
			 "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>%s</mcdataURI>"
			 "</mcdata-calling-user-id></mcdata-Params></mcdatainfo>",
			 user);

	size = put_part(body, sizeof(body), size, "application/vnd.3gpp.mcdata-info+xml", info,
			(size_t)n);
	size = put_part(body, sizeof(body), size, "application/vnd.3gpp.mcdata-signalling",
			signalling, signalling_size);
	if (payload != NULL)
		size = put_part(body, sizeof(body), size, "application/vnd.3gpp.mcdata-payload",
				payload, payload_size);
	return make_request(body, sizeof(body), size, buf, cap);
}

size_t rig_make_notification(const char *user, uint8_t disposition, const uint8_t message_id[16],
			     uint8_t *buf, size_t cap)
{
	struct fk_sds_notification note = {.disposition = disposition, .date_time_s = 1700000001};
	uint8_t signalling[64];
	size_t size;

	memset(note.conversation_id, 0xc0, sizeof(note.conversation_id));
	memcpy(note.message_id, message_id, sizeof(note.message_id));
	cr_assert_eq(fk_sds_encode_notification(&note, signalling, sizeof(signalling), &size),
		     FK_OK);
	return rig_make_message(user, signalling, size, NULL, 0, buf, cap);
}

struct rig_answer rig_right_answer(struct rig *rig, uint32_t ue_index, uint8_t step,
				   uint16_t number)
{
	static char users[RIG_N_UES][32];
	const struct fk_ue_slot *ue = &fk_keytable_ues(rig->table)[ue_index];
	const struct fk_campaign_block *c = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];

	snprintf(users[ue_index], sizeof(users[0]), "sip:ue%03u@mc.example", ue_index);
	return (struct rig_answer){
		.ue_index = ue_index,
		.message_id = step == 0 ? FK_KMM_REKEY_ACK : FK_KMM_INVENTORY_RESPONSE,
		.number = number,
		.acked_message_id = step == 0 ? FK_KMM_REKEY_COMMAND : FK_KMM_INVENTORY_COMMAND,
		.acked_number = rig_state(rig, ue_index).message_number,
		.key_id = c->keys[0].key_id,
		.mac_tek = step == 0 ? ue->ptek : c->keys[0].tek,
		.mac_key_id = step == 0 ? ue->ptek_key_id : c->keys[0].key_id,
		.source_rsi = ue->rsi,
		.destination_rsi = RIG_KMF_RSI,
		.kmf_rsi = RIG_KMF_RSI,
		.user = users[ue_index],
	};
}

static size_t encode_answer(const struct rig_answer *a, uint8_t *kmm, size_t cap)
{
	const struct fk_kmm_header header = {
		.has_message_number = a->message_id != FK_KMM_UNABLE_TO_DECRYPT_RESPONSE,
		.has_mac = a->mac_tek != NULL,
		.destination_rsi = a->destination_rsi,
		.source_rsi = a->source_rsi,
		.message_number = a->number,
		.mac = {.algorithm_id = FK_ALGORITHM_AES_256,
			.key_id = a->mac_key_id,
			.mac_format = FK_KMM_MAC_FORMAT_CMAC},
	};
	struct fk_kmm_rekey_ack ack = {
		.acknowledged_message_id = a->acked_message_id,
		.n_statuses = 1,
		.statuses = {{.algorithm_id = FK_ALGORITHM_AES_256,
			      .key_id = a->key_id,
			      .status = a->status}},
	};
	const struct fk_kmm_negative_ack nack = {
		.acknowledged_message_id = a->acked_message_id,
		.acknowledged_message_number = a->acked_number,
		.status = a->status,
	};
	struct fk_kmm_inventory inventory = {
		.inventory_type = FK_INVENTORY_ACTIVE_KEY_IDS,
		.n_items = 1,
		.items = {{.keyset_id = 2,
			   .algorithm_id = FK_ALGORITHM_AES_256,
			   .key_id = a->key_id}},
	};
	struct fk_kmm_delete_key_list deleted = {.n_keys = a->n_keys};
	const struct fk_kmm_unable unable = {.body_format = FK_KMM_BODY_HAS_KEK,
					     .algorithm_id = FK_ALGORITHM_AES_256,
					     .key_id = a->mac_key_id,
					     .status = a->status};
	size_t size = 0;
	enum fk_err err;

	for (uint32_t i = 0; i < a->n_keys; i++)
		deleted.keys[i] = (struct fk_kmm_key_status){FK_ALGORITHM_AES_256, a->key_ids[i],
							     a->statuses[i]};
	if (a->n_keys > 0)
		ack.n_statuses = inventory.n_items = a->n_keys;
	for (uint32_t i = 0; i < a->n_keys; i++) {
		ack.statuses[i] = (struct fk_kmm_key_status){FK_ALGORITHM_AES_256, a->key_ids[i],
							     a->statuses[i]};
		inventory.items[i] =
			(struct fk_kmm_inventory_item){2, FK_ALGORITHM_AES_256, a->key_ids[i]};
	}
	if (a->message_id == FK_KMM_REKEY_ACK)
		err = fk_kmm_encode_rekey_ack(&header, &ack, kmm, cap, &size);
	else if (a->message_id == FK_KMM_NEGATIVE_ACK)
		err = fk_kmm_encode_negative_ack(&header, &nack, kmm, cap, &size);
	else if (a->message_id == FK_KMM_CHANGEOVER_RESPONSE)
		err = fk_kmm_encode_changeover(&header, FK_KMM_CHANGEOVER_RESPONSE, &a->pair, kmm,
					       cap, &size);
	else if (a->message_id == FK_KMM_DELETE_KEY_RESPONSE)
		err = fk_kmm_encode_delete_key(&header, FK_KMM_DELETE_KEY_RESPONSE, &deleted, kmm,
					       cap, &size);
	else if (a->message_id == FK_KMM_DELETE_KEYSET_RESPONSE)
		err = fk_kmm_encode_delete_keyset(&header, FK_KMM_DELETE_KEYSET_RESPONSE, &a->one,
						  kmm, cap, &size);
	else if (a->message_id == FK_KMM_HELLO)
		err = fk_kmm_encode_hello(&header, a->status, kmm, cap, &size);
	else if (a->message_id == FK_KMM_REGISTRATION_COMMAND ||
		 a->message_id == FK_KMM_DEREGISTRATION_COMMAND)
		err = fk_kmm_encode_registration(&header, a->message_id, a->status, a->kmf_rsi, kmm,
						 cap, &size);
	else if (a->message_id == FK_KMM_UNABLE_TO_DECRYPT_RESPONSE)
		err = fk_kmm_encode_unable(&header, &unable, kmm, cap, &size);
	else if (a->message_id == FK_KMM_ZEROIZE_RESPONSE)
		err = fk_kmm_encode_empty(&header, FK_KMM_ZEROIZE_RESPONSE, kmm, cap, &size);
	else
		err = fk_kmm_encode_inventory_response(&header, &inventory, kmm, cap, &size);
	cr_assert_eq(err, FK_OK);
	return size;
}

struct rig_sds rig_make_sds(struct rig *rig, const struct rig_answer *a)
{
	static const struct fk_kmm_preamble preamble = {.algorithm_id = FK_ALGORITHM_CLEAR};
	struct fk_sds_signalling signalling = {.date_time_s = 1700000002,
					       .has_in_reply_to = a->in_reply_to != NULL};
	uint8_t kmm[FK_KMM_PREAMBLE_SIZE + 200];
	struct rig_sds sds;
	size_t size;
	struct fk_mac_lane lane = {.tek = a->mac_tek, .mac_format = FK_KMM_MAC_FORMAT_CMAC};

	cr_assert_eq(fk_kmm_preamble_encode(&preamble, kmm, sizeof(kmm)), FK_OK);
	size = encode_answer(a, kmm + FK_KMM_PREAMBLE_SIZE, sizeof(kmm) - FK_KMM_PREAMBLE_SIZE);
	if (a->mac_tek != NULL) {
		lane.frame = kmm + FK_KMM_PREAMBLE_SIZE;
		lane.frame_size = (uint16_t)size;
		rig->worker->config.engine->mac(&peer_scratch, &lane, 1);
		lane.mac[7] ^= a->break_mac;
		memcpy(kmm + FK_KMM_PREAMBLE_SIZE + size - FK_KMM_MAC_BLOCK_SIZE, lane.mac,
		       FK_KMM_MAC_SIZE);
	}
	memset(signalling.message_id, 0x5a, sizeof(signalling.message_id));
	if (a->in_reply_to != NULL)
		memcpy(signalling.in_reply_to, a->in_reply_to, FK_SDS_ID_SIZE);
	cr_assert_eq(fk_sds_encode_signalling(&signalling, sds.signalling, sizeof(sds.signalling),
					      &sds.signalling_size),
		     FK_OK);
	cr_assert_eq(fk_sds_encode_data(FK_SDS_CONTENT_BINARY, kmm, FK_KMM_PREAMBLE_SIZE + size,
					sds.payload, sizeof(sds.payload), &sds.payload_size),
		     FK_OK);
	sds.kmm_offset = sds.payload_size - size;
	return sds;
}

size_t rig_make_answer(struct rig *rig, const struct rig_answer *a, uint8_t *buf, size_t cap)
{
	struct rig_sds sds = rig_make_sds(rig, a);

	return rig_make_message(a->user, sds.signalling, sds.signalling_size, sds.payload,
				sds.payload_size, buf, cap);
}

struct fk_sip_message rig_send(struct rig *rig, const struct fk_order *order)
{
	rig_push(rig, order);
	rig_turn(rig);
	return rig_next_sip(rig);
}

void rig_respond(struct rig *rig, const struct fk_sip_message *request, uint16_t status)
{
	uint8_t buf[1500];

	rig_datagram_in(rig, RIG_PEER_IPV4, 5070, buf,
			rig_make_response(request, status, buf, sizeof(buf)));
	rig_turn(rig);
}

void rig_expect(struct rig *rig, uint32_t ipv4, uint16_t port, const void *octets, size_t size,
		enum fk_counter reason, uint16_t status)
{
	static struct fk_ue_state before[RIG_N_UES];
	const struct fk_ue_state *states = fk_region_states(rig->region);
	uint64_t n_drops = rig_n_drops(rig), n_reason = 0;
	uint32_t n_doorbells = rig_n_doorbells(rig);

	if (reason != FK_COUNTERS)
		n_reason = rig_count(rig, reason);
	memcpy(before, states, sizeof(before));
	rig->n_out_read = rig->n_out;
	rig_datagram_in(rig, ipv4, port, octets, size);
	rig_turn(rig);
	cr_assert_eq(rig_n_drops(rig), n_drops + 1, "counted %d times",
		     (int)(rig_n_drops(rig) - n_drops));
	if (reason != FK_COUNTERS)
		cr_assert_eq(rig_count(rig, reason), n_reason + 1, "not counted as %s",
			     fk_counter_name(reason));
	cr_assert_arr_eq(states, before, sizeof(before), "a state has changed");
	cr_assert_eq(rig_n_doorbells(rig), n_doorbells);
	if (status == RIG_ANY_STATUS)
		return;
	if (status != 0)
		cr_assert_eq(rig_next_sip(rig).status, status);
	cr_assert_null(rig_next_out(rig));
}

void rig_answer_in(struct rig *rig, const struct rig_answer *answer)
{
	uint8_t buf[1500];
	size_t size = rig_make_answer(rig, answer, buf, sizeof(buf));

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
}
