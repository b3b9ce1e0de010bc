/* SPDX-License-Identifier: Apache-2.0 */
#include "build.h"

#include <string.h>

#include <fleetkey/secret.h>

#include "octets.h"

/* Keys that the KMM of a transaction carries. */
static uint32_t n_carried(const struct fk_txn *txn)
{
	return txn->kind == FK_ORDER_WARM_START ? 1 : txn->n_keys;
}

/* What the keys of a KMM are wrapped under. */
static bool is_under_ckek(const struct fk_build_lane *lane)
{
	return lane->txn->kind == FK_ORDER_REKEY && lane->campaign->is_under_ckek != 0;
}

/* Wraps the first key of all lanes, then the second of those that have one, and so on. Orders of
 * other kinds have none. */
static void wrap_stage(struct fk_worker *w, struct fk_build_lane *lanes, uint32_t n)
{
	struct fk_wrap_lane wraps[FK_WORKER_BURST];
	bool has_more = true;

	for (uint32_t k = 0; has_more; k++) {
		uint32_t n_wraps = 0;

		has_more = false;
		for (uint32_t i = 0; i < n; i++) {
			const struct fk_txn *txn = lanes[i].txn;

			if (n_carried(txn) <= k)
				continue;
			has_more |= txn->n_keys > k + 1;
			wraps[n_wraps++] = (struct fk_wrap_lane){
				.kek = is_under_ckek(&lanes[i]) ? lanes[i].campaign->ckek
								: lanes[i].ue->kek,
				.key = txn->kind == FK_ORDER_WARM_START
					       ? lanes[i].ue->ptek
					       : lanes[i].campaign->keys[txn->first_key + k].tek,
				.wrapped = lanes[i].wrapped[k],
			};
		}
		if (n_wraps > 0)
			w->config.engine->wrap(&w->secrets->scratch, FK_WRAP_256_UNDER_256, wraps,
					       n_wraps);
	}
}

static const uint8_t *mac_tek(const struct fk_build_lane *lane)
{
	return lane->txn->mac_key == FK_MAC_KEY_PTEK ? lane->ue->ptek : lane->campaign->keys[0].tek;
}

/* spec: P25 sheet 1.4: commands are of kind 3, a Hello that is to be answered is of kind 2 */
static enum fk_kmm_response_kind response_kind(uint8_t kind)
{
	if (kind == FK_ORDER_HELLO)
		return FK_KMM_RESPONSE_DELAYED;
	return fk_order_answer(kind) != 0 ? FK_KMM_RESPONSE_IMMEDIATE : FK_KMM_RESPONSE_NONE;
}

static struct fk_kmm_header kmm_header(const struct fk_worker *w, const struct fk_build_lane *lane)
{
	bool ptek = lane->txn->mac_key == FK_MAC_KEY_PTEK;

	return (struct fk_kmm_header){
		.response_kind = response_kind(lane->txn->kind),
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = lane->ue->rsi,
		.source_rsi = w->table->header.kmf_rsi,
		.message_number = lane->txn->message_number,
		.mac = {.algorithm_id = FK_ALGORITHM_AES_256,
			.key_id = ptek ? lane->ue->ptek_key_id : lane->campaign->keys[0].key_id,
			.mac_format = lane->ue->mac_kind == FK_MAC_CMAC ? FK_KMM_MAC_FORMAT_CMAC
									: FK_KMM_MAC_FORMAT_CBC},
	};
}

/* spec: P25 sheet 1.5: Rekey-Command with one keyset; 3.2: keys wrapped under the UKEK, or the
 * CKEK, by its key ID; 2.3, 2.4: a CKEK goes into the keyset of KEKs, and says so */
