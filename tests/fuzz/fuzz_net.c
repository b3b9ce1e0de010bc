/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_net.c - payloads stay inside the frame, and an echo that was accepted turns into a reply
 * that is accepted.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Sets the IPv4 checksum right, which chance will not. */
static void mend(uint8_t *frame, size_t size)
{
	size_t header_size;
	uint16_t sum;

	if (size < FK_ETH_HEADER_SIZE + FK_IPV4_HEADER_SIZE)
		return;
	header_size = (frame[FK_ETH_HEADER_SIZE] & 0x0fu) * 4u;
	if (header_size < FK_IPV4_HEADER_SIZE || FK_ETH_HEADER_SIZE + header_size > size)
		return;
	frame[24] = frame[25] = 0;
	sum = fk_net_checksum(frame + FK_ETH_HEADER_SIZE, header_size, 0);
	frame[24] = (uint8_t)(sum >> 8);
	frame[25] = (uint8_t)sum;
}

static void check(uint8_t *frame, size_t size)
{
	static const uint8_t mac[FK_MAC_SIZE] = {2};
	struct fk_net_frame f;

	if (fk_net_parse(frame, size, &f) != FK_OK)
		return;
	if (f.payload != NULL)
		require(f.payload > frame && f.payload + f.payload_size <= frame + size);
	if (f.kind == FK_NET_ICMP_ECHO) {
		fk_net_turn_echo(frame, size, mac);
		require(fk_net_parse(frame, size, &f) == FK_OK && f.kind == FK_NET_OTHER);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[FK_MAC_SIZE] = {2};
	uint8_t *frame = malloc(size > 0 ? size : 1);

	if (frame == NULL)
		return 0;
	memcpy(frame, data, size);
	check(frame, size);
	memcpy(frame, data, size);
	mend(frame, size);
	check(frame, size);
	memcpy(frame, data, size);
	fk_net_turn_echo(frame, size, mac); /* must stay inside whatever it is given */
	free(frame);
	return 0;
}
