/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/net.h"

static const uint8_t mac_a[FK_MAC_SIZE] = {2, 0, 0, 0, 0, 1};
static const uint8_t mac_b[FK_MAC_SIZE] = {2, 0, 0, 0, 0, 2};
static const struct fk_address a = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x10}};
static const struct fk_address b = {{0x20, 0x01, 0x0d, 0xb8, [7] = 7, [15] = 0x20}};

#define IP	FK_ETH_HEADER_SIZE
#define UPPER	(IP + FK_IPV6_HEADER_SIZE)
#define PAYLOAD FK_UDP_IPV6_FRAME_OVERHEAD

static struct fk_net_path path(void)
{
	struct fk_net_path p = fk_net_path_make(&a, &b, 5070, 5060);

	memcpy(p.source_mac, mac_a, FK_MAC_SIZE);
	memcpy(p.destination_mac, mac_b, FK_MAC_SIZE);
	return p;
}

/* A frame with 'size' octets of payload 0, 1, 2, ...; the caller frees it. */
static uint8_t *udp_frame(uint16_t size, size_t *ret_size)
{
	uint8_t *frame = malloc(PAYLOAD + (size_t)size);
	struct fk_net_path p = path();

	cr_assert_not_null(frame);
	for (uint16_t i = 0; i < size; i++)
		frame[PAYLOAD + i] = (uint8_t)i;
	*ret_size = fk_net_finish_udp(&p, frame, size, 0x1234);
	return frame;
}

