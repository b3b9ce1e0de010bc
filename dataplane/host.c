/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <stddef.h>

static const struct fk_host_address *of_family(const struct fk_host *host,
					       const struct fk_address *destination)
{
	return fk_address_is_ipv4(destination) ? &host->ipv4 : &host->ipv6;
}

const struct fk_address *fk_host_source(const struct fk_host *host,
					const struct fk_address *destination)
{
	const struct fk_address *source = fk_address_is_link_local(destination)
						  ? &host->link_local
						  : &of_family(host, destination)->address;

	return fk_address_is_set(source) ? source : NULL;
}

struct fk_address fk_host_neighbour(const struct fk_host *host,
				    const struct fk_address *destination)
{
	const struct fk_host_address *own = of_family(host, destination);

	if (!fk_address_is_set(&own->gateway) ||
	    fk_address_shares(destination, &own->address, own->prefix))
		return *destination;
	return own->gateway;
}
