/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmm_layout.c - the bodies of P25 sheet 1.5 as tables, one line per field, in wire order.
 */
#include "wire/kmm_layout.h"

#include <string.h>

#define INFERRED FK_KMM_PROFILE_INFERRED
#define WIRED	 FK_KMM_PROFILE_WIRED

#define UINT(type, member, octets, ...)                                        \
	{                                                                      \
		.name = #member, .kind = FK_KMM_FIELD_UINT, .width = (octets), \
		.at = offsetof(struct type, member), ##__VA_ARGS__             \
	}
#define GROUP(type, member, fields, ...)                                                          \
	{                                                                                         \
		.kind = FK_KMM_FIELD_GROUP, .sub = (fields), .at = offsetof(struct type, member), \
		##__VA_ARGS__                                                                     \
	}
#define LIST(type, label, member, octets, items, fields, ...)                                   \
	{                                                                                       \
		.name = (label), .kind = FK_KMM_FIELD_LIST, .width = (octets), .sub = (fields), \
		.at = offsetof(struct type, member),                                            \
		.items_at = offsetof(union fk_kmm_body, items),                                 \
		.item_size = sizeof(((union fk_kmm_body *)0)->items[0]),                        \
		.n_items_max = sizeof(((union fk_kmm_body *)0)->items) /                        \
			       sizeof(((union fk_kmm_body *)0)->items[0]),                      \
		##__VA_ARGS__                                                                   \
	}
/* An item that is one number has no name of its own. */
#define NUMBER(octets)                                        \
	{                                                     \
		.kind = FK_KMM_FIELD_UINT, .width = (octets), \
	}
#define END                               \
	{                                 \
		.kind = FK_KMM_FIELD_END, \
	}

#define REFUSE_ALL	      0xff
#define INSTRUCTION_REFUSED   0xbf /* all but the message indicator's bit; spec: P25 sheet 2.5 */
#define INSTRUCTION_HAS_MI    0x40
#define KEYSET_FORMAT_REFUSED 0x7f /* all but KEK; spec: P25 sheet 1.5 Rekey-Command */
#define KEY_FORMAT_REFUSED    0x40 /* not established; spec: P25 sheet 2.4 */
#define KEY_FORMAT_NAME_MASK  0x1f
#define SESSION_VERSION_1     0x01

static const struct fk_kmm_field octet_item[] = {NUMBER(1), END};
static const struct fk_kmm_field key_id_item[] = {NUMBER(2), END};

static const struct fk_kmm_field empty_body[] = {END};

/* spec: P25 sheet 1.5 Modify-Key-Command and Rekey-Command, 2.5 */
static const struct fk_kmm_field decryption[] = {
	UINT(fk_kmm_decryption, decryption_instruction_format, 1,
	     .refused_bits = INSTRUCTION_REFUSED),
	UINT(fk_kmm_decryption, decryption_algorithm_id, 1),
	UINT(fk_kmm_decryption, decryption_key_id, 2),
	{
		.name = "message_indicator",
		.kind = FK_KMM_FIELD_OCTETS,
		.width = 9,
		.at = offsetof(struct fk_kmm_decryption, message_indicator),
		.when = {offsetof(struct fk_kmm_decryption, decryption_instruction_format),
			 INSTRUCTION_HAS_MI},
	},
	END,
};

static const struct fk_kmm_field decryption_of_modify_key[] = {
	UINT(fk_kmm_decryption, decryption_instruction_format, 1,
	     .refused_bits = INSTRUCTION_REFUSED),
	UINT(fk_kmm_decryption, extended_decryption_instruction_format, 1,
	     .refused_bits = REFUSE_ALL, .only_in = WIRED),
	UINT(fk_kmm_decryption, decryption_algorithm_id, 1),
	UINT(fk_kmm_decryption, decryption_key_id, 2),
	{
		.name = "message_indicator",
		.kind = FK_KMM_FIELD_OCTETS,
		.width = 9,
		.at = offsetof(struct fk_kmm_decryption, message_indicator),
		.when = {offsetof(struct fk_kmm_decryption, decryption_instruction_format),
			 INSTRUCTION_HAS_MI},
	},
	END,
};

