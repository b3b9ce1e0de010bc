/* SPDX-License-Identifier: Apache-2.0 */
#include "api/status_request.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/note.h"
#include "api/ue_ids.h"

static enum fk_err take_status(const json_t *value, struct fk_status_request *request,
			       struct fk_reason *reason)
{
	int status = json_is_string(value) ? fk_ue_status_find(json_string_value(value)) : -1;

	if (status < 0) {
		fk_reason_set(reason, "must be active, suspended, lost, zeroized or released");
		return FK_EINVAL;
	}
	request->status = (uint8_t)status;
	return FK_OK;
}

static enum fk_err take_member(const char *name, const json_t *value,
			       struct fk_status_request *request, struct fk_reason *reason)
{
	if (strcmp(name, "status") == 0)
		return take_status(value, request, reason);
	if (strcmp(name, "reason") == 0)
		return fk_note_parse(value, request->reason, sizeof(request->reason), reason);
	if (strcmp(name, "ue_ids") == 0)
		return fk_ue_ids_parse(value, FK_STATUS_SET_MAX, &request->ue_ids,
				       &request->n_ue_ids, reason);
	fk_reason_set(reason, "there is no such member");
	return FK_EINVAL;
}

static enum fk_err take_object(const json_t *object, struct fk_status_request *request,
			       char *ret_field, struct fk_reason *reason)
{
	static const char *const required[] = {"status", "ue_ids"};
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		enum fk_err err = take_member(name, value, request, reason);

		if (err != FK_OK) {
			(void)snprintf(ret_field, FK_FIELD_NAME_SIZE, "%s", name);
			return err;
		}
	}
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		if (json_object_get(object, required[i]) == NULL) {
			(void)snprintf(ret_field, FK_FIELD_NAME_SIZE, "%s", required[i]);
			fk_reason_set(reason, "is missing");
			return FK_EINVAL;
		}
	}
	return FK_OK;
}

enum fk_err fk_status_request_parse(const char *body, size_t size,
				    struct fk_status_request *ret_request,
				    char ret_field[static FK_FIELD_NAME_SIZE],
				    struct fk_reason *reason)
{
	struct fk_status_request request = {.n_ue_ids = 0};
	json_error_t error;
	json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
	enum fk_err err = FK_EFORMAT;

	ret_field[0] = '\0';
	if (json_is_object(root))
		err = take_object(root, &request, ret_field, reason);
	else
		fk_reason_set(reason, "the body is no JSON object");
	json_decref(root);
	if (err != FK_OK) {
		fk_status_request_fini(&request);
		return err;
	}
	*ret_request = request;
	return FK_OK;
}

void fk_status_request_fini(struct fk_status_request *request)
{
	free(request->ue_ids);
	request->ue_ids = NULL;
	request->n_ue_ids = 0;
}
