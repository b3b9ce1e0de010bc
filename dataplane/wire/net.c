/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/net.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "net_parts.h"

#define ARP_HARDWARE_ETHERNET 1
#define ARP_OPERATION_REQUEST 1
#define ARP_OPERATION_REPLY   2

#define PROTOCOL_ICMP	   1
#define ICMP_HEADER_SIZE   8
#define ICMP_ECHO_REPLY	   0
#define ICMP_ECHO_REQUEST  8
#define IPV4_VERSION_IHL   0x45
#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_FRAGMENT_MASK 0x3fff /* more fragments, and the offset */
#define IPV4_PAYLOAD_MAX   (0xffff - FK_IPV4_HEADER_SIZE - FK_UDP_HEADER_SIZE)
#define IPV6_PAYLOAD_MAX   (0xffff - FK_UDP_HEADER_SIZE)

#ifdef __x86_64__
#define WIDE_STEP 64	 /* octets that the wide loop takes at once */
#define WIDE_BIAS 0x8000 /* what each 16-bit word is taken down by, to be a signed one */

/* Adds the words of 32 octets in pairs to eight sums of 32 bits. */
#define ADD_WORDS(sums, octets) \
	_mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_xor_si256(octets, bias), ones))

__attribute__((target("avx2"))) static inline __m256i load_wide(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

/*
 * Sum of at least WIDE_STEP and less than 2^16 octets. The words behind the last whole step are
 * taken out of the step that ends with them.
 */
__attribute__((target("avx2"))) static uint64_t sum_wide(const uint8_t *p, size_t size)
{
	static const uint8_t last[2 * WIDE_STEP] = {[WIDE_STEP... 2 * WIDE_STEP - 1] = 0xff};
	const __m256i bias = _mm256_set1_epi16((int16_t)WIDE_BIAS), ones = _mm256_set1_epi16(1);
	const size_t n_even = size & ~(size_t)1, n_left = n_even % WIDE_STEP;
	const uint8_t *end = p + n_even - n_left, *rest = p + n_even - WIDE_STEP;
	const uint8_t *mask = last + n_left;
	const uint32_t n_words = (uint32_t)(n_even - n_left + WIDE_STEP) / 2;
	const uint8_t odd[2] = {(size & 1) != 0 ? p[n_even] : 0, 0};
	__m256i a = ADD_WORDS(_mm256_setzero_si256(),
			      _mm256_and_si256(load_wide(rest), load_wide(mask)));
	__m256i b = ADD_WORDS(
		_mm256_setzero_si256(),
		_mm256_and_si256(load_wide(rest + WIDE_STEP / 2), load_wide(mask + WIDE_STEP / 2)));
	__m128i sum;

	for (; p != end; p += WIDE_STEP) {
		a = ADD_WORDS(a, load_wide(p));
		b = ADD_WORDS(b, load_wide(p + WIDE_STEP / 2));
	}
	a = _mm256_add_epi32(a, b);
	sum = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
	sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)));
	sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
	/* At most 2^15 words were added, so this is what they are without the bias. */
	return (uint32_t)_mm_cvtsi128_si32(sum) + n_words * WIDE_BIAS + fk_sum_octets(odd, 2);
}
#endif

uint16_t fk_net_checksum(const void *octets, size_t size, uint32_t initial)
{
	uint16_t folded;

#ifdef __x86_64__
	/* An IPv4 packet has less than 2^16 octets. */
	if (size >= WIDE_STEP && size <= UINT16_MAX && __builtin_cpu_supports("avx2"))
		folded = fk_sum_fold(sum_wide(octets, size));
	else
#endif
		folded = fk_sum_fold(fk_sum_octets(octets, size));
	return (uint16_t)~fk_sum_fold((uint64_t)fk_sum_swap(folded) + initial);
}

/* Sum of the two addresses of IPv4, as 16-bit values. */
static uint32_t ipv4_address_sum(const struct fk_address *source,
				 const struct fk_address *destination)
{
	uint32_t a = fk_address_ipv4(source), b = fk_address_ipv4(destination);

	return (a >> 16) + (a & 0xffff) + (b >> 16) + (b & 0xffff);
}

