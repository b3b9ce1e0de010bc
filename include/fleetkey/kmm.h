/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmm.h - P25 OTAR key management messages, plain octets only: no key is unwrapped and no MAC is
 * computed here.
 *
 * spec: TIA-102.AACA, as stated in the project's P25 sheet, sections 1 to 3. A KMM is
 *
 *   message ID 1 | message length 2 | message format 1 | destination RSI 3 | source RSI 3 |
 *   [message number 2] | body | [MAC 8 | MAC length 1 | algorithm ID 1 | key ID 2 | MAC format 1]
 *
 * Encoders write canonical octets: reserved bits 0, D bit 0, decryption instruction format $00,
 * keyset format $00. Decoders accept what the sheet allows, check every count against the octets
 * present and never read past the announced length.
 *
 * Threads: everything here is pure. Memory: decoders borrow from the input; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

/* Message IDs (P25 sheet 1.4). wire/kmm_message.h says which of them have a layout. */
enum fk_kmm_message_id {
	FK_KMM_NULL = 0x00,
	FK_KMM_CAPABILITIES_COMMAND = 0x01,
	FK_KMM_CAPABILITIES_RESPONSE = 0x02,
	FK_KMM_CHANGE_RSI_COMMAND = 0x03,
	FK_KMM_CHANGE_RSI_RESPONSE = 0x04,
	FK_KMM_CHANGEOVER_COMMAND = 0x05,
	FK_KMM_CHANGEOVER_RESPONSE = 0x06,
	FK_KMM_DELAYED_ACK = 0x07,
	FK_KMM_DELETE_KEY_COMMAND = 0x08,
	FK_KMM_DELETE_KEY_RESPONSE = 0x09,
	FK_KMM_DELETE_KEYSET_COMMAND = 0x0a,
	FK_KMM_DELETE_KEYSET_RESPONSE = 0x0b,
	FK_KMM_HELLO = 0x0c,
	FK_KMM_INVENTORY_COMMAND = 0x0d,
	FK_KMM_INVENTORY_RESPONSE = 0x0e,
	FK_KMM_KEY_ASSIGNMENT_COMMAND = 0x0f,
	FK_KMM_KEY_ASSIGNMENT_RESPONSE = 0x10,
	FK_KMM_MODIFY_KEY_COMMAND = 0x13,
	FK_KMM_MODIFY_KEYSET_ATTRIBUTES_COMMAND = 0x14,
	FK_KMM_MODIFY_KEYSET_ATTRIBUTES_RESPONSE = 0x15,
	FK_KMM_NEGATIVE_ACK = 0x16,
	FK_KMM_NO_SERVICE = 0x17,
	FK_KMM_REKEY_ACK = 0x1d,
	FK_KMM_REKEY_COMMAND = 0x1e,
	FK_KMM_SET_DATE_TIME = 0x1f,
	FK_KMM_WARM_START_COMMAND = 0x20,
	FK_KMM_ZEROIZE_COMMAND = 0x21,
	FK_KMM_ZEROIZE_RESPONSE = 0x22,
	FK_KMM_DEREGISTRATION_COMMAND = 0x23,
	FK_KMM_DEREGISTRATION_RESPONSE = 0x24,
	FK_KMM_REGISTRATION_COMMAND = 0x25,
	FK_KMM_REGISTRATION_RESPONSE = 0x26,
	FK_KMM_UNABLE_TO_DECRYPT_RESPONSE = 0x27,
	FK_KMM_LOAD_AUTHENTICATION_KEY_COMMAND = 0x28,
	FK_KMM_LOAD_AUTHENTICATION_KEY_RESPONSE = 0x29,
	FK_KMM_DELETE_AUTHENTICATION_KEY_COMMAND = 0x2a,
	FK_KMM_DELETE_AUTHENTICATION_KEY_RESPONSE = 0x2b,
	FK_KMM_SESSION_CONTROL = 0x31,
	FK_KMM_LOAD_CONFIG_RESPONSE = 0xfc,
	FK_KMM_LOAD_CONFIG_COMMAND = 0xfd,
};

/* Response kinds (P25 sheet 1.2), as the two bits are written. */
enum fk_kmm_response_kind {
	FK_KMM_RESPONSE_NONE = 0,      /* kind 1 */
	FK_KMM_RESPONSE_DELAYED = 1,   /* kind 2 */
	FK_KMM_RESPONSE_IMMEDIATE = 2, /* kind 3 */
};

