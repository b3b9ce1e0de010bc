/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_inspect.c - whatever fleetkey-inspect is given, it says something that is JSON, and what it
 * calls an error has a place inside the input.
 *
 * The first octet chooses: bits 0-1 the profile, bit 2 keys or none, bits 3-4 what it is.
 */
#include <stdlib.h>
#include <string.h>

#include "inspect/datagram.h"
#include "inspect/hex.h"

enum {
	KIND_KMM,
	KIND_DATAGRAM,
	KIND_HEX
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fk_secret key = {.size = 32, .octets = "thirty-two octets of no secret.."};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_json(json_t *json, size_t size, bool is_ok)
{
	const json_t *error = json_object_get(json, "error");
	char *text = json_dumps(json, JSON_COMPACT);

	require(text != NULL);
	if (error != NULL) {
		require(!is_ok);
		require(json_is_string(json_object_get(error, "field")));
		require(json_is_string(json_object_get(error, "reason")));
		require((size_t)json_integer_value(json_object_get(error, "offset")) <= size);
	}
	free(text);
	json_decref(json);
}

static void check_hex(const uint8_t *data, size_t size)
{
	uint8_t *octets = malloc(size + 1);
	char *text;
	size_t n;

	require(octets != NULL);
	if (fk_hex_decode((const char *)data, size, octets, size, &n) == FK_OK) {
		size_t again;

		text = malloc(2 * n + 1);
		require(text != NULL);
		fk_hex_encode(octets, n, text);
		require(fk_hex_decode(text, 2 * n, octets, size, &again) == FK_OK && again == n);
		free(text);
	}
	free(octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fk_inspect_options options;
	bool is_ok = false;
	uint8_t choice;
	json_t *json;

	if (options.proof == NULL)
		require(fk_proof_new(&options.proof) == FK_OK);
	if (size == 0)
		return 0;
	choice = *data++;
	size--;
	options.profile = choice & 3;
	options.tek = options.kek = (choice & 4) != 0 ? &key : NULL;
	if ((choice >> 3 & 3) == KIND_HEX) {
		check_hex(data, size);
		return 0;
	}
	json = (choice >> 3 & 3) == KIND_KMM ? fk_json_kmm(&options, data, size, 0, &is_ok)
					     : fk_json_datagram(&options, data, size, &is_ok);
	check_json(json, size, is_ok);
	return 0;
}