/* The checksum over pseudo header and payload, 16-bit words, one at a time. spec: RFC 8200 §8.1 */
static uint16_t plain_checksum(const uint8_t *frame, uint8_t next_header)
{
	const uint8_t *ip = frame + IP;
	uint32_t size = (uint32_t)(ip[4] << 8 | ip[5]), sum = size + next_header;

	for (uint32_t i = 8; i < 40; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	for (uint32_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)ip[40 + i] << 8 : ip[40 + i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

Test(net_ipv6, a_finished_datagram_is_parsed_back)
{
	for (uint16_t n = 0; n < 1400; n = (uint16_t)(n + 7)) {
		struct fk_net_frame f;
		size_t size;
		uint8_t *frame = udp_frame(n, &size);

		cr_assert_eq(size, PAYLOAD + (size_t)n);
		cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
		cr_assert_eq(f.kind, FK_NET_UDP);
		cr_assert_arr_eq(f.source_mac, mac_a, FK_MAC_SIZE);
		cr_assert_arr_eq(f.destination_mac, mac_b, FK_MAC_SIZE);
		cr_assert(fk_address_equal(&f.source, &a));
		cr_assert(fk_address_equal(&f.destination, &b));
		cr_assert_eq(f.source_port, 5070);
		cr_assert_eq(f.destination_port, 5060);
		cr_assert_eq(f.hop_limit, 64);
		cr_assert_eq(f.payload, frame + PAYLOAD);
		cr_assert_eq(f.payload_size, n);
		free(frame);
	}
}

/* spec: RFC 8200 §3 */
Test(net_ipv6, the_headers_of_a_datagram_are_those_of_the_standards)
{
	static const uint8_t ip_head[] = {0x60, 0, 0, 0, 0, 12, 17, 64};
	static const uint8_t udp_head[] = {0x13, 0xce, 0x13, 0xc4, 0, 12};
	size_t size;
	uint8_t *frame = udp_frame(4, &size);

	cr_assert_eq(frame[12] << 8 | frame[13], 0x86dd);
	cr_assert_arr_eq(frame + IP, ip_head, sizeof(ip_head));
	cr_assert_arr_eq(frame + IP + 8, a.octets, 16);
	cr_assert_arr_eq(frame + IP + 24, b.octets, 16);
	cr_assert_arr_eq(frame + UPPER, udp_head, sizeof(udp_head));
	cr_assert_eq(plain_checksum(frame, 17), 0);
	free(frame);
}

Test(net_ipv6, a_sum_that_is_known_gives_the_same_frame)
{
	static uint8_t other[PAYLOAD];
	struct fk_net_path p = path();

	for (uint16_t n = 0; n < 1400; n++) {
		size_t size;
		uint8_t *frame = udp_frame(n, &size);
		uint16_t sum = (uint16_t)~fk_net_checksum(frame + PAYLOAD, n, 0);

		cr_assert_eq(fk_net_finish_udp_sum(&p, other, n, 0x1234, sum), size);
		cr_assert_arr_eq(other, frame, sizeof(other), "%u", n);
		free(frame);
	}
	cr_assert_eq(fk_net_finish_udp_sum(&p, other, 65527, 1, 0), PAYLOAD + 65527u);
	cr_assert_eq(fk_net_finish_udp_sum(&p, other, 65528, 1, 0), 0);
}

/* spec: RFC 8200 §8.1 */
Test(net_ipv6, a_checksum_of_zero_is_sent_as_ffff_and_not_taken)
{
	struct fk_net_path p = path();
	uint8_t frame[PAYLOAD + 2] = {0};
	struct fk_net_frame f;
	size_t size = fk_net_finish_udp(&p, frame, 2, 0);

	/* The payload that takes the sum to FFFF is the checksum of the zero payload. */
	memcpy(frame + PAYLOAD, frame + UPPER + 6, 2);
	cr_assert_eq(fk_net_finish_udp(&p, frame, 2, 0), size);
	cr_assert_eq(frame[UPPER + 6] << 8 | frame[UPPER + 7], 0xffff);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
	frame[UPPER + 6] = frame[UPPER + 7] = 0;
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EAUTH);
}

Test(net_ipv6, a_frame_cut_at_any_octet_is_truncated)
{
	size_t size;
	uint8_t *frame = udp_frame(20, &size);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *octets = exact_copy(frame, cut);
		struct fk_net_frame f = {.payload_size = 4711};

		cr_assert_eq(fk_net_parse(octets, cut, &f), FK_ETRUNC, "%zu", cut);
		cr_assert_eq(f.payload_size, 4711);
		free(octets);
	}
	free(frame);
}

Test(net_ipv6, padding_behind_the_packet_is_cut_off)
{
	uint8_t padded[PAYLOAD + 40] = {0};
	struct fk_net_frame f;
	size_t size;
	uint8_t *frame = udp_frame(3, &size);

	memcpy(padded, frame, size);
	cr_assert_eq(fk_net_parse(padded, sizeof(padded), &f), FK_OK);
	cr_assert_eq(f.payload_size, 3);
	free(frame);
}

/* Traffic class, flow label and hop limit are nobody's promise; all else is in the checksum. */
Test(net_ipv6, every_changed_octet_of_a_datagram_is_noticed)
{
	size_t size;
	uint8_t *frame = udp_frame(20, &size);

	for (size_t i = IP + 4; i < size; i++) {
		struct fk_net_frame f = {.kind = FK_NET_OTHER};
		enum fk_err err;

		if (i == IP + 7)
			continue;
		frame[i] ^= 0x08;
		err = fk_net_parse(frame, size, &f);
		cr_assert(err != FK_OK || f.kind != FK_NET_UDP, "%zu", i);
		frame[i] ^= 0x08;
	}
	free(frame);
}

Test(net_ipv6, addresses_that_no_host_has_are_malformed)
{
	static const struct fk_address unset,
		loopback_of_ipv4 = {{[10] = 0xff, 0xff, 127, 0, 0, 1}};
	static const struct fk_address group = {{0xff, 0x02, [15] = 1}};
	const struct {
		const struct fk_address *source, *destination;
	} cases[] = {{&group, &b}, {&a, &unset}, {&loopback_of_ipv4, &b}, {&a, &loopback_of_ipv4}};
	size_t size;
	uint8_t *frame = udp_frame(20, &size);
	struct fk_net_frame f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(frame + IP + 8, cases[i].source->octets, 16);
		memcpy(frame + IP + 24, cases[i].destination->octets, 16);
		cr_assert_eq(fk_net_parse(frame, size, &f), FK_EFORMAT, "%zu", i);
	}
	memcpy(frame + IP + 8, a.octets, 16);
	memcpy(frame + IP + 24, b.octets, 16);
	frame[IP] = 0x40; /* version 4 */
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EFORMAT);
	free(frame);
}

