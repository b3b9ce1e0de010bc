/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/kat.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/hex.h"
#include "inspect/json_kmm.h"

#define OCTETS_MAX 1024 /* more than any member of a case has */

/* One case: what it says, and what is wrong with it. */
struct test {
	struct fk_proof *proof;
	const json_t *json;
	const char *field, *reason; /* of the first failure; NULL: passed */
	const char *refused;	    /* why it was refused, which was expected */
};

struct octets {
	uint8_t at[OCTETS_MAX];
	size_t size;
};

static void fail(struct test *test, const char *field, const char *reason)
{
	if (test->reason != NULL)
		return;
	test->field = field;
	test->reason = reason;
}

static const json_t *member(const json_t *json, const char *name)
{
	return json_object_get(json, name);
}

static bool has(const json_t *json, const char *name)
{
	return member(json, name) != NULL;
}

static struct octets get_octets(struct test *test, const json_t *json, const char *name)
{
	const char *text = json_string_value(member(json, name));
	struct octets octets = {.size = 0};

	if (text == NULL || fk_hex_decode(text, strlen(text), octets.at, sizeof(octets.at),
					  &octets.size) != FK_OK) {
		fail(test, name, "is missing, or not hexadecimal, or too long");
		octets.size = 0;
	}
	return octets;
}

static struct fk_secret get_key(struct test *test, const json_t *json, const char *name)
{
	struct octets octets = get_octets(test, json, name);
	struct fk_secret key = {0};

	if (octets.size == 0 || octets.size > sizeof(key.octets)) {
		fail(test, name, "is no key");
	} else {
		key.size = (uint32_t)octets.size;
		memcpy(key.octets, octets.at, octets.size);
	}
	fk_wipe(&octets, sizeof(octets));
	return key;
}

static void expect_octets(struct test *test, const json_t *json, const char *name,
			  const void *octets, size_t size)
{
	struct octets wanted = get_octets(test, json, name);

	if (wanted.size != size || !fk_ct_equal(wanted.at, octets, size))
		fail(test, name, "is not what was computed");
	fk_wipe(&wanted, sizeof(wanted));
}

static bool get_bool(struct test *test, const char *name)
{
	if (!json_is_boolean(member(test->json, name)))
		fail(test, name, "is neither true nor false");
	return json_is_true(member(test->json, name));
}

static uint16_t get_u16(struct test *test, const char *name)
{
	const json_t *json = member(test->json, name);
	json_int_t value = json_integer_value(json);

	if (!json_is_integer(json) || value < 0 || value > UINT16_MAX)
		fail(test, name, "is no integer from 0 to 65535");
	return (uint16_t)value;
}

/* A member that has one value only. */
static void expect_text(struct test *test, const char *name, const char *text)
{
	const char *found = json_string_value(member(test->json, name));

	if (found == NULL || strcmp(found, text) != 0)
		fail(test, name, "is not what it can be");
}

static void expect_integer(struct test *test, const json_t *json, const char *name,
			   json_int_t value)
{
	const json_t *wanted = member(json, name);

	if (!json_is_integer(wanted) || json_integer_value(wanted) != value)
		fail(test, name, "is not what was computed");
}

/* What "algorithm" can be. DES and Triple DES are refused, and that is what we want of them. */
static const struct algorithm {
	const char *name;
	uint32_t kek_size; /* octets */
	bool is_legacy;
} algorithms[] = {
	{"AES-128 key wrap", 16, false},
	{"AES-192 key wrap", 24, false},
	{"AES-256 key wrap", 32, false},
	{"AES-128 key wrap (RFC 3394)", 16, false},
	{"AES-192 key wrap (RFC 3394)", 24, false},
	{"AES-256 key wrap (RFC 3394)", 32, false},
	{"TDEA key wrap: same six-round wrap with 32-bit half-blocks, IV A6A6A6A6", 24, true},
	{"single DES ECB encryption of the 8-octet key", 8, true},
};