/* What a Hello asks for (P25 sheet 1.5). */
enum fk_kmm_hello_flag {
	FK_HELLO_HERE = 0,	    /* nothing: the unit is there */
	FK_HELLO_REKEY = 1,	    /* to be rekeyed; it holds its UKEK */
	FK_HELLO_REKEY_NO_UKEK = 2, /* the same; it does not */
};

/* Body format of Registration- and Deregistration-Command (P25 sheet 1.5). */
#define FK_KMM_BODY_HAS_KEY 0x80 /* a key block follows */
#define FK_KMM_BODY_HAS_KEK 0x40 /* the unit holds a KEK */

/* Key status codes (P25 sheet 1.6); the set is open, the raw value is kept. */
#define FK_KMM_STATUS_PERFORMED		0x00
#define FK_KMM_STATUS_NOT_PERFORMED	0x01
#define FK_KMM_STATUS_NO_ITEM		0x02
#define FK_KMM_STATUS_UNSUPPORTED	0x03
#define FK_KMM_STATUS_INVALID_MAC	0x04
#define FK_KMM_STATUS_NO_MEMORY		0x05
#define FK_KMM_STATUS_NO_KEK		0x06
#define FK_KMM_STATUS_INVALID_NUMBER	0x07
#define FK_KMM_STATUS_INVALID_KEY_ID	0x08
#define FK_KMM_STATUS_INVALID_ALGORITHM 0x09
#define FK_KMM_STATUS_INVALID_MFID	0x0a
#define FK_KMM_STATUS_MODULE_FAILURE	0x0b
#define FK_KMM_STATUS_ERASED		0x0d

#define FK_ALGORITHM_CLEAR   0x80
#define FK_ALGORITHM_AES_256 0x84
#define FK_ALGORITHM_AES_128 0x85

#define FK_KMM_HEADER_SIZE	    10	/* octets, without message number */
#define FK_KMM_MAC_BLOCK_SIZE	    13	/* octets, AES: 8 of MAC and 5 that name its key */
#define FK_KMM_MAC_SIZE		    8	/* octets */
#define FK_KMM_SIZE_MAX		    512 /* octets, over the data link; 465 over IP */
#define FK_KMM_PREAMBLE_SIZE	    14	/* octets: data-link-independent preamble, P25 sheet 3.7 */
#define FK_KMM_MAC_FORMAT_CBC	    0x40
#define FK_KMM_MAC_FORMAT_CMAC	    0x41
#define FK_KMM_KEYS_MAX		    16	/* keys or key statuses that a decoded message can hold */
#define FK_KMM_INVENTORY_MAX	    248 /* key IDs; no frame holds more */
#define FK_KMM_WRAPPED_SIZE	    40	/* octets of an AES-256 key under AES key wrap */
#define FK_KMM_KEY_ITEM_SIZE	    45 /* octets of one such key in a Rekey-Command, P25 sheet 2.4 */
#define FK_KMM_FRAME_SIZE	    25 /* octets of header, message number and MAC block */
#define FK_KMM_COMMAND_SIZE	    76 /* octets of the largest order without TEKs: Warm-Start */
#define FK_KMM_REKEY_SIZE	    80 /* octets of one with one key, a message number and a MAC */
#define FK_INVENTORY_ACTIVE_KEY_IDS 0x04
#define FK_KMM_KEYSET_KEKS	    255	 /* KEKs are in this keyset, always active: P25 sheet 2.3 */
#define FK_KMM_FORMAT_KEK	    0x80 /* of a keyset, P25 sheet 1.5, and of a key item, 2.4 */
#define FK_KMM_SLN_KEK_MIN	    0xf000 /* SLNs of KEKs, crypto group 15: P25 sheet 2.3 */

/* The MAC block. For encoders the MAC octets are left zero and filled in afterwards. */
struct fk_kmm_mac {
	uint8_t mac[FK_KMM_MAC_SIZE];
	uint8_t algorithm_id;
	uint16_t key_id;
	uint8_t mac_format; /* FK_KMM_MAC_FORMAT_* */
};

struct fk_kmm_header {
	uint8_t message_id;	 /* enum fk_kmm_message_id, or another */
	uint16_t message_length; /* as announced: total octets minus 3; ignored by encoders */
	uint8_t response_kind;	 /* enum fk_kmm_response_kind */
	bool has_message_number;
	bool has_mac; /* enhanced MAC, type 10 */
	bool done;    /* D bit; ignored on receipt, sent as 0 */
	uint32_t destination_rsi, source_rsi;
	uint16_t message_number;
	struct fk_kmm_mac mac;
};

