/* SPDX-License-Identifier: Apache-2.0 */
#include "config/sentinels.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

/* ADDRESS:PORT, or [ADDRESS]:PORT for IPv6. */
static enum fk_err parse(const char *text, struct fk_store_address *ret_address)
{
	const char *colon = strrchr(text, ':');
	bool is_ipv6 = text[0] == '[';
	struct fk_store_address address = {.port = 0};
	uint8_t octets[sizeof(struct in6_addr)];
	size_t len, n_digits;
	unsigned long port;

	if (colon == NULL || (is_ipv6 && (colon - text < 2 || colon[-1] != ']')))
		return FK_EINVAL;
	len = (size_t)(colon - text) - (is_ipv6 ? 2 : 0);
	if (len >= sizeof(address.host))
		return FK_EINVAL;
	memcpy(address.host, text + (is_ipv6 ? 1 : 0), len);
	n_digits = strspn(colon + 1, "0123456789");
	if (n_digits == 0 || n_digits > 5 || colon[1 + n_digits] != '\0' ||
	    inet_pton(is_ipv6 ? AF_INET6 : AF_INET, address.host, octets) != 1)
		return FK_EINVAL;
	port = strtoul(colon + 1, NULL, 10);
	if (port < 1 || port > UINT16_MAX)
		return FK_EINVAL;
	address.port = (uint16_t)port;
	*ret_address = address;
	return FK_OK;
}

static enum fk_err take_list(struct fk_config *config, const struct fk_yaml_config *yaml,
			     struct fk_reason *reason)
{
	unsigned n = yaml->store.n_sentinels;

	if (n > FK_STORE_SENTINELS_MAX) {
		fk_reason_set(reason, "store.sentinels: has %u entries, must have 1..%u", n,
			      FK_STORE_SENTINELS_MAX);
		return FK_ERANGE;
	}
	config->store.sentinels = calloc(n, sizeof(*config->store.sentinels));
	if (config->store.sentinels == NULL)
		return FK_ENOMEM;
	config->store.n_sentinels = n;
	for (unsigned i = 0; i < n; i++) {
		if (parse(yaml->store.sentinels[i], &config->store.sentinels[i]) == FK_OK)
			continue;
		fk_reason_set(reason,
			      "store.sentinels[%u]: \"%.64s\" is not valid, must be ADDRESS:PORT, "
			      "and [ADDRESS]:PORT for IPv6",
			      i, yaml->store.sentinels[i]);
		return FK_EINVAL;
	}
	return FK_OK;
}

static enum fk_err refuse(const char *text, struct fk_reason *reason)
{
	fk_reason_set(reason, "%s", text);
	return FK_EINVAL;
}

enum fk_err fk_config_take_sentinels(struct fk_config *config, const struct fk_yaml_config *yaml,
				     struct fk_reason *reason)
{
	bool has_sentinels = yaml->store.n_sentinels > 0;

	if (has_sentinels == (config->store.redis_socket != NULL))
		return refuse(has_sentinels ? "store.redis_socket: both are given, must be one of "
					      "redis_socket and sentinels"
					    : "store.redis_socket: is missing, must be one of "
					      "redis_socket and sentinels",
			      reason);
	if (has_sentinels != (config->store.master_name != NULL))
		return refuse(has_sentinels
				      ? "store.master_name: is missing, must be the name that "
					"store.sentinels have for the master"
				      : "store.master_name: is set, but store.sentinels is not",
			      reason);
	if (!has_sentinels)
		return FK_OK;
	if (config->store.replicas == 0)
		return refuse(
			"store.replicas: is 0, must be 1 or more with store.sentinels: else a "
			"promotion loses what was confirmed",
			reason);
	return take_list(config, yaml, reason);
}