/* spec: P25 sheet 2.4; the keyset says how long its keys are. */
static const struct fk_kmm_field key_item[] = {
	UINT(fk_kmm_key, key_format, 1, .refused_bits = KEY_FORMAT_REFUSED),
	UINT(fk_kmm_key, sln, 2),
	UINT(fk_kmm_key, key_id, 2),
	{
		.name = "key",
		.kind = FK_KMM_FIELD_OCTETS,
		.at = offsetof(struct fk_kmm_key, key),
		.length = {offsetof(struct fk_kmm_keyset, key_length), 0xff, true, true},
	},
	{
		.name = "key_name",
		.kind = FK_KMM_FIELD_TEXT,
		.at = offsetof(struct fk_kmm_key, key_name),
		.length = {offsetof(struct fk_kmm_key, key_format), KEY_FORMAT_NAME_MASK},
	},
	END,
};

static const struct fk_kmm_field rekey_keyset[] = {
	UINT(fk_kmm_keyset, keyset_format, 1, .refused_bits = KEYSET_FORMAT_REFUSED),
	UINT(fk_kmm_keyset, keyset_id, 1),
	UINT(fk_kmm_keyset, algorithm_id, 1),
	UINT(fk_kmm_keyset, key_length, 1),
	LIST(fk_kmm_keyset, "keys", keys, 1, rekey.key_items, key_item),
	END,
};

static const struct fk_kmm_field rekey[] = {
	GROUP(fk_kmm_rekey, decryption, decryption),
	LIST(fk_kmm_rekey, "keysets", keysets, 1, rekey.keyset_items, rekey_keyset,
	     .n_strict_max = 1),
	END,
};

static const struct fk_kmm_field modify_key_keyset[] = {
	UINT(fk_kmm_keyset, keyset_id, 1),
	UINT(fk_kmm_keyset, algorithm_id, 1),
	UINT(fk_kmm_keyset, key_length, 1),
	LIST(fk_kmm_keyset, "keys", keys, 1, modify_key.key_items, key_item),
	END,
};

static const struct fk_kmm_field modify_key[] = {
	GROUP(fk_kmm_modify_key, decryption, decryption_of_modify_key),
	GROUP(fk_kmm_modify_key, keyset, modify_key_keyset, .name = "keyset"),
	END,
};

/* The key item of a key block: its length stands in the block, two fields before. */
#define IN_BLOCK(member) \
	(offsetof(struct fk_kmm_key_block, key) + offsetof(struct fk_kmm_key, member))

/* spec: P25 sheet 1.5 Key block, inferred */
static const struct fk_kmm_field key_block[] = {
	GROUP(fk_kmm_key_block, decryption, decryption),
	UINT(fk_kmm_key_block, algorithm_id, 1),
	UINT(fk_kmm_key_block, key_length, 1),
	{
		.name = "key_format",
		.kind = FK_KMM_FIELD_UINT,
		.width = 1,
		.at = IN_BLOCK(key_format),
		.refused_bits = KEY_FORMAT_REFUSED,
	},
	{.name = "sln", .kind = FK_KMM_FIELD_UINT, .width = 2, .at = IN_BLOCK(sln)},
	{.name = "key_id", .kind = FK_KMM_FIELD_UINT, .width = 2, .at = IN_BLOCK(key_id)},
	{
		.name = "key",
		.kind = FK_KMM_FIELD_OCTETS,
		.at = IN_BLOCK(key),
		.length = {offsetof(struct fk_kmm_key_block, key_length), 0xff, false, true},
	},
	{
		.name = "key_name",
		.kind = FK_KMM_FIELD_TEXT,
		.at = IN_BLOCK(key_name),
		.length = {IN_BLOCK(key_format), KEY_FORMAT_NAME_MASK},
	},
	END,
};