/* Reads an IPv4 address. */
static void get_ipv4(struct fk_wire_reader *r, struct fk_address *address)
{
	static const struct fk_address mapped = {.octets = {[10] = 0xff, [11] = 0xff}};
	const uint8_t *octets = fk_wire_get_bytes(r, FK_ADDRESS_SIZE - FK_IPV4_OFFSET);

	if (octets == NULL)
		return;
	memcpy(address->octets, mapped.octets, FK_IPV4_OFFSET);
	memcpy(address->octets + FK_IPV4_OFFSET, octets, FK_ADDRESS_SIZE - FK_IPV4_OFFSET);
}

static void get_mac(struct fk_wire_reader *r, uint8_t mac[static FK_MAC_SIZE])
{
	const uint8_t *octets = fk_wire_get_bytes(r, FK_MAC_SIZE);

	if (octets != NULL)
		memcpy(mac, octets, FK_MAC_SIZE);
}

/* spec: RFC 826 */
static enum fk_err parse_arp(const uint8_t *octets, size_t size, struct fk_net_frame *frame)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	uint16_t hardware = fk_wire_get_u16(&r);
	uint16_t protocol = fk_wire_get_u16(&r);
	uint8_t hardware_size = fk_wire_get_u8(&r);
	uint8_t protocol_size = fk_wire_get_u8(&r);
	uint16_t operation = fk_wire_get_u16(&r);

	if (r.failed)
		return FK_ETRUNC;
	if (hardware != ARP_HARDWARE_ETHERNET || protocol != FK_ETHERTYPE_IPV4)
		return FK_OK; /* another network's ARP: FK_NET_OTHER */
	if (hardware_size != FK_MAC_SIZE || protocol_size != 4)
		return FK_EFORMAT;
	get_mac(&r, frame->source_mac); /* the sender's, which may differ from the frame's */
	get_ipv4(&r, &frame->source);
	(void)fk_wire_get_bytes(&r, FK_MAC_SIZE);
	get_ipv4(&r, &frame->destination);
	if (r.failed)
		return FK_ETRUNC;
	if (operation == ARP_OPERATION_REQUEST)
		frame->kind = FK_NET_ARP_REQUEST;
	else if (operation == ARP_OPERATION_REPLY)
		frame->kind = FK_NET_ARP_REPLY;
	return FK_OK;
}

/* spec: RFC 768, RFC 8200 §8.1 */
enum fk_err fk_net_parse_udp(const uint8_t *octets, size_t size, uint32_t addresses,
			     bool may_lack_sum, struct fk_net_frame *frame)
{
	struct fk_wire_reader r = fk_wire_reader(octets, FK_UDP_HEADER_SIZE);
	uint16_t udp_size, checksum;

	if (size < FK_UDP_HEADER_SIZE)
		return FK_ETRUNC;
	frame->source_port = fk_wire_get_u16(&r);
	frame->destination_port = fk_wire_get_u16(&r);
	udp_size = fk_wire_get_u16(&r);
	checksum = fk_wire_get_u16(&r);
	if (udp_size > size)
		return FK_ETRUNC;
	if (udp_size < FK_UDP_HEADER_SIZE)
		return FK_EFORMAT;
	if (checksum == 0 ? !may_lack_sum
			  : fk_net_checksum(octets, udp_size,
					    addresses + FK_PROTOCOL_UDP + udp_size) != 0)
		return FK_EAUTH;
	frame->kind = FK_NET_UDP;
	frame->payload = octets + FK_UDP_HEADER_SIZE;
	frame->payload_size = (uint16_t)(udp_size - FK_UDP_HEADER_SIZE);
	return FK_OK;
}

/* spec: RFC 792 */
static enum fk_err parse_icmp(const uint8_t *octets, size_t size, struct fk_net_frame *frame)
{
	if (size < ICMP_HEADER_SIZE)
		return FK_ETRUNC;
	if (fk_net_checksum(octets, size, 0) != 0)
		return FK_EAUTH;
	if (octets[0] == ICMP_ECHO_REQUEST && octets[1] == 0) {
		frame->kind = FK_NET_ICMP_ECHO;
		frame->payload = octets;
		frame->payload_size = (uint16_t)size;
	}
	return FK_OK;
}

/* By its checksum. Mostly it has no options, and its size is known. */
static inline bool is_header_whole(const uint8_t *octets, size_t size)
{
	uint64_t sum = size == FK_IPV4_HEADER_SIZE ? fk_sum_octets(octets, FK_IPV4_HEADER_SIZE)
						   : fk_sum_octets(octets, size);

	return fk_sum_fold(sum) == 0xffff;
}

