/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pcap.c - frames lie inside the file, one behind the other, and the walk ends.
 */
#include <stdlib.h>

#include "inspect/pcap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
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
	}
	return 0;
}