/* spec: P25 sheet 1.5 Rekey-Acknowledgment */
static const struct fk_kmm_field key_status_item[] = {
	UINT(fk_kmm_key_status, algorithm_id, 1),
	UINT(fk_kmm_key_status, key_id, 2),
	UINT(fk_kmm_key_status, status, 1),
	END,
};

static const struct fk_kmm_field rekey_ack[] = {
	UINT(fk_kmm_key_statuses, acknowledged_message_id, 1),
	LIST(fk_kmm_key_statuses, "key_statuses", key_statuses, 1, key_statuses.status_items,
	     key_status_item),
	END,
};

/* spec: P25 sheet 1.5 Delete-Key */
static const struct fk_kmm_field delete_key_item[] = {
	UINT(fk_kmm_key_name, algorithm_id, 1),
	UINT(fk_kmm_key_name, key_id, 2),
	END,
};

static const struct fk_kmm_field delete_key_command[] = {
	LIST(fk_kmm_delete_key, "keys", keys, 1, delete_key.key_items, delete_key_item),
	END,
};

static const struct fk_kmm_field delete_key_response[] = {
	LIST(fk_kmm_key_statuses, "key_statuses", key_statuses, 1, key_statuses.status_items,
	     key_status_item),
	END,
};

/* spec: P25 sheet 1.5 Delete-Keyset */
static const struct fk_kmm_field delete_keyset_command[] = {
	LIST(fk_kmm_delete_keyset, "keyset_ids", keysets, 1, delete_keyset.keyset_items,
	     octet_item),
	END,
};

static const struct fk_kmm_field delete_keyset_item[] = {
	UINT(fk_kmm_delete_keyset_item, keyset_id, 1),
	UINT(fk_kmm_delete_keyset_item, status, 1),
	END,
};

static const struct fk_kmm_field delete_keyset_response[] = {
	LIST(fk_kmm_delete_keyset, "keyset_statuses", keysets, 1, delete_keyset.keyset_items,
	     delete_keyset_item),
	END,
};

/* spec: P25 sheet 1.5 Negative-Acknowledgment, Delayed-Acknowledgment */
static const struct fk_kmm_field negative_ack[] = {
	UINT(fk_kmm_negative_ack, acknowledged_message_id, 1),
	UINT(fk_kmm_negative_ack, acknowledged_message_number, 2),
	UINT(fk_kmm_negative_ack, status, 1),
	END,
};

/* spec: P25 sheet 1.5 Changeover */
static const struct fk_kmm_field changeover_item[] = {
	UINT(fk_kmm_changeover_item, superseded_keyset_id, 1),
	UINT(fk_kmm_changeover_item, activated_keyset_id, 1),
	END,
};

static const struct fk_kmm_field changeover_command[] = {
	LIST(fk_kmm_changeover, "instructions", instructions, 1, changeover.instruction_items,
	     changeover_item),
	END,
};

static const struct fk_kmm_field changeover_response[] = {
	LIST(fk_kmm_changeover, "responses", instructions, 1, changeover.instruction_items,
	     changeover_item),
	END,
};

/* spec: P25 sheet 1.5 Change-RSI */
static const struct fk_kmm_field change_rsi_command_item[] = {
	UINT(fk_kmm_change_rsi_item, old_rsi, 3),
	UINT(fk_kmm_change_rsi_item, new_rsi, 3),
	UINT(fk_kmm_change_rsi_item, message_number, 2),
	END,
};

static const struct fk_kmm_field change_rsi_response_item[] = {
	UINT(fk_kmm_change_rsi_item, old_rsi, 3),
	UINT(fk_kmm_change_rsi_item, new_rsi, 3),
	UINT(fk_kmm_change_rsi_item, status, 1),
	END,
};

static const struct fk_kmm_field change_rsi_command[] = {
	LIST(fk_kmm_change_rsi, "changes", changes, 1, change_rsi.change_items,
	     change_rsi_command_item),
	END,
};

