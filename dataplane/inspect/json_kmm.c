/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/json_kmm.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/key_wrap.h"
#include "inspect/hex.h"
#include "wire/kmm_layout.h"

#define MAC_TYPE_ENHANCED 2
#define FORMAT_RESERVED	  0x02 /* spec: P25 sheet 1.2: of the message format octet */

/* spec: P25 sheet 3.7 transport B: the first octet of a preamble */
#define VERSION_MASK  0x1f
#define RESERVED_MASK 0xe0

struct walk {
	const struct fk_inspect_options *options;
	const union fk_kmm_body *body;
	uint32_t decryption_algorithm_id; /* of the decryption instruction above */
	uint32_t algorithm_id;		  /* of the keys below it */
	bool has_failed;		  /* a wrapped key was not unwrapped by the KEK given */
};

static void add_fields(struct walk *walk, json_t *json, const struct fk_kmm_field *fields,
		       const void *object, const void *owner);

json_t *fk_json_hex(const uint8_t *octets, size_t size)
{
	char *text = malloc(2 * size + 1);
	json_t *json;

	if (text == NULL)
		return json_null();
	fk_hex_encode(octets, size, text);
	json = json_string(text);
	fk_wipe(text, 2 * size + 1);
	free(text);
	return json;
}

json_t *fk_json_text(const void *text, size_t len)
{
	json_t *json = json_stringn(text, len);

	return json != NULL ? json : json_pack("{s:o}", "hex", fk_json_hex(text, len));
}

/* NULL if a key of this size is one of its algorithm, otherwise why not. spec: P25 sheet 2.1, 3.1
 */
static const char *check_key(const struct walk *walk, size_t size)
{
	const char *reason;
	size_t wanted;

	if (fk_key_wrap_key_size((uint8_t)walk->algorithm_id, &wanted, &reason) != FK_OK)
		return reason;
	if (size != wanted)
		return "unwraps, but is not of the size that keys of its algorithm have";
	if (walk->algorithm_id == FK_ALGORITHM_AES_256 &&
	    walk->decryption_algorithm_id == FK_ALGORITHM_AES_128)
		return "unwraps, but an AES-256 key must not be wrapped by AES-128";
	return NULL;
}

/* NULL if the key unwraps, otherwise why it does not. spec: P25 sheet 3.1, 3.2 */
static const char *try_unwrap(const struct walk *walk, const uint8_t *key, size_t size)
{
	const struct fk_secret *kek = walk->options->kek;
	struct fk_secret unwrapped = {0};
	enum fk_err err;

	switch (walk->decryption_algorithm_id) {
	case FK_ALGORITHM_AES_256:
		if (kek->size != 32)
			return "is wrapped by AES-256 ($84), which needs a KEK of 32 octets";
		break;
	case FK_ALGORITHM_AES_128:
		if (kek->size != 16)
			return "is wrapped by AES-128 ($85), which needs a KEK of 16 octets";
		break;
	default:
		return "is wrapped by another algorithm than AES-256 ($84) and AES-128 ($85)";
	}
	err = fk_proof_unwrap(walk->options->proof, kek, key, size, &unwrapped);
	size = unwrapped.size;
	fk_secret_wipe(&unwrapped);
	if (err == FK_EAUTH)
		return "does not unwrap under this KEK";
	return err == FK_OK ? check_key(walk, size) : "is not of the size of a wrapped AES key";
}

static void add_unwrap(struct walk *walk, json_t *json, const uint8_t *key, size_t size)
{
	const char *reason;

	if (walk->decryption_algorithm_id == FK_ALGORITHM_CLEAR) {
		json_object_set_new(json, "unwrap", json_string("not_wrapped"));
		return;
	}
	reason = try_unwrap(walk, key, size);
	json_object_set_new(json, "unwrap", json_string(reason == NULL ? "ok" : "failed"));
	if (reason == NULL)
		return;
	json_object_set_new(json, "unwrap_reason", json_string(reason));
	walk->has_failed = true;
}

static void add_octets(struct walk *walk, json_t *json, const struct fk_kmm_field *field,
		       const void *object, const void *owner)
{
	size_t size = fk_kmm_field_size(field, object, owner);
	bool is_key = strcmp(field->name, "key") == 0;
	const uint8_t *octets;
	char name[64];

	memcpy(&octets, (const uint8_t *)object + field->at, sizeof(octets));
	if (field->kind == FK_KMM_FIELD_TEXT) {
		json_object_set_new(json, field->name, fk_json_text(octets, size));
		return;
	}
	snprintf(name, sizeof(name), "%s_hex", field->name);
	if (is_key && walk->decryption_algorithm_id == FK_ALGORITHM_CLEAR &&
	    !walk->options->show_clear_keys)
		json_object_set_new(json, "key_withheld", json_true());
	else
		json_object_set_new(json, name, fk_json_hex(octets, size));
	if (is_key && walk->options->kek != NULL)
		add_unwrap(walk, json, octets, size);
}

