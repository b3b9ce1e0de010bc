/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/keytable.h>
#include <fleetkey/sds.h>

#include "campaign/lifecycle.h"
#include "config/uri.h"

/* The words of a choice and their values; the lists end with NULL. */
struct word {
	const char *text;
	uint8_t value;
};

static const struct word bool_words[] = {{"true", 1}, {"false", 0}, {NULL, 0}};
static const struct word app_id_words[] = {{"none", FK_SDS_APP_ID_NONE},
					   {"text", FK_SDS_APP_ID_TEXT},
					   {"uri", FK_SDS_APP_ID_URI},
					   {NULL, 0}};
static const struct word profile_words[] = {
	{"A", FK_PROFILE_A}, {"B", FK_PROFILE_B}, {"C", FK_PROFILE_C}, {NULL, 0}};
static const struct word carrier_words[] = {
	{"T1", FK_CARRIER_T1}, {"T2", FK_CARRIER_T2}, {NULL, 0}};

static const struct word approval_words[] = {{"none", FK_APPROVAL_NONE},
					     {"destructive", FK_APPROVAL_DESTRUCTIVE},
					     {"fleet-wide", FK_APPROVAL_FLEET_WIDE},
					     {"all", FK_APPROVAL_ALL},
					     {NULL, 0}};

static const struct word *words_of(enum fk_option_kind kind)
{
	switch (kind) {
	case FK_OPTION_BOOL:
		return bool_words;
	case FK_OPTION_APP_ID:
		return app_id_words;
	case FK_OPTION_PROFILE:
		return profile_words;
	case FK_OPTION_CARRIER:
		return carrier_words;
	case FK_OPTION_APPROVAL:
		return approval_words;
	case FK_OPTION_UINT:
	case FK_OPTION_MTU:
	case FK_OPTION_TEXT:
	case FK_OPTION_NAME:
	case FK_OPTION_URI:
	case FK_OPTION_ADDRESS:
		break;
	}
	return NULL;
}

void fk_option_describe(const struct fk_option *option, char *buf, size_t size)
{
	const struct word *words = words_of(option->kind);
	const char *space = option->unit[0] != '\0' ? " " : "";
	size_t at = 0;

	if (size == 0)
		return;
	buf[0] = '\0';
	for (; words != NULL && words->text != NULL && at < size; words++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", at > 0 ? "|" : "", words->text);
	if (at > 0)
		return;
	switch (option->kind) {
	case FK_OPTION_MTU:
		(void)snprintf(buf, size, "integer 0 or %u..%u%s%s", option->min, option->max,
			       space, option->unit);
		break;
	case FK_OPTION_UINT:
		(void)snprintf(buf, size, "integer %u..%u%s%s", option->min, option->max, space,
			       option->unit);
		break;
	case FK_OPTION_ADDRESS:
		(void)snprintf(buf, size, "IPv4 or IPv6 address of a host");
		break;
	case FK_OPTION_URI:
		(void)snprintf(buf, size, "SIP URI of at most %u octets", option->max);
		break;
	case FK_OPTION_NAME:
		(void)snprintf(buf, size, "name of %u..%u letters, digits, '.', '_', '-'",
			       option->min, option->max);
		break;
	case FK_OPTION_TEXT:
	case FK_OPTION_BOOL:
	case FK_OPTION_APP_ID:
	case FK_OPTION_PROFILE:
	case FK_OPTION_CARRIER:
	case FK_OPTION_APPROVAL:
		(void)snprintf(buf, size, "text of %u..%u%s%s", option->min, option->max, space,
			       option->unit);
		break;
	}
}

static enum fk_err refuse(const struct fk_option *option, const char *where, const char *text,
			  enum fk_err err, struct fk_reason *reason)
{
	char allowed[128];

	fk_option_describe(option, allowed, sizeof(allowed));
	fk_reason_set(reason, "%s%s: \"%.64s\" %s, must be %s", where, option->name, text,
		      err == FK_ERANGE ? "is out of range" : "is not valid", allowed);
	return err;
}

/* Strict: digits only, no sign, no blank, no octal. */
static enum fk_err parse_uint(const char *text, uint64_t *ret_value)
{
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = is_hex ? text + 2 : text;
	char *end;

	if (strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits) ||
	    digits[0] == '\0')
		return FK_EINVAL;
	if (strlen(digits) > 15)
		return FK_ERANGE;
	*ret_value = strtoull(digits, &end, is_hex ? 16 : 10);
	return FK_OK;
}

