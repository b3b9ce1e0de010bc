/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmm_message.h - every key management message with a documented layout, both directions.
 *
 * One table row per message (kmm_layout.c) drives decoder and encoder alike, and names the field
 * that an error is about. What runs for every delivery has a faster way: <fleetkey/kmm.h>.
 *
 * Layouts that the P25 sheet marks as inferred or from memory, and those of the key-fill port, are
 * refused unless the caller's profile allows them. Reserved bits are sent as 0, the D bit too.
 *
 * Lists are flat: struct fk_kmm_list says which part of the array beside it is meant. The arrays
 * are as large as the largest KMM can fill.
 *
 * Threads: everything here is pure. Memory: decoded messages borrow key, name and message indicator
 * from the input; nothing allocates. A message is about 6 KiB: on the stack of a worker it is not.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/kmm.h>

/* Bits of a profile; 0 is over the air, and only what the sheet has seen. */
enum fk_kmm_profile {
	FK_KMM_PROFILE_STRICT = 0,
	FK_KMM_PROFILE_INFERRED = 1, /* also layouts marked as inferred, or to be verified */
	FK_KMM_PROFILE_WIRED = 2,    /* the key-fill port: its messages, its form of Modify-Key */
};

struct fk_kmm_list {
	uint16_t first, n;
};

/* Which KEK the keys are wrapped under. spec: P25 sheet 2.5 */
struct fk_kmm_decryption {
	uint8_t decryption_instruction_format;		/* $00, or $40 with message indicator */
	uint8_t extended_decryption_instruction_format; /* wired only: $00 */
	uint8_t decryption_algorithm_id;
	uint16_t decryption_key_id;
	const uint8_t *message_indicator; /* 9 octets if the format has $40 */
};

/* spec: P25 sheet 2.4. 'key' has as many octets as the keyset's key_length, 'key_name' as many as
 * bits 4-0 of key_format say. */
struct fk_kmm_key {
	uint8_t key_format;
	uint16_t sln, key_id;
	const uint8_t *key, *key_name;
};

struct fk_kmm_keyset {
	uint8_t keyset_format; /* Rekey-Command only: $00 or $80 */
	uint8_t keyset_id, algorithm_id, key_length;
	struct fk_kmm_list keys;
};

struct fk_kmm_rekey {
	struct fk_kmm_decryption decryption;
	struct fk_kmm_list keysets; /* more than one is inferred */
	struct fk_kmm_keyset keyset_items[100];
	struct fk_kmm_key key_items[84];
};

struct fk_kmm_modify_key {
	struct fk_kmm_decryption decryption;
	struct fk_kmm_keyset keyset;
	struct fk_kmm_key key_items[84];
};

/* A key in a Warm-Start-Command, Registration-Command or Unable-to-Decrypt-Response. */
struct fk_kmm_key_block {
	struct fk_kmm_decryption decryption;
	uint8_t algorithm_id, key_length;
	struct fk_kmm_key key;
};

/* Rekey-Acknowledgment, and Delete-Key-Response without the first field. */
struct fk_kmm_key_statuses {
	uint8_t acknowledged_message_id;
	struct fk_kmm_list key_statuses;
	struct fk_kmm_key_status status_items[125];
};

struct fk_kmm_changeover_item {
	uint8_t superseded_keyset_id, activated_keyset_id;
};

struct fk_kmm_changeover {
	struct fk_kmm_list instructions; /* of the response: what was done */
	struct fk_kmm_changeover_item instruction_items[255];
};

struct fk_kmm_change_rsi_item {
	uint32_t old_rsi, new_rsi;
	uint16_t message_number; /* command: the unit counts on from here */
	uint8_t status;		 /* response */
};

struct fk_kmm_change_rsi {
	struct fk_kmm_list changes;
	struct fk_kmm_change_rsi_item change_items[84];
};

struct fk_kmm_key_name {
	uint8_t algorithm_id;
	uint16_t key_id;
};

struct fk_kmm_delete_key {
	struct fk_kmm_list keys;
	struct fk_kmm_key_name key_items[168];
};

struct fk_kmm_delete_keyset_item {
	uint8_t keyset_id;
	uint8_t status; /* response */
};

struct fk_kmm_delete_keyset {
	struct fk_kmm_list keysets;
	struct fk_kmm_delete_keyset_item keyset_items[255];
};

struct fk_kmm_capabilities {
	struct fk_kmm_list algorithm_ids, optional_service_ids, message_ids;
	uint8_t algorithm_id_items[255], optional_service_id_items[255], message_id_items[255];
};

struct fk_kmm_hello {
	uint8_t hello_flag; /* 0 here I am, 1 rekey request, 2 the same without a UKEK */
};

struct fk_kmm_registration {
	uint8_t body_format;
	uint32_t kmf_rsi;
	struct fk_kmm_key_block key_block;
};

struct fk_kmm_unable_to_decrypt {
	uint8_t body_format, mfid, algorithm_id;
	uint16_t key_id;
	uint8_t status;
	struct fk_kmm_key_block key_block;
};

struct fk_kmm_status {
	uint8_t status;
};

/* spec: P25 sheet 2.7: month 4 bits, day 5, year minus 2000 in 7; hour 5, minute 6, second 6, 7
 * zero bits. */
struct fk_kmm_date_time {
	uint16_t date;
	uint32_t time;
};

struct fk_kmm_load_config {
	uint32_t kmf_rsi;
	uint16_t message_number_period;
	uint8_t status; /* response */
};