static json_t *list_items(struct walk *walk, const struct fk_kmm_field *field, const void *object)
{
	json_t *items = json_array();
	struct fk_kmm_list list;

	memcpy(&list, (const uint8_t *)object + field->at, sizeof(list));
	for (uint32_t i = 0; i < list.n; i++) {
		const uint8_t *item = (const uint8_t *)walk->body + field->items_at +
				      (list.first + i) * field->item_size;
		json_t *json;

		if (field->sub->name == NULL && field->sub->kind == FK_KMM_FIELD_UINT) {
			json = json_integer(fk_kmm_field_value(field->sub, item));
		} else {
			json = json_object();
			add_fields(walk, json, field->sub, item, object);
		}
		json_array_append_new(items, json);
	}
	return items;
}

static void add_field(struct walk *walk, json_t *json, const struct fk_kmm_field *field,
		      const void *object, const void *owner)
{
	const uint8_t *at = (const uint8_t *)object + field->at;
	json_t *group;

	switch (field->kind) {
	case FK_KMM_FIELD_UINT:
		json_object_set_new(json, field->name,
				    json_integer(fk_kmm_field_value(field, object)));
		if (strcmp(field->name, "decryption_algorithm_id") == 0)
			walk->decryption_algorithm_id = fk_kmm_field_value(field, object);
		else if (strcmp(field->name, "algorithm_id") == 0)
			walk->algorithm_id = fk_kmm_field_value(field, object);
		break;
	case FK_KMM_FIELD_OCTETS:
	case FK_KMM_FIELD_TEXT:
		add_octets(walk, json, field, object, owner);
		break;
	case FK_KMM_FIELD_GROUP:
		group = field->name != NULL ? json_object() : json;
		add_fields(walk, group, field->sub, at, owner);
		if (group != json)
			json_object_set_new(json, field->name, group);
		break;
	default:
		json_object_set_new(json, field->name, list_items(walk, field, object));
	}
}

static void add_fields(struct walk *walk, json_t *json, const struct fk_kmm_field *fields,
		       const void *object, const void *owner)
{
	for (; fields->kind != FK_KMM_FIELD_END; fields++)
		if (fk_kmm_field_exists(fields, object, walk->options->profile))
			add_field(walk, json, fields, object, owner);
}

/* 'mac_format' is the octet as it came: the header has its bit 6 set. spec: P25 sheet 1.3 */
static json_t *mac_block(const struct fk_kmm_header *header, uint8_t mac_format)
{
	json_t *json;

	if (!header->has_mac)
		return json_null();
	json = json_object();
	json_object_set_new(json, "mac_hex", fk_json_hex(header->mac.mac, FK_KMM_MAC_SIZE));
	json_object_set_new(json, "mac_length", json_integer(FK_KMM_MAC_SIZE));
	json_object_set_new(json, "algorithm_id", json_integer(header->mac.algorithm_id));
	json_object_set_new(json, "key_id", json_integer(header->mac.key_id));
	json_object_set_new(json, "mac_format", json_integer(mac_format));
	return json;
}

/* Says whether the MAC is right, or why that is not known. False unless it is. */
static bool add_mac_valid(const struct fk_inspect_options *options, json_t *json,
			  const struct fk_kmm_mac *received, const uint8_t *octets, size_t size)
{
	uint8_t mac[FK_KMM_MAC_SIZE];
	bool is_valid;

	if (received->algorithm_id != FK_ALGORITHM_AES_256) {
		json_object_set_new(json, "mac_valid", json_null());
		json_object_set_new(json, "mac_reason",
				    json_string("was not verified: it names another algorithm than "
						"AES-256 ($84)"));
		return false;
	}
	if (fk_proof_mac(options->proof, options->tek, octets, size, received->mac_format, mac) !=
	    FK_OK) {
		json_object_set_new(json, "mac_valid", json_null());
		json_object_set_new(json, "mac_reason",
				    json_string("was not verified: needs a TEK of 32 octets"));
		return false;
	}
	is_valid = fk_ct_equal(mac, received->mac, sizeof(mac));
	json_object_set_new(json, "mac_valid", json_boolean(is_valid));
	if (!is_valid)
		json_object_set_new(json, "mac_reason",
				    json_string("is not the MAC under this TEK"));
	return is_valid;
}

