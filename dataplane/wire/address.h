/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - IP addresses as text.
 *
 * IPv6 is written as RFC 5952 says; IPv4-mapped text ("::ffff:192.0.2.1") is refused, since such an
 * address is IPv4 everywhere else in Fleetkey.
 *
 * Threads: everything here is pure. Memory: nothing allocates.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/address.h>
#include <fleetkey/err.h>

#define FK_ADDRESS_TEXT_SIZE 46 /* of the longest IPv6 address, and a NUL */
#define FK_HOST_TEXT_SIZE    56 /* of "[address]:65535", and a NUL */

/* "192.0.2.10" or "2001:db8::10". FK_OK or FK_EINVAL. */
FK_MUST_USE enum fk_err fk_address_parse(const char *text, struct fk_address *ret_address);
void fk_address_format(const struct fk_address *address, char buf[static FK_ADDRESS_TEXT_SIZE]);

/* "192.0.2.10:5060" or "[2001:db8::10]:5060", as SIP has it. spec: RFC 3261 §25.1 hostport */
void fk_address_format_host(const struct fk_address *address, uint16_t port,
			    char buf[static FK_HOST_TEXT_SIZE]);