/* Fails the test, and returns NULL, if it is none of them. */
static const struct algorithm *get_algorithm(struct test *test)
{
	const char *name = json_string_value(member(test->json, "algorithm"));

	for (size_t i = 0; name != NULL && i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (strcmp(name, algorithms[i].name) == 0)
			return &algorithms[i];
	fail(test, "algorithm", "is none that is known");
	return NULL;
}

static void run_wrap(struct test *test)
{
	struct octets wrapped = get_octets(test, test->json, "wrapped_hex");
	struct fk_secret kek = get_key(test, test->json, "kek_hex"), key = {0}, legacy;
	const struct algorithm *algorithm = get_algorithm(test);
	bool valid = get_bool(test, "valid");
	uint8_t built[OCTETS_MAX];
	size_t size;
	enum fk_err err;

	err = fk_proof_unwrap(test->proof, &kek, wrapped.at, wrapped.size, &key);
	if (algorithm != NULL && algorithm->kek_size != kek.size)
		fail(test, "algorithm", "is not that of the KEK");
	if (algorithm != NULL && algorithm->is_legacy) {
		legacy = get_key(test, test->json, "key_hex");
		fk_secret_wipe(&legacy);
		if (!valid)
			fail(test, "valid", "is false of a case that cannot be judged");
		if (err == FK_EUNSUPPORTED)
			test->refused = "DES and Triple DES key wrap are not supported";
		else
			fail(test, "algorithm", "is legacy, but was not refused");
	} else if (!valid) {
		if (err == FK_OK)
			fail(test, "valid", "is false, but the key was unwrapped");
		if (!json_is_null(member(test->json, "key_hex")))
			fail(test, "key_hex", "is not null, but the key must not unwrap");
	} else if (err != FK_OK) {
		fail(test, "wrapped_hex", fk_err_text(err));
	} else {
		expect_octets(test, test->json, "key_hex", key.octets, key.size);
		err = fk_proof_wrap(test->proof, &kek, &key, built, sizeof(built), &size);
		if (err != FK_OK)
			fail(test, "key_hex", fk_err_text(err));
		else
			expect_octets(test, test->json, "wrapped_hex", built, size);
	}
	fk_secret_wipe(&kek);
	fk_secret_wipe(&key);
}

static void expect_none(struct test *test, const char *name)
{
	if (has(test->json, name))
		fail(test, name, "does not belong to what the frame is");
}

/* The steps from the TEK to the MAC key. spec: P25 sheet 3.4, 3.5 */
static void check_steps(struct test *test, const struct fk_proof_derivation *derivation,
			uint8_t mac_format)
{
	if (mac_format == FK_KMM_MAC_FORMAT_CMAC) {
		expect_text(test, "kdf", "HMAC-SHA-256 counter mode, one iteration");
		expect_text(test, "kdf_label_ascii", "OTAR MAC");
		expect_octets(test, test->json, "kdf_context_hex", derivation->context,
			      derivation->context_size);
		expect_octets(test, test->json, "kdf_input_hex", derivation->input,
			      derivation->input_size);
		expect_none(test, "kdf_initial_value_hex");
	} else {
		expect_text(test, "kdf",
			    "RFC 3394 wrap of the TEK under itself, first 8 output octets dropped");
		expect_octets(test, test->json, "kdf_initial_value_hex", derivation->initial_value,
			      sizeof(derivation->initial_value));
		expect_none(test, "kdf_context_hex");
		expect_none(test, "kdf_input_hex");
		expect_none(test, "kdf_label_ascii");
	}
}

/* The MAC of a frame under the TEK of the case, and its key on the way there, with all steps if
 * 'has_steps'; false if it could not be computed. */
static bool mac_of_frame(struct test *test, const struct octets *frame, bool has_steps,
			 uint8_t ret_mac[static FK_KMM_MAC_SIZE])
{
	struct fk_secret tek = get_key(test, test->json, "mac_tek_hex");
	struct fk_proof_derivation derivation = {0};
	struct fk_kmm_frame decoded;
	enum fk_err err = fk_kmm_decode(frame->at, frame->size, &decoded);

	if (err != FK_OK || !decoded.header.has_mac || decoded.size != frame->size)
		fail(test, "frame_hex", "is no KMM with a MAC");
	else if (decoded.header.mac.algorithm_id != FK_ALGORITHM_AES_256)
		fail(test, "frame_hex", "has a MAC of another algorithm than AES-256");
	else if (fk_proof_mac(test->proof, &tek, frame->at, decoded.size,
			      decoded.header.mac.mac_format, ret_mac) != FK_OK ||
		 fk_proof_derive(&tek, frame->at, frame->size, decoded.header.mac.mac_format,
				 &derivation) != FK_OK)
		fail(test, "mac_tek_hex", "is no AES-256 key");
	else
		expect_octets(test, test->json, "derived_mac_key_hex", derivation.mac_key,
			      sizeof(derivation.mac_key));
	if (has_steps && test->reason == NULL)
		check_steps(test, &derivation, decoded.header.mac.mac_format);
	fk_wipe(&derivation, sizeof(derivation));
	fk_secret_wipe(&tek);
	return test->reason == NULL;
}

static void run_mac(struct test *test)
{
	struct octets frame = get_octets(test, test->json, "frame_hex"), authenticated;
	uint8_t mac[FK_KMM_MAC_SIZE];
	const uint8_t *received;
	bool is_valid;

	if (!mac_of_frame(test, &frame, true, mac))
		return;
	received = frame.at + frame.size - FK_KMM_MAC_BLOCK_SIZE;
	expect_octets(test, test->json, "correct_mac_hex", mac, sizeof(mac));
	expect_octets(test, test->json, "received_mac_hex", received, sizeof(mac));
	is_valid = fk_ct_equal(mac, received, sizeof(mac));
	if (is_valid != get_bool(test, "valid"))
		fail(test, "valid", "is not what was found");
	/* All but the MAC itself. */
	authenticated = frame;
	authenticated.size -= sizeof(mac);
	memmove(authenticated.at + frame.size - FK_KMM_MAC_BLOCK_SIZE, received + sizeof(mac),
		FK_KMM_MAC_BLOCK_SIZE - sizeof(mac));
	expect_octets(test, test->json, "authenticated_octets_hex", authenticated.at,
		      authenticated.size);
	expect_integer(test, test->json, "frame_octets", (json_int_t)frame.size);
	expect_integer(test, test->json, "authenticated_octet_count",
		       (json_int_t)(frame.size - FK_KMM_MAC_SIZE));
}

/* spec: P25 sheet 2.6 */
static bool is_mi(const struct octets *mi)
{
	return mi->size == FK_MI_SIZE && mi->at[FK_MI_SIZE - 1] == 0;
}

static void check_outer(struct test *test, const json_t *json, const char *cipher_name,
			const struct octets *plain)
{
	struct fk_secret tek = get_key(test, json, "tek_hex");
	struct octets mi = get_octets(test, json, "message_indicator_hex"), out = *plain;
	uint8_t iv[16];

	expect_integer(test, json, "algorithm_id", FK_ALGORITHM_AES_256);
	if (!is_mi(&mi)) {
		fail(test, "message_indicator_hex", "is not of 9 octets, the last one 00");
	} else if (plain->size > FK_KMM_SIZE_MAX) {
		fail(test, "plaintext_hex", "has more octets than a KMM");
	} else {
		fk_outer_mi_expand(mi.at, iv);
		expect_octets(test, json, "expanded_iv_hex", iv, sizeof(iv));
		if (fk_proof_outer(test->proof, &tek, mi.at, plain->at, plain->size, out.at) !=
		    FK_OK)
			fail(test, "tek_hex", "is no key of the outer layer");
		expect_octets(test, json, cipher_name, out.at, out.size);
		if (fk_proof_outer(test->proof, &tek, mi.at, out.at, out.size, out.at) != FK_OK ||
		    memcmp(out.at, plain->at, plain->size) != 0)
			fail(test, cipher_name, "does not decrypt to the plain text");
	}
	fk_secret_wipe(&tek);
}

static void run_outer(struct test *test)
{
	struct octets plain = get_octets(test, test->json, "plaintext_hex");

	check_outer(test, test->json, "ciphertext_hex", &plain);
}

static void run_mi(struct test *test)
{
	struct octets mi = get_octets(test, test->json, "from_mi_hex");
	uint8_t next[FK_MI_SIZE];

	if (!is_mi(&mi) || fk_outer_mi_check(mi.at) != FK_OK) {
		fail(test, "from_mi_hex", "is not of 9 octets, the last one 00, or all zeros");
		return;
	}
	fk_outer_mi_next(mi.at, next);
	expect_octets(test, test->json, "next_mi_hex", next, sizeof(next));
}

static void run_number(struct test *test)
{
	uint16_t last = get_u16(test, "last_accepted"), received = get_u16(test, "received");
	uint16_t period = get_u16(test, "period");
	json_int_t rule = json_integer_value(member(test->json, "rule"));
	bool accepted;

	if (rule == 1)
		accepted = fk_kmm_number_is_new(last, received, period);
	else if (rule == 2)
		accepted = fk_kmm_number_is_acceptable(last, received, period);
	else {
		fail(test, "rule", "is neither 1 nor 2");
		return;
	}
	if (accepted != get_bool(test, "accept"))
		fail(test, "accept", "is not what was found");
	expect_integer(test, test->json, "difference_modulo_65536", (uint16_t)(received - last));
}

static uint32_t profile_of(const json_t *json)
{
	const char *name = json_string_value(member(json, "profile"));

	return FK_KMM_PROFILE_INFERRED |
	       (name != NULL && strcmp(name, "key-fill") == 0 ? FK_KMM_PROFILE_WIRED : 0u);
}

static void check_profile(struct test *test)
{
	const char *name = json_string_value(member(test->json, "profile"));

	if (name == NULL || (strcmp(name, "otar") != 0 && strcmp(name, "key-fill") != 0))
		fail(test, "profile", "is neither otar nor key-fill");
}

/* Octets that a receiver ignores are not written again. spec: P25 sheet 1.2, 1.3 */
static bool is_canonical(const struct octets *frame)
{
	uint8_t format = frame->at[3];

	return (format & 0x03) == 0 &&
	       ((format & 0x0c) == 0 || (frame->at[frame->size - 1] & 0x40) != 0);
}

static void check_encoding(struct test *test, const struct fk_kmm_message *message,
			   const struct octets *frame)
{
	uint8_t built[FK_KMM_SIZE_MAX];
	struct fk_kmm_error error;
	size_t size;

	if (fk_kmm_message_encode(message, profile_of(test->json), built, sizeof(built), &size,
				  &error) != FK_OK) {
		fail(test, error.field, error.reason);
		return;
	}
	if (message->header.has_mac)
		memcpy(built + size - FK_KMM_MAC_BLOCK_SIZE, message->header.mac.mac,
		       FK_KMM_MAC_SIZE);
	if (size != frame->size || memcmp(built, frame->at, size) != 0)
		fail(test, "frame_hex", "is not what its fields encode to");
}

static void check_keyset(struct test *test, const struct fk_kmm_keyset *keyset,
			 const struct fk_kmm_key *items, size_t *n_keys)
{
	const json_t *wanted = member(test->json, "unwrapped_keys_hex");
	struct fk_secret kek = get_key(test, test->json, "kek_hex");

	for (uint32_t i = 0; i < keyset->keys.n; i++, ++*n_keys) {
		const char *text = json_string_value(json_array_get(wanted, *n_keys));
		uint8_t octets[FK_KEY_SIZE_MAX];
		struct fk_secret key = {0};
		size_t size;

		if (fk_proof_unwrap(test->proof, &kek, items[keyset->keys.first + i].key,
				    keyset->key_length, &key) != FK_OK)
			fail(test, "kek_hex", "does not unwrap a key");
		else if (text == NULL ||
			 fk_hex_decode(text, strlen(text), octets, sizeof(octets), &size) !=
				 FK_OK ||
			 size != key.size || !fk_ct_equal(octets, key.octets, size))
			fail(test, "unwrapped_keys_hex", "is not what was unwrapped");
		fk_wipe(octets, sizeof(octets));
		fk_secret_wipe(&key);
	}
	fk_secret_wipe(&kek);
}

static void check_keys(struct test *test, const struct fk_kmm_message *message)
{
	const struct fk_kmm_rekey *rekey = &message->body.rekey;
	size_t n_keys = 0;

	if (message->header.message_id == FK_KMM_REKEY_COMMAND)
		for (uint32_t i = 0; i < rekey->keysets.n; i++)
			check_keyset(test, &rekey->keyset_items[i], rekey->key_items, &n_keys);
	if (message->header.message_id == FK_KMM_MODIFY_KEY_COMMAND)
		check_keyset(test, &message->body.modify_key.keyset,
			     message->body.modify_key.key_items, &n_keys);
	if (n_keys == 0 || n_keys != json_array_size(member(test->json, "unwrapped_keys_hex")))
		fail(test, "unwrapped_keys_hex", "has another number of keys");
}

static void check_mac(struct test *test, const struct octets *frame)
{
	uint8_t mac[FK_KMM_MAC_SIZE];

	expect_integer(test, test->json, "authenticated_octets",
		       (json_int_t)(frame->size - FK_KMM_MAC_SIZE));
	if (mac_of_frame(test, frame, false, mac) &&
	    !fk_ct_equal(mac, frame->at + frame->size - FK_KMM_MAC_BLOCK_SIZE, sizeof(mac)))
		fail(test, "mac_tek_hex", "does not verify the MAC");
}

/* A message carries keys that somebody wrapped. */
static bool has_wrapped_keys(const struct fk_kmm_message *message)
{
	switch (message->header.message_id) {
	case FK_KMM_REKEY_COMMAND:
		return message->body.rekey.decryption.decryption_algorithm_id != FK_ALGORITHM_CLEAR;
	case FK_KMM_MODIFY_KEY_COMMAND:
		return message->body.modify_key.decryption.decryption_algorithm_id !=
		       FK_ALGORITHM_CLEAR;
	default:
		return false;
	}
}

static void run_frame(struct test *test)
{
	const struct fk_inspect_options options = {
		.profile = profile_of(test->json), .show_clear_keys = true, .proof = test->proof};
	struct octets frame = get_octets(test, test->json, "frame_hex");
	struct fk_kmm_message *message = malloc(sizeof(*message));
	struct fk_kmm_error error;
	json_t *fields;
	bool is_ok;

	if (message == NULL || fk_kmm_message_decode(frame.at, frame.size, options.profile, message,
						     &error) != FK_OK) {
		fail(test, message == NULL ? "frame_hex" : error.field,
		     message == NULL ? "out of memory" : error.reason);
		free(message);
		return;
	}
	fields = fk_json_message(&options, frame.at, message, &is_ok);
	if (!json_equal(fields, member(test->json, "fields")))
		fail(test, "fields", "is not what the frame decodes to");
	json_decref(fields);
	if (is_canonical(&frame))
		check_encoding(test, message, &frame);
	if (message->header.has_mac) {
		check_mac(test, &frame);
	} else {
		expect_none(test, "mac_tek_hex");
		expect_none(test, "derived_mac_key_hex");
		expect_none(test, "authenticated_octets");
	}
	if (has_wrapped_keys(message)) {
		check_keys(test, message);
	} else {
		expect_none(test, "kek_hex");
		expect_none(test, "unwrapped_keys_hex");
	}
	if (has(test->json, "outer_layer"))
		check_outer(test, member(test->json, "outer_layer"), "encrypted_frame_hex", &frame);
	check_profile(test);
	free(message);
}

static void run_reject(struct test *test)
{
	struct octets frame = get_octets(test, test->json, "frame_hex");
	struct fk_kmm_message *message = malloc(sizeof(*message));
	struct fk_kmm_error error;

	if (message == NULL || fk_kmm_message_decode(frame.at, frame.size, profile_of(test->json),
						     message, &error) == FK_OK)
		fail(test, "frame_hex", "was accepted, but has to be rejected");
	check_profile(test);
	expect_text(test, "expect", "reject");
	free(message);
}

/* Remarks: members that say something to people and are not checked, in a case of any kind. */
static const char *const remarks[] = {
	"name",	      "source",	       "reason",	   "basis",
	"confidence", "layout_source", "cross_checked_by", NULL,
};

/* Which member tells a kind, the first that is there deciding; what else has to be there, and what
 * some cases of the kind have: 'run' says which, and checks all of them. NULL at the ends. */
static const struct {
	const char *member;
	void (*run)(struct test *test);
	const char *wanted[10], *some[7];
} kinds[] = {
	{"fields",
	 run_frame,
	 {"profile", "frame_hex"},
	 {"mac_tek_hex", "derived_mac_key_hex", "authenticated_octets", "kek_hex",
	  "unwrapped_keys_hex", "outer_layer"}},
	{"expect", run_reject, {"profile", "frame_hex"}, {NULL}},
	{"received_mac_hex",
	 run_mac,
	 {"valid", "mac_tek_hex", "frame_hex", "frame_octets", "kdf", "derived_mac_key_hex",
	  "authenticated_octet_count", "authenticated_octets_hex", "correct_mac_hex"},
	 {"kdf_initial_value_hex", "kdf_label_ascii", "kdf_context_hex", "kdf_input_hex"}},
	{"wrapped_hex", run_wrap, {"algorithm", "valid", "kek_hex", "key_hex"}, {NULL}},
	{"ciphertext_hex",
	 run_outer,
	 {"algorithm_id", "tek_hex", "message_indicator_hex", "expanded_iv_hex", "plaintext_hex"},
	 {NULL}},
	{"from_mi_hex", run_mi, {"next_mi_hex"}, {NULL}},
	{"last_accepted",
	 run_number,
	 {"received", "period", "rule", "accept", "difference_modulo_65536"},
	 {NULL}},
};

static const char *const outer_members[] = {
	"algorithm_id",	       "tek_hex", "message_indicator_hex", "expanded_iv_hex",
	"encrypted_frame_hex", NULL,
};

static bool is_listed(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

/* Nothing in a case may go unread, and nothing may be missing: a member that is none of ours fails
 * it. */
static void check_members(struct test *test, size_t kind)
{
	const char *const *wanted = kinds[kind].wanted;
	const char *name;
	json_t *json;

	for (; *wanted != NULL; wanted++)
		if (!has(test->json, *wanted))
			fail(test, *wanted, "is missing");
	json_object_foreach((json_t *)test->json, name, json)
	{
		if (strcmp(name, kinds[kind].member) != 0 && !is_listed(name, kinds[kind].wanted) &&
		    !is_listed(name, kinds[kind].some) && !is_listed(name, remarks))
			fail(test, name, "is an unknown member");
	}
	json_object_foreach(json_object_get(test->json, "outer_layer"), name, json)
	{
		if (!is_listed(name, outer_members))
			fail(test, name, "is an unknown member of outer_layer");
	}
}

static void run_case(struct test *test)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (has(test->json, kinds[i].member)) {
			check_members(test, i);
			kinds[i].run(test);
			return;
		}
	}
	fail(test, "case", "is of no known kind");
}

