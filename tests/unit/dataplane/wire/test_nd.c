/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/nd.h"

#define IP	FK_ETH_HEADER_SIZE
#define MESSAGE (IP + FK_IPV6_HEADER_SIZE)
#define OPTION	(MESSAGE + 24)

static const uint8_t mac_a[FK_MAC_SIZE] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t mac_b[FK_MAC_SIZE] = {0x02, 0, 0, 0, 0, 0x0b};
static const struct fk_address a = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x0a}};
static const struct fk_address b = {{0x20, 0x01, 0x0d, 0xb8, [13] = 0x12, 0x34, 0x56}};
static const struct fk_address unspecified;

static uint8_t frame[FK_ND_FRAME_SIZE];

/* Sets the ICMPv6 checksum of a message of 'size' octets right. spec: RFC 4443 §2.3 */
static void mend(uint8_t *octets, size_t size)
{
	uint8_t *ip = octets + IP, *message = octets + MESSAGE;
	uint32_t sum = (uint32_t)size + 58;
	uint16_t checksum;

	ip[4] = (uint8_t)(size >> 8);
	ip[5] = (uint8_t)size;
	for (uint32_t i = 8; i < 40; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	message[2] = message[3] = 0;
	checksum = fk_net_checksum(message, size, sum);
	message[2] = (uint8_t)(checksum >> 8);
	message[3] = (uint8_t)checksum;
}

/* Parses the frame after its checksum was mended. */
static enum fk_err parse(struct fk_nd *ret_nd)
{
	struct fk_net_frame f;

	mend(frame, 32);
	cr_assert_eq(fk_net_parse(frame, sizeof(frame), &f), FK_OK);
	return fk_nd_parse(&f, ret_nd);
}

static void solicit(void)
{
	fk_nd_build_solicitation(mac_a, &a, &b, frame);
}

static struct fk_net_frame question_from(const struct fk_address *source)
{
	struct fk_net_frame question = {.kind = FK_NET_SOLICITATION, .source = *source};

	memcpy(question.source_mac, mac_a, FK_MAC_SIZE);
	return question;
}

static void advertise(const struct fk_address *source)
{
	struct fk_net_frame question = question_from(source);

	fk_nd_build_advertisement(&question, mac_b, &b, frame);
}

/* spec: RFC 4861 §4.3, RFC 4291 §2.7.1, RFC 2464 §7 */
Test(nd, a_solicitation_goes_to_the_group_of_its_target)
{
	struct fk_net_frame f;
	struct fk_nd nd;

	solicit();
	cr_assert_arr_eq(frame, "\x33\x33\xff\x12\x34\x56", 6);
	cr_assert_arr_eq(frame + IP + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\x12\x34\x56", 16);
	cr_assert_eq(frame[IP + 7], 255);
	cr_assert_eq(frame[MESSAGE], 135);
	cr_assert_arr_eq(frame + OPTION, "\x01\x01", 2);
	cr_assert_arr_eq(frame + OPTION + 2, mac_a, FK_MAC_SIZE);
	cr_assert_eq(fk_net_parse(frame, sizeof(frame), &f), FK_OK, "the checksum is right");
	cr_assert_eq(f.kind, FK_NET_SOLICITATION);
	cr_assert(fk_address_equal(&f.source, &a));
	cr_assert_eq(fk_nd_parse(&f, &nd), FK_OK);
	cr_assert(fk_address_equal(&nd.target, &b));
	cr_assert(nd.has_mac);
	cr_assert_arr_eq(nd.mac, mac_a, FK_MAC_SIZE);
}

/* spec: RFC 4861 §4.4, §7.2.4 */
Test(nd, an_advertisement_goes_to_who_asked)
{
	struct fk_net_frame f;
	struct fk_nd nd;

	advertise(&a);
	cr_assert_arr_eq(frame, mac_a, FK_MAC_SIZE);
	cr_assert_eq(frame[IP + 7], 255);
	cr_assert_eq(frame[MESSAGE], 136);
	cr_assert_eq(fk_net_parse(frame, sizeof(frame), &f), FK_OK, "the checksum is right");
	cr_assert_eq(f.kind, FK_NET_ADVERTISEMENT);
	cr_assert(fk_address_equal(&f.source, &b));
	cr_assert(fk_address_equal(&f.destination, &a));
	cr_assert_eq(fk_nd_parse(&f, &nd), FK_OK);
	cr_assert(fk_address_equal(&nd.target, &b));
	cr_assert(nd.is_solicited && nd.is_override && nd.has_mac);
	cr_assert_arr_eq(nd.mac, mac_b, FK_MAC_SIZE);
}

/* spec: RFC 4861 §7.2.4: duplicate address detection */
Test(nd, who_has_no_address_yet_is_answered_through_all_nodes)
{
	struct fk_nd nd;

	advertise(&unspecified);
	cr_assert_arr_eq(frame, "\x33\x33\0\0\0\x01", 6);
	cr_assert_arr_eq(frame + IP + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	cr_assert_eq(parse(&nd), FK_OK);
	cr_assert_not(nd.is_solicited);
}

/* spec: RFC 4861 §7.1.1, §7.1.2 */
Test(nd, what_the_standard_has_discarded_is_refused)
{
	struct fk_nd nd = {.has_mac = false}, before = nd;
	static const struct {
		const char *what;
		uint8_t offset, value;
	} cases[] = {
		{"a hop limit that a router left", IP + 7, 254},
		{"a code", MESSAGE + 1, 1},
		{"a group as target", MESSAGE + 8, 0xff},
		{"an option of no size", OPTION + 1, 0},
		{"an option that runs out", OPTION + 1, 2},
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		if (i % 2 == 0)
			solicit();
		else
			advertise(&a);
		frame[cases[i / 2].offset] = cases[i / 2].value;
		cr_assert_eq(parse(&nd), FK_EFORMAT, "%s", cases[i / 2].what);
	}
	cr_assert_arr_eq(&nd, &before, sizeof(nd));
	advertise(&unspecified);
	frame[MESSAGE + 4] |= 0x40; /* solicited, and yet to a group */
	cr_assert_eq(parse(&nd), FK_EFORMAT);
	solicit();
	memset(frame + IP + 8, 0, 16); /* nobody, but with an Ethernet address */
	cr_assert_eq(parse(&nd), FK_EFORMAT);
	frame[OPTION] = 14; /* a nonce: of no meaning here */
	cr_assert_eq(parse(&nd), FK_OK);
	memcpy(frame + IP + 24, b.octets, 16); /* nobody may ask one address alone */
	cr_assert_eq(parse(&nd), FK_EFORMAT);
}

Test(nd, unknown_options_are_stepped_over)
{
	struct fk_nd nd;

	solicit();
	frame[OPTION] = 253;
	cr_assert_eq(parse(&nd), FK_OK);
	cr_assert_not(nd.has_mac);
}

Test(nd, a_message_cut_at_any_octet_is_refused)
{
	advertise(&a);
	for (size_t n = 4; n < 32; n++) {
		uint8_t *octets = exact_copy(frame, MESSAGE + n);
		struct fk_net_frame f;
		struct fk_nd nd;

		mend(octets, n);
		cr_assert_eq(fk_net_parse(octets, MESSAGE + n, &f), FK_OK);
		/* After 24 octets the options may end. */
		cr_assert_eq(fk_nd_parse(&f, &nd), n == 24 ? FK_OK : FK_EFORMAT, "%zu", n);
		free(octets);
	}
}

/* spec: RFC 2464 §4, §5: its own example */
Test(nd, the_link_local_address_is_made_of_the_ethernet_address)
{
	static const uint8_t mac[FK_MAC_SIZE] = {0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde};
	static const uint8_t expected[FK_ADDRESS_SIZE] = {
		0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x36, 0x56, 0x78, 0xff, 0xfe, 0x9a, 0xbc, 0xde};
	struct fk_address address = fk_nd_link_local_of(mac);

	cr_assert_arr_eq(address.octets, expected, sizeof(expected));
}
