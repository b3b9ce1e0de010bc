/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A UE that was released to another KMF comes back: POST says from which number on.
 */
#include <inttypes.h>
#include <string.h>

#include "api/api.h"
#include "api/call.h"
#include "fleet/adopt.h"
#include "fleet/status.h"
#include "log.h"

static void adopt(struct fk_call *call, const char *ue_id, json_int_t next_number)
{
	struct fk_app *app = call->app;
	struct fk_reason reason = {{0}};
	int64_t ue_index = fk_fleet_find(app->fleet, ue_id);
	const char *field = "ue_id";
	enum fk_err err = FK_ENOTFOUND;

	if (ue_index < 0) {
		fk_reason_set(&reason, "is no UE of the fleet in force");
	} else if (fk_api_is_importing(app->api)) {
		field = NULL;
		fk_reason_set(&reason, "a fleet is imported, with the numbers as they are: say it "
				       "again when that is over");
		err = FK_EBUSY;
	} else if (next_number < 0 || next_number > UINT16_MAX) {
		field = "next_number";
		fk_reason_set(&reason, "must be 0 to 65535");
		err = FK_ERANGE;
	} else {
		err = fk_adopt_ue(app->store, app->fleet, (uint32_t)ue_index, (uint16_t)next_number,
				  &reason);
		if (err == FK_ERANGE)
			field = "next_number";
	}
	if (err != FK_OK) {
		fk_call_reply_err(call, err, err != FK_ESTORE ? field : NULL, reason.text);
		return;
	}
	fk_log(FK_LOG_WARN, "ue adopted", "ue=%s next_number=%u by_uid=%" PRId64, ue_id,
	       (unsigned)next_number, (int64_t)call->principal - 1);
	fk_call_reply_json(call, 200,
			   json_pack("{s:s, s:s, s:I}", "ue_id", ue_id, "status",
				     fk_ue_status_label(FK_UE_ACTIVE), "next_number", next_number));
}

void fk_api_adopt(struct fk_call *call)
{
	json_t *body = fk_call_json(call);
	const char *ue_id = NULL;
	json_int_t next_number = 0;

	if (body == NULL ||
	    json_unpack(body, "{s:s, s:I!}", "ue_id", &ue_id, "next_number", &next_number) != 0)
		fk_call_reply_problem(call, 400, "the body must name a UE and a number", "ue_id",
				      "and next_number must be there, and nothing else", NULL);
	else
		adopt(call, ue_id, next_number);
	json_decref(body);
}