/* A decoded frame: header, MAC block, and where the body lies in the input. */
struct fk_kmm_frame {
	struct fk_kmm_header header;
	const uint8_t *octets; /* the whole frame, borrowed from the input */
	uint16_t size;	       /* octets of the frame: message_length + 3 */
	const uint8_t *body;
	uint16_t body_size;
};

/* One key of a Rekey-Command; 'key' is as carried: wrapped under the KEK. */
struct fk_kmm_key_item {
	uint8_t key_format;
	uint16_t sln, key_id;
	const uint8_t *key; /* borrowed; key_length octets */
};

/* Rekey-Command with one keyset; a message with several is refused (FK_EUNSUPPORTED) here and left
 * to wire/kmm_message.h, which is slower and knows all layouts. */
struct fk_kmm_rekey_command {
	uint8_t decryption_algorithm_id;
	uint16_t decryption_key_id;
	uint8_t keyset_format, keyset_id, algorithm_id;
	uint8_t key_length; /* octets of each key as carried: 40 for wrapped AES-256 */
	uint8_t n_keys;
	struct fk_kmm_key_item keys[FK_KMM_KEYS_MAX];
};

struct fk_kmm_key_status {
	uint8_t algorithm_id;
	uint16_t key_id;
	uint8_t status;
};

struct fk_kmm_rekey_ack {
	uint8_t acknowledged_message_id;
	uint8_t n_statuses;
	struct fk_kmm_key_status statuses[FK_KMM_KEYS_MAX];
};

struct fk_kmm_negative_ack {
	uint8_t acknowledged_message_id;
	uint16_t acknowledged_message_number;
	uint8_t status;
};

/* Warm-Start-Command: one wrapped key that is in no keyset. The layout is inferred. */
struct fk_kmm_warm_start {
	uint8_t decryption_algorithm_id;
	uint16_t decryption_key_id;
	uint8_t algorithm_id;
	uint16_t sln, key_id;
	const uint8_t *key; /* borrowed; FK_KMM_WRAPPED_SIZE octets */
};

/* Unable-to-Decrypt-Response without a key block. The layout is inferred. */
struct fk_kmm_unable {
	uint8_t body_format, mfid, algorithm_id;
	uint16_t key_id;
	uint8_t status;
};

/* Delete-Key-Command and -Response; the command has no statuses. */
struct fk_kmm_delete_key_list {
	uint8_t n_keys;
	struct fk_kmm_key_status keys[FK_KMM_KEYS_MAX];
};

/* Delete-Keyset-Command and -Response with one keyset. */
struct fk_kmm_delete_keyset_one {
	uint8_t keyset_id;
	uint8_t status; /* response */
};

/* Changeover-Command and -Response with one instruction. */
struct fk_kmm_changeover_pair {
	uint8_t superseded_keyset_id, activated_keyset_id;
};

/* Inventory-Response type 04: one entry per key ID, flattened. */
struct fk_kmm_inventory_item {
	uint8_t keyset_id, algorithm_id;
	uint16_t key_id;
};

struct fk_kmm_inventory {
	uint8_t inventory_type;
	uint16_t n_items; /* Inventory-Response 04 and 05 only */
	struct fk_kmm_inventory_item items[FK_KMM_INVENTORY_MAX];
};

/*
 * Decodes header and MAC block of the frame that starts at 'octets' and ends at the latest 'size'
 * octets later; octets after the announced length are not part of it. Writes 'ret_frame' on success
 * only; it borrows 'octets'.
 * Returns FK_OK; FK_ETRUNC (fewer octets than announced, or than the header needs); FK_EFORMAT
 * (length below 7 or beyond FK_KMM_SIZE_MAX, unassigned response kind, message-number bits other
 * than 00 and 10, MAC type 01, MAC length other than 8, no room for what the format octet
 * announces); FK_EUNSUPPORTED (DES MAC, MAC format with bits other than D and version). The D bit
 * of the MAC format is ignored: 'mac.mac_format' is FK_KMM_MAC_FORMAT_CBC or _CMAC. spec: P25
 * sheet 1.1-1.3
 */
FK_MUST_USE enum fk_err fk_kmm_decode(const uint8_t *octets, size_t size,
				      struct fk_kmm_frame *ret_frame);