static enum fk_err encode_rekey(const struct fk_kmm_header *header,
				const struct fk_build_lane *lane, uint8_t *kmm, size_t cap,
				size_t *ret_size)
{
	const struct fk_campaign_key *keys = &lane->campaign->keys[lane->txn->first_key];
	uint8_t format = lane->campaign->keyset_id == FK_KMM_KEYSET_KEKS ? FK_KMM_FORMAT_KEK : 0;
	struct fk_kmm_rekey_command rekey;

	rekey.decryption_algorithm_id = FK_ALGORITHM_AES_256;
	rekey.decryption_key_id =
		is_under_ckek(lane) ? lane->campaign->ckek_key_id : lane->ue->kek_key_id;
	rekey.keyset_format = format;
	rekey.keyset_id = lane->campaign->keyset_id;
	rekey.algorithm_id = lane->campaign->algorithm_id;
	rekey.key_length = FK_KMM_WRAPPED_SIZE;
	rekey.n_keys = lane->txn->n_keys;
	for (uint32_t i = 0; i < rekey.n_keys; i++)
		rekey.keys[i] = (struct fk_kmm_key_item){.key_format = format,
							 .sln = keys[i].sln,
							 .key_id = keys[i].key_id,
							 .key = lane->wrapped[i]};
	return fk_kmm_encode_rekey_command(header, &rekey, kmm, cap, ret_size);
}

static enum fk_err encode_changeover(const struct fk_kmm_header *header,
				     const struct fk_build_lane *lane, uint8_t *kmm, size_t cap,
				     size_t *ret_size)
{
	const struct fk_kmm_changeover_pair pair = {
		.superseded_keyset_id = lane->campaign->superseded_keyset_id,
		.activated_keyset_id = lane->campaign->keyset_id,
	};

	return fk_kmm_encode_changeover(header, FK_KMM_CHANGEOVER_COMMAND, &pair, kmm, cap,
					ret_size);
}

static enum fk_err encode_delete_key(const struct fk_kmm_header *header,
				     const struct fk_build_lane *lane, uint8_t *kmm, size_t cap,
				     size_t *ret_size)
{
	struct fk_kmm_delete_key_list list = {.n_keys = lane->campaign->n_keys};

	for (uint32_t i = 0; i < list.n_keys && i < FK_CAMPAIGN_KEYS_MAX; i++) {
		list.keys[i].algorithm_id = lane->campaign->algorithm_id;
		list.keys[i].key_id = lane->campaign->keys[i].key_id;
	}
	return fk_kmm_encode_delete_key(header, FK_KMM_DELETE_KEY_COMMAND, &list, kmm, cap,
					ret_size);
}

/* spec: P25 sheet 4, Warm-Start: the key that it brings authenticates it */
static enum fk_err encode_warm_start(const struct fk_kmm_header *header,
				     const struct fk_build_lane *lane, uint8_t *kmm, size_t cap,
				     size_t *ret_size)
{
	const struct fk_kmm_warm_start warm_start = {
		.decryption_algorithm_id = FK_ALGORITHM_AES_256,
		.decryption_key_id = lane->ue->kek_key_id,
		.algorithm_id = FK_ALGORITHM_AES_256,
		.key_id = lane->ue->ptek_key_id,
		.key = lane->wrapped[0],
	};

	return fk_kmm_encode_warm_start(header, &warm_start, kmm, cap, ret_size);
}

static bool encode_one(const struct fk_worker *w, struct fk_build_lane *lane, uint16_t start)
{
	const struct fk_kmm_header header = kmm_header(w, lane);
	uint8_t *kmm = lane->payload + start;
	size_t cap = sizeof(lane->payload) - start, size;
	struct fk_kmm_delete_keyset_one one = {.status = 0};
	enum fk_err err = FK_EINVAL;

	switch (lane->txn->kind) {
	case FK_ORDER_REKEY:
		err = encode_rekey(&header, lane, kmm, cap, &size);
		break;
	case FK_ORDER_INVENTORY:
		err = fk_kmm_encode_inventory_command(&header, FK_INVENTORY_ACTIVE_KEY_IDS, kmm,
						      cap, &size);
		break;
	case FK_ORDER_CHANGEOVER:
		err = encode_changeover(&header, lane, kmm, cap, &size);
		break;
	case FK_ORDER_DELETE_KEY:
		err = encode_delete_key(&header, lane, kmm, cap, &size);
		break;
	case FK_ORDER_DELETE_KEYSET:
		one.keyset_id = lane->campaign->keyset_id;
		err = fk_kmm_encode_delete_keyset(&header, FK_KMM_DELETE_KEYSET_COMMAND, &one, kmm,
						  cap, &size);
		break;
	case FK_ORDER_ZEROIZE:
		err = fk_kmm_encode_empty(&header, FK_KMM_ZEROIZE_COMMAND, kmm, cap, &size);
		break;
	case FK_ORDER_WARM_START:
		err = encode_warm_start(&header, lane, kmm, cap, &size);
		break;
	case FK_ORDER_HELLO:
		err = fk_kmm_encode_hello(&header, FK_HELLO_HERE, kmm, cap, &size);
		break;
	case FK_ORDER_REGISTERED:
		err = fk_kmm_encode_registration_response(&header, FK_KMM_REGISTRATION_RESPONSE,
							  FK_KMM_STATUS_PERFORMED, kmm, cap, &size);
		break;
	case FK_ORDER_DEREGISTERED:
		err = fk_kmm_encode_registration_response(&header, FK_KMM_DEREGISTRATION_RESPONSE,
							  FK_KMM_STATUS_PERFORMED, kmm, cap, &size);
		break;
	case FK_ORDER_NO_SERVICE:
		err = fk_kmm_encode_empty(&header, FK_KMM_NO_SERVICE, kmm, cap, &size);
		break;
	}
	if (err != FK_OK)
		return false;
	lane->payload_size = (uint16_t)(start + size);
	return true;
}

