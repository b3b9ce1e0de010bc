/* SPDX-License-Identifier: Apache-2.0 */
#include "api/group_request.h"

#include <jansson.h>
#include <string.h>

/* The range that a plan may have is checked later; here it must fit. */
static enum fk_err take_number(const json_t *value, json_int_t max, json_int_t *ret_number,
			       struct fk_reason *reason)
{
	*ret_number = json_integer_value(value);
	if (!json_is_integer(value)) {
		fk_reason_set(reason, "must be an integer");
		return FK_EINVAL;
	}
	if (*ret_number >= 0 && *ret_number <= max)
		return FK_OK;
	fk_reason_set(reason, "%" JSON_INTEGER_FORMAT " is out of range", *ret_number);
	return FK_ERANGE;
}

static enum fk_err take_slns(const json_t *value, struct fk_group_plan *plan,
			     struct fk_reason *reason)
{
	size_t n = json_array_size(value);
	enum fk_err err = FK_OK;
	json_int_t number;

	if (!json_is_array(value)) {
		fk_reason_set(reason, "must be a list of SLNs");
		return FK_EINVAL;
	}
	if (n > FK_GROUP_SLNS_MAX) {
		fk_reason_set(reason, "has %zu SLNs, must have 1 to %u", n, FK_GROUP_SLNS_MAX);
		return FK_ERANGE;
	}
	memset(plan->slns, 0, sizeof(plan->slns));
	for (size_t i = 0; err == FK_OK && i < n; i++) {
		err = take_number(json_array_get(value, i), UINT16_MAX, &number, reason);
		plan->slns[i] = (uint16_t)number;
	}
	plan->n_slns = (uint8_t)n;
	return err;
}

static enum fk_err take_keyset(const json_t *value, uint8_t *ret_keyset_id,
			       struct fk_reason *reason)
{
	json_int_t number;
	enum fk_err err = take_number(value, UINT8_MAX, &number, reason);

	if (err == FK_OK)
		*ret_keyset_id = (uint8_t)number;
	return err;
}

/* null: the group has no CKEK. */
static enum fk_err take_ckek_sln(const json_t *value, struct fk_group_plan *plan,
				 struct fk_reason *reason)
{
	json_int_t number = 0;
	enum fk_err err = FK_OK;

	if (!json_is_null(value))
		err = take_number(value, UINT16_MAX, &number, reason);
	if (err == FK_OK)
		plan->ckek_sln = (uint16_t)number;
	return err;
}

static enum fk_err take_member(const char *name, const json_t *value, struct fk_group_plan *plan,
			       struct fk_reason *reason)
{
	if (strcmp(name, "slns") == 0)
		return take_slns(value, plan, reason);
	if (strcmp(name, "active_keyset_id") == 0)
		return take_keyset(value, &plan->active_keyset_id, reason);
	if (strcmp(name, "inactive_keyset_id") == 0)
		return take_keyset(value, &plan->inactive_keyset_id, reason);
	if (strcmp(name, "ckek_sln") == 0)
		return take_ckek_sln(value, plan, reason);
	fk_reason_set(reason, "there is no such member");
	return FK_EINVAL;
}

enum fk_err fk_group_request_parse(const char *body, size_t size, struct fk_group_plan *plan,
				   char ret_field[static FK_FIELD_NAME_SIZE],
				   struct fk_reason *reason)
{
	json_error_t error;
	json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error), *value;
	enum fk_err err = FK_OK;
	const char *name;

	ret_field[0] = '\0';
	if (!json_is_object(root)) {
		fk_reason_set(reason, "the body is no JSON object");
		json_decref(root);
		return FK_EFORMAT;
	}
	json_object_foreach(root, name, value)
	{
		err = take_member(name, value, plan, reason);
		if (err == FK_OK)
			continue;
		(void)snprintf(ret_field, FK_FIELD_NAME_SIZE, "%s", name);
		break;
	}
	json_decref(root);
	return err;
}