static const struct fk_kmm_field change_rsi_response[] = {
	LIST(fk_kmm_change_rsi, "responses", changes, 1, change_rsi.change_items,
	     change_rsi_response_item),
	END,
};

/* spec: P25 sheet 1.5 Capabilities-Response */
static const struct fk_kmm_field capabilities_response[] = {
	LIST(fk_kmm_capabilities, "algorithm_ids", algorithm_ids, 1,
	     capabilities.algorithm_id_items, octet_item),
	LIST(fk_kmm_capabilities, "optional_service_ids", optional_service_ids, 1,
	     capabilities.optional_service_id_items, octet_item),
	LIST(fk_kmm_capabilities, "message_ids", message_ids, 1, capabilities.message_id_items,
	     octet_item),
	END,
};

/* spec: P25 sheet 1.5 Hello */
static const struct fk_kmm_field hello[] = {
	UINT(fk_kmm_hello, hello_flag, 1, .max = 2),
	END,
};

/* spec: P25 sheet 1.5 Registration-Command, Deregistration-Command and responses */
static const struct fk_kmm_field registration_command[] = {
	UINT(fk_kmm_registration, body_format, 1),
	UINT(fk_kmm_registration, kmf_rsi, 3),
	GROUP(fk_kmm_registration, key_block, key_block, .name = "key_block", .needs = INFERRED,
	      .when = {offsetof(struct fk_kmm_registration, body_format), FK_KMM_BODY_HAS_KEY}),
	END,
};

static const struct fk_kmm_field status_only[] = {
	UINT(fk_kmm_status, status, 1),
	END,
};

/* spec: P25 sheet 1.5 Unable-to-Decrypt-Response, inferred */
static const struct fk_kmm_field unable_to_decrypt[] = {
	UINT(fk_kmm_unable_to_decrypt, body_format, 1),
	UINT(fk_kmm_unable_to_decrypt, mfid, 1),
	UINT(fk_kmm_unable_to_decrypt, algorithm_id, 1),
	UINT(fk_kmm_unable_to_decrypt, key_id, 2),
	UINT(fk_kmm_unable_to_decrypt, status, 1),
	GROUP(fk_kmm_unable_to_decrypt, key_block, key_block, .name = "key_block",
	      .needs = INFERRED,
	      .when = {offsetof(struct fk_kmm_unable_to_decrypt, body_format),
		       FK_KMM_BODY_HAS_KEY}),
	END,
};

/* spec: P25 sheet 1.5 Set-Date-Time, 2.7 */
static const struct fk_kmm_field date_time[] = {
	UINT(fk_kmm_date_time, date, 2),
	UINT(fk_kmm_date_time, time, 3),
	END,
};

/* spec: P25 sheet 1.5 Load-Config */
static const struct fk_kmm_field load_config_command[] = {
	UINT(fk_kmm_load_config, kmf_rsi, 3),
	UINT(fk_kmm_load_config, message_number_period, 2),
	END,
};

static const struct fk_kmm_field load_config_response[] = {
	UINT(fk_kmm_load_config, kmf_rsi, 3),
	UINT(fk_kmm_load_config, message_number_period, 2),
	UINT(fk_kmm_load_config, status, 1),
	END,
};

/* spec: P25 sheet 1.5 Session-Control */
static const struct fk_kmm_field session_control_0[] = {
	UINT(fk_kmm_session_control, version, 1),
	UINT(fk_kmm_session_control, opcode, 1),
	UINT(fk_kmm_session_control, source_device_type, 1),
	END,
};

static const struct fk_kmm_field session_control_1[] = {
	UINT(fk_kmm_session_control, version, 1),
	UINT(fk_kmm_session_control, opcode, 1),
	UINT(fk_kmm_session_control, source_device_type, 1),
	UINT(fk_kmm_session_control, session_type_flag, 1, .max = 1),
	UINT(fk_kmm_session_control, session_type, 1,
	     .when = {offsetof(struct fk_kmm_session_control, session_type_flag), 1}),
	END,
};

