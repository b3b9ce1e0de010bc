/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "inspect/frame.h"
#include "inspect/layers.h"
#include "wire/address.h"
#include "wire/net.h"

#define FILE_OFFSET 1000 /* of the frame in its file */

static const char request[] =
	"OPTIONS sip:kmf@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKabc\r\n"
	"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: call-1\r\nCSeq: 7 OPTIONS\r\n\r\n";

static uint8_t octets[2048];
static size_t size;
static enum fk_pcap_link link_kind;
static json_t *not_shown;

/* A frame of Ethernet, IPv4 or IPv6, and UDP. */
static void make(const char *from, uint16_t port, const void *payload, size_t payload_size)
{
	struct fk_address source, destination;
	struct fk_net_path path;

	cr_assert_eq(fk_address_parse(from, &source), FK_OK);
	destination = source;
	destination.octets[15]++;
	path = fk_net_path_make(&source, &destination, 4000, port);
	memcpy(octets + path.overhead, payload, payload_size);
	size = fk_net_finish_udp(&path, octets, (uint16_t)payload_size, 1);
	link_kind = FK_PCAP_ETHERNET;
}

static void make_request(const char *from)
{
	make(from, 5060, request, strlen(request));
}

static void insert(size_t at, const void *what, size_t n)
{
	memmove(octets + at + n, octets + at, size - at);
	memcpy(octets + at, what, n);
	size += n;
}

static void drop(size_t n)
{
	size -= n;
	memmove(octets, octets + n, size);
}

/* After a change of the IPv4 header. */
static void set_ipv4_sum(void)
{
	uint16_t sum;

	memset(octets + 24, 0, 2);
	sum = fk_net_checksum(octets + 14, 20, 0);
	octets[24] = (uint8_t)(sum >> 8);
	octets[25] = (uint8_t)sum;
}

/* Out of a buffer of its own, so that a sanitizer sees what is read behind its end. */
static void inspect(void)
{
	struct fk_pcap_frame frame = {
		.time_s = 5,
		.time_ns = 6,
		.octets = malloc(size > 0 ? size : 1),
		.size = (uint32_t)size,
		.original_size = (uint32_t)size,
		.offset = FILE_OFFSET,
		.link = link_kind,
	};

	memcpy((uint8_t *)frame.octets, octets, size);
	json_decref(json);
	json_decref(not_shown);
	not_shown = json_object();
	json = fk_json_frame(&options, &frame, 7, not_shown, &is_ok);
	free((uint8_t *)frame.octets);
}

static void expect_request(void)
{
	inspect();
	cr_assert_not_null(json);
	cr_assert(is_ok);
	cr_assert_eq(json_integer_value(json_object_get(json, "frame")), 7);
	cr_assert_str_eq(text_of("time_s"), "5.000000006");
	cr_assert_str_eq(text_at("sip", "method"), "OPTIONS");
	cr_assert_eq(json_integer_value(json_object_get(json, "datagram_offset")),
		     (json_int_t)(FILE_OFFSET + size - strlen(request)));
	cr_assert_eq(json_object_size(not_shown), 0);
}

static void expect_error_of(const char *field, size_t offset, const char *of)
{
	inspect();
	expect_error(offset, field);
	cr_assert_eq(json_integer_value(json_object_get(json, "frame")), 7);
	cr_assert_str_eq(text_at("error", "of"), of);
}

/* It is counted as this, and as nothing else. */
static void expect_nothing(const char *kind)
{
	inspect();
	cr_assert_null(json, "%s", kind);
	cr_assert_eq(json_object_size(not_shown), 1);
	cr_assert_eq(json_integer_value(json_object_get(not_shown, kind)), 1, "%s", kind);
}

static void forget(void)
{
	json_decref(not_shown);
	not_shown = NULL;
	tear_down();
}

TestSuite(frame, .init = set_up, .fini = forget);

Test(frame, a_datagram_is_shown_with_its_place)
{
	make_request("192.0.2.1");
	expect_request();
	cr_assert_str_eq(text_of("source"), "192.0.2.1:4000");
	cr_assert_str_eq(text_of("destination"), "192.0.2.2:5060");
	cr_assert_null(json_object_get(json, "udp_checksum"));
	make_request("2001:db8::1");
	expect_request();
	cr_assert_str_eq(text_of("destination"), "[2001:db8::2]:5060");
}

