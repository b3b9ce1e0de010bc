/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pcap.c - frames lie inside the file, one behind the other, and the walk ends; what is said
 * of a frame is JSON, and an error has a place inside what it counts in.
 */
#include <stdlib.h>

#include "inspect/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_frame(const struct fk_pcap_frame *frame, size_t size)
{
	static struct fk_inspect_options options = {.profile = FK_KMM_PROFILE_INFERRED};
	const json_t *error;
	json_t *json;
	size_t offset;
	bool is_ok;
	char *text;

	if (options.proof == NULL)
		require(fk_proof_new(&options.proof) == FK_OK);
	json = fk_json_frame(&options, frame, 1, NULL, &is_ok);
	if (json == NULL)
		return;
	text = json_dumps(json, JSON_COMPACT);
	require(text != NULL);
	error = json_object_get(json, "error");
	if (error != NULL) {
		const json_t *base = json_object_get(json, "datagram_offset");

		offset = (size_t)json_integer_value(json_object_get(error, "offset"));
		offset += base != NULL ? (size_t)json_integer_value(base) : 0;
		require(!is_ok && offset <= size);
		require(offset >= frame->offset && offset <= frame->offset + frame->size);
	}
	free(text);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_pcap_frame frame;
	struct fk_pcap pcap;
	size_t behind = 0;

	if (fk_pcap_open(data, size, &pcap) != FK_OK)
		return 0;
	while (fk_pcap_next(&pcap, &frame) == FK_OK) {
		require(frame.offset > behind && frame.octets == data + frame.offset);
		behind = frame.offset + frame.size;
		require(behind <= size && frame.time_ns < 1000000000u);
		check_frame(&frame, size);
	}
	return 0;
}