/* spec: P25 sheet 1.5, the item of inventory type F9; 2.7 for date and time */
static const struct fk_kmm_field keyset_attributes[] = {
	UINT(fk_kmm_keyset_attributes, keyset_format, 1),
	UINT(fk_kmm_keyset_attributes, keyset_id, 1),
	UINT(fk_kmm_keyset_attributes, reserved, 1),
	UINT(fk_kmm_keyset_attributes, reserved_24, 3,
	     .when = {offsetof(struct fk_kmm_keyset_attributes, keyset_format),
		      FK_KMM_KEYSET_HAS_RESERVED}),
	GROUP(fk_kmm_keyset_attributes, activation, date_time, .name = "activation",
	      .when = {offsetof(struct fk_kmm_keyset_attributes, keyset_format),
		       FK_KMM_KEYSET_HAS_DATE}),
	{
		.name = "keyset_name",
		.kind = FK_KMM_FIELD_TEXT,
		.at = offsetof(struct fk_kmm_keyset_attributes, keyset_name),
		.length = {offsetof(struct fk_kmm_keyset_attributes, keyset_format),
			   FK_KMM_KEYSET_NAME_SIZE_MASK},
	},
	END,
};

static const struct fk_kmm_field modify_keyset_attributes[] = {
	LIST(fk_kmm_modify_keyset_attributes, "keysets", keysets, 1,
	     modify_keyset_attributes.keyset_items, keyset_attributes),
	END,
};

/* spec: P25 sheet 1.5 Inventory-Command, types in the order of its table */
static const struct fk_kmm_field inventory_type_only[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	END,
};

static const struct fk_kmm_field inventory_active_keys_command[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	UINT(fk_kmm_inventory_body, inventory_marker, 3),
	UINT(fk_kmm_inventory_body, max_keys_requested, 2),
	END,
};

static const struct fk_kmm_field inventory_date_time[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	GROUP(fk_kmm_inventory_body, now, date_time),
	END,
};

static const struct fk_kmm_field inventory_keyset_ids[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	LIST(fk_kmm_inventory_body, "keyset_ids", items, 2, inventory.keyset_id_items, octet_item),
	END,
};

static const struct fk_kmm_field inventory_keys_item[] = {
	UINT(fk_kmm_inventory_keys, keyset_id, 1),
	UINT(fk_kmm_inventory_keys, algorithm_id, 1),
	LIST(fk_kmm_inventory_keys, "key_ids", key_ids, 1, inventory.key_id_items, key_id_item),
	END,
};

static const struct fk_kmm_field inventory_key_ids[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	LIST(fk_kmm_inventory_body, "items", items, 2, inventory.run_items, inventory_keys_item),
	END,
};

static const struct fk_kmm_field inventory_keyset_attributes[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	LIST(fk_kmm_inventory_body, "items", items, 2, inventory.attribute_items,
	     keyset_attributes),
	END,
};

static const struct fk_kmm_field inventory_rsi_item[] = {
	UINT(fk_kmm_inventory_rsi, rsi, 3),
	UINT(fk_kmm_inventory_rsi, message_number, 2),
	END,
};

static const struct fk_kmm_field inventory_rsis[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	LIST(fk_kmm_inventory_body, "items", items, 2, inventory.rsi_items, inventory_rsi_item),
	END,
};

static const struct fk_kmm_field inventory_key_item[] = {
	UINT(fk_kmm_inventory_key, keyset_id, 1),
	UINT(fk_kmm_inventory_key, sln, 2),
	UINT(fk_kmm_inventory_key, algorithm_id, 1),
	UINT(fk_kmm_inventory_key, key_id, 2),
	END,
};

static const struct fk_kmm_field inventory_active_keys[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	UINT(fk_kmm_inventory_body, inventory_marker, 3),
	LIST(fk_kmm_inventory_body, "items", items, 2, inventory.key_items, inventory_key_item),
	END,
};