static void write_line(FILE *out, json_t *json)
{
	if (json != NULL)
		(void)json_dumpf(json, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(json);
}

static void report(const struct test *test, const char *path, const char *list, size_t index,
		   FILE *out)
{
	const char *name = json_string_value(member(test->json, "name"));
	json_t *json = json_pack("{s:o,s:s,s:I,s:s?}", "file", fk_json_text(path, strlen(path)),
				 "list", list, "index", (json_int_t)index, "name", name);

	if (test->reason != NULL)
		json_object_set_new(json, "error",
				    json_pack("{s:i,s:s,s:s}", "offset", 0, "field", test->field,
					      "reason", test->reason));
	else
		json_object_set_new(json, "refused", json_string(test->refused));
	write_line(out, json);
}

static void fail_file(const char *path, size_t offset, const char *reason, FILE *out,
		      struct fk_kat_result *result)
{
	json_t *json = fk_json_error(offset, "file", reason);

	json_object_set_new(json, "file", fk_json_text(path, strlen(path)));
	write_line(out, json);
	result->n_failed++;
}

/* Members beside the lists of cases. */
static const char *const about_file[] = {"title", "octet_order", "note", NULL};

static void fail_member(const char *path, const char *name, FILE *out, struct fk_kat_result *result)
{
	json_t *json = fk_json_error(0, name, "is an unknown member, and no list of cases");

	json_object_set_new(json, "file", fk_json_text(path, strlen(path)));
	write_line(out, json);
	result->n_failed++;
}

void fk_kat_run(struct fk_proof *proof, const char *path, FILE *out, struct fk_kat_result *result)
{
	json_error_t error;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *list, *json;
	uint32_t n_before = result->n_passed + result->n_failed;
	const char *name;
	size_t i;

	if (root == NULL) {
		fail_file(path, error.position > 0 ? (size_t)error.position : 0,
			  json_error_code(&error) == json_error_cannot_open_file
				  ? "cannot be opened"
				  : error.text,
			  out, result);
		return;
	}
	json_object_foreach(root, name, list)
	{
		if (!json_is_array(list) && !is_listed(name, about_file))
			fail_member(path, name, out, result);
		json_array_foreach(list, i, json)
		{
			struct test test = {.proof = proof, .json = json};

			run_case(&test);
			if (test.reason != NULL || test.refused != NULL)
				report(&test, path, name, i, out);
			if (test.reason != NULL)
				result->n_failed++;
			else
				result->n_passed++;
		}
	}
	if (result->n_passed + result->n_failed == n_before)
		fail_file(path, 0, "has no case", out, result);
	json_decref(root);
}