struct fk_kmm_session_control {
	uint8_t version; /* 0 or 1 */
	uint8_t opcode, source_device_type;
	uint8_t session_type_flag; /* version 1 */
	uint8_t session_type;	   /* version 1, if the flag is 1 */
};

#define FK_KMM_KEYSET_HAS_RESERVED   0x40
#define FK_KMM_KEYSET_HAS_DATE	     0x20
#define FK_KMM_KEYSET_NAME_SIZE_MASK 0x1f

/* spec: P25 sheet 1.5, inventory type F9, and Modify-Keyset-Attributes-Command */
struct fk_kmm_keyset_attributes {
	uint8_t keyset_format, keyset_id, reserved;
	uint32_t reserved_24; /* FK_KMM_KEYSET_HAS_RESERVED */
	struct fk_kmm_date_time activation;
	const uint8_t *keyset_name;
};

struct fk_kmm_inventory_keys {
	uint8_t keyset_id, algorithm_id;
	struct fk_kmm_list key_ids;
};

struct fk_kmm_inventory_rsi {
	uint32_t rsi;
	uint16_t message_number;
};

struct fk_kmm_inventory_key {
	uint8_t keyset_id;
	uint16_t sln;
	uint8_t algorithm_id;
	uint16_t key_id;
};

/* Inventory-Command and -Response; which members count depends on the type. */
struct fk_kmm_inventory_body {
	uint8_t inventory_type;
	uint32_t inventory_marker;	/* FD: 0 from the start; in the response 0 means no more */
	uint16_t max_keys_requested;	/* FD, command */
	struct fk_kmm_date_time now;	/* 01 */
	uint16_t message_number_period; /* FE */
	uint32_t kmf_rsi;		/* FF */
	struct fk_kmm_list items;	/* of one of these, by type */
	union {
		uint8_t keyset_id_items[500]; /* 02, 03 */
		struct {
			struct fk_kmm_inventory_keys run_items[168]; /* 04, 05 */
			uint16_t key_id_items[250];
		};
		struct fk_kmm_inventory_rsi rsi_items[100];	      /* 0B */
		struct fk_kmm_keyset_attributes attribute_items[168]; /* 06, F9 */
		struct fk_kmm_inventory_key key_items[84];	      /* FD */
	};
};

struct fk_kmm_modify_keyset_attributes {
	struct fk_kmm_list keysets;
	struct fk_kmm_keyset_attributes keyset_items[168];
};

struct fk_kmm_message {
	struct fk_kmm_header header; /* message_id chooses the member of 'body' */
	union fk_kmm_body {
		struct fk_kmm_rekey rekey;
		struct fk_kmm_modify_key modify_key;
		struct fk_kmm_key_statuses key_statuses; /* Rekey-Ack, Delete-Key-Response */
		struct fk_kmm_negative_ack negative_ack; /* and Delayed-Acknowledgment */
		struct fk_kmm_changeover changeover;	 /* both directions, as those below */
		struct fk_kmm_change_rsi change_rsi;
		struct fk_kmm_delete_key delete_key; /* command */
		struct fk_kmm_delete_keyset delete_keyset;
		struct fk_kmm_capabilities capabilities;
		struct fk_kmm_hello hello;
		struct fk_kmm_registration registration; /* and Deregistration: commands */
		struct fk_kmm_status status;		 /* and their responses */
		struct fk_kmm_unable_to_decrypt unable_to_decrypt;
		struct fk_kmm_key_block warm_start;
		struct fk_kmm_date_time set_date_time;
		struct fk_kmm_load_config load_config;
		struct fk_kmm_session_control session_control;
		struct fk_kmm_inventory_body inventory;
		struct fk_kmm_modify_keyset_attributes modify_keyset_attributes;
	} body;
};

/* What is wrong, and where. */
struct fk_kmm_error {
	size_t offset;	    /* octets from the Message ID: where the field begins or is missing */
	const char *field;  /* as in the sheet, snake case; never NULL */
	const char *reason; /* without a full stop; never NULL */
};

/*
 * Decodes the message that starts at 'octets'; octets behind the announced length are not part of
 * it. 'ret_message' borrows from 'octets' and is written on success only, 'ret_error' otherwise.
 * Returns FK_OK; the errors of fk_kmm_decode(); FK_ETRUNC or FK_EFORMAT if the body does not hold
 * what its counts announce, or holds more; FK_EUNSUPPORTED if the message has no documented layout,
 * the layout is not part of 'profile' (bits of enum fk_kmm_profile), or a form is one that the
 * sheet tells us to refuse. spec: P25 sheet 1.4, 1.5
 */
FK_MUST_USE enum fk_err fk_kmm_message_decode(const uint8_t *octets, size_t size, uint32_t profile,
					      struct fk_kmm_message *ret_message,
					      struct fk_kmm_error *ret_error);

/*
 * Encodes 'message' into 'buf' of 'cap' octets, MAC octets zero as in <fleetkey/kmm.h>.
 * Returns FK_OK and the size; FK_EFULL if 'cap' or FK_KMM_SIZE_MAX does not hold it; FK_EINVAL if a
 * header value, a list or a pointer is out of range; FK_EUNSUPPORTED as the decoder does. In the
 * two last cases 'ret_error' names the field; its offset is where the field would have stood.
 */
FK_MUST_USE enum fk_err fk_kmm_message_encode(const struct fk_kmm_message *message,
					      uint32_t profile, uint8_t *buf, size_t cap,
					      size_t *ret_size, struct fk_kmm_error *ret_error);

/* The sheet's name of a message, "Rekey-Command"; "unknown" for an ID that has none. Never NULL. */
const char *fk_kmm_message_name(uint8_t message_id);
