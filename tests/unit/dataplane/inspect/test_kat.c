/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/kat.h"

static struct fk_proof *proof;
static struct fk_kat_result result;
static char *text; /* what was written */
static size_t text_size;

static void run(const char *path)
{
	FILE *out = open_memstream(&text, &text_size);

	result = (struct fk_kat_result){0};
	fk_kat_run(proof, path, out, &result);
	fclose(out);
}

static void set_up(void)
{
	cr_assert_eq(fk_proof_new(&proof), FK_OK);
}

static void tear_down(void)
{
	fk_proof_free(proof);
}

TestSuite(kat, .init = set_up, .fini = tear_down);

/* Runs a file of these octets; the caller frees 'text'. */
static void run_text(const char *json)
{
	char path[] = "/tmp/fleetkey-kat.XXXXXX";
	int fd = mkstemp(path);
	size_t size = strlen(json);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, json, size), (ssize_t)size);
	close(fd);
	run(path);
	unlink(path);
}

Test(kat, every_published_vector_passes)
{
	static const struct {
		const char *name;
		uint32_t n;
	} files[] = {
		{"aes-kw.json", 6},
		{"p25-kmm-frames.json", 86},
		{"p25-kmm-outer-layer.json", 12},
		{"p25-message-number.json", 42},
		{"p25-otar-kek.json", 18},
		{"p25-otar-mac-cbc.json", 26},
		{"p25-otar-mac-cmac.json", 26},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", FK_VECTORS_DIR, files[i].name);
		run(path);
		cr_assert_eq(result.n_failed, 0, "%s", text);
		cr_assert_eq(result.n_passed, files[i].n, "%s: %u", path, result.n_passed);
		free(text);
	}
}

Test(kat, legacy_key_wraps_pass_by_being_refused_and_say_so)
{
	run(FK_VECTORS_DIR "/p25-otar-kek.json");
	cr_assert_not_null(strstr(text, "\"name\":\"legacy DES (ALGID 81)\",\"refused\":"));
	cr_assert_not_null(strstr(text, "\"name\":\"legacy Triple DES (ALGID 83)\""));
	free(text);
}