Test(frame, vlan_tags_are_read_through_and_shown)
{
	const json_t *ids;

	make_request("192.0.2.1");
	insert(12, "\x88\xa8\x20\x05\x81\x00\x00\x64", 8);
	expect_request();
	ids = json_object_get(json, "vlan_ids");
	cr_assert_eq(json_array_size(ids), 2);
	cr_assert_eq(json_integer_value(json_array_get(ids, 0)), 5);
	cr_assert_eq(json_integer_value(json_array_get(ids, 1)), 100);
	size = 16; /* within the second tag */
	expect_error_of("frame", FILE_OFFSET, "file");
}

#define IPV4_OF(protocol) "\x45\0\0\0\0\1\x40\0\x40" protocol "\0\0\xc0\0\2\1\xc0\0\2\2"
#define ETHERNET	  "\2\0\0\0\0\1\2\0\0\0\0\2\x08\0"

/* What stands between the link and the packet of IPv4, unless it is of IPv6. */
#define LAYER(octets) octets, sizeof(octets) - 1
static const struct {
	const char *host;
	uint16_t ethertype;
	const char *layer;
	size_t layer_size;
	const char *tunnels;
} carried[] = {
	{"192.0.2.1", 0x0800, LAYER(IPV4_OF("\x04")), "[\"ip\"]"},
	{"2001:db8::1", 0x0800, LAYER(IPV4_OF("\x29")), "[\"ip\"]"},
	{"192.0.2.1", 0x0800, LAYER(IPV4_OF("\x04") IPV4_OF("\x04")), "[\"ip\",\"ip\"]"},
	{"192.0.2.1", 0x86dd,
	 LAYER("\x60\0\0\0\0\0\x04\x40"
	       "0123456789abcdef0123456789abcdef"),
	 "[\"ip\"]"},
	{"192.0.2.1", 0x0800, LAYER(IPV4_OF("\x2f") "\0\0\x08\0"), "[\"gre\"]"},
	{"2001:db8::1", 0x0800,
	 LAYER(IPV4_OF("\x2f") "\xb0\0\x86\xdd"
			       "sum.key.sequ"),
	 "[\"gre\"]"},
	{"192.0.2.1", 0x0800, LAYER(IPV4_OF("\x2f") "\x20\0\x65\x58key." ETHERNET),
	 "[\"gre\",\"ethernet\"]"},
	{"192.0.2.1", 0x8847, LAYER("\0\1\0\x40\0\2\1\x40"), "[\"mpls\",\"mpls\"]"},
	{"192.0.2.1", 0x8864, LAYER("\x11\0\0\1\0\0\0\x21"), "[\"pppoe\"]"},
	{"2001:db8::1", 0x8864, LAYER("\x11\0\0\1\0\0\0\x57"), "[\"pppoe\"]"},
	{"192.0.2.1", 0x0800,
	 LAYER(IPV4_OF("\x11") "\x10\0\x12\xb5\0\0\0\0"
			       "\x08\0\0\0\0\0\5\0" ETHERNET),
	 "[\"vxlan\",\"ethernet\"]"},
};

static void make_carried(size_t i)
{
	make_request(carried[i].host);
	insert(FK_ETH_HEADER_SIZE, carried[i].layer, carried[i].layer_size);
	octets[12] = (uint8_t)(carried[i].ethertype >> 8);
	octets[13] = (uint8_t)carried[i].ethertype;
}

Test(frame, a_request_in_a_tunnel_is_shown_and_so_is_the_tunnel)
{
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		char *tunnels;

		make_carried(i);
		expect_request();
		tunnels = json_dumps(json_object_get(json, "tunnels"), JSON_COMPACT);
		cr_assert_str_eq(tunnels, carried[i].tunnels, "%zu", i);
		free(tunnels);
	}
}

Test(frame, a_tunnel_cut_at_any_octet_shows_nothing_and_is_told)
{
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		make_carried(i);
		while (size-- > 0) {
			inspect();
			cr_assert(json != NULL ? !is_ok : json_object_size(not_shown) == 1,
				  "%zu: %zu octets", i, size);
		}
	}
}

