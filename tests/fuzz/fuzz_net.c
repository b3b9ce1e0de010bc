/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_net.c - payloads stay inside the frame, an echo that was accepted turns into a reply that is
 * accepted, and a solicitation that was accepted into an advertisement that answers it.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/nd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void set_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* The same for UDP or ICMPv6 that fills an IPv6 packet. */
static void mend_ipv6(uint8_t *frame, size_t size)
{
	uint8_t *ip = frame + FK_ETH_HEADER_SIZE, *upper = ip + FK_IPV6_HEADER_SIZE, *checksum;
	size_t upper_size = size - FK_ETH_HEADER_SIZE - FK_IPV6_HEADER_SIZE;
	uint32_t sum = (uint32_t)upper_size + ip[6];

	if (upper_size > UINT16_MAX || upper_size < 8)
		return;
	checksum = upper + (ip[6] == 17 ? 6 : 2);
	set_u16(ip + 4, (uint16_t)upper_size);
	if (ip[6] == 17)
		set_u16(upper + 4, (uint16_t)upper_size);
	for (size_t i = 8; i < FK_IPV6_HEADER_SIZE; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	set_u16(checksum, 0);
	set_u16(checksum, fk_net_checksum(upper, upper_size, sum));
}

/* Sets the IPv4 checksum right, which chance will not. */
static void mend(uint8_t *frame, size_t size)
{
	size_t header_size;
	uint16_t sum;

	if (size >= FK_ETH_HEADER_SIZE + FK_IPV6_HEADER_SIZE &&
	    frame[FK_ETH_HEADER_SIZE] >> 4 == 6) {
		mend_ipv6(frame, size);
		return;
	}
	if (size < FK_ETH_HEADER_SIZE + FK_IPV4_HEADER_SIZE)
		return;
	header_size = (frame[FK_ETH_HEADER_SIZE] & 0x0fu) * 4u;
	if (header_size < FK_IPV4_HEADER_SIZE || FK_ETH_HEADER_SIZE + header_size > size)
		return;
	frame[24] = frame[25] = 0;
	sum = fk_net_checksum(frame + FK_ETH_HEADER_SIZE, header_size, 0);
	set_u16(frame + 24, sum);
}

/* Whoever asked, and how, is answered by a message that we would take ourselves. */
static void check_nd(const struct fk_net_frame *f)
{
	static const uint8_t mac[FK_MAC_SIZE] = {2};
	uint8_t answer[FK_ND_FRAME_SIZE];
	struct fk_net_frame back;
	struct fk_nd nd, said;

	if (fk_nd_parse(f, &nd) != FK_OK || f->kind != FK_NET_SOLICITATION ||
	    fk_address_is_ipv4(&nd.target) || !fk_address_is_set(&nd.target))
		return;
	fk_nd_build_advertisement(f, mac, &nd.target, answer);
	require(fk_net_parse(answer, sizeof(answer), &back) == FK_OK &&
		back.kind == FK_NET_ADVERTISEMENT && fk_nd_parse(&back, &said) == FK_OK &&
		fk_address_equal(&said.target, &nd.target));
}

static void check(uint8_t *frame, size_t size)
{
	static const uint8_t mac[FK_MAC_SIZE] = {2};
	struct fk_net_frame f;

	if (fk_net_parse(frame, size, &f) != FK_OK)
		return;
	if (f.payload != NULL)
		require(f.payload > frame && f.payload + f.payload_size <= frame + size);
	if (f.kind == FK_NET_SOLICITATION || f.kind == FK_NET_ADVERTISEMENT)
		check_nd(&f);
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