/* Each is a good case with one thing wrong; the failure names the member. */
static const struct {
	const char *json, *member;
} wrong[] = {
	{"{\"cases\":[{\"last_accepted\":0,\"received\":1,\"period\":9,\"rule\":1,"
	 "\"accept\":false,\"difference_modulo_65536\":1}]}",
	 "accept"},
	{"{\"cases\":[{\"last_accepted\":0,\"received\":1,\"period\":9,\"rule\":1,"
	 "\"accept\":true,\"difference_modulo_65536\":2}]}",
	 "difference_modulo_65536"},
	{"{\"cases\":[{\"last_accepted\":0,\"received\":1,\"period\":9,\"rule\":3,"
	 "\"accept\":true,\"difference_modulo_65536\":1}]}",
	 "rule"},
	{"{\"cases\":[{\"algorithm\":\"AES-128 key wrap\",\"valid\":true,"
	 "\"kek_hex\":\"000102030405060708090a0b0c0d0e0f\","
	 "\"key_hex\":\"00112233445566778899aabbccddeefe\","
	 "\"wrapped_hex\":\"1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5\"}]}",
	 "key_hex"},
	{"{\"cases\":[{\"algorithm\":\"AES-128 key wrap\",\"valid\":true,"
	 "\"kek_hex\":\"000102030405060708090a0b0c0d0e0e\","
	 "\"key_hex\":\"00112233445566778899aabbccddeeff\","
	 "\"wrapped_hex\":\"1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5\"}]}",
	 "wrapped_hex"},
	{"{\"cases\":[{\"algorithm\":\"AES-128 key wrap\",\"valid\":false,"
	 "\"kek_hex\":\"000102030405060708090a0b0c0d0e0f\",\"key_hex\":null,"
	 "\"wrapped_hex\":\"1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5\"}]}",
	 "valid"},
	{"{\"cases\":[{\"algorithm\":\"FOO\",\"valid\":true,\"kek_hex\":\"00\","
	 "\"key_hex\":\"00\",\"wrapped_hex\":\"00\"}]}",
	 "algorithm"},
	{"{\"cases\":[{\"algorithm\":\"single DES ECB encryption of the 8-octet key\","
	 "\"valid\":true,\"kek_hex\":\"0001020304050607\","
	 "\"key_hex\":\"zz\",\"wrapped_hex\":\"00\"}]}",
	 "key_hex"},
	{"{\"cases\":[{\"algorithm\":\"AES-256 key wrap\",\"valid\":true,"
	 "\"kek_hex\":\"000102030405060708090a0b0c0d0e0f\","
	 "\"key_hex\":\"00112233445566778899aabbccddeeff\","
	 "\"wrapped_hex\":\"1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5\"}]}",
	 "algorithm"},
	{"{\"s\":[{\"from_mi_hex\":\"1234567890abcdef01\","
	 "\"next_mi_hex\":\"6fe2802aa403828b00\"}]}",
	 "from_mi_hex"},
	{"{\"s\":[{\"from_mi_hex\":\"1234567890abcdef00\","
	 "\"next_mi_hex\":\"6fe2802aa403828c00\"}]}",
	 "next_mi_hex"},
	{"{\"s\":[{\"from_mi_hex\":\"12345678\",\"next_mi_hex\":\"6fe2802aa403828b00\"}]}",
	 "from_mi_hex"},
	{"{\"r\":[{\"profile\":\"otar\",\"expect\":\"reject\","
	 "\"frame_hex\":\"21000780000001000002\"}]}",
	 "frame_hex"},
	{"{\"c\":[{\"profile\":\"otar\",\"frame_hex\":\"21000780000001000002\","
	 "\"fields\":{\"message_id\":34}}]}",
	 "fields"},
	{"{\"c\":[{\"profile\":\"otar\",\"frame_hex\":\"2100078000000100\",\"fields\":{}}]}",
	 "source_rsi"},
	{"{\"c\":[{\"valid\":true,\"received_mac_hex\":\"00\",\"mac_tek_hex\":\"00\","
	 "\"frame_octets\":10,\"kdf\":\"\",\"derived_mac_key_hex\":\"00\","
	 "\"authenticated_octet_count\":2,\"authenticated_octets_hex\":\"00\","
	 "\"correct_mac_hex\":\"00\",\"frame_hex\":\"21000780000001000002\"}]}",
	 "frame_hex"},
	{"{\"c\":[{\"profile\":\"otar\",\"frame_hex\":\"21000780000001000002\","
	 "\"fields\":{\"message_id\":33,\"message_name\":\"Zeroize-Command\","
	 "\"message_length\":7,\"total_octets\":10,\"response_kind\":2,"
	 "\"message_number_present\":false,\"message_number\":null,\"mac_type\":0,"
	 "\"done_bit\":0,\"destination_rsi\":1,\"source_rsi\":2,\"body\":{},\"mac\":null},"
	 "\"unwrapped_keys_hex\":[]}]}",
	 "unwrapped_keys_hex"},
	{"{\"cases\":[{\"last_accepted\":null,\"received\":1,\"period\":9,\"rule\":1,"
	 "\"accept\":true,\"difference_modulo_65536\":1}]}",
	 "last_accepted"},
	{"{\"cases\":[{\"last_accepted\":0,\"received\":65537,\"period\":9,\"rule\":1,"
	 "\"accept\":true,\"difference_modulo_65536\":1}]}",
	 "received"},
	{"{\"cases\":[{\"last_accepted\":0,\"received\":1,\"period\":9,\"rule\":1,"
	 "\"accept\":true,\"difference_modulo_65536\":1,\"surprise\":1}]}",
	 "surprise"},
	{"{\"r\":[{\"profile\":\"tetra\",\"expect\":\"reject\",\"frame_hex\":\"\"}]}", "profile"},
	{"{\"r\":[{\"profile\":\"otar\",\"expect\":\"accept\",\"frame_hex\":\"\"}]}", "expect"},
	{"{\"cases\":[{\"name\":\"what is this\"}]}", "case"},
	{"{\"cases\":[]}", "file"},
	{"{\"cases\":[", "file"},
	{"[]", "file"},
};

Test(kat, a_wrong_case_fails_and_names_what_is_wrong)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char member[64];

		run_text(wrong[i].json);
		cr_assert_eq(result.n_passed, 0, "%zu", i);
		cr_assert_eq(result.n_failed, 1, "%zu", i);
		snprintf(member, sizeof(member), "\"field\":\"%s\"", wrong[i].member);
		cr_assert_not_null(strstr(text, member), "%zu: %s", i, text);
		free(text);
	}
}

/* What nothing can tell wrong from right: the keys of algorithms that are refused, and what has to
 * be refused anyway. */
static bool cannot_show(const char *list, const json_t *json, const char *name)
{
	if (strcmp(list, "legacy_cases") == 0 || strcmp(list, "reject_cases") == 0)
		return true;
	return json_object_get(json, "wrapped_hex") != NULL &&
	       json_is_false(json_object_get(json, "valid")) &&
	       (strcmp(name, "wrapped_hex") == 0 || strcmp(name, "kek_hex") == 0);
}

/* A change in it has to be found. */
static bool is_checked(const char *list, const json_t *json, const char *name)
{
	static const char *const texts[] = {"algorithm", "profile", "expect", "kdf",
					    "kdf_label_ascii"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(name, texts[i]) == 0)
			return true;
	return len >= 4 && strcmp(name + len - 4, "_hex") == 0 && !cannot_show(list, json, name);
}

