/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include <fleetkey/keytable.h>

#define TEXT_MAX 8192 /* characters of one value; each option has its own, smaller limit */

static const cyaml_schema_value_t text_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, TEXT_MAX)};

/* One list of fields for each section. */
#define X(section, name, kind, default_text, min, max, unit, help)                       \
	{.key = #name,                                                                   \
	 .data_offset = offsetof(struct fk_yaml_config, section.name) -                  \
			offsetof(struct fk_yaml_config, section),                        \
	 .value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char, 0, \
				      TEXT_MAX)}},
#define L(section, name, max, form, help)                                                 \
	{.key = #name,                                                                    \
	 .data_offset = offsetof(struct fk_yaml_config, section.name) -                   \
			offsetof(struct fk_yaml_config, section),                         \
	 .count_offset = offsetof(struct fk_yaml_config, section.n_##name) -              \
			 offsetof(struct fk_yaml_config, section),                        \
	 .count_size = sizeof(unsigned),                                                  \
	 .value = {CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char *, \
					&text_schema, 0, CYAML_UNLIMITED)}},
#define S(section, list, lists) \
	static const cyaml_schema_field_t section##_fields[] = {list(X) lists(L) CYAML_FIELD_END};
FK_SECTIONS(S)
#undef S
#undef L
#undef X

static const cyaml_schema_field_t next_hop_fields[] = {
#define X(section, name, kind, default_text, min, max, unit, help)              \
	CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, \
			       struct fk_yaml_next_hop, name, 0, TEXT_MAX),
	FK_OPTIONS_NEXT_HOP(X)
#undef X
		CYAML_FIELD_END};

static const cyaml_schema_value_t next_hop_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct fk_yaml_next_hop, next_hop_fields)};

static const cyaml_schema_field_t top_fields[] = {
#define S(section, list, lists)                                                            \
	CYAML_FIELD_MAPPING(#section, CYAML_FLAG_OPTIONAL, struct fk_yaml_config, section, \
			    section##_fields),
	FK_SECTIONS(S)
#undef S
		CYAML_FIELD_SEQUENCE_COUNT("next_hops", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
					   struct fk_yaml_config, next_hops, n_next_hops,
					   &next_hop_schema, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END};

static const cyaml_schema_value_t top_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct fk_yaml_config, top_fields)};

/*
 * What the library says about an error: first what, then a line for each level, innermost first, as
 * "in mapping field 'sip' (line: 8, column: 6)". Turned into "sip.bogus: unknown option (line 8)".
 */
struct messages {
	char what[160];
	char path[160];
	unsigned line; /* of the file; 0: not known yet */
};

/* Puts 'name' in front of the path that is there. */
static void prepend(struct messages *messages, const char *name, size_t len)
{
	char path[sizeof(messages->path)];

	memcpy(path, messages->path, sizeof(path));
	(void)snprintf(messages->path, sizeof(messages->path), "%.*s%s%.100s", (int)len, name,
		       path[0] != '\0' ? "." : "", path);
}

static void take_line(struct messages *messages, const char *text)
{
	static const char unknown[] = "Load: Unexpected key: ", field[] = "in mapping field '";
	const char *at = strstr(text, field), *line = strstr(text, "(line: ");

	if (messages->line == 0 && line != NULL)
		messages->line = (unsigned)strtoul(line + 7, NULL, 10);
	if (at != NULL) {
		at += sizeof(field) - 1;
		prepend(messages, at, strcspn(at, "'"));
	} else if (strncmp(text, unknown, sizeof(unknown) - 1) == 0) {
		prepend(messages, text + sizeof(unknown) - 1, strlen(text + sizeof(unknown) - 1));
		(void)snprintf(messages->what, sizeof(messages->what), "unknown option");
	} else if (messages->what[0] == '\0' && strcmp(text, "Load: Backtrace:") != 0) {
		at = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
		(void)snprintf(messages->what, sizeof(messages->what), "%.150s", at);
	}
}

__attribute__((format(printf, 3, 0))) static void keep_message(cyaml_log_t level, void *ctx,
							       const char *format, va_list args)
{
	char text[256];

	(void)level;
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		return;
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20)
			*p = *(p + 1) == '\0' ? '\0' : ' ';
		if (*p == '\0')
			break;
	}
	take_line(ctx, text);
}

static cyaml_config_t library_config(struct messages *messages)
{
	return (cyaml_config_t){
		.log_fn = messages != NULL ? keep_message : NULL,
		.log_ctx = messages,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS,
	};
}

enum fk_err fk_yaml_load(const char *text, size_t size, struct fk_yaml_config **ret_yaml,
			 struct fk_reason *reason)
{
	struct messages messages = {.line = 0};
	cyaml_config_t config = library_config(&messages);
	void *data = NULL;
	cyaml_err_t result =
		cyaml_load_data((const uint8_t *)text, size, &config, &top_schema, &data, NULL);

	if (result == CYAML_ERR_OOM)
		return FK_ENOMEM;
	if (result != CYAML_OK) {
		fk_reason_set(reason, "%s: %s (line %u)",
			      messages.path[0] != '\0' ? messages.path : "configuration",
			      messages.what[0] != '\0' ? messages.what : cyaml_strerror(result),
			      messages.line);
		return FK_EFORMAT;
	}
	if (data == NULL) {
		fk_reason_set(reason, "configuration: is empty");
		return FK_EFORMAT;
	}
	*ret_yaml = data;
	return FK_OK;
}

void fk_yaml_free(struct fk_yaml_config *yaml)
{
	cyaml_config_t config = library_config(NULL);

	if (yaml != NULL)
		(void)cyaml_free(&config, &top_schema, yaml, 0); /* fails for bad arguments only */
}