/* spec: RFC 791 §3.1. 'size' octets follow the Ethernet header. */
static enum fk_err parse_ipv4(const uint8_t *octets, size_t size, struct fk_net_frame *frame)
{
	struct fk_wire_reader r = fk_wire_reader(octets, FK_IPV4_HEADER_SIZE);
	uint16_t total_size, fragment;
	uint8_t version_ihl, protocol;
	size_t header_size;

	if (size < FK_IPV4_HEADER_SIZE)
		return FK_ETRUNC;
	version_ihl = fk_wire_get_u8(&r);
	header_size = (version_ihl & 0x0fu) * 4u;
	(void)fk_wire_get_u8(&r); /* type of service */
	total_size = fk_wire_get_u16(&r);
	(void)fk_wire_get_u16(&r); /* identification */
	fragment = fk_wire_get_u16(&r);
	(void)fk_wire_get_u8(&r); /* time to live */
	protocol = fk_wire_get_u8(&r);
	(void)fk_wire_get_u16(&r); /* checksum: summed below */
	get_ipv4(&r, &frame->source);
	get_ipv4(&r, &frame->destination);
	if (version_ihl >> 4 != 4 || header_size < FK_IPV4_HEADER_SIZE || total_size < header_size)
		return FK_EFORMAT;
	if (total_size > size)
		return FK_ETRUNC;
	if (!is_header_whole(octets, header_size))
		return FK_EAUTH;
	if ((fragment & IPV4_FRAGMENT_MASK) != 0) {
		frame->kind = FK_NET_FRAGMENT;
		return FK_OK;
	}
	if (protocol == FK_PROTOCOL_UDP)
		return fk_net_parse_udp(octets + header_size, total_size - header_size,
					ipv4_address_sum(&frame->source, &frame->destination), true,
					frame);
	if (protocol == PROTOCOL_ICMP)
		return parse_icmp(octets + header_size, total_size - header_size, frame);
	return FK_OK;
}

enum fk_err fk_net_parse(const uint8_t *octets, size_t size, struct fk_net_frame *ret_frame)
{
	struct fk_net_frame frame = {.kind = FK_NET_OTHER};
	struct fk_wire_reader type;
	uint16_t ethertype;
	enum fk_err err = FK_OK;

	if (size < FK_ETH_HEADER_SIZE)
		return FK_ETRUNC;
	memcpy(frame.destination_mac, octets, FK_MAC_SIZE);
	memcpy(frame.source_mac, octets + FK_MAC_SIZE, FK_MAC_SIZE);
	type = fk_wire_reader(octets + 2 * FK_MAC_SIZE, 2);
	ethertype = fk_wire_get_u16(&type);
	octets += FK_ETH_HEADER_SIZE;
	size -= FK_ETH_HEADER_SIZE;
	if (ethertype == FK_ETHERTYPE_IPV4)
		err = parse_ipv4(octets, size, &frame);
	else if (ethertype == FK_ETHERTYPE_IPV6)
		err = fk_net_parse_ipv6(octets, size, &frame);
	else if (ethertype == FK_ETHERTYPE_ARP)
		err = parse_arp(octets, size, &frame);
	if (err != FK_OK)
		return err;
	*ret_frame = frame;
	return FK_OK;
}

__attribute__((noinline)) void fk_put_ethernet(struct fk_wire_writer *w, const uint8_t *destination,
					       const uint8_t *source, uint16_t ethertype)
{
	fk_wire_put_bytes(w, destination, FK_MAC_SIZE);
	fk_wire_put_bytes(w, source, FK_MAC_SIZE);
	fk_wire_put_u16(w, ethertype);
}

struct fk_net_path fk_net_path_make(const struct fk_address *source,
				    const struct fk_address *destination, uint16_t source_port,
				    uint16_t destination_port)
{
	struct fk_net_path path = {
		.source = *source,
		.destination = *destination,
		.source_port = source_port,
		.destination_port = destination_port,
		.overhead = FK_UDP_FRAME_OVERHEAD,
		.address_sum = ipv4_address_sum(source, destination),
	};

	if (!fk_address_is_ipv4(destination)) {
		path.overhead = FK_UDP_IPV6_FRAME_OVERHEAD;
		path.address_sum = fk_ipv6_address_sum(path.source.octets);
	}
	return path;
}

/* spec: RFC 791 §3.1: version and header length, type of service 0, total length, identification,
 * fragment offset; time to live, protocol, checksum, addresses */