/* spec: RFC 8200 §4, RFC 7045 §4 */
Test(net_ipv6, extension_headers_fragments_and_other_protocols_are_named)
{
	static const struct {
		uint8_t next_header;
		enum fk_net_kind kind;
	} cases[] = {
		{0, FK_NET_EXTENSION},	 {43, FK_NET_EXTENSION}, {44, FK_NET_FRAGMENT},
		{50, FK_NET_EXTENSION},	 {51, FK_NET_EXTENSION}, {60, FK_NET_EXTENSION},
		{135, FK_NET_EXTENSION}, {59, FK_NET_OTHER},	 {6, FK_NET_OTHER},
	};
	size_t size;
	uint8_t *frame = udp_frame(20, &size);
	struct fk_net_frame f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame[IP + 6] = cases[i].next_header;
		cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
		cr_assert_eq(f.kind, cases[i].kind, "%u", cases[i].next_header);
		cr_assert_null(f.payload);
	}
	free(frame);
}

/* An echo request of 8 octets of header and 5 of data, odd on purpose. */
static size_t echo_frame(uint8_t frame[static 100])
{
	size_t size;
	uint8_t *udp = udp_frame(5, &size);
	uint16_t sum;

	memcpy(frame, udp, size);
	free(udp);
	frame[IP + 6] = 58;
	memcpy(frame + UPPER, "\x80\x00\x00\x00\xab\xcd\x00\x01", 8);
	sum = plain_checksum(frame, 58);
	frame[UPPER + 2] = (uint8_t)(sum >> 8);
	frame[UPPER + 3] = (uint8_t)sum;
	return size;
}

/* spec: RFC 4443 §4.1, §4.2 */
Test(net_ipv6, an_echo_request_is_turned_into_its_reply)
{
	uint8_t frame[100] = {0};
	struct fk_net_frame f;
	size_t size = echo_frame(frame);

	frame[IP + 7] = 3; /* few hops left */
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_ICMP_ECHO);
	cr_assert_eq(f.payload_size, 13);
	fk_net_turn_echo(frame, size, mac_b);
	cr_assert_eq(plain_checksum(frame, 58), 0);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_OTHER);
	cr_assert_eq(f.hop_limit, 64);
	cr_assert_eq(frame[UPPER], 129);
	cr_assert_arr_eq(frame + UPPER + 4, "\xab\xcd\x00\x01", 4);
	cr_assert_arr_eq(f.source_mac, mac_b, FK_MAC_SIZE);
	cr_assert_arr_eq(f.destination_mac, mac_a, FK_MAC_SIZE);
	cr_assert(fk_address_equal(&f.source, &b));
	cr_assert(fk_address_equal(&f.destination, &a));
}

/* The reply would come from a group, or go to nobody. */
Test(net_ipv6, an_echo_that_no_host_can_answer_is_none)
{
	uint8_t frame[100] = {0};
	struct fk_net_frame f;
	size_t size = echo_frame(frame);
	uint16_t sum;

	for (int i = 0; i < 2; i++) {
		if (i == 0)
			memset(frame + IP + 8, 0, 16);
		else
			memcpy(frame + IP + 24, "\xff\x02", 2);
		memset(frame + UPPER + 2, 0, 2);
		sum = plain_checksum(frame, 58);
		frame[UPPER + 2] = (uint8_t)(sum >> 8);
		frame[UPPER + 3] = (uint8_t)sum;
		cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
		cr_assert_eq(f.kind, FK_NET_OTHER);
		memcpy(frame + IP + 8, a.octets, 16);
	}
}

Test(net_ipv6, turning_an_echo_never_leaves_the_frame)
{
	uint8_t frame[100] = {0};
	size_t size = echo_frame(frame);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *octets = exact_copy(frame, cut);

		fk_net_turn_echo(octets, cut, mac_b);
		free(octets);
	}
	frame[IP + 4] = 1; /* longer than the frame */
	fk_net_turn_echo(frame, size, mac_b);
	cr_assert_eq(frame[UPPER], 128);
	cr_assert_arr_eq(frame, mac_b, FK_MAC_SIZE);
}

Test(net_ipv6, an_icmpv6_checksum_that_is_wrong_is_noticed)
{
	uint8_t frame[100] = {0};
	struct fk_net_frame f;
	size_t size = echo_frame(frame);

	frame[IP + 8] ^= 1; /* the addresses are part of it */
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EAUTH);
	frame[IP + 8] ^= 1;
	frame[size - 1] ^= 1;
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EAUTH);
}