Test(frame, what_is_in_a_tunnel_that_is_not_opened_is_counted_by_its_kind)
{
	static const struct {
		uint16_t ethertype;
		const char *layer;
		size_t layer_size;
		const char *kind;
	} cases[] = {
		{0x88e5, LAYER("\x2c\0\0\0\0\1"), "macsec"},
		{0x8847, LAYER("\0\1\1\x40\0\0\0\0"), "mpls"}, /* a pseudowire */
		{0x8864, LAYER("\x11\0\0\1\0\0\xc0\x21"), "pppoe"},
		{0x1234, LAYER(""), "ethertype_1234"},
		{26, LAYER(""), "ieee_802_3"},
	};
	static const struct {
		uint16_t port;
		const char *kind;
	} ports[] = {{2152, "gtp_u"}, {4789, "vxlan"}, {6081, "geneve"}, {4500, "ipsec_over_udp"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_request("192.0.2.1");
		insert(FK_ETH_HEADER_SIZE, cases[i].layer, cases[i].layer_size);
		octets[12] = (uint8_t)(cases[i].ethertype >> 8);
		octets[13] = (uint8_t)cases[i].ethertype;
		expect_nothing(cases[i].kind);
	}
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		make("192.0.2.1", ports[i].port, "\x30\xff and a packet", 14);
		expect_nothing(ports[i].kind);
	}
	make("192.0.2.1", 5060, "\x30\x81\x88\x0b", 4); /* PPTP's */
	octets[23] = 47;
	memcpy(octets + 34, "\x30\x81\x88\x0b", 4);
	set_ipv4_sum();
	expect_nothing("gre");
	octets[23] = 99;
	set_ipv4_sum();
	expect_nothing("ip_protocol_99");
}

Test(frame, more_layers_than_a_frame_may_have_are_not_taken_off)
{
	make_request("192.0.2.1");
	for (uint32_t i = 0; i < FK_LAYERS_MAX; i++)
		insert(12, "\x81\0\0\1", 4);
	expect_request();
	insert(12, "\x81\0\0\1", 4);
	expect_nothing("ethertype_8100");
}

Test(frame, cooked_and_raw_captures_are_read)
{
	make_request("192.0.2.1");
	insert(0, "\0\0", 2); /* 16 octets, the type last */
	link_kind = FK_PCAP_SLL;
	expect_request();
	make_request("2001:db8::1");
	drop(FK_ETH_HEADER_SIZE);
	insert(0, "\x86\xdd\0\0\0\0\0\1\0\1\0\6\0\0\0\0\0\0\0\0", 20);
	link_kind = FK_PCAP_SLL2;
	expect_request();
	make_request("2001:db8::1");
	drop(FK_ETH_HEADER_SIZE);
	link_kind = FK_PCAP_IP;
	expect_request();
	make_request("192.0.2.1");
	drop(FK_ETH_HEADER_SIZE);
	link_kind = FK_PCAP_IP;
	expect_request();
	size = 0;
	expect_error_of("frame", FILE_OFFSET, "file");
}

Test(frame, a_checksum_that_is_wrong_partial_or_absent_is_told_and_the_message_shown)
{
	static const char *const hosts[] = {"192.0.2.1", "2001:db8::1"};
	static const size_t udps[] = {34, 54}, addresses[] = {26, 22}, n_addresses[] = {8, 32};

	for (size_t i = 0; i < 2; i++) {
		uint8_t *sum = octets + udps[i] + 6;
		uint16_t pseudo;

		make_request(hosts[i]);
		sum[0] ^= 1;
		expect_request();
		cr_assert_str_eq(text_of("udp_checksum"), "wrong");

		make_request(hosts[i]);
		pseudo = (uint16_t)~fk_net_checksum(octets + addresses[i], n_addresses[i],
						    (uint32_t)(17 + size - udps[i]));
		sum[0] = (uint8_t)(pseudo >> 8);
		sum[1] = (uint8_t)pseudo;
		expect_request();
		cr_assert_str_eq(text_of("udp_checksum"), "partial");

		make_request(hosts[i]);
		sum[0] = sum[1] = 0;
		expect_request();
		cr_assert_str_eq(text_of("udp_checksum"), "absent");
	}
	make_request("192.0.2.1");
	octets[24] ^= 1;
	octets[40] ^= 1;
	expect_request();
	cr_assert_str_eq(text_of("ipv4_checksum"), "wrong");
	cr_assert_str_eq(text_of("udp_checksum"), "wrong");
	make_request("192.0.2.1");
	memset(octets + 24, 0, 2);
	expect_request();
	cr_assert_str_eq(text_of("ipv4_checksum"), "absent");
	cr_assert_null(json_object_get(json, "udp_checksum"));
}

Test(frame, a_foreign_datagram_is_passed_over_be_its_checksum_wrong)
{
	make("192.0.2.1", 53, "query", 5);
	expect_nothing("udp");
	octets[40] ^= 1;
	expect_nothing("udp");
}

