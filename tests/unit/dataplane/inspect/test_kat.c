/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
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

	cr_assert_eq(fk_proof_new(&proof), FK_OK);
	result = (struct fk_kat_result){0};
	fk_kat_run(proof, path, out, &result);
	fk_proof_free(proof);
	fclose(out);
}

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
	 "\"frame_hex\":\"21000780000001000002\"}]}",
	 "frame_hex"},
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

Test(kat, a_file_that_is_not_there_is_a_failure)
{
	run("/nonexistent.json");
	cr_assert_eq(result.n_failed, 1);
	free(text);
}
