/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/net.h"

static const uint8_t mac_a[FK_MAC_SIZE] = {2, 0, 0, 0, 0, 1};
static const uint8_t mac_b[FK_MAC_SIZE] = {2, 0, 0, 0, 0, 2};

#define ADDRESS_A 0xc000020au /* 192.0.2.10 */
#define ADDRESS_B 0xc6336414u /* 198.51.100.20 */

static struct fk_net_path path(void)
{
	const struct fk_address a = fk_address_of_ipv4(ADDRESS_A);
	const struct fk_address b = fk_address_of_ipv4(ADDRESS_B);
	struct fk_net_path p = fk_net_path_make(&a, &b, 5070, 5060);

	memcpy(p.source_mac, mac_a, FK_MAC_SIZE);
	memcpy(p.destination_mac, mac_b, FK_MAC_SIZE);
	return p;
}

/* A frame with 'size' octets of payload 0, 1, 2, ...; the caller frees it. */
static uint8_t *udp_frame(uint16_t size, size_t *ret_size)
{
	uint8_t *frame = malloc(FK_UDP_FRAME_OVERHEAD + (size_t)size);
	struct fk_net_path p = path();

	cr_assert_not_null(frame);
	for (uint16_t i = 0; i < size; i++)
		frame[FK_UDP_FRAME_OVERHEAD + i] = (uint8_t)i;
	*ret_size = fk_net_finish_udp(&p, frame, size, 0x1234);
	return frame;
}