static bool kmm_stage(struct fk_worker *w, struct fk_build_lane *lanes, uint32_t n)
{
	/* The KMM follows in clear: algorithm $80, key ID 0, no message indicator. */
	static const struct fk_kmm_preamble preamble = {.algorithm_id = FK_ALGORITHM_CLEAR};
	uint16_t start = w->table->header.bare_kmm ? 0 : FK_KMM_PREAMBLE_SIZE;

	for (uint32_t i = 0; i < n; i++) {
		if (start > 0 &&
		    fk_kmm_preamble_encode(&preamble, lanes[i].payload, start) != FK_OK)
			return false;
		if (!encode_one(w, &lanes[i], start))
			return false;
	}
	return true;
}

static void mac_stage(struct fk_worker *w, struct fk_build_lane *lanes, uint32_t n)
{
	struct fk_mac_lane macs[FK_WORKER_BURST];
	uint16_t start = w->table->header.bare_kmm ? 0 : FK_KMM_PREAMBLE_SIZE;

	for (uint32_t i = 0; i < n; i++) {
		macs[i] = (struct fk_mac_lane){
			.tek = mac_tek(&lanes[i]),
			.frame = lanes[i].payload + start,
			.frame_size = (uint16_t)(lanes[i].payload_size - start),
			.mac_format = lanes[i].ue->mac_kind == FK_MAC_CMAC ? FK_KMM_MAC_FORMAT_CMAC
									   : FK_KMM_MAC_FORMAT_CBC,
		};
	}
	w->config.engine->mac(&w->secrets->scratch, macs, n);
	for (uint32_t i = 0; i < n; i++)
		memcpy(lanes[i].payload + lanes[i].payload_size - FK_KMM_MAC_BLOCK_SIZE,
		       macs[i].mac, FK_KMM_MAC_SIZE);
}

static void token_stage(struct fk_worker *w, struct fk_build_lane *lanes, uint32_t n)
{
	uint64_t tokens[FK_WORKER_BURST] = {0};
	struct fk_branch branches[FK_WORKER_BURST] = {0};
	uint8_t ids[FK_WORKER_BURST][FK_MESSAGE_ID_SIZE];
	uint32_t marks[FK_WORKER_BURST];
	char texts[FK_WORKER_BURST][FK_BRANCH_LEN];

	for (uint32_t i = 0; i < n; i++) {
		const struct fk_txn *txn = lanes[i].txn;

		tokens[i] = txn->token;
		branches[i] = (struct fk_branch){
			.token = txn->token, .epoch = txn->epoch, .count = txn->count};
	}
	fk_message_id_make(&w->secrets->token_key, tokens, ids, marks, n);
	fk_branch_make(&w->secrets->token_key, branches, texts, n);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(lanes[i].message_id, ids[i], sizeof(ids[i]));
		memcpy(lanes[i].branch, texts[i], sizeof(texts[i]));
		/* The From-tag names the attempt and stays for all its transactions. */
		fk_hex_put(lanes[i].from_tag, marks[i], FK_FROM_TAG_LEN);
	}
}

