/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - one UE as it is stored: a fixed part, its strings, and its keys under one seal.
 *
 * Records are stored in pages of 64 (page.h). Integers are big-endian. A record is
 *
 *   rsi 4 | kek_sln 2 | kek_key_id 2 | kek_algorithm_id 1 | ptek_key_id 2 | ptek_algorithm_id 1 |
 *   mac_kind 1 | mnp 2 | max_kmm 2 | max_keys 1 | keysets 1 | outer 1 | next_hop 1 | area 2 |
 * ue_generation 1 | what is known of kek 11, of ptek 11 (own_key.h) | n_groups 1 | group 2 each |
 * three strings (ue_id, mc_service_id, mcdata_id), each with its size (1 octet) before it |
 * sealed keys: kek 32, ptek 32 (zeros if there is none), 97 octets
 *
 * The seal's identity is "ue:<ue_id>:<fleet generation>:<what is known of both, in hex>" and its
 * version ties the rest of the record to the keys: RSI, key IDs and SLN.
 *
 * In pages of layout 3 (page.h) nothing is known of the keys, in the record and in the identity:
 * they are active, of version 1.
 *
 * Threads: everything here is pure. Memory: decoding borrows from the input; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "fleet/own_key.h"
#include "keys/keyring.h"

#define FK_RECORD_LAYOUT_OLD  3	 /* of a page: see above */
#define FK_RECORD_KEYS_SIZE   64 /* octets sealed together: KEK, then protection TEK */
#define FK_RECORD_SEALED_SIZE (FK_RECORD_KEYS_SIZE + FK_SEAL_OVERHEAD)
#define FK_RECORD_SIZE_MAX    1024 /* octets: fixed part 47, groups 32, strings 577, keys 97 */

struct fk_record_text {
	const char *at; /* not NUL-terminated */
	uint8_t size;	/* octets */
};

struct fk_record {
	uint32_t rsi;
	uint16_t kek_sln, kek_key_id, ptek_key_id, mnp;
	uint8_t kek_algorithm_id, ptek_algorithm_id; /* ptek 0: none */
	uint8_t mac_kind;
	struct fk_ue_capability takes;
	uint8_t next_hop; /* index into the fleet's own list of next hop names */
	uint16_t area_id;
	uint8_t ue_generation;
	bool is_old; /* it stands in a page of layout 3; what is sealed and written never is */
	struct fk_own_key own[FK_OWN_KEYS];
	uint8_t n_groups;
	uint16_t group_ids[FK_UE_GROUPS_MAX];
	struct fk_record_text ue_id, mc_service_id, mcdata_id;
	const uint8_t *sealed_keys; /* FK_RECORD_SEALED_SIZE octets */
};

/* Writes one record. Returns FK_OK and the size; FK_EFULL; FK_EINVAL. */
FK_MUST_USE enum fk_err fk_record_encode(const struct fk_record *record, uint8_t *buf, size_t cap,
					 size_t *ret_size);
/* Reads one record of a page of that layout; borrows 'octets'. FK_OK; FK_ETRUNC; FK_EFORMAT. */
FK_MUST_USE enum fk_err fk_record_decode(const uint8_t *octets, size_t size, uint8_t layout,
					 struct fk_record *ret_record);

/* Seals 'keys' for a record whose other fields are set; 'ret_sealed' takes FK_RECORD_SEALED_SIZE.
 */
FK_MUST_USE enum fk_err fk_record_seal(struct fk_keyring *keyring, uint64_t fleet_generation,
				       const struct fk_record *record,
				       const uint8_t keys[static FK_RECORD_KEYS_SIZE],
				       uint8_t ret_sealed[static FK_RECORD_SEALED_SIZE]);
/* Opens the keys of a record. Returns FK_OK; FK_EAUTH. The caller wipes 'ret_keys'. */
FK_MUST_USE enum fk_err fk_record_unseal(struct fk_keyring *keyring, uint64_t fleet_generation,
					 const struct fk_record *record,
					 uint8_t ret_keys[static FK_RECORD_KEYS_SIZE]);