/* RFC 1071 as its text says it: 16-bit words, one at a time. */
static uint16_t plain_checksum(const uint8_t *octets, size_t size, uint32_t initial)
{
	uint32_t sum = initial;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* spec: RFC 1071 §3, the numerical example */
Test(net, the_checksum_of_rfc_1071_is_computed)
{
	static const uint8_t octets[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	cr_assert_eq(fk_net_checksum(octets, sizeof(octets), 0), (uint16_t)~0xddf2);
}

Test(net, the_fast_checksum_agrees_with_the_plain_one_at_every_size_and_offset)
{
	static uint8_t octets[600];
	uint32_t state = 7;

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i % 5 == 0 ? 0xff : next_random(&state));
	for (size_t size = 0; size < sizeof(octets) - 8; size++) { /* beyond several wide steps */
		uint32_t initial = next_random(&state);

		cr_assert_eq(fk_net_checksum(octets + size % 8, size, initial),
			     plain_checksum(octets + size % 8, size, initial), "%zu", size);
	}
	memset(octets, 0xff, sizeof(octets));
	cr_assert_eq(fk_net_checksum(octets, sizeof(octets), 0xffffffff),
		     plain_checksum(octets, sizeof(octets), 0xffff));
}

Test(net, a_finished_datagram_is_parsed_back)
{
	for (uint16_t n = 0; n < 1400; n = (uint16_t)(n + 7)) {
		struct fk_net_frame f;
		size_t size;
		uint8_t *frame = udp_frame(n, &size);

		cr_assert_eq(size, FK_UDP_FRAME_OVERHEAD + (size_t)n);
		cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
		cr_assert_eq(f.kind, FK_NET_UDP);
		cr_assert_arr_eq(f.source_mac, mac_a, FK_MAC_SIZE);
		cr_assert_arr_eq(f.destination_mac, mac_b, FK_MAC_SIZE);
		cr_assert_eq(fk_address_ipv4(&f.source), ADDRESS_A);
		cr_assert_eq(fk_address_ipv4(&f.destination), ADDRESS_B);
		cr_assert_eq(f.source_port, 5070);
		cr_assert_eq(f.destination_port, 5060);
		cr_assert_eq(f.payload, frame + FK_UDP_FRAME_OVERHEAD);
		cr_assert_eq(f.payload_size, n);
		free(frame);
	}
}

Test(net, a_sum_that_is_known_gives_the_same_frame)
{
	static uint8_t other[FK_UDP_FRAME_OVERHEAD];
	struct fk_net_path p = path();

	for (uint16_t n = 0; n < 1400; n++) {
		size_t size;
		uint8_t *frame = udp_frame(n, &size);
		uint16_t sum = (uint16_t)~plain_checksum(frame + FK_UDP_FRAME_OVERHEAD, n, 0);

		cr_assert_eq(fk_net_finish_udp_sum(&p, other, n, 0x1234, sum), size);
		cr_assert_arr_eq(other, frame, sizeof(other), "%u", n);
		free(frame);
	}
	cr_assert_eq(fk_net_finish_udp_sum(&p, other, 65508, 1, 0), 0);
}

Test(net, the_headers_of_a_datagram_are_those_of_the_standards)
{
	static const uint8_t ip_head[] = {0x45, 0, 0, 32, 0x12, 0x34, 0x40, 0, 64, 17};
	static const uint8_t udp_head[] = {0x13, 0xce, 0x13, 0xc4, 0, 12};
	size_t size;
	uint8_t *frame = udp_frame(4, &size);

	cr_assert_eq(frame[12] << 8 | frame[13], 0x0800);
	cr_assert_arr_eq(frame + 14, ip_head, sizeof(ip_head));
	cr_assert_arr_eq(frame + 26, "\xc0\x00\x02\x0a\xc6\x33\x64\x14", 8);
	cr_assert_arr_eq(frame + 34, udp_head, sizeof(udp_head));
	cr_assert_eq(plain_checksum(frame + 14, 20, 0), 0);
	cr_assert_eq(plain_checksum(frame + 26, 8 + 12, 17 + 12), 0);
	free(frame);
}

/* Random octets, and those with which the words' sum is largest and smallest. */
Test(net, a_checksum_is_the_plain_sum_of_any_run)
{
	enum {
		SIZE_MAX_HERE = 700,
		OFFSETS = 3
	};
	static const int fills[] = {-1, 0x00, 0x7f, 0x80, 0xff};

	for (size_t f = 0; f < sizeof(fills) / sizeof(fills[0]); f++) {
		for (size_t size = 0; size <= SIZE_MAX_HERE; size++) {
			size_t offset = size % OFFSETS;
			uint8_t *octets = malloc(offset + size + 1);

			cr_assert_not_null(octets);
			for (size_t i = 0; i < size; i++)
				octets[offset + i] =
					fills[f] < 0 ? (uint8_t)(random() >> 7) : (uint8_t)fills[f];
			octets = realloc(octets, offset + size > 0 ? offset + size : 1);
			cr_assert_eq(fk_net_checksum(octets + offset, size, (uint32_t)size),
				     plain_checksum(octets + offset, size, (uint32_t)size),
				     "%zu octets of fill %d", size, fills[f]);
			free(octets);
		}
	}
}

Test(net, a_checksum_is_right_up_to_the_largest_packet)
{
	uint8_t *octets = malloc(UINT16_MAX);

	cr_assert_not_null(octets);
	memset(octets, 0xff, UINT16_MAX);
	octets[4711] = 0x12;
	cr_assert_eq(fk_net_checksum(octets, UINT16_MAX, 0), plain_checksum(octets, UINT16_MAX, 0));
	free(octets);
}

/* spec: RFC 768: a computed zero is sent as all ones */
Test(net, a_checksum_of_zero_is_sent_as_ffff)
{
	struct fk_net_path p = path();
	uint8_t frame[FK_UDP_FRAME_OVERHEAD + 2] = {0};
	struct fk_net_frame f;
	size_t size = fk_net_finish_udp(&p, frame, 2, 0);
	uint16_t checksum = (uint16_t)(frame[40] << 8 | frame[41]);

	/* The payload that takes the sum to FFFF is the checksum of the zero payload. */
	frame[42] = (uint8_t)(checksum >> 8);
	frame[43] = (uint8_t)checksum;
	cr_assert_eq(fk_net_finish_udp(&p, frame, 2, 0), size);
	cr_assert_eq(frame[40], 0xff);
	cr_assert_eq(frame[41], 0xff);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
}

Test(net, a_payload_that_ipv4_cannot_carry_is_refused)
{
	struct fk_net_path p = path();
	uint8_t *frame = calloc(1, 70000);

	cr_assert_not_null(frame);
	cr_assert_eq(fk_net_finish_udp(&p, frame, 65507, 0), 65549);
	cr_assert_eq(fk_net_finish_udp(&p, frame, 65508, 0), 0);
	free(frame);
}

Test(net, a_frame_cut_at_any_octet_is_truncated)
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

Test(net, padding_behind_the_packet_is_cut_off)
{
	uint8_t padded[60] = {0};
	struct fk_net_frame f;
	size_t size;
	uint8_t *frame = udp_frame(3, &size);

	memcpy(padded, frame, size);
	cr_assert_eq(fk_net_parse(padded, sizeof(padded), &f), FK_OK);
	cr_assert_eq(f.payload_size, 3);
	free(frame);
}

Test(net, every_changed_octet_of_a_datagram_is_noticed)
{
	size_t size;
	uint8_t *frame = udp_frame(20, &size);

	for (size_t i = FK_ETH_HEADER_SIZE; i < size; i++) {
		struct fk_net_frame f;

		frame[i] ^= 0x10;
		cr_assert_neq(fk_net_parse(frame, size, &f), FK_OK, "%zu", i);
		frame[i] ^= 0x10;
	}
	frame[size - 1] ^= 1;
	cr_assert_eq(fk_net_parse(frame, size, &(struct fk_net_frame){0}), FK_EAUTH);
	frame[40] = frame[41] = 0; /* RFC 768: none was computed */
	cr_assert_eq(fk_net_parse(frame, size, &(struct fk_net_frame){0}), FK_OK);
	free(frame);
}

/* Sets the IPv4 checksum right after a header was changed. */
static void mend_ip(uint8_t *frame, size_t header_size)
{
	uint16_t sum;

	frame[24] = frame[25] = 0;
	sum = plain_checksum(frame + 14, header_size, 0);
	frame[24] = (uint8_t)(sum >> 8);
	frame[25] = (uint8_t)sum;
}

Test(net, header_fields_that_cannot_be_are_malformed)
{
	size_t size;
	uint8_t *frame = udp_frame(20, &size);
	struct fk_net_frame f;

	frame[14] = 0x65; /* version 6 */
	mend_ip(frame, 20);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EFORMAT);
	frame[14] = 0x44; /* a header of 16 octets */
	mend_ip(frame, 20);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EFORMAT);
	frame[14] = 0x45;
	frame[17] = 19; /* total length below the header's */
	mend_ip(frame, 20);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EFORMAT);
	frame[17] = 48;
	mend_ip(frame, 20);
	frame[39] = 7; /* UDP length below its header's */
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EFORMAT);
	frame[39] = 29; /* beyond the packet */
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_ETRUNC);
	free(frame);
}