/*
 * Encode a whole frame into 'buf' of 'cap' octets. 'header' gives RSIs, number, response kind and
 * MAC block; message_id and message_length are set by the function. With has_mac the 8 MAC octets
 * are left zero: fk_mac_burst() fills them. The frame's MAC starts at *ret_size - 13.
 * Return FK_OK; FK_EFULL if 'cap' or FK_KMM_SIZE_MAX does not hold it; FK_EINVAL if a count, a
 * length, an RSI or a format is out of range, or the inventory type is not 04 or 05.
 */
FK_MUST_USE enum fk_err fk_kmm_encode_rekey_command(const struct fk_kmm_header *header,
						    const struct fk_kmm_rekey_command *rekey,
						    uint8_t *buf, size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_kmm_encode_rekey_ack(const struct fk_kmm_header *header,
						const struct fk_kmm_rekey_ack *ack, uint8_t *buf,
						size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_kmm_encode_negative_ack(const struct fk_kmm_header *header,
						   const struct fk_kmm_negative_ack *nack,
						   uint8_t *buf, size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_kmm_encode_inventory_command(const struct fk_kmm_header *header,
							uint8_t inventory_type, uint8_t *buf,
							size_t cap, size_t *ret_size);
/* 'message_id' is that of the command or of the response, here and below. */
FK_MUST_USE enum fk_err fk_kmm_encode_changeover(const struct fk_kmm_header *header,
						 enum fk_kmm_message_id message_id,
						 const struct fk_kmm_changeover_pair *pair,
						 uint8_t *buf, size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_kmm_encode_delete_key(const struct fk_kmm_header *header,
						 enum fk_kmm_message_id message_id,
						 const struct fk_kmm_delete_key_list *list,
						 uint8_t *buf, size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_kmm_encode_delete_keyset(const struct fk_kmm_header *header,
						    enum fk_kmm_message_id message_id,
						    const struct fk_kmm_delete_keyset_one *one,
						    uint8_t *buf, size_t cap, size_t *ret_size);
/* A message without a body: Zeroize-Command or -Response, or No-Service. */
FK_MUST_USE enum fk_err fk_kmm_encode_empty(const struct fk_kmm_header *header,
					    enum fk_kmm_message_id message_id, uint8_t *buf,
					    size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_kmm_encode_hello(const struct fk_kmm_header *header, uint8_t flag,
					    uint8_t *buf, size_t cap, size_t *ret_size);
/* Registration- or Deregistration-Command, without a key block. */
FK_MUST_USE enum fk_err fk_kmm_encode_registration(const struct fk_kmm_header *header,
						   enum fk_kmm_message_id message_id,
						   uint8_t body_format, uint32_t kmf_rsi,
						   uint8_t *buf, size_t cap, size_t *ret_size);
/* Registration- or Deregistration-Response. */
FK_MUST_USE enum fk_err fk_kmm_encode_registration_response(const struct fk_kmm_header *header,
							    enum fk_kmm_message_id message_id,
							    uint8_t status, uint8_t *buf,
							    size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_kmm_encode_warm_start(const struct fk_kmm_header *header,
						 const struct fk_kmm_warm_start *warm_start,
						 uint8_t *buf, size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_kmm_encode_unable(const struct fk_kmm_header *header,
					     const struct fk_kmm_unable *unable, uint8_t *buf,
					     size_t cap, size_t *ret_size);
/* 'inventory->items' that share keyset and algorithm and stand together become one wire item. */
FK_MUST_USE enum fk_err fk_kmm_encode_inventory_response(const struct fk_kmm_header *header,
							 const struct fk_kmm_inventory *inventory,
							 uint8_t *buf, size_t cap,
							 size_t *ret_size);

/*
 * Decode the body of a frame. 'frame' stays the owner's; keys are borrowed from it.
 * Return FK_OK; FK_EINVAL if the frame is another message; FK_ETRUNC or FK_EFORMAT if the body does
 * not hold what its counts announce, or holds more; FK_EUNSUPPORTED for forms that the sheet tells
 * us to refuse (decryption instruction formats other than $00 and $40, keyset formats other than
 * $00 and $80, inventory types other than 04 and 05) and for more than FK_KMM_KEYS_MAX keys or
 * statuses or FK_KMM_INVENTORY_MAX key IDs.
 */
FK_MUST_USE enum fk_err fk_kmm_decode_rekey_command(const struct fk_kmm_frame *frame,
						    struct fk_kmm_rekey_command *ret_rekey);
FK_MUST_USE enum fk_err fk_kmm_decode_rekey_ack(const struct fk_kmm_frame *frame,
						struct fk_kmm_rekey_ack *ret_ack);
FK_MUST_USE enum fk_err fk_kmm_decode_negative_ack(const struct fk_kmm_frame *frame,
						   struct fk_kmm_negative_ack *ret_nack);
FK_MUST_USE enum fk_err fk_kmm_decode_inventory_command(const struct fk_kmm_frame *frame,
							uint8_t *ret_inventory_type);
/* The command or the response; with more than one instruction or keyset it is FK_EUNSUPPORTED. */
FK_MUST_USE enum fk_err fk_kmm_decode_changeover(const struct fk_kmm_frame *frame,
						 struct fk_kmm_changeover_pair *ret_pair);
FK_MUST_USE enum fk_err fk_kmm_decode_delete_key(const struct fk_kmm_frame *frame,
						 struct fk_kmm_delete_key_list *ret_list);
FK_MUST_USE enum fk_err fk_kmm_decode_delete_keyset(const struct fk_kmm_frame *frame,
						    struct fk_kmm_delete_keyset_one *ret_one);
FK_MUST_USE enum fk_err fk_kmm_decode_inventory_response(const struct fk_kmm_frame *frame,
							 struct fk_kmm_inventory *ret_inventory);
/* Another flag than the three is FK_EUNSUPPORTED. */
FK_MUST_USE enum fk_err fk_kmm_decode_hello(const struct fk_kmm_frame *frame, uint8_t *ret_flag);
/* Either command; with a key block it is FK_EUNSUPPORTED. */
FK_MUST_USE enum fk_err fk_kmm_decode_registration(const struct fk_kmm_frame *frame,
						   uint8_t *ret_body_format, uint32_t *ret_kmf_rsi);
/* Either response. */
FK_MUST_USE enum fk_err fk_kmm_decode_registration_response(const struct fk_kmm_frame *frame,
							    uint8_t *ret_status);
/* With another key than a wrapped AES-256 TEK without a name it is FK_EUNSUPPORTED. */
FK_MUST_USE enum fk_err fk_kmm_decode_warm_start(const struct fk_kmm_frame *frame,
						 struct fk_kmm_warm_start *ret_warm_start);
/* With a key block it is FK_EUNSUPPORTED. */
FK_MUST_USE enum fk_err fk_kmm_decode_unable(const struct fk_kmm_frame *frame,
					     struct fk_kmm_unable *ret_unable);
/* One of those without a body, without a body. */
FK_MUST_USE enum fk_err fk_kmm_decode_empty(const struct fk_kmm_frame *frame);

/* The 14-octet data-link-independent preamble in front of a KMM. spec: P25 sheet 3.7 transport B */
struct fk_kmm_preamble {
	uint8_t version;      /* 0 */
	uint8_t mfid;	      /* 0: standard */
	uint8_t algorithm_id; /* $80: the KMM follows in clear */
	uint16_t key_id;
	uint8_t message_indicator[9];
};

/* Writes FK_KMM_PREAMBLE_SIZE octets. FK_OK; FK_EINVAL if version or MFID is not 0; FK_EFULL. */
FK_MUST_USE enum fk_err fk_kmm_preamble_encode(const struct fk_kmm_preamble *preamble, uint8_t *buf,
					       size_t cap);
/* Returns FK_OK; FK_ETRUNC; FK_EUNSUPPORTED if version or MFID is not 0. */
FK_MUST_USE enum fk_err fk_kmm_preamble_decode(const uint8_t *octets, size_t size,
					       struct fk_kmm_preamble *ret_preamble);

/*
 * Message number windows. With d = (received - last) mod 65536: the first transmission of kinds 1
 * and 3 needs 1 <= d <= period; kind 2 and retries 0 <= d <= period. spec: P25 sheet 3.9
 */
static inline bool fk_kmm_number_is_new(uint16_t last, uint16_t received, uint16_t period)
{
	uint16_t d = (uint16_t)(received - last);

	return d >= 1 && d <= period;
}

static inline bool fk_kmm_number_is_acceptable(uint16_t last, uint16_t received, uint16_t period)
{
	return (uint16_t)(received - last) <= period;
}