/* Changes the character in the middle, of digits to another one. */
static json_t *with_one_character_changed(const json_t *string)
{
	char *copy = strdup(json_string_value(string));
	char *digit = copy + strlen(copy) / 2;
	json_t *changed;

	*digit = *digit == '0' ? '1' : '0';
	changed = json_string(copy);
	free(copy);
	return changed;
}

/* Runs a file that has only this case; true if it failed. */
static bool fails(const char *list, const json_t *json)
{
	json_t *root = json_pack("{s:[O]}", list, json);
	char *dump = json_dumps(root, 0);

	run_text(dump);
	free(text);
	free(dump);
	json_decref(root);
	return result.n_failed == 1;
}

/* Each checked text of 'object', which is 'json' or inside it. */
static void change_each(const char *list, const json_t *json, json_t *object, uint32_t *n_changed)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, name, value)
	{
		json_t *holder = object, *string = value;

		if (strcmp(name, "outer_layer") == 0 || strcmp(name, "fields") == 0 ||
		    strcmp(name, "body") == 0 || strcmp(name, "mac") == 0)
			change_each(list, json, value, n_changed);
		if (!is_checked(list, json, name))
			continue;
		if (json_is_array(value)) {
			holder = value;
			string = json_array_get(value, 0);
		}
		if (json_string_length(string) == 0)
			continue;
		json_incref(string);
		value = with_one_character_changed(string);
		if (json_is_array(holder))
			json_array_set_new(holder, 0, value);
		else
			json_object_set_new(holder, name, value);
		cr_assert(fails(list, json), "%s: %s: %s", list, name,
			  json_string_value(json_object_get(json, "name")));
		if (json_is_array(holder))
			json_array_set_new(holder, 0, string);
		else
			json_object_set_new(holder, name, string);
		++*n_changed;
	}
}

static const char *const files_of_cases[] = {
	"aes-kw.json",
	"p25-kmm-frames.json",
	"p25-kmm-outer-layer.json",
	"p25-message-number.json",
	"p25-otar-kek.json",
	"p25-otar-mac-cbc.json",
	"p25-otar-mac-cmac.json",
};

/* Calls 'change' for each case of each file, which counts what it tried. */
static void for_each_case(void (*change)(const char *list, const json_t *json, json_t *object,
					 uint32_t *n_changed))
{
	uint32_t n_changed = 0;

	for (size_t i = 0; i < sizeof(files_of_cases) / sizeof(files_of_cases[0]); i++) {
		char path[1024];
		const char *list;
		json_t *root, *cases, *json;
		size_t k;

		snprintf(path, sizeof(path), "%s/%s", FK_VECTORS_DIR, files_of_cases[i]);
		root = json_load_file(path, 0, NULL);
		cr_assert_not_null(root);
		json_object_foreach(root, list, cases) json_array_foreach(cases, k, json)
			change(list, json, json, &n_changed);
		json_decref(root);
	}
	cr_assert_geq(n_changed, 900, "%u", n_changed);
}

Test(kat, one_changed_character_in_any_checked_text_of_any_vector_fails_its_case)
{
	for_each_case(change_each);
}

static bool may_be_absent(const char *name)
{
	static const char *const names[] = {"name",	   "source",	      "reason",
					    "basis",	   "confidence",      "layout_source",
					    "outer_layer", "cross_checked_by"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Each member of 'object', which is 'json' or inside it. */
static void remove_each(const char *list, const json_t *json, json_t *object, uint32_t *n_removed)
{
	json_t *members = json_copy(object), *value;
	const char *name;

	json_object_foreach(members, name, value)
	{
		if (strcmp(name, "outer_layer") == 0 || strcmp(name, "fields") == 0)
			remove_each(list, json, value, n_removed);
		if (may_be_absent(name))
			continue;
		json_object_del(object, name);
		cr_assert(fails(list, json), "%s: %s: %s", list, name,
			  json_string_value(json_object_get(json, "name")));
		json_object_set(object, name, value);
		++*n_removed;
	}
	json_decref(members);
}

Test(kat, any_member_of_any_vector_that_is_removed_fails_its_case_but_a_remark)
{
	for_each_case(remove_each);
}

Test(kat, a_path_that_is_not_utf_8_is_named_all_the_same)
{
	run("/nonexistent\xe9.json");
	cr_assert_eq(result.n_failed, 1);
	cr_assert_not_null(strstr(text, "\"file\":{\"hex\":\""));
	free(text);
}

Test(kat, a_file_that_is_not_there_is_a_failure)
{
	run("/nonexistent.json");
	cr_assert_eq(result.n_failed, 1);
	free(text);
}
