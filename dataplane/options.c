/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "crypto/engine.h"
#include "log.h"
#include "wire/address.h"

enum kind {
	TEXT,
	NUMBER32,
	NUMBER64,
	SOCKET,
	ENGINE,
	ADDRESS,
	ADDRESS6,
	NETWORK,
	NETWORK6,
	IDLE,
	LEVEL,
	FLAG,
};

struct option_row {
	const char *name, *value_name, *help;
	enum kind kind;
	size_t offset;
	uint64_t min, max;
};

#define AT(field) offsetof(struct fk_options, field)

static const struct option_row rows[] = {
	{"--link", "SOCKET", "socket of fleetkeyd; needed", SOCKET, AT(link), 0, 0},
	{"--ip", "ADDRESS/PREFIX", "own IPv4 address and subnet; this or --ip6 is needed", NETWORK,
	 AT(host.ipv4), 1, 32},
	{"--gateway", "ADDRESS", "router for next hops off the subnet of --ip", ADDRESS,
	 AT(host.ipv4.gateway), 0, 0},
	{"--ip6", "ADDRESS/PREFIX", "own IPv6 address and subnet, beside or instead of --ip",
	 NETWORK6, AT(host.ipv6), 1, 128},
	{"--gateway6", "ADDRESS", "the same for --ip6; may be a link-local address", ADDRESS6,
	 AT(host.ipv6.gateway), 0, 0},
	{"--sip-port", "PORT", "where requests come in (5060)", NUMBER32, AT(sip_port), 1, 65535},
	{"--worker-port-base", "PORT", "where worker 0 sends from; the next ones count up (5070)",
	 NUMBER32, AT(worker_port_base), 1, 65520},
	{"--idle", "sleep|poll", "what a worker without work does (sleep)", IDLE, AT(idle_sleeps),
	 0, 0},
	{"--engine", "NAME", "crypto engine (the fastest that this CPU has)", ENGINE, AT(engine), 0,
	 0},
	{"--orphan-timeout", "SECONDS", "without control, wipe and end after this time (30)",
	 NUMBER32, AT(orphan_timeout_s), 1, 86400},
	{"--capture", "FILE", "write a pcap of what is sent and received", TEXT, AT(capture), 0, 0},
	{"--capture-frames", "N", "end the capture after N frames (0: no limit)", NUMBER64,
	 AT(capture_frames), 0, UINT64_MAX},
	{"--capture-keys", NULL, "keep wrapped keys in the capture instead of zeros", FLAG,
	 AT(capture_keys), 0, 0},
	{"--log-level", "LEVEL", "error, warning, info or debug (info)", LEVEL, AT(log_level), 0,
	 0},
	{"--help", NULL, "print this and end", FLAG, AT(help), 0, 0},
	{"--version", NULL, "print the version and end", FLAG, AT(version), 0, 0},
};

void fk_options_print_help(FILE *file)
{
	fputs("usage: fleetkey-dp --link SOCKET --ip|--ip6 ADDRESS/PREFIX [OPTION...] -- EAL "
	      "ARGUMENTS\n"
	      "\n"
	      "Sends rekey messages to P25 radios through MCData servers and verifies their "
	      "answers.\n"
	      "\n",
	      file);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(file, "  %-18s %-15s %s\n", rows[i].name,
			rows[i].value_name != NULL ? rows[i].value_name : "", rows[i].help);
	fputs("\nEAL ARGUMENTS name the cores and the port, for instance:\n"
	      "  --lcores 0@0,1@0 --no-pci --no-huge --no-shconf -m 256 --file-prefix=fk\n"
	      "  --vdev=net_vhost0,iface=SOCKET,client=1,queues=1\n"
	      "\nexit codes: 0 done, 1 failed, 2 wrong usage\n",
	      file);
}

static const struct option_row *find_row(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	}
	return NULL;
}

static enum fk_err read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return FK_EINVAL;
	errno = 0;
	*ret_value = strtoull(text, &end, 10);
	if (*end != '\0')
		return FK_EINVAL;
	return errno == 0 && *ret_value >= min && *ret_value <= max ? FK_OK : FK_ERANGE;
}

static enum fk_err read_address(const char *text, bool is_ipv4, struct fk_address *ret_address)
{
	struct fk_address address;