static inline void put_ipv4(const struct fk_net_path *path, uint8_t *ip, uint16_t total_size,
			    uint16_t ip_id)
{
	uint64_t first = (uint64_t)IPV4_VERSION_IHL << 56 | (uint64_t)total_size << 32 |
			 (uint64_t)ip_id << 16 | IPV4_DONT_FRAGMENT;
	uint16_t checksum = (uint16_t)~fk_sum_fold(
		(IPV4_VERSION_IHL << 8) + total_size + ip_id + IPV4_DONT_FRAGMENT +
		(FK_HOP_LIMIT << 8 | FK_PROTOCOL_UDP) + (uint64_t)path->address_sum);

	fk_set_uint(ip, first, 8);
	fk_set_uint(ip + 8, FK_HOP_LIMIT << 24 | FK_PROTOCOL_UDP << 16 | checksum, 4);
	memcpy(ip + 12, path->source.octets + FK_IPV4_OFFSET, 4);
	memcpy(ip + 16, path->destination.octets + FK_IPV4_OFFSET, 4);
}

/* spec: RFC 8200 §3 */
static inline void put_ipv6(const struct fk_net_path *path, uint8_t *ip, uint16_t payload_size)
{
	fk_set_uint(ip,
		    (uint64_t)6 << 60 | (uint64_t)payload_size << 16 | FK_PROTOCOL_UDP << 8 |
			    FK_HOP_LIMIT,
		    8);
	memcpy(ip + 8, path->source.octets, FK_ADDRESS_SIZE);
	memcpy(ip + 24, path->destination.octets, FK_ADDRESS_SIZE);
}

size_t fk_net_finish_udp_sum(const struct fk_net_path *path, uint8_t *frame, uint16_t payload_size,
			     uint16_t ip_id, uint16_t payload_sum)
{
	bool is_ipv4 = path->overhead == FK_UDP_FRAME_OVERHEAD;
	uint16_t udp_size = (uint16_t)(FK_UDP_HEADER_SIZE + payload_size), checksum;
	uint8_t *ip = frame + FK_ETH_HEADER_SIZE,
		*udp = frame + path->overhead - FK_UDP_HEADER_SIZE;

	if (payload_size > (is_ipv4 ? IPV4_PAYLOAD_MAX : IPV6_PAYLOAD_MAX))
		return 0;
	memcpy(frame, path->destination_mac, FK_MAC_SIZE);
	memcpy(frame + FK_MAC_SIZE, path->source_mac, FK_MAC_SIZE);
	fk_set_uint(frame + 12, is_ipv4 ? FK_ETHERTYPE_IPV4 : FK_ETHERTYPE_IPV6, 2);
	if (is_ipv4)
		put_ipv4(path, ip, (uint16_t)(FK_IPV4_HEADER_SIZE + udp_size), ip_id);
	else
		put_ipv6(path, ip, udp_size);

	/* The pseudo headers of both families have the same sum. spec: RFC 768, RFC 8200 §8.1: zero
	 * on the wire says "no checksum", so a sum that comes out as zero is sent as FFFF */
	checksum = (uint16_t)~fk_sum_fold((uint64_t)path->address_sum + FK_PROTOCOL_UDP +
					  path->source_port + path->destination_port +
					  2u * udp_size + payload_sum);
	fk_set_uint(udp,
		    (uint64_t)path->source_port << 48 | (uint64_t)path->destination_port << 32 |
			    (uint64_t)udp_size << 16 | (checksum == 0 ? 0xffff : checksum),
		    8);
	return (size_t)path->overhead + payload_size;
}

size_t fk_net_finish_udp(const struct fk_net_path *path, uint8_t *frame, uint16_t payload_size,
			 uint16_t ip_id)
{
	uint16_t checksum = fk_net_checksum(frame + path->overhead, payload_size, 0);

	return fk_net_finish_udp_sum(path, frame, payload_size, ip_id, (uint16_t)~checksum);
}