static size_t fill_sip(const struct fk_worker *w, const struct fk_build_lane *lane,
		       struct fk_frame *frame, uint16_t overhead, size_t *ret_payload_offset,
		       uint16_t *ret_sum)
{
	char call_id[FK_CALL_ID_LEN];
	const struct fk_sip_fill fill = {
		.mcdata_id = w->text + lane->ue->mcdata_id_offset,
		.mcdata_id_size = lane->ue->mcdata_id_size,
		.branch = lane->branch,
		.call_id = call_id,
		.from_tag = lane->from_tag,
		.date_time_s = lane->txn->date_time_s,
		.conversation_id = lane->campaign->conversation_id,
		.message_id = lane->message_id,
		.payload = lane->payload,
		.payload_size = lane->payload_size,
	};

	/* A Call-ID is unique in the lives of the dataplane: the count starts anew with each
	 * epoch, so its upper part carries the epoch's low bits. */
	fk_hex_put(call_id, lane->txn->token, 16);
	fk_hex_put(call_id + 16, lane->txn->count ^ (uint64_t)lane->txn->epoch << 12, 6);
	return fk_sip_template_fill_sum(&w->templates[lane->ue->next_hop], &fill,
					frame->octets + overhead, frame->cap - overhead,
					ret_payload_offset, ret_sum);
}

/* Where the wrapped keys stand in a frame, for a capture: the last key is the last thing before the
 * MAC block. */
static struct fk_capture_mask mask_of(const struct fk_build_lane *lane, size_t payload_offset)
{
	size_t end = payload_offset + lane->payload_size - FK_KMM_MAC_BLOCK_SIZE;
	uint32_t n = n_carried(lane->txn);

	return (struct fk_capture_mask){
		.offset = (uint16_t)(end - n * FK_KMM_KEY_ITEM_SIZE + FK_KMM_KEY_ITEM_SIZE -
				     FK_KMM_WRAPPED_SIZE),
		.size = FK_KMM_WRAPPED_SIZE,
		.stride = FK_KMM_KEY_ITEM_SIZE,
		.n = (uint16_t)n,
	};
}

static bool frame_stage(struct fk_worker *w, const struct fk_build_lane *lane,
			struct fk_frame *frame, struct fk_capture_mask *ret_mask)
{
	struct fk_net_path *path = &w->paths[lane->ue->next_hop];
	uint16_t sum = 0;
	size_t payload_offset,
		size = fill_sip(w, lane, frame, path->overhead, &payload_offset, &sum);

	if (size == 0)
		return false;
	memcpy(path->destination_mac, lane->neigh->mac, FK_MAC_SIZE);
	frame->size = (uint16_t)fk_net_finish_udp_sum(path, frame->octets, (uint16_t)size,
						      w->ip_id++, sum);
	if (w->config.capture != NULL)
		*ret_mask = mask_of(lane, path->overhead + payload_offset);
	return true;
}

/* Control may take a key of a UE out at any time, with the same consequence. */
static bool keys_stand(const struct fk_build_lane *lane)
{
	const struct fk_ue_slot *ue = lane->ue;

	return (n_carried(lane->txn) == 0 ||
		fk_ue_key_algorithm(&ue->kek_algorithm_id) == FK_ALGORITHM_AES_256) &&
	       (lane->txn->mac_key != FK_MAC_KEY_PTEK ||
		fk_ue_key_algorithm(&ue->ptek_algorithm_id) == FK_ALGORITHM_AES_256);
}

/* Control may unload a campaign at any time. What was built from a key that was being wiped must
 * not leave: a UE would accept it. */
static bool all_stands(const struct fk_build_lane *lanes, uint32_t n)
{
	atomic_thread_fence(memory_order_acquire);
	for (uint32_t i = 0; i < n; i++) {
		uint16_t generation =
			atomic_load_explicit(&lanes[i].campaign->generation, memory_order_relaxed);

		if (generation != fk_token_unpack(lanes[i].txn->token).campaign_generation ||
		    !keys_stand(&lanes[i]))
			return false;
	}
	return true;
}

bool fk_build_burst(struct fk_worker *w, struct fk_build_lane *lanes, struct fk_frame *frames,
		    struct fk_capture_mask *ret_masks, uint32_t n)
{
	wrap_stage(w, lanes, n);
	if (!kmm_stage(w, lanes, n))
		return false;
	mac_stage(w, lanes, n);
	token_stage(w, lanes, n);
	for (uint32_t i = 0; i < n; i++) {
		if (!frame_stage(w, &lanes[i], &frames[i], &ret_masks[i]))
			return false;
	}
	return all_stands(lanes, n);
}
