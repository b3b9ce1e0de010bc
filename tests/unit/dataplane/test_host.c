/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "host.h"
#include "wire/address.h"

static struct fk_address at(const char *text)
{
	struct fk_address address;

	cr_assert_eq(fk_address_parse(text, &address), FK_OK, "%s", text);
	return address;
}

static struct fk_host both(void)
{
	return (struct fk_host){
		.ipv4 = {.address = at("192.0.2.10"),
			 .gateway = at("192.0.2.1"),
			 .prefix = FK_IPV4_PREFIX + 24},
		.ipv6 = {.address = at("2001:db8::10"), .gateway = at("fe80::1"), .prefix = 64},
		.link_local = at("fe80::ff:fe00:10"),
	};
}

Test(host, each_family_is_sent_from_its_own_address)
{
	struct fk_host host = both();
	struct fk_address four = at("198.51.100.1"), six = at("2001:db8:1::1");
	struct fk_address neighbour = at("fe80::1");

	cr_assert_eq(fk_host_source(&host, &four), &host.ipv4.address);
	cr_assert_eq(fk_host_source(&host, &six), &host.ipv6.address);
	cr_assert_eq(fk_host_source(&host, &neighbour), &host.link_local);
	host.ipv4 = (struct fk_host_address){.prefix = 0};
	cr_assert_null(fk_host_source(&host, &four));
	host = (struct fk_host){.ipv4 = both().ipv4};
	cr_assert_null(fk_host_source(&host, &six));
	cr_assert_null(fk_host_source(&host, &neighbour));
}

Test(host, what_is_beyond_the_subnet_goes_to_the_router_of_its_family)
{
	static const char *const rows[][2] = {
		{"192.0.2.20", "192.0.2.20"},
		{"192.0.3.20", "192.0.2.1"},
		{"2001:db8::20", "2001:db8::20"},
		{"2001:db8:0:1::20", "fe80::1"},
	};
	struct fk_host host = both();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fk_address to = at(rows[i][0]), wanted = at(rows[i][1]);
		struct fk_address neighbour = fk_host_neighbour(&host, &to);

		cr_assert(fk_address_equal(&neighbour, &wanted), "%s", rows[i][0]);
	}
	host.ipv6.gateway = (struct fk_address){{0}};
	{
		struct fk_address far = at("2001:db8:0:1::20");
		struct fk_address neighbour = fk_host_neighbour(&host, &far);

		cr_assert(fk_address_equal(&neighbour, &far), "without a router it is asked for");
	}
}

Test(host, an_address_that_is_not_set_is_nobodys)
{
	struct fk_host host = {.ipv4 = both().ipv4};
	struct fk_address unset = {{0}};

	cr_assert(fk_host_has(&host, &host.ipv4.address));
	cr_assert_not(fk_host_has(&host, &unset));
	host = (struct fk_host){.ipv6 = both().ipv6};
	cr_assert_not(fk_host_has(&host, &unset), "also without IPv4");
	host = both();
	cr_assert(fk_host_has(&host, &host.ipv6.address));
	cr_assert(fk_host_has(&host, &host.link_local));
	cr_assert_not(fk_host_has(&host, &host.ipv6.gateway));
}