void fk_net_build_arp(bool is_reply, const uint8_t source_mac[static FK_MAC_SIZE],
		      uint32_t source_ipv4, const uint8_t target_mac[static FK_MAC_SIZE],
		      uint32_t target_ipv4, uint8_t frame[static FK_ARP_FRAME_SIZE])
{
	static const uint8_t broadcast[FK_MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t unknown[FK_MAC_SIZE];
	struct fk_wire_writer w = fk_wire_writer(frame, FK_ARP_FRAME_SIZE);

	fk_put_ethernet(&w, is_reply ? target_mac : broadcast, source_mac, FK_ETHERTYPE_ARP);

	/* spec: RFC 826 */
	fk_wire_put_u16(&w, ARP_HARDWARE_ETHERNET);
	fk_wire_put_u16(&w, FK_ETHERTYPE_IPV4);
	fk_wire_put_u8(&w, FK_MAC_SIZE);
	fk_wire_put_u8(&w, 4);
	fk_wire_put_u16(&w, is_reply ? ARP_OPERATION_REPLY : ARP_OPERATION_REQUEST);
	fk_wire_put_bytes(&w, source_mac, FK_MAC_SIZE);
	fk_wire_put_u32(&w, source_ipv4);
	fk_wire_put_bytes(&w, is_reply ? target_mac : unknown, FK_MAC_SIZE);
	fk_wire_put_u32(&w, target_ipv4);
}

static bool turn_echo_ipv4(uint8_t *ip, size_t size)
{
	size_t header_size, total_size;
	struct fk_wire_reader lengths;
	uint8_t *icmp, address[4];

	if (size < FK_IPV4_HEADER_SIZE + ICMP_HEADER_SIZE)
		return false;
	header_size = (ip[0] & 0x0fu) * 4u;
	lengths = fk_wire_reader(ip + 2, 2);
	total_size = fk_wire_get_u16(&lengths);
	if (total_size > size || header_size < FK_IPV4_HEADER_SIZE ||
	    header_size + ICMP_HEADER_SIZE > total_size)
		return false;
	icmp = ip + header_size;
	memcpy(address, ip + 12, sizeof(address));
	memcpy(ip + 12, ip + 16, sizeof(address));
	memcpy(ip + 16, address, sizeof(address));
	ip[8] = FK_HOP_LIMIT;
	fk_set_uint(ip + 10, 0, 2);
	fk_set_uint(ip + 10, fk_net_checksum(ip, header_size, 0), 2);
	icmp[0] = ICMP_ECHO_REPLY;
	fk_set_uint(icmp + 2, 0, 2);
	fk_set_uint(icmp + 2, fk_net_checksum(icmp, total_size - header_size, 0), 2);
	return true;
}

void fk_net_turn_echo(uint8_t *frame, size_t size, const uint8_t own_mac[static FK_MAC_SIZE])
{
	uint8_t *ip = frame + FK_ETH_HEADER_SIZE;
	bool is_turned;

	if (size <= FK_ETH_HEADER_SIZE)
		return;
	is_turned = ip[0] >> 4 == 6 ? fk_net_turn_echo_ipv6(ip, size - FK_ETH_HEADER_SIZE)
				    : turn_echo_ipv4(ip, size - FK_ETH_HEADER_SIZE);
	if (!is_turned)
		return;
	memcpy(frame, frame + FK_MAC_SIZE, FK_MAC_SIZE);
	memcpy(frame + FK_MAC_SIZE, own_mac, FK_MAC_SIZE);
}

enum fk_err fk_ipv4_parse(const char *text, uint32_t *ret_ipv4)
{
	uint32_t ipv4 = 0;

	for (int part = 0; part < 4; part++) {
		const char *start = text;
		uint32_t value = 0;

		while (*text >= '0' && *text <= '9' && text - start < 3)
			value = value * 10 + (uint32_t)(*text++ - '0');
		/* "010" is eight to some readers and ten to others: no leading zeros. */
		if (text == start || value > 255 || (*start == '0' && text - start > 1))
			return FK_EINVAL;
		if (*text != (part < 3 ? '.' : '\0'))
			return FK_EINVAL;
		text++;
		ipv4 = ipv4 << 8 | value;
	}
	*ret_ipv4 = ipv4;
	return FK_OK;
}

void fk_ipv4_format(uint32_t ipv4, char buf[static 16])
{
	char *p = buf;

	for (int shift = 24; shift >= 0; shift -= 8) {
		uint32_t value = ipv4 >> shift & 0xff;

		if (value >= 100)
			*p++ = (char)('0' + value / 100);
		if (value >= 10)
			*p++ = (char)('0' + value / 10 % 10);
		*p++ = (char)('0' + value % 10);
		*p++ = shift > 0 ? '.' : '\0';
	}
}