json_t *fk_json_message(const struct fk_inspect_options *options, const uint8_t *octets,
			const struct fk_kmm_message *message, bool *ret_is_ok)
{
	const struct fk_kmm_header *header = &message->header;
	struct walk walk = {.options = options, .body = &message->body};
	const struct fk_kmm_field *fields;
	json_t *json = json_object(), *body = json_object();
	const char *field, *reason;
	uint8_t selector;
	size_t size = header->message_length + 3u;

	json_object_set_new(json, "message_id", json_integer(header->message_id));
	json_object_set_new(json, "message_name",
			    json_string(fk_kmm_message_name(header->message_id)));
	json_object_set_new(json, "message_length", json_integer(header->message_length));
	json_object_set_new(json, "total_octets", json_integer((json_int_t)size));
	json_object_set_new(json, "response_kind", json_integer(header->response_kind));
	json_object_set_new(json, "message_number_present",
			    json_boolean(header->has_message_number));
	json_object_set_new(json, "message_number",
			    header->has_message_number ? json_integer(header->message_number)
						       : json_null());
	json_object_set_new(json, "mac_type",
			    json_integer(header->has_mac ? MAC_TYPE_ENHANCED : 0));
	json_object_set_new(json, "done_bit", json_integer(header->done));
	if ((octets[3] & FORMAT_RESERVED) != 0) /* ignored, as by the dataplane, but told */
		json_object_set_new(json, "message_format_reserved_bit", json_integer(1));
	json_object_set_new(json, "destination_rsi", json_integer(header->destination_rsi));
	json_object_set_new(json, "source_rsi", json_integer(header->source_rsi));

	memcpy(&selector, &message->body, sizeof(selector));
	fields = fk_kmm_layout(header->message_id, selector, options->profile, &field, &reason);
	if (fields != NULL)
		add_fields(&walk, body, fields, &message->body, NULL);
	json_object_set_new(json, "body", body);
	json_object_set_new(json, "mac", mac_block(header, octets[size - 1]));
	*ret_is_ok = !walk.has_failed;
	if (options->tek != NULL && header->has_mac) {
		*ret_is_ok &= add_mac_valid(options, json, &header->mac, octets, size);
	} else if (options->tek != NULL) {
		json_object_set_new(json, "mac_valid", json_null());
		json_object_set_new(json, "mac_reason", json_string("the message has none"));
	}
	return json;
}

json_t *fk_json_error(size_t offset, const char *field, const char *reason)
{
	return json_pack("{s:{s:I,s:s,s:o}}", "error", "offset", (json_int_t)offset, "field", field,
			 "reason", fk_json_text(reason, strlen(reason)));
}

/* Octets behind the announced length are padding: said, not read. */
static json_t *bare_kmm(const struct fk_inspect_options *options, const uint8_t *octets,
			size_t size, size_t base, bool *ret_is_ok)
{
	struct fk_kmm_message *message = malloc(sizeof(*message));
	struct fk_kmm_error error;
	json_t *json;

	*ret_is_ok = false;
	if (message == NULL)
		return fk_json_error(base, "message_id", "out of memory");
	if (fk_kmm_message_decode(octets, size, options->profile, message, &error) != FK_OK) {
		json = fk_json_error(base + error.offset, error.field, error.reason);
	} else {
		size_t total = message->header.message_length + 3u;

		json = fk_json_message(options, octets, message, ret_is_ok);
		if (total < size)
			json_object_set_new(json, "trailing_octets",
					    json_integer((json_int_t)(size - total)));
	}
	free(message);
	return json;
}

/* Does it look like a preamble from its third octet on? Then only what is before may be wrong. */
static bool is_preamble_of_another_kind(const uint8_t *octets, size_t size)
{
	const uint8_t *kmm = octets + FK_KMM_PREAMBLE_SIZE;
	struct fk_kmm_frame frame;
	const char *reason;
	size_t key_size;

	if (octets[2] == FK_ALGORITHM_CLEAR)
		return fk_kmm_decode(kmm, size - FK_KMM_PREAMBLE_SIZE, &frame) == FK_OK;
	/* Behind it is what nobody can read; its message indicator ends in a zero. */
	return fk_key_wrap_key_size(octets[2], &key_size, &reason) != FK_EINVAL && kmm[-1] == 0 &&
	       fk_outer_mi_check(kmm - FK_MI_SIZE) == FK_OK;
}

/* A Null message and a preamble both begin with two zeros. The third octet is the end of the one's
 * length, which is short since it has no body, and the other's algorithm ID. A preamble that should
 * not be may begin with anything; but only a message has the length of the input. */