	if (fk_address_parse(text, &address) != FK_OK || fk_address_is_ipv4(&address) != is_ipv4)
		return FK_EINVAL;
	*ret_address = address;
	return FK_OK;
}

/* "192.0.2.10/24" or "2001:db8::10/64" */
static enum fk_err read_network(const struct option_row *row, const char *text,
				struct fk_host_address *own)
{
	const char *slash = strchr(text, '/');
	bool is_ipv4 = row->kind == NETWORK;
	char address[FK_ADDRESS_TEXT_SIZE];
	uint64_t prefix;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		return FK_EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (read_address(address, is_ipv4, &own->address) != FK_OK ||
	    !fk_address_is_routable(&own->address))
		return FK_EINVAL;
	if (read_number(slash + 1, row->min, row->max, &prefix) != FK_OK)
		return FK_ERANGE;
	own->prefix = (uint32_t)prefix + (is_ipv4 ? FK_IPV4_PREFIX : 0);
	return FK_OK;
}

static bool is_engine(const char *name)
{
	for (size_t i = 0; fk_crypto_engines[i] != NULL; i++) {
		if (strcmp(fk_crypto_engines[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* "vaes, aesni, scalar" */
static void list_engines(char *ret_text, size_t text_size)
{
	size_t at = 0;

	for (size_t i = 0; fk_crypto_engines[i] != NULL && at < text_size; i++)
		at += (size_t)snprintf(ret_text + at, text_size - at, "%s%s", i > 0 ? ", " : "",
				       fk_crypto_engines[i]->name);
}

static enum fk_err read_value(const struct option_row *row, const char *text,
			      struct fk_options *options)
{
	void *at = (char *)options + row->offset;
	enum fk_err err = FK_OK;
	uint64_t number = 0;

	switch (row->kind) {
	case TEXT:
		*(const char **)at = text;
		return text[0] != '\0' ? FK_OK : FK_EINVAL;
	case SOCKET:
		*(const char **)at = text;
		if (strlen(text) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
			return FK_ERANGE;
		return text[0] != '\0' ? FK_OK : FK_EINVAL;
	case ENGINE:
		*(const char **)at = text;
		return is_engine(text) ? FK_OK : FK_EINVAL;
	case NUMBER32:
		err = read_number(text, row->min, row->max, &number);
		*(uint32_t *)at = (uint32_t)number;
		return err;
	case NUMBER64:
		err = read_number(text, row->min, row->max, &number);
		*(uint64_t *)at = number;
		return err;
	case ADDRESS:
	case ADDRESS6:
		return read_address(text, row->kind == ADDRESS, at);
	case NETWORK:
	case NETWORK6:
		return read_network(row, text, at);
	case IDLE:
		options->idle_sleeps = strcmp(text, "sleep") == 0;
		return options->idle_sleeps || strcmp(text, "poll") == 0 ? FK_OK : FK_EINVAL;
	case LEVEL:
		options->log_level = fk_log_level_parse(text);
		return options->log_level >= 0 ? FK_OK : FK_EINVAL;
	case FLAG:
		*(bool *)at = true;
		return FK_OK;
	}
	return FK_EINVAL;
}

static const char *family_of(const struct option_row *row)
{
	if (row->kind == ADDRESS || row->kind == NETWORK)
		return " of IPv4";
	return row->kind == ADDRESS6 || row->kind == NETWORK6 ? " of IPv6" : "";
}

static void explain(const struct option_row *row, const char *value, enum fk_err err,
		    char *ret_text, size_t text_size)
{
	char engines[128];

	if (row->kind == ENGINE) {
		list_engines(engines, sizeof(engines));
		snprintf(ret_text, text_size, "%s \"%s\": not one of %s", row->name, value,
			 engines);
		return;
	}
	if (err == FK_ERANGE && row->kind == SOCKET)
		snprintf(ret_text, text_size, "%s: the path has %zu characters, not within 1..%zu",
			 row->name, strlen(value),
			 sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	else if (err == FK_ERANGE && (row->kind == NETWORK || row->kind == NETWORK6))
		snprintf(ret_text, text_size, "%s %s: the prefix is not within %llu..%llu",
			 row->name, value, (unsigned long long)row->min,
			 (unsigned long long)row->max);
	else if (row->kind == NUMBER32 || row->kind == NUMBER64)
		snprintf(ret_text, text_size, "%s %s: not a number within %llu..%llu", row->name,
			 value, (unsigned long long)row->min, (unsigned long long)row->max);
	else
		snprintf(ret_text, text_size, "%s \"%s\": not a valid %s%s", row->name, value,
			 row->value_name, family_of(row));
}

/* Reads argv[*i], and the value that belongs to it. */
static enum fk_err read_argument(int argc, char **argv, int *i, struct fk_options *options,
				 char *ret_text, size_t text_size)
{
	const char *arg = argv[*i], *value = strchr(arg, '=');
	const struct option_row *row =
		find_row(arg, value != NULL ? (size_t)(value - arg) : strlen(arg));
	enum fk_err err;

	if (row == NULL) {
		snprintf(ret_text, text_size, "%s: no such option; EAL arguments go after --", arg);
		return FK_EINVAL;
	}
	if (row->kind == FLAG && value != NULL) {
		snprintf(ret_text, text_size, "%s: takes no value", row->name);
		return FK_EINVAL;
	}
	if (row->kind != FLAG && value == NULL) {
		if (*i + 1 >= argc || strcmp(argv[*i + 1], "--") == 0) {
			snprintf(ret_text, text_size, "%s: needs a value, %s", row->name,
				 row->value_name);
			return FK_EINVAL;
		}
		value = argv[++*i];
	} else if (value != NULL) {
		value++;
	}
	err = read_value(row, value, options);
	if (err != FK_OK)
		explain(row, value, err, ret_text, text_size);
	return err;
}

/* A router is a neighbour. */
static bool reaches_gateway(const struct fk_host_address *own)
{
	return fk_address_is_set(&own->address) &&
	       (fk_address_shares(&own->gateway, &own->address, own->prefix) ||
		fk_address_is_link_local(&own->gateway));
}

static enum fk_err check_whole(const struct fk_options *options, char *ret_text, size_t text_size)
{
	const struct fk_host_address *ipv4 = &options->host.ipv4, *ipv6 = &options->host.ipv6;
	const char *wrong = NULL;

	if (options->link == NULL)
		wrong = "--link: needed, the socket of fleetkeyd";
	else if (!fk_address_is_set(&ipv4->address) && !fk_address_is_set(&ipv6->address))
		wrong = "--ip or --ip6: needed, for instance --ip 192.0.2.10/24 or "
			"--ip6 2001:db8::10/64";
	else if (options->sip_port >= options->worker_port_base &&
		 options->sip_port < options->worker_port_base + 16)
		wrong = "--sip-port: must not be one of the 16 ports from --worker-port-base";
	else if (fk_address_is_set(&ipv4->gateway) && !reaches_gateway(ipv4))
		wrong = "--gateway: must be inside the subnet of --ip";
	else if (fk_address_is_set(&ipv6->gateway) && !reaches_gateway(ipv6))
		wrong = "--gateway6: must be inside the subnet of --ip6, or link-local (fe80::)";
	else if (options->capture == NULL &&
		 (options->capture_frames != 0 || options->capture_keys))
		wrong = "--capture-frames and --capture-keys: need --capture";
	if (wrong == NULL)
		return FK_OK;
	snprintf(ret_text, text_size, "%s", wrong);
	return FK_EINVAL;
}

enum fk_err fk_options_parse(int argc, char **argv, struct fk_options *ret_options, char *ret_text,
			     size_t text_size)
{
	struct fk_options options = {
		.sip_port = 5060,
		.worker_port_base = 5070,
		.idle_sleeps = true,
		.orphan_timeout_s = 30,
		.log_level = FK_LOG_INFO,
	};
	enum fk_err err = FK_OK;
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0 && err == FK_OK; i++)
		err = read_argument(argc, argv, &i, &options, ret_text, text_size);
	if (err == FK_OK && !options.help && !options.version)
		err = check_whole(&options, ret_text, text_size);
	if (err != FK_OK)
		return err;
	options.n_eal_args = i < argc ? argc - i - 1 : 0;
	options.eal_args = argv + (i < argc ? i + 1 : argc);
	*ret_options = options;
	return FK_OK;
}
