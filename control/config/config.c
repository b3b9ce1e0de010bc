/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <fleetkey/sds.h>

#include "config/isd.h"
#include "config/options.h"
#include "config/sentinels.h"
#include "config/uids.h"
#include "config/value.h"
#include "config/yaml.h"

#define FILE_SIZE_MAX		 (1u << 20) /* octets; a configuration is a few KiB */
#define DATAGRAM_UNKNOWN_MTU_MAX 1300	    /* octets */
#define MESSAGE_SIZE_MIN	 400	    /* octets; no rekey of any UE fits into less */

static const struct fk_option options[] = {
#define X(section, name, kind, default_text, min, max, unit, help) \
	{#section,                                                 \
	 #name,                                                    \
	 FK_OPTION_##kind,                                         \
	 default_text,                                             \
	 min,                                                      \
	 max,                                                      \
	 unit,                                                     \
	 help,                                                     \
	 offsetof(struct fk_yaml_config, section.name),            \
	 offsetof(struct fk_config, section.name),                 \
	 sizeof(((struct fk_config *)NULL)->section.name)},
#define S(section, list, lists) list(X)
	FK_SECTIONS(S)
#undef S
#undef X
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static const struct fk_option next_hop_options[] = {
#define X(section, name, kind, default_text, min, max, unit, help) \
	{#section,                                                 \
	 #name,                                                    \
	 FK_OPTION_##kind,                                         \
	 default_text,                                             \
	 min,                                                      \
	 max,                                                      \
	 unit,                                                     \
	 help,                                                     \
	 offsetof(struct fk_yaml_next_hop, name),                  \
	 offsetof(struct fk_config_next_hop, name),                \
	 sizeof(((struct fk_config_next_hop *)NULL)->name)},
	FK_OPTIONS_NEXT_HOP(X)
#undef X
};
#define N_NEXT_HOP_OPTIONS (sizeof(next_hop_options) / sizeof(next_hop_options[0]))

/* Options whose values only make sense together. */
static enum fk_err check_kmf(struct fk_config *config, struct fk_reason *reason)
{
	if (config->kmf.psi == NULL)
		config->kmf.psi = strdup(config->kmf.uri);
	if (config->kmf.extended_app_id_type == FK_SDS_APP_ID_NONE) {
		if (config->kmf.extended_app_id == NULL)
			return config->kmf.psi != NULL ? FK_OK : FK_ENOMEM;
		fk_reason_set(reason, "kmf.extended_app_id: is set, but kmf.extended_app_id_type "
				      "is none");
		return FK_EINVAL;
	}
	if (config->kmf.extended_app_id == NULL &&
	    config->kmf.extended_app_id_type == FK_SDS_APP_ID_URI)
		config->kmf.extended_app_id = strdup(config->kmf.uri);
	if (config->kmf.extended_app_id == NULL) {
		fk_reason_set(reason, "kmf.extended_app_id: is missing, must be text of 1..255 "
				      "octets when kmf.extended_app_id_type is text");
		return FK_EINVAL;
	}
	return config->kmf.psi != NULL ? FK_OK : FK_ENOMEM;
}

/* One root key, by whichever option. */
static enum fk_err check_keys(struct fk_config *config, struct fk_reason *reason)
{
	if ((config->keys.root_key_file != NULL) == (config->keys.root_key != NULL)) {
		fk_reason_set(reason,
			      "keys.root_key_file: %s, must be one of root_key_file and "
			      "root_key",
			      config->keys.root_key != NULL ? "both are given" : "is missing");
		return FK_EINVAL;
	}
	if (config->keys.root_key_file != NULL &&
	    asprintf(&config->keys.root_key, "file:%s", config->keys.root_key_file) < 0) {
		config->keys.root_key = NULL;
		return FK_ENOMEM;
	}
	return FK_OK;
}

static enum fk_err check_recovery(const struct fk_config *config, struct fk_reason *reason)
{
	if (!config->recovery.automatic || config->store.witness_file != NULL)
		return FK_OK;
	fk_reason_set(reason, "recovery.automatic: is true, but store.witness_file is not set: "
			      "nothing would tell an older copy of the store");
	return FK_EINVAL;
}

static enum fk_err check_api(const struct fk_config *config, struct fk_reason *reason)
{
	struct stat st;

	if (config->api.loopback_port == 0)
		return FK_OK;
	if (config->api.token_file == NULL) {
		fk_reason_set(reason, "api.token_file: is missing, must name a file when "
				      "api.loopback_port is not 0");
		return FK_EINVAL;
	}
	if (stat(config->api.token_file, &st) != 0) {
		fk_reason_set(reason, "api.token_file: %s: %s", config->api.token_file,
			      strerror(errno));
		return FK_EINVAL;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0177) != 0) {
		fk_reason_set(reason,
			      "api.token_file: %s: mode is %04o, must be a regular file of mode "
			      "0600 or stricter",
			      config->api.token_file, (unsigned)(st.st_mode & 07777));
		return FK_EINVAL;
	}
	return FK_OK;
}