static bool has_preamble(const uint8_t *octets, size_t size)
{
	struct fk_kmm_frame frame;

	if (size < FK_KMM_PREAMBLE_SIZE)
		return false;
	if (octets[0] == 0 && octets[1] == 0)
		return octets[2] >= FK_ALGORITHM_CLEAR;
	return (octets[1] << 8 | octets[2]) + 3u != size &&
	       fk_kmm_decode(octets, size, &frame) != FK_OK &&
	       is_preamble_of_another_kind(octets, size);
}

static json_t *preamble_fields(const struct fk_kmm_preamble *preamble, uint8_t first)
{
	json_t *json = json_object();

	json_object_set_new(json, "version", json_integer(preamble->version));
	if ((first & RESERVED_MASK) != 0)
		json_object_set_new(json, "reserved_bits", json_integer(first >> 5));
	json_object_set_new(json, "mfid", json_integer(preamble->mfid));
	json_object_set_new(json, "algorithm_id", json_integer(preamble->algorithm_id));
	json_object_set_new(json, "key_id", json_integer(preamble->key_id));
	json_object_set_new(
		json, "message_indicator_hex",
		fk_json_hex(preamble->message_indicator, sizeof(preamble->message_indicator)));
	return json;
}

/* spec: P25 sheet 3.7 */
static json_t *encrypted_kmm(const struct fk_inspect_options *options,
			     const struct fk_kmm_preamble *preamble, const uint8_t *octets,
			     size_t size, size_t base, bool *ret_is_ok)
{
	json_t *json;
	uint8_t *clear;
	enum fk_err err;
	const char *reason;
	size_t key_size;

	*ret_is_ok = false;
	if (size > FK_KMM_SIZE_MAX)
		return fk_json_error(base, "message_length", "more octets than a KMM has");
	if (size < FK_KMM_HEADER_SIZE)
		return fk_json_error(base, "message_length", "fewer octets than a KMM has");
	if (fk_outer_mi_check(preamble->message_indicator) != FK_OK)
		return fk_json_error(base - 9, "message_indicator", "is all zeros");
	if (fk_key_wrap_key_size(preamble->algorithm_id, &key_size, &reason) == FK_EINVAL)
		return fk_json_error(base - FK_KMM_PREAMBLE_SIZE + 2, "algorithm_id", reason);
	if (preamble->algorithm_id == FK_ALGORITHM_AES_256 &&
	    preamble->message_indicator[FK_MI_SIZE - 1] != 0)
		return fk_json_error(base - 1, "message_indicator", "does not end in a zero octet");
	if (options->tek == NULL) {
		/* A KEK alone opens nothing here, and who gave one expects an answer. */
		*ret_is_ok = options->kek == NULL;
		return json_pack("{s:b,s:I,s:s}", "encrypted", 1, "total_octets", (json_int_t)size,
				 "not_read", "needs a TEK");
	}
	if (preamble->algorithm_id != FK_ALGORITHM_AES_256)
		return fk_json_error(base - FK_KMM_PREAMBLE_SIZE + 2, "algorithm_id",
				     "is not AES-256 ($84): no other outer layer is supported");
	clear = malloc(size);
	if (clear == NULL)
		return fk_json_error(base, "message_id", "out of memory");
	err = fk_proof_outer(options->proof, options->tek, preamble->message_indicator, octets,
			     size, clear);
	if (err == FK_OK)
		json = bare_kmm(options, clear, size, base, ret_is_ok);
	else
		json = fk_json_error(base - FK_KMM_PREAMBLE_SIZE + 2, "algorithm_id",
				     "needs a TEK of 32 octets");
	fk_wipe(clear, size);
	free(clear);
	return json;
}

json_t *fk_json_kmm(const struct fk_inspect_options *options, const uint8_t *octets, size_t size,
		    size_t base, bool *ret_is_ok)
{
	struct fk_kmm_preamble preamble;
	const uint8_t *first = octets;
	json_t *json;

	if (!has_preamble(octets, size))
		return bare_kmm(options, octets, size, base, ret_is_ok);
	*ret_is_ok = false;
	if (fk_kmm_preamble_decode(octets, size, &preamble) != FK_OK)
		return (octets[0] & VERSION_MASK) != 0
			       ? fk_json_error(base, "version", "is not 0, of a preamble")
			       : fk_json_error(base + 1, "mfid", "is not 0, the standard's");
	octets += FK_KMM_PREAMBLE_SIZE;
	size -= FK_KMM_PREAMBLE_SIZE;
	base += FK_KMM_PREAMBLE_SIZE;
	if (preamble.algorithm_id == FK_ALGORITHM_CLEAR)
		json = bare_kmm(options, octets, size, base, ret_is_ok);
	else
		json = encrypted_kmm(options, &preamble, octets, size, base, ret_is_ok);
	if (json_object_get(json, "error") == NULL)
		json_object_set_new(json, "preamble", preamble_fields(&preamble, *first));
	return json;
}