static const struct fk_kmm_field inventory_period[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	UINT(fk_kmm_inventory_body, message_number_period, 2),
	END,
};

static const struct fk_kmm_field inventory_kmf_rsi[] = {
	UINT(fk_kmm_inventory_body, inventory_type, 1),
	UINT(fk_kmm_inventory_body, kmf_rsi, 3),
	END,
};

#define ANY (-1) /* the first octet of the body tells no layouts apart */

/* Which layout a message has, and which profile it takes. */
static const struct {
	uint8_t message_id;
	int16_t selector;
	uint8_t needs;
	const struct fk_kmm_field *fields;
} layouts[] = {
	{FK_KMM_NULL, ANY, INFERRED, empty_body},
	{FK_KMM_CAPABILITIES_COMMAND, ANY, 0, empty_body},
	{FK_KMM_CAPABILITIES_RESPONSE, ANY, 0, capabilities_response},
	{FK_KMM_CHANGE_RSI_COMMAND, ANY, 0, change_rsi_command},
	{FK_KMM_CHANGE_RSI_RESPONSE, ANY, 0, change_rsi_response},
	{FK_KMM_CHANGEOVER_COMMAND, ANY, 0, changeover_command},
	{FK_KMM_CHANGEOVER_RESPONSE, ANY, 0, changeover_response},
	{FK_KMM_DELAYED_ACK, ANY, INFERRED, negative_ack},
	{FK_KMM_DELETE_KEY_COMMAND, ANY, INFERRED, delete_key_command},
	{FK_KMM_DELETE_KEY_RESPONSE, ANY, INFERRED, delete_key_response},
	{FK_KMM_DELETE_KEYSET_COMMAND, ANY, INFERRED, delete_keyset_command},
	{FK_KMM_DELETE_KEYSET_RESPONSE, ANY, INFERRED, delete_keyset_response},
	{FK_KMM_HELLO, ANY, 0, hello},
	{FK_KMM_INVENTORY_COMMAND, 0x00, 0, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0x01, INFERRED, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0x02, 0, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0x03, 0, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0x04, 0, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0x05, 0, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0x06, INFERRED, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0x0b, 0, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0xf9, WIRED, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0xfd, WIRED, inventory_active_keys_command},
	{FK_KMM_INVENTORY_COMMAND, 0xfe, WIRED, inventory_type_only},
	{FK_KMM_INVENTORY_COMMAND, 0xff, WIRED, inventory_type_only},
	{FK_KMM_INVENTORY_RESPONSE, 0x00, 0, inventory_type_only},
	{FK_KMM_INVENTORY_RESPONSE, 0x01, INFERRED, inventory_date_time},
	{FK_KMM_INVENTORY_RESPONSE, 0x02, 0, inventory_keyset_ids},
	{FK_KMM_INVENTORY_RESPONSE, 0x03, 0, inventory_keyset_ids},
	{FK_KMM_INVENTORY_RESPONSE, 0x04, 0, inventory_key_ids},
	{FK_KMM_INVENTORY_RESPONSE, 0x05, 0, inventory_key_ids},
	{FK_KMM_INVENTORY_RESPONSE, 0x06, INFERRED, inventory_keyset_attributes},
	{FK_KMM_INVENTORY_RESPONSE, 0x0b, 0, inventory_rsis},
	{FK_KMM_INVENTORY_RESPONSE, 0xf9, WIRED, inventory_keyset_attributes},
	{FK_KMM_INVENTORY_RESPONSE, 0xfd, WIRED, inventory_active_keys},
	{FK_KMM_INVENTORY_RESPONSE, 0xfe, WIRED, inventory_period},
	{FK_KMM_INVENTORY_RESPONSE, 0xff, WIRED, inventory_kmf_rsi},
	{FK_KMM_MODIFY_KEY_COMMAND, ANY, 0, modify_key},
	{FK_KMM_MODIFY_KEYSET_ATTRIBUTES_COMMAND, ANY, 0, modify_keyset_attributes},
	{FK_KMM_NEGATIVE_ACK, ANY, 0, negative_ack},
	{FK_KMM_NO_SERVICE, ANY, 0, empty_body},
	{FK_KMM_REKEY_ACK, ANY, 0, rekey_ack},
	{FK_KMM_REKEY_COMMAND, ANY, 0, rekey},
	{FK_KMM_SET_DATE_TIME, ANY, INFERRED, date_time},
	{FK_KMM_WARM_START_COMMAND, ANY, INFERRED, key_block},
	{FK_KMM_ZEROIZE_COMMAND, ANY, 0, empty_body},
	{FK_KMM_ZEROIZE_RESPONSE, ANY, 0, empty_body},
	{FK_KMM_DEREGISTRATION_COMMAND, ANY, 0, registration_command},
	{FK_KMM_DEREGISTRATION_RESPONSE, ANY, 0, status_only},
	{FK_KMM_REGISTRATION_COMMAND, ANY, 0, registration_command},
	{FK_KMM_REGISTRATION_RESPONSE, ANY, 0, status_only},
	{FK_KMM_UNABLE_TO_DECRYPT_RESPONSE, ANY, INFERRED, unable_to_decrypt},
	{FK_KMM_SESSION_CONTROL, 0x00, WIRED, session_control_0},
	{FK_KMM_SESSION_CONTROL, SESSION_VERSION_1, WIRED, session_control_1},
	{FK_KMM_LOAD_CONFIG_RESPONSE, ANY, WIRED, load_config_response},
	{FK_KMM_LOAD_CONFIG_COMMAND, ANY, WIRED, load_config_command},
};

