/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_address.c - an address that is read is written as the text that is read again, IPv4 as the
 * very text; and any 16 octets are an address that survives being text.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wire/address.h"
#include "wire/net.h"

#define TEXT_MAX 100 /* longer than any address: what follows is not looked at */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_round_trip(const struct fk_address *address)
{
	char text[FK_ADDRESS_TEXT_SIZE], host[FK_HOST_TEXT_SIZE];
	struct fk_address again;

	fk_address_format(address, text);
	require(strnlen(text, sizeof(text)) < sizeof(text));
	require(fk_address_parse(text, &again) == FK_OK && fk_address_equal(address, &again));
	fk_address_format_host(address, UINT16_MAX, host);
	require(strlen(host) == strlen(text) + (fk_address_is_ipv4(address) ? 6 : 8));
}

static void check_text(const char *text)
{
	struct fk_address address, kept;
	char ipv4_text[16];
	uint32_t ipv4 = 4711;

	memset(&address, 0xee, sizeof(address));
	kept = address;
	if (fk_ipv4_parse(text, &ipv4) == FK_OK) {
		fk_ipv4_format(ipv4, ipv4_text);
		require(strcmp(text, ipv4_text) == 0);
		require(fk_address_parse(text, &address) == FK_OK);
		require(fk_address_is_ipv4(&address) && fk_address_ipv4(&address) == ipv4);
	} else {
		require(ipv4 == 4711);
	}
	if (fk_address_parse(text, &address) != FK_OK) {
		require(fk_address_equal(&address, &kept));
		return;
	}
	/* What looks like IPv6 never means IPv4. */
	require(fk_address_is_ipv4(&address) == (strchr(text, ':') == NULL));
	check_round_trip(&address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size < TEXT_MAX ? size : TEXT_MAX);
	struct fk_address address;

	require(text != NULL);
	check_text(text);
	free(text);
	if (size == FK_ADDRESS_SIZE) {
		memcpy(address.octets, data, size);
		check_round_trip(&address);
	}
	return 0;
}
