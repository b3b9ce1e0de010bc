/* SPDX-License-Identifier: Apache-2.0 */
#include "api/campaign_request.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/note.h"
#include "api/ue_ids.h"
#include "api/waves_request.h"
#include "fleet/status.h"

#define KINDS                                                                                  \
	"\"rekey\", \"changeover\", \"rekey-and-changeover\", \"inventory\", \"delete-key\", " \
	"\"delete-keyset\", \"zeroize\", \"warm-start\", \"hello\" or \"ckek\""

enum member_kind {
	KIND_KIND,
	KIND_GROUP,
	KIND_AREA,
	KIND_NUMBER,
	KIND_SLNS,
	KIND_UE_IDS,
	KIND_STATUS,
	KIND_BOOL,
	KIND_WAVES,
	KIND_NOTE,
	KIND_GATE
};

/* The members, one row each. */
static const struct member {
	const char *name;
	enum member_kind kind;
	json_int_t min, max;
} members[] = {
	{"kind", KIND_KIND, 0, 0},
	{"group", KIND_GROUP, 0, 0},
	{"area", KIND_AREA, 0, 0},
	{"sln", KIND_NUMBER, 1, 4095},
	{"slns", KIND_SLNS, 1, 4095},
	{"keyset_id", KIND_NUMBER, 1, 16},
	{"pace_per_s", KIND_NUMBER, 1, 10000000},
	{"expire_after_s", KIND_NUMBER, 1, 31536000},
	{"closing", KIND_BOOL, 0, 0},
	{"supersedes", KIND_BOOL, 0, 0},
	{"under_ckek", KIND_BOOL, 0, 0},
	{"replaces_active", KIND_BOOL, 0, 0},
	{"superseded_keyset_id", KIND_NUMBER, 1, 16},
	{"keys_of", KIND_NUMBER, 1, UINT32_MAX},
	{"ue_ids", KIND_UE_IDS, 0, 0},
	{"except_ue_ids", KIND_UE_IDS, 0, 0},
	{"status", KIND_STATUS, 0, 0},
	{"waves", KIND_WAVES, 0, 0},
	{"gate", KIND_GATE, 0, 0},
	{"break_glass", KIND_NOTE, 0, 0},
};

static const struct member *find_member(const char *name)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	}
	return NULL;
}

/* A group's or an area's, in 'name' of 'cap' characters, the NUL included. */
static enum fk_err take_name(const json_t *value, char *name, size_t cap, struct fk_reason *reason)
{
	size_t size = json_string_length(value);

	if (!json_is_string(value)) {
		fk_reason_set(reason, "must be a string");
		return FK_EINVAL;
	}
	if (size >= cap || strlen(json_string_value(value)) != size) {
		fk_reason_set(reason, "must be at most %zu characters", cap - 1);
		return FK_ERANGE;
	}
	memcpy(name, json_string_value(value), size + 1);
	return FK_OK;
}

static enum fk_err take_number(const struct member *member, const json_t *value,
			       struct fk_campaign_request *request, struct fk_reason *reason)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value)) {
		fk_reason_set(reason,
			      "must be an integer from %" JSON_INTEGER_FORMAT
			      " to %" JSON_INTEGER_FORMAT,
			      member->min, member->max);
		return FK_EINVAL;
	}
	if (number < member->min || number > member->max) {
		fk_reason_set(reason,
			      "%" JSON_INTEGER_FORMAT " is not from %" JSON_INTEGER_FORMAT
			      " to %" JSON_INTEGER_FORMAT,
			      number, member->min, member->max);
		return FK_ERANGE;
	}
	if (strcmp(member->name, "sln") == 0) {
		request->slns[0] = (uint16_t)number;
		request->n_keys = 1;
	} else if (strcmp(member->name, "keyset_id") == 0)
		request->keyset_id = (uint8_t)number;
	else if (strcmp(member->name, "superseded_keyset_id") == 0)
		request->superseded_keyset_id = (uint8_t)number;
	else if (strcmp(member->name, "keys_of") == 0)
		request->keys_of = (uint32_t)number;
	else if (strcmp(member->name, "expire_after_s") == 0)
		request->expire_after_s = (uint32_t)number;
	else
		request->pace_per_s = (uint32_t)number;
	return FK_OK;
}

/* True if the list has 'sln' already. */
static bool has_sln(const struct fk_campaign_request *request, uint32_t n, json_int_t sln)
{
	for (uint32_t i = 0; i < n; i++) {
		if (request->slns[i] == sln)
			return true;
	}
	return false;
}

static enum fk_err take_slns(const struct member *member, const json_t *value,
			     struct fk_campaign_request *request, struct fk_reason *reason)
{
	size_t n = json_array_size(value);