#define N_LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

const struct fk_kmm_field *fk_kmm_layout(uint8_t message_id, uint8_t selector, uint32_t profile,
					 const char **ret_field, const char **ret_reason)
{
	const char *reason = "no layout of this message is documented";

	*ret_field = "message_id";
	for (size_t i = 0; i < N_LAYOUTS; i++) {
		if (layouts[i].message_id != message_id)
			continue;
		if (layouts[i].selector != ANY)
			*ret_field = layouts[i].fields[0].name;
		if (layouts[i].selector != ANY && layouts[i].selector != selector) {
			reason = "no layout of this type or version is documented";
			continue;
		}
		if ((layouts[i].needs & ~profile) == 0)
			return layouts[i].fields;
		*ret_reason = layouts[i].needs == WIRED
				      ? "belongs to the key-fill port: the wired profile is off"
				      : "the layout is inferred: the inferred profile is off";
		return NULL;
	}
	*ret_reason = reason;
	return NULL;
}

bool fk_kmm_field_exists(const struct fk_kmm_field *field, const void *object, uint32_t profile)
{
	const uint8_t *octets = object;

	if ((field->only_in & ~profile) != 0)
		return false;
	if (field->length.mask != 0 && !field->length.not_zero &&
	    (octets[field->length.at] & field->length.mask) == 0)
		return false;
	return field->when.mask == 0 || (octets[field->when.at] & field->when.mask) != 0;
}

size_t fk_kmm_field_size(const struct fk_kmm_field *field, const void *object, const void *owner)
{
	const uint8_t *octets = field->length.of_owner ? owner : object;

	if (field->length.mask == 0)
		return field->width;
	return octets[field->length.at] & field->length.mask;
}

uint32_t fk_kmm_field_value(const struct fk_kmm_field *field, const void *object)
{
	const uint8_t *at = (const uint8_t *)object + field->at;
	uint16_t half;
	uint32_t word;

	switch (field->width) {
	case 1:
		return *at;
	case 2:
		memcpy(&half, at, sizeof(half));
		return half;
	default:
		memcpy(&word, at, sizeof(word));
		return word;
	}
}