static enum fk_err check_link_and_sip(const struct fk_config *config, struct fk_reason *reason)
{
	if (config->link.dataplane_user != NULL && getpwnam(config->link.dataplane_user) == NULL) {
		fk_reason_set(reason, "link.dataplane_user: \"%.64s\" is no user of this system",
			      config->link.dataplane_user);
		return FK_EINVAL;
	}
	if (config->sip.t2_ms < config->sip.t1_ms) {
		fk_reason_set(reason,
			      "sip.t2_ms: %u is out of range, must not be below sip.t1_ms (%u)",
			      config->sip.t2_ms, config->sip.t1_ms);
		return FK_ERANGE;
	}
	/* spec: RFC 3261 §18.1.1 */
	if (config->sip.path_mtu == 0 && config->sip.datagram_max > DATAGRAM_UNKNOWN_MTU_MAX) {
		fk_reason_set(reason,
			      "sip.datagram_max: %u is out of range, must not be above %u while "
			      "the path MTU is unknown (sip.path_mtu is 0)",
			      config->sip.datagram_max, DATAGRAM_UNKNOWN_MTU_MAX);
		return FK_ERANGE;
	}
	if (fk_config_max_datagram(config) < MESSAGE_SIZE_MIN) {
		fk_reason_set(
			reason,
			"sip.proxy_slack: %u is out of range, sip.datagram_max or sip.path_mtu "
			"must leave %u octets for a message",
			config->sip.proxy_slack, MESSAGE_SIZE_MIN);
		return FK_ERANGE;
	}
	return FK_OK;
}

/* True if the Request-URI is the server's and not each UE's own. */
static bool shares_request_uri(const struct fk_config_next_hop *hop)
{
	return hop->carrier == FK_CARRIER_T2 || hop->profile != FK_PROFILE_C;
}

static enum fk_err check_next_hop(const struct fk_config *config, uint32_t index,
				  struct fk_reason *reason)
{
	const struct fk_config_next_hop *hop = &config->next_hops[index];

	for (uint32_t i = 0; i < index; i++) {
		const struct fk_config_next_hop *other = &config->next_hops[i];

		if (strcmp(other->name, hop->name) == 0) {
			fk_reason_set(reason,
				      "next_hops[%u].name: \"%s\" is used twice, must be unique",
				      index, hop->name);
			return FK_EINVAL;
		}
	}
	if (hop->carrier == FK_CARRIER_T2 && hop->profile != FK_PROFILE_C) {
		fk_reason_set(reason, "next_hops[%u].profile: is one of carrier T1, not of T2",
			      index);
		return FK_EINVAL;
	}
	if (shares_request_uri(hop) && hop->psi == NULL) {
		fk_reason_set(reason,
			      "next_hops[%u].psi: is missing, must be a SIP URI for profiles A and "
			      "B and for carrier T2",
			      index);
		return FK_EINVAL;
	}
	return FK_OK;
}

static enum fk_err fill_next_hops(struct fk_config *config, const struct fk_yaml_config *yaml,
				  struct fk_reason *reason)
{
	enum fk_err err = FK_OK;