	if (!json_is_array(value)) {
		fk_reason_set(reason, "must be a list of SLNs");
		return FK_EINVAL;
	}
	if (n == 0 || n > FK_CAMPAIGN_KEYS_MAX) {
		fk_reason_set(reason, "has %zu SLNs, must have 1 to %u", n, FK_CAMPAIGN_KEYS_MAX);
		return FK_ERANGE;
	}
	for (uint32_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(value, i);
		json_int_t sln = json_integer_value(item);

		if (!json_is_integer(item) || sln < member->min || sln > member->max) {
			fk_reason_set(reason,
				      "item %u is no integer from %" JSON_INTEGER_FORMAT
				      " to %" JSON_INTEGER_FORMAT,
				      i, member->min, member->max);
			return json_is_integer(item) ? FK_ERANGE : FK_EINVAL;
		}
		if (has_sln(request, i, sln)) {
			fk_reason_set(reason, "SLN %" JSON_INTEGER_FORMAT " stands there twice",
				      sln);
			return FK_EINVAL;
		}
		request->slns[i] = (uint16_t)sln;
	}
	request->n_keys = (uint8_t)n;
	return FK_OK;
}

static enum fk_err take_kind(const json_t *value, struct fk_campaign_request *request,
			     struct fk_reason *reason)
{
	int kind = json_is_string(value) ? fk_kind_find(json_string_value(value)) : -1;

	if (kind < 0) {
		fk_reason_set(reason, "must be " KINDS);
		return FK_EINVAL;
	}
	request->kind = (uint8_t)kind;
	return FK_OK;
}

/* Who alone is meant, or who is not: the one or the other. */
static enum fk_err take_naming(enum fk_naming naming, struct fk_campaign_request *request,
			       struct fk_reason *reason)
{
	if (request->members.naming != FK_NAMED_NONE && request->members.naming != naming) {
		fk_reason_set(reason, "except_ue_ids must not be there together with ue_ids, area "
				      "or status");
		return FK_EINVAL;
	}
	request->members.naming = (uint8_t)naming;
	return FK_OK;
}

static enum fk_err take_ue_ids(const struct member *member, const json_t *value,
			       struct fk_campaign_request *request, struct fk_reason *reason)
{
	bool is_except = strcmp(member->name, "except_ue_ids") == 0;
	enum fk_err err = take_naming(is_except ? FK_NAMED_BUT : FK_NAMED_ONLY, request, reason);
	fk_ue_id_text *ue_ids;

	if (err == FK_OK)
		err = fk_ue_ids_parse(value, FK_MEMBERS_NAMED_MAX, &ue_ids,
				      &request->members.n_ue_ids, reason);
	if (err == FK_OK)
		request->members.ue_ids = ue_ids;
	return err;
}

/* Those that are active are the rule, and named by nothing. */
static enum fk_err take_status(const json_t *value, struct fk_campaign_request *request,
			       struct fk_reason *reason)
{
	int status = json_is_string(value) ? fk_ue_status_find(json_string_value(value)) : -1;

	if (status <= FK_UE_ACTIVE) {
		fk_reason_set(reason, "must be suspended, lost or zeroized");
		return FK_EINVAL;
	}
	request->members.of_statuses = (uint8_t)FK_ADMIT(status);
	return take_naming(FK_NAMED_ONLY, request, reason);
}

/* Its UEs, of the group if one is given. */
static enum fk_err take_area(const json_t *value, struct fk_campaign_request *request,
			     struct fk_reason *reason)
{
	enum fk_err err =
		take_name(value, request->members.area, sizeof(request->members.area), reason);

	if (err == FK_OK && request->members.area[0] == '\0') {
		fk_reason_set(reason, "must be the name of an area");
		return FK_EINVAL;
	}
	return err == FK_OK ? take_naming(FK_NAMED_ONLY, request, reason) : err;
}

/* Why it has to be so, and without approval. */
static enum fk_err take_break_glass(const json_t *value, struct fk_campaign_request *request,
				    struct fk_reason *reason)
{
	enum fk_err err =
		fk_note_parse(value, request->break_glass, sizeof(request->break_glass), reason);

	if (err == FK_OK && request->break_glass[0] == '\0') {
		fk_reason_set(reason, "must be the reason for it");
		return FK_EINVAL;
	}
	return err;
}