static const struct {
	uint8_t message_id;
	const char *name;
} names[] = {
	{FK_KMM_NULL, "Null"},
	{FK_KMM_CAPABILITIES_COMMAND, "Capabilities-Command"},
	{FK_KMM_CAPABILITIES_RESPONSE, "Capabilities-Response"},
	{FK_KMM_CHANGE_RSI_COMMAND, "Change-RSI-Command"},
	{FK_KMM_CHANGE_RSI_RESPONSE, "Change-RSI-Response"},
	{FK_KMM_CHANGEOVER_COMMAND, "Changeover-Command"},
	{FK_KMM_CHANGEOVER_RESPONSE, "Changeover-Response"},
	{FK_KMM_DELAYED_ACK, "Delayed-Acknowledgment"},
	{FK_KMM_DELETE_KEY_COMMAND, "Delete-Key-Command"},
	{FK_KMM_DELETE_KEY_RESPONSE, "Delete-Key-Response"},
	{FK_KMM_DELETE_KEYSET_COMMAND, "Delete-Keyset-Command"},
	{FK_KMM_DELETE_KEYSET_RESPONSE, "Delete-Keyset-Response"},
	{FK_KMM_HELLO, "Hello"},
	{FK_KMM_INVENTORY_COMMAND, "Inventory-Command"},
	{FK_KMM_INVENTORY_RESPONSE, "Inventory-Response"},
	{FK_KMM_KEY_ASSIGNMENT_COMMAND, "Key-Assignment-Command"},
	{FK_KMM_KEY_ASSIGNMENT_RESPONSE, "Key-Assignment-Response"},
	{FK_KMM_MODIFY_KEY_COMMAND, "Modify-Key-Command"},
	{FK_KMM_MODIFY_KEYSET_ATTRIBUTES_COMMAND, "Modify-Keyset-Attributes-Command"},
	{FK_KMM_MODIFY_KEYSET_ATTRIBUTES_RESPONSE, "Modify-Keyset-Attributes-Response"},
	{FK_KMM_NEGATIVE_ACK, "Negative-Acknowledgment"},
	{FK_KMM_NO_SERVICE, "No-Service"},
	{FK_KMM_REKEY_ACK, "Rekey-Acknowledgment"},
	{FK_KMM_REKEY_COMMAND, "Rekey-Command"},
	{FK_KMM_SET_DATE_TIME, "Set-Date-Time"},
	{FK_KMM_WARM_START_COMMAND, "Warm-Start-Command"},
	{FK_KMM_ZEROIZE_COMMAND, "Zeroize-Command"},
	{FK_KMM_ZEROIZE_RESPONSE, "Zeroize-Response"},
	{FK_KMM_DEREGISTRATION_COMMAND, "Deregistration-Command"},
	{FK_KMM_DEREGISTRATION_RESPONSE, "Deregistration-Response"},
	{FK_KMM_REGISTRATION_COMMAND, "Registration-Command"},
	{FK_KMM_REGISTRATION_RESPONSE, "Registration-Response"},
	{FK_KMM_UNABLE_TO_DECRYPT_RESPONSE, "Unable-to-Decrypt-Response"},
	{FK_KMM_LOAD_AUTHENTICATION_KEY_COMMAND, "Load-Authentication-Key-Command"},
	{FK_KMM_LOAD_AUTHENTICATION_KEY_RESPONSE, "Load-Authentication-Key-Response"},
	{FK_KMM_DELETE_AUTHENTICATION_KEY_COMMAND, "Delete-Authentication-Key-Command"},
	{FK_KMM_DELETE_AUTHENTICATION_KEY_RESPONSE, "Delete-Authentication-Key-Response"},
	{FK_KMM_SESSION_CONTROL, "Session-Control"},
	{FK_KMM_LOAD_CONFIG_RESPONSE, "Load-Config-Response"},
	{FK_KMM_LOAD_CONFIG_COMMAND, "Load-Config-Command"},
};

const char *fk_kmm_message_name(uint8_t message_id)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].message_id == message_id)
			return names[i].name;
	return "unknown";
}
