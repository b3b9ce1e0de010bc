/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "wire/net.h"

enum fk_err fk_address_parse(const char *text, struct fk_address *ret_address)
{
	struct fk_address address;
	uint32_t ipv4;

	if (fk_ipv4_parse(text, &ipv4) == FK_OK)
		address = fk_address_of_ipv4(ipv4);
	else if (inet_pton(AF_INET6, text, address.octets) != 1 || fk_address_is_ipv4(&address))
		return FK_EINVAL;
	*ret_address = address;
	return FK_OK;
}

void fk_address_format(const struct fk_address *address, char buf[static FK_ADDRESS_TEXT_SIZE])
{
	if (fk_address_is_ipv4(address))
		fk_ipv4_format(fk_address_ipv4(address), buf);
	else if (inet_ntop(AF_INET6, address->octets, buf, FK_ADDRESS_TEXT_SIZE) == NULL)
		buf[0] = '\0'; /* cannot be: there is room for every address */
}

void fk_address_format_host(const struct fk_address *address, uint16_t port,
			    char buf[static FK_HOST_TEXT_SIZE])
{
	char text[FK_ADDRESS_TEXT_SIZE];

	fk_address_format(address, text);
	snprintf(buf, FK_HOST_TEXT_SIZE, fk_address_is_ipv4(address) ? "%s:%u" : "[%s]:%u", text,
		 port);
}