static void store_uint(void *at, size_t size, uint32_t value)
{
	if (size == sizeof(uint8_t))
		*(uint8_t *)at = (uint8_t)value;
	else if (size == sizeof(uint16_t))
		*(uint16_t *)at = (uint16_t)value;
	else
		*(uint32_t *)at = value;
}

static enum fk_err parse_number(const struct fk_option *option, const char *text, void *at)
{
	uint64_t value;
	enum fk_err err = parse_uint(text, &value);

	if (err != FK_OK)
		return err;
	if ((value < option->min || value > option->max) &&
	    !(option->kind == FK_OPTION_MTU && value == 0))
		return FK_ERANGE;
	store_uint(at, option->value_size, (uint32_t)value);
	return FK_OK;
}

static enum fk_err parse_word(const struct fk_option *option, const char *text, void *at)
{
	for (const struct word *word = words_of(option->kind); word->text != NULL; word++) {
		if (strcmp(text, word->text) == 0) {
			store_uint(at, option->value_size, word->value);
			return FK_OK;
		}
	}
	return FK_EINVAL;
}

/* An IPv4-mapped address would be taken for IPv4, and is none that goes over a wire. */
static enum fk_err parse_address(const char *text, void *at)
{
	struct fk_address address;
	struct in_addr ipv4;

	if (inet_pton(AF_INET, text, &ipv4) == 1)
		address = fk_address_of_ipv4(ntohl(ipv4.s_addr));
	else if (inet_pton(AF_INET6, text, address.octets) != 1 || fk_address_is_ipv4(&address))
		return FK_EINVAL;
	if (!fk_address_is_routable(&address))
		return FK_EINVAL;
	*(struct fk_address *)at = address;
	return FK_OK;
}

static enum fk_err parse_text(const struct fk_option *option, const char *text, void *at)
{
	size_t len = strlen(text);
	char *copy;

	if (len < option->min || len > option->max)
		return FK_ERANGE;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return FK_EINVAL;
	}
	if (option->kind == FK_OPTION_URI && fk_uri_refusal(text, len) != NULL)
		return FK_EINVAL;
	if (option->kind == FK_OPTION_NAME &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
		    len)
		return FK_EINVAL;
	copy = strdup(text);
	if (copy == NULL)
		return FK_ENOMEM;
	*(char **)at = copy;
	return FK_OK;
}

enum fk_err fk_option_store(const struct fk_option *option, const char *where, const char *text,
			    void *config, struct fk_reason *reason)
{
	void *at = (uint8_t *)config + option->value_offset;
	enum fk_err err = FK_EINVAL;

	if (text == NULL && option->default_text == NULL) {
		char allowed[128];

		fk_option_describe(option, allowed, sizeof(allowed));
		fk_reason_set(reason, "%s%s: is missing and has no default, must be %s", where,
			      option->name, allowed);
		return FK_EINVAL;
	}
	if (text == NULL && option->default_text[0] == '\0')
		return FK_OK;
	if (text == NULL)
		text = option->default_text;
	switch (option->kind) {
	case FK_OPTION_UINT:
	case FK_OPTION_MTU:
		err = parse_number(option, text, at);
		break;
	case FK_OPTION_BOOL:
	case FK_OPTION_APP_ID:
	case FK_OPTION_PROFILE:
	case FK_OPTION_CARRIER:
	case FK_OPTION_APPROVAL:
		err = parse_word(option, text, at);
		break;
	case FK_OPTION_ADDRESS:
		err = parse_address(text, at);
		break;
	case FK_OPTION_TEXT:
	case FK_OPTION_NAME:
	case FK_OPTION_URI:
		err = parse_text(option, text, at);
		break;
	}
	if (err == FK_EINVAL || err == FK_ERANGE)
		return refuse(option, where, text, err, reason);
	return err;
}