	if (yaml->n_next_hops == 0 || yaml->n_next_hops > FK_NEXT_HOPS_MAX) {
		fk_reason_set(reason, "next_hops: has %u entries, must have 1..%u",
			      yaml->n_next_hops, FK_NEXT_HOPS_MAX);
		return FK_ERANGE;
	}
	config->next_hops = calloc(yaml->n_next_hops, sizeof(*config->next_hops));
	if (config->next_hops == NULL)
		return FK_ENOMEM;
	config->n_next_hops = yaml->n_next_hops;
	for (uint32_t i = 0; err == FK_OK && i < yaml->n_next_hops; i++) {
		const uint8_t *raw = (const uint8_t *)&yaml->next_hops[i];
		char where[32];

		(void)snprintf(where, sizeof(where), "next_hops[%u].", i);
		for (size_t k = 0; err == FK_OK && k < N_NEXT_HOP_OPTIONS; k++)
			err = fk_option_store(
				&next_hop_options[k], where,
				*(char *const *)(raw + next_hop_options[k].raw_offset),
				&config->next_hops[i], reason);
		if (err == FK_OK)
			err = check_next_hop(config, i, reason);
	}
	return err;
}

static enum fk_err fill(struct fk_config *config, const struct fk_yaml_config *yaml,
			struct fk_reason *reason)
{
	enum fk_err err = FK_OK;

	for (size_t i = 0; err == FK_OK && i < N_OPTIONS; i++) {
		char where[32];

		(void)snprintf(where, sizeof(where), "%s.", options[i].section);
		err = fk_option_store(
			&options[i], where,
			*(char *const *)((const uint8_t *)yaml + options[i].raw_offset), config,
			reason);
	}
	if (err == FK_OK)
		err = fk_config_take_sentinels(config, yaml, reason);
	if (err == FK_OK)
		err = fk_config_take_uids(config, yaml, reason);
	if (err == FK_OK)
		err = fill_next_hops(config, yaml, reason);
	if (err == FK_OK)
		err = check_kmf(config, reason);
	if (err == FK_OK)
		err = check_keys(config, reason);
	if (err == FK_OK)
		err = check_recovery(config, reason);
	if (err == FK_OK)
		err = check_api(config, reason);
	if (err == FK_OK)
		err = check_link_and_sip(config, reason);
	if (err == FK_OK)
		err = fk_config_check_isd(config, reason);
	return err;
}

enum fk_err fk_config_parse(const char *yaml_text, size_t size, struct fk_config **ret_config,
			    struct fk_reason *reason)
{
	struct fk_yaml_config *yaml = NULL;
	struct fk_config *config = NULL;
	enum fk_err err;

	fk_reason_set(reason, "out of memory");
	err = fk_yaml_load(yaml_text, size, &yaml, reason);
	if (err != FK_OK)
		return err;
	config = calloc(1, sizeof(*config));
	err = config != NULL ? fill(config, yaml, reason) : FK_ENOMEM;
	fk_yaml_free(yaml);
	if (err != FK_OK) {
		fk_config_free(config);
		return err;
	}
	*ret_config = config;
	return FK_OK;
}

enum fk_err fk_config_load(const char *path, struct fk_config **ret_config,
			   struct fk_reason *reason)
{
	struct fk_config *config = NULL;
	char *text = malloc(FILE_SIZE_MAX + 1);
	FILE *file = fopen(path, "re");
	enum fk_err err = FK_EIO;
	size_t size = 0;

	if (text == NULL || file == NULL) {
		fk_reason_set(reason, "cannot be read: %s", strerror(errno));
	} else {
		size = fread(text, 1, FILE_SIZE_MAX + 1, file);
		if (ferror(file) != 0)
			fk_reason_set(reason, "cannot be read: %s", strerror(errno));
		else if (size > FILE_SIZE_MAX)
			fk_reason_set(reason, "is larger than %u octets", FILE_SIZE_MAX);
		else
			err = FK_OK;
	}
	if (file != NULL)
		(void)fclose(file); /* only read: nothing can be lost */
	if (err == FK_OK)
		err = fk_config_parse(text, size, &config, reason);
	free(text);
	if (err == FK_OK)
		err = fk_config_load_isd(config, reason);
	if (err != FK_OK) {
		fk_config_free(config);
		return err;
	}
	*ret_config = config;
	return FK_OK;
}

