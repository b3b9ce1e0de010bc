/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - one IP address of either family, in one form everywhere.
 *
 * Sixteen octets in network order. An IPv4 address stands as an IPv4-mapped IPv6 address
 * (::ffff:192.0.2.10), so that addresses compare and prefixes count in one way; such an address
 * never means IPv6 on the wire. All zero is no address. spec: RFC 4291 §2.5.5.2
 *
 * Threads: everything here is pure. Layout: crosses a process border in the key table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FK_ADDRESS_SIZE	  16
#define FK_IPV4_OFFSET	  12 /* where the octets of an IPv4 address stand */
#define FK_IPV4_PREFIX	  96 /* bits in front of an IPv4 address, and of its prefix */
#define FK_ADDRESS_PREFIX 128

struct fk_address {
	uint8_t octets[FK_ADDRESS_SIZE];
};

/* 'ipv4' is in host byte order. */
static inline struct fk_address fk_address_of_ipv4(uint32_t ipv4)
{
	return (struct fk_address){.octets = {
					   [10] = 0xff,
					   [11] = 0xff,
					   [12] = (uint8_t)(ipv4 >> 24),
					   [13] = (uint8_t)(ipv4 >> 16),
					   [14] = (uint8_t)(ipv4 >> 8),
					   [15] = (uint8_t)ipv4,
				   }};
}

static inline bool fk_address_equal(const struct fk_address *a, const struct fk_address *b)
{
	return memcmp(a->octets, b->octets, FK_ADDRESS_SIZE) == 0;
}

/* True if both begin with the same 'prefix' bits, 0..FK_ADDRESS_PREFIX. */
static inline bool fk_address_shares(const struct fk_address *a, const struct fk_address *b,
				     uint32_t prefix)
{
	uint32_t n = prefix / 8, rest = prefix % 8;

	return memcmp(a->octets, b->octets, n) == 0 &&
	       (rest == 0 || ((a->octets[n] ^ b->octets[n]) >> (8 - rest)) == 0);
}

static inline bool fk_address_is_set(const struct fk_address *a)
{
	static const struct fk_address none;

	return !fk_address_equal(a, &none);
}

static inline bool fk_address_is_ipv4(const struct fk_address *a)
{
	static const struct fk_address mapped = {.octets = {[10] = 0xff, [11] = 0xff}};

	return memcmp(a->octets, mapped.octets, FK_IPV4_OFFSET) == 0;
}

/* Of an IPv4 address, in host byte order. */
static inline uint32_t fk_address_ipv4(const struct fk_address *a)
{
	const uint8_t *ipv4 = a->octets + FK_IPV4_OFFSET;

	return (uint32_t)ipv4[0] << 24 | (uint32_t)ipv4[1] << 16 | (uint32_t)ipv4[2] << 8 | ipv4[3];
}

/* fe80::/10; spec: RFC 4291 §2.5.6 */
static inline bool fk_address_is_link_local(const struct fk_address *a)
{
	return a->octets[0] == 0xfe && (a->octets[1] & 0xc0) == 0x80;
}

/* ff00::/8, of IPv6 only; spec: RFC 4291 §2.7 */
static inline bool fk_address_is_multicast(const struct fk_address *a)
{
	return a->octets[0] == 0xff;
}

/*
 * True if a host can be reached at the address from wherever there is a route: neither nothing, nor
 * loopback, nor a group, nor IPv6 of one link only.
 */
static inline bool fk_address_is_routable(const struct fk_address *a)
{
	static const struct fk_address loopback = {.octets = {[15] = 1}};
	const uint8_t *ipv4 = a->octets + FK_IPV4_OFFSET;

	if (fk_address_is_ipv4(a))
		return ipv4[0] != 0 && ipv4[0] < 224;
	return fk_address_is_set(a) && !fk_address_equal(a, &loopback) &&
	       !fk_address_is_multicast(a) && !fk_address_is_link_local(a);
}