Test(net, fragments_other_protocols_and_vlans_are_named)
{
	size_t size;
	uint8_t *frame = udp_frame(20, &size);
	struct fk_net_frame f;

	frame[20] = 0x20; /* more fragments */
	mend_ip(frame, 20);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_FRAGMENT);
	frame[20] = 0;
	frame[21] = 1; /* offset */
	mend_ip(frame, 20);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_FRAGMENT);
	frame[21] = 0;
	frame[23] = 6; /* TCP */
	mend_ip(frame, 20);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_OTHER);
	frame[12] = 0x81;
	frame[13] = 0x00;
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_OTHER);
	free(frame);
}

Test(net, ip_options_are_stepped_over)
{
	size_t size;
	uint8_t *frame = udp_frame(4, &size), with_options[100];
	struct fk_net_frame f;

	memcpy(with_options, frame, 34);
	memset(with_options + 34, 1, 8); /* no operation */
	memcpy(with_options + 42, frame + 34, size - 34);
	with_options[14] = 0x47;
	with_options[17] = 40;
	mend_ip(with_options, 28);
	cr_assert_eq(fk_net_parse(with_options, size + 8, &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_UDP);
	cr_assert_eq(f.payload_size, 4);
	cr_assert_eq(f.payload[3], 3);
	free(frame);
}

/* spec: RFC 826 */
Test(net, arp_is_built_and_parsed_back)
{
	uint8_t frame[FK_ARP_FRAME_SIZE];
	struct fk_net_frame f;

	fk_net_build_arp(false, mac_a, ADDRESS_A, mac_b, ADDRESS_B, frame);
	cr_assert_arr_eq(frame, "\xff\xff\xff\xff\xff\xff", 6);
	cr_assert_arr_eq(frame + 32, "\0\0\0\0\0\0", 6);
	cr_assert_eq(fk_net_parse(frame, sizeof(frame), &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_ARP_REQUEST);
	cr_assert_arr_eq(f.source_mac, mac_a, FK_MAC_SIZE);
	cr_assert_eq(fk_address_ipv4(&f.source), ADDRESS_A);
	cr_assert_eq(fk_address_ipv4(&f.destination), ADDRESS_B);

	fk_net_build_arp(true, mac_b, ADDRESS_B, mac_a, ADDRESS_A, frame);
	cr_assert_eq(fk_net_parse(frame, sizeof(frame), &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_ARP_REPLY);
	cr_assert_arr_eq(f.destination_mac, mac_a, FK_MAC_SIZE);
	for (size_t cut = 0; cut < sizeof(frame); cut++) {
		uint8_t *octets = exact_copy(frame, cut);

		cr_assert_eq(fk_net_parse(octets, cut, &f), FK_ETRUNC, "%zu", cut);
		free(octets);
	}
	frame[18] = 7; /* address size */
	cr_assert_eq(fk_net_parse(frame, sizeof(frame), &f), FK_EFORMAT);
	frame[18] = 6;
	frame[21] = 3; /* reverse ARP */
	cr_assert_eq(fk_net_parse(frame, sizeof(frame), &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_OTHER);
}

/* An echo request of 8 octets of header and 5 of data, odd on purpose. */
static size_t echo_frame(uint8_t frame[static 100])
{
	size_t size;
	uint8_t *udp = udp_frame(5, &size);
	uint16_t sum;

	memcpy(frame, udp, size);
	free(udp);
	frame[23] = 1; /* ICMP */
	mend_ip(frame, 20);
	memcpy(frame + 34, "\x08\x00\x00\x00\xab\xcd\x00\x01", 8);
	sum = plain_checksum(frame + 34, 13, 0);
	frame[36] = (uint8_t)(sum >> 8);
	frame[37] = (uint8_t)sum;
	return size;
}

/* spec: RFC 792 */
Test(net, an_echo_request_is_turned_into_its_reply)
{
	uint8_t frame[100] = {0};
	struct fk_net_frame f;
	size_t size = echo_frame(frame);

	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK);
	cr_assert_eq(f.kind, FK_NET_ICMP_ECHO);
	cr_assert_eq(f.payload_size, 13);
	fk_net_turn_echo(frame, size, mac_b);
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_OK); /* both checksums hold */
	cr_assert_eq(f.kind, FK_NET_OTHER);
	cr_assert_eq(frame[34], 0);
	cr_assert_arr_eq(frame + 38, "\xab\xcd\x00\x01", 4);
	cr_assert_arr_eq(f.source_mac, mac_b, FK_MAC_SIZE);
	cr_assert_arr_eq(f.destination_mac, mac_a, FK_MAC_SIZE);
	cr_assert_eq(fk_address_ipv4(&f.source), ADDRESS_B);
	cr_assert_eq(fk_address_ipv4(&f.destination), ADDRESS_A);
}

Test(net, turning_an_echo_never_leaves_the_frame)
{
	uint8_t frame[100] = {0};
	size_t size = echo_frame(frame);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *octets = exact_copy(frame, cut);

		fk_net_turn_echo(octets, cut, mac_b);
		free(octets);
	}
	frame[14] = 0x4f; /* a header longer than the packet */
	fk_net_turn_echo(frame, size, mac_b);
	cr_assert_eq(frame[34], 8);
}

Test(net, an_icmp_checksum_that_is_wrong_is_noticed)
{
	uint8_t frame[100] = {0};
	struct fk_net_frame f;
	size_t size = echo_frame(frame);

	frame[size - 1] ^= 1;
	cr_assert_eq(fk_net_parse(frame, size, &f), FK_EAUTH);
}

Test(net, addresses_are_read_and_written)
{
	static const char *const bad[] = {
		"",	     "1.2.3",	 "1.2.3.4.",   "1.2.3.4.5",    "256.1.1.1",
		"1..2.3",    "01.2.3.4", "1.2.3.4 ",   " 1.2.3.4",     "1.2.3.-4",
		"1.2.3.0x4", "a.b.c.d",	 "1.2.3.0004", "1.2.3.4:5060",
	};
	static const char *const good[] = {"0.0.0.0", "255.255.255.255", "192.0.2.10",
					   "10.20.3.100"};
	uint32_t ipv4 = 4711;
	char text[16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(fk_ipv4_parse(bad[i], &ipv4), FK_EINVAL, "%s", bad[i]);
	cr_assert_eq(ipv4, 4711);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert_eq(fk_ipv4_parse(good[i], &ipv4), FK_OK, "%s", good[i]);
		fk_ipv4_format(ipv4, text);
		cr_assert_str_eq(text, good[i]);
	}
	cr_assert_eq(fk_ipv4_parse("192.0.2.10", &ipv4), FK_OK);
	cr_assert_eq(ipv4, ADDRESS_A);
}