void fk_config_free(struct fk_config *config)
{
	if (config == NULL)
		return;
	for (uint32_t i = 0; i < config->n_next_hops; i++) {
		free(config->next_hops[i].name);
		free(config->next_hops[i].psi);
	}
	free(config->next_hops);
	free(config->kmf.uri);
	free(config->kmf.psi);
	free(config->kmf.extended_app_id);
	free(config->store.redis_socket);
	free(config->store.sentinels);
	free(config->store.master_name);
	free(config->store.witness_file);
	free(config->keys.root_key_file);
	free(config->keys.root_key);
	free(config->keys.pkcs11_module);
	free(config->link.socket);
	free(config->link.dataplane_user);
	free(config->api.socket);
	free(config->api.socket_group);
	free(config->api.token_file);
	free(config->campaign.break_glass_uids);
	free(config->isd.layout_file);
	free(config->isd.layout);
	free(config);
}

static void print_option(FILE *out, const struct fk_option *option)
{
	char allowed[128];

	fk_option_describe(option, allowed, sizeof(allowed));
	fprintf(out, "  %s%s%s\n      %s\n      %s; ", option->section,
		strcmp(option->section, "next_hops") == 0 ? "[]." : ".", option->name, option->help,
		allowed);
	if (option->default_text == NULL)
		fprintf(out, "required\n");
	else if (option->default_text[0] == '\0')
		fprintf(out, "optional\n");
	else
		fprintf(out, "default %s\n", option->default_text);
}

void fk_config_print_help(FILE *out)
{
	fprintf(out, "Options of the configuration file (YAML):\n");
	for (size_t i = 0; i < N_OPTIONS; i++)
		print_option(out, &options[i]);
#define L(section, name, max, form, help)                                                        \
	fprintf(out, "  " #section "." #name "\n      %s\n      list of 1..%d " form "\n", help, \
		max);
#define S(section, list, lists) lists(L)
	FK_SECTIONS(S)
#undef S
#undef L
	fprintf(out, "  next_hops\n      list of 1..%u servers, each with:\n", FK_NEXT_HOPS_MAX);
	for (size_t i = 0; i < N_NEXT_HOP_OPTIONS; i++)
		print_option(out, &next_hop_options[i]);
}

int32_t fk_config_find_next_hop(const struct fk_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->n_next_hops; i++) {
		if (strcmp(config->next_hops[i].name, name) == 0)
			return (int32_t)i;
	}
	return -1;
}

bool fk_config_next_hop_is_one_at_a_time(const struct fk_config_next_hop *next_hop)
{
	return shares_request_uri(next_hop) && !next_hop->congestion_safe;
}

uint16_t fk_config_max_payload(const struct fk_config *config,
			       const struct fk_config_next_hop *next_hop)
{
	uint16_t max = next_hop->max_payload_size_sds_cplane_bytes;

	if (next_hop->carrier == FK_CARRIER_T2 && (max == 0 || config->isd.payload_max < max))
		max = config->isd.payload_max;
	return max;
}

uint16_t fk_config_max_datagram(const struct fk_config *config)
{
	/* spec: RFC 3261 §18.1.1: within 200 octets of a known path MTU UDP may not be used; with
	 * an unknown one datagram_max is DATAGRAM_UNKNOWN_MTU_MAX at most (check_link_and_sip). */
	uint32_t max = config->sip.datagram_max;

	if (config->sip.path_mtu != 0 && config->sip.path_mtu - 200 < max)
		max = config->sip.path_mtu - 200;
	return max > config->sip.proxy_slack ? (uint16_t)(max - config->sip.proxy_slack) : 0;
}