static enum fk_err take_member(const struct member *member, const json_t *value,
			       struct fk_campaign_request *request, struct fk_reason *reason)
{
	switch (member->kind) {
	case KIND_KIND:
		return take_kind(value, request, reason);
	case KIND_GROUP:
		return take_name(value, request->group, sizeof(request->group), reason);
	case KIND_AREA:
		return take_area(value, request, reason);
	case KIND_NUMBER:
		return take_number(member, value, request, reason);
	case KIND_SLNS:
		return take_slns(member, value, request, reason);
	case KIND_UE_IDS:
		return take_ue_ids(member, value, request, reason);
	case KIND_STATUS:
		return take_status(value, request, reason);
	case KIND_BOOL:
		if (!json_is_boolean(value)) {
			fk_reason_set(reason, "must be true or false");
			return FK_EINVAL;
		}
		*(strcmp(member->name, "closing") == 0		 ? &request->closing
		  : strcmp(member->name, "under_ckek") == 0	 ? &request->under_ckek
		  : strcmp(member->name, "replaces_active") == 0 ? &request->replaces_active
								 : &request->supersedes) =
			json_is_true(value);
		return FK_OK;
	case KIND_NOTE:
		return take_break_glass(value, request, reason);
	case KIND_WAVES:
		return fk_waves_request_parse(value, &request->waves, reason);
	case KIND_GATE:
		return fk_gate_request_parse(value, &request->gate, reason);
	}
	return FK_EINVAL;
}

/* A member that means nothing for the kind would be dropped without a word, and something else be
 * done than was asked for. */
static enum fk_err check_uses(const json_t *object, const struct fk_kind *kind, char *ret_field,
			      struct fk_reason *reason)
{
	const bool takes_keys_of = kind->goes_on || kind->may_ask;
	const struct {
		const char *name;
		bool is_used;
	} uses[] = {
		{"sln", kind->gives_keys},
		{"slns", kind->gives_keys},
		{"keys_of", takes_keys_of},
		{"keyset_id", kind->gives_keys || takes_keys_of ||
				      fk_kind_has_command(kind, FK_ORDER_DELETE_KEYSET)},
		{"superseded_keyset_id", fk_kind_has_command(kind, FK_ORDER_CHANGEOVER)},
		{"supersedes",
		 kind->gives_keys || !json_is_true(json_object_get(object, "supersedes"))},
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (uses[i].is_used || json_object_get(object, uses[i].name) == NULL)
			continue;
		(void)snprintf(ret_field, FK_FIELD_NAME_SIZE, "%s", uses[i].name);
		fk_reason_set(reason, "a campaign of kind %s has no use for it%s", kind->label,
			      strcmp(uses[i].name, "supersedes") == 0
				      ? ": only one that gives keys supersedes another"
			      : strcmp(uses[i].name, "keys_of") == 0 && kind->gives_keys
				      ? ": it makes new keys; retry gives the same ones again"
				      : "");
		return FK_EINVAL;
	}
	return FK_OK;
}

static enum fk_err take_object(const json_t *object, struct fk_campaign_request *request,
			       char *ret_field, struct fk_reason *reason)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		const struct member *member = find_member(name);
		enum fk_err err = FK_EINVAL;

		if (member != NULL)
			err = take_member(member, value, request, reason);
		else
			fk_reason_set(reason, "there is no such member");
		if (err != FK_OK) {
			(void)snprintf(ret_field, FK_FIELD_NAME_SIZE, "%s", name);
			return err;
		}
	}
	if (json_object_get(object, "sln") != NULL && json_object_get(object, "slns") != NULL) {
		(void)snprintf(ret_field, FK_FIELD_NAME_SIZE, "slns");
		fk_reason_set(reason, "must not be there together with sln");
		return FK_EINVAL;
	}
	if (json_object_get(object, "kind") == NULL) {
		(void)snprintf(ret_field, FK_FIELD_NAME_SIZE, "kind");
		fk_reason_set(reason, "is missing; must be " KINDS);
		return FK_EINVAL;
	}
	if (request->replaces_active && fk_kind(request->kind)->rule != FK_RULE_SETTLED) {
		(void)snprintf(ret_field, FK_FIELD_NAME_SIZE, "replaces_active");
		fk_reason_set(reason, "is for kinds that give traffic keys");
		return FK_EINVAL;
	}
	return check_uses(object, fk_kind(request->kind), ret_field, reason);
}

enum fk_err fk_campaign_request_parse(const char *body, size_t size,
				      struct fk_campaign_request *ret_request,
				      char ret_field[static FK_FIELD_NAME_SIZE],
				      struct fk_reason *reason)
{
	struct fk_campaign_request request = {.closing = true, .gate = FK_GATE_DEFAULT};
	json_error_t error;
	json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
	enum fk_err err;

	ret_field[0] = '\0';
	if (!json_is_object(root)) {
		fk_reason_set(reason, "the body is no JSON object%s%s", root == NULL ? ": " : "",
			      root == NULL ? error.text : "");
		json_decref(root);
		return FK_EFORMAT;
	}
	err = take_object(root, &request, ret_field, reason);
	json_decref(root);
	if (err == FK_OK)
		*ret_request = request;
	else
		fk_campaign_request_fini(&request);
	return err;
}

void fk_campaign_request_fini(struct fk_campaign_request *request)
{
	free((void *)(uintptr_t)request->members.ue_ids);
	request->members.ue_ids = NULL;
	request->members.n_ue_ids = 0;
}