Test(frame, a_fragment_that_may_be_ours_is_an_error)
{
	make_request("192.0.2.1");
	octets[20] = 0x20; /* the first of some */
	set_ipv4_sum();
	expect_error_of("fragment", FILE_OFFSET + 14, "file");
	cr_assert_str_eq(text_of("destination"), "192.0.2.2:5060");
	make("192.0.2.1", 53, "query", 5);
	octets[20] = 0x20;
	set_ipv4_sum();
	expect_nothing("fragment");
	octets[20] = 0;
	octets[21] = 9; /* a later one, which has no ports */
	set_ipv4_sum();
	expect_error_of("fragment", FILE_OFFSET + 14, "file");
	cr_assert_str_eq(text_of("destination"), "192.0.2.2");
	octets[23] = 1; /* ICMP */
	set_ipv4_sum();
	expect_nothing("fragment");
}

Test(frame, an_ipv6_packet_with_extension_headers_that_may_be_ours_is_an_error)
{
	static const uint8_t destination[8] = {17, 0, 1, 4}, fragment[8] = {17, 0, 0, 8};

	make_request("2001:db8::1");
	insert(54, destination, sizeof(destination));
	octets[19] += 8;
	octets[20] = 60;
	expect_error_of("ipv6_extension_header", FILE_OFFSET + 14, "file");
	cr_assert_str_eq(text_of("destination"), "[2001:db8::2]:5060");
	octets[54] = 58; /* ICMPv6 behind it */
	expect_nothing("icmpv6");
	octets[54] = 17;
	octets[55] = 255; /* longer than the packet: nobody can tell */
	expect_error_of("ipv6_extension_header", FILE_OFFSET + 14, "file");
	octets[20] = 50;
	expect_error_of("protocol", FILE_OFFSET + 14, "file");

	make_request("2001:db8::1");
	insert(54, fragment, sizeof(fragment));
	octets[19] += 8;
	octets[20] = 44;
	expect_error_of("fragment", FILE_OFFSET + 14, "file");
	cr_assert_str_eq(text_of("destination"), "2001:db8::2");
}

Test(frame, sip_over_tcp_is_an_error_and_other_tcp_is_passed_over)
{
	make_request("192.0.2.1");
	octets[23] = 6;
	set_ipv4_sum();
	expect_error_of("protocol", FILE_OFFSET + 14, "file");
	make("192.0.2.1", 443, request, strlen(request));
	octets[23] = 6;
	set_ipv4_sum();
	expect_nothing("tcp");
}

Test(frame, garbage_on_the_port_of_sip_is_an_error_and_a_keep_alive_is_none)
{
	make("192.0.2.1", 5060, "\x80garbage", 8);
	expect_error_of("start_line", 0, "datagram");
	make("192.0.2.1", 5060, "MESSAGE sip:a@b SIP/2.0\nVia: x\n\n", 32);
	expect_error_of("start_line", 23, "datagram");
	make("192.0.2.1", 5062, "MESSAGE sip:a@b SIP/2.0\nVia: x\n\n", 32);
	expect_error_of("start_line", 23, "datagram");
	make("192.0.2.1", 5060, "\r\n\r\n", 4);
	inspect();
	cr_assert(is_ok);
	cr_assert_eq(number_at("keep_alive", "size"), 4);
}

Test(frame, a_kmm_on_the_port_of_otar_is_shown_and_sip_there_is_sip)
{
	static const uint8_t zeroize[10] = {0x21, 0, 7, 0x80, 0, 0, 1, 0x98, 0x96, 0x7f};

	make("192.0.2.1", 64414, zeroize, sizeof(zeroize));
	inspect();
	cr_assert(is_ok);
	cr_assert_str_eq(text_of("message_name"), "Zeroize-Command");
	make("192.0.2.1", 64414, request, strlen(request));
	expect_request();
}

Test(frame, a_frame_that_was_captured_in_part_says_so)
{
	struct fk_pcap_frame frame = {.octets = octets, .offset = FILE_OFFSET};

	make_request("192.0.2.1");
	frame.original_size = (uint32_t)size;
	for (frame.size = 0; frame.size < size; frame.size++) {
		json_decref(json);
		json = fk_json_frame(&options, &frame, 7, NULL, &is_ok);
		cr_assert_not(is_ok);
		cr_assert_str_eq(text_at("error", "reason"),
				 "was not captured whole (snap length)");
		cr_assert_eq(number_at("error", "offset"), FILE_OFFSET + frame.size);
	}
}

Test(frame, a_wrong_checksum_of_icmp_is_an_error)
{
	make_request("192.0.2.1");
	octets[23] = 1;
	set_ipv4_sum();
	expect_error_of("icmp_checksum", FILE_OFFSET, "file");
}
