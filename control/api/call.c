/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api.h"

void fk_call_reply_text(struct fk_call *call, unsigned status, const char *content_type, char *text,
			size_t size)
{
	free(call->text);
	call->status = text != NULL ? status : MHD_HTTP_INTERNAL_SERVER_ERROR;
	call->content_type = content_type;
	call->text = text;
	call->text_size = text != NULL ? size : 0;
}

void fk_call_reply_stream(struct fk_call *call, const char *content_type,
			  const struct fk_stream *stream)
{
	call->status = MHD_HTTP_OK;
	call->content_type = content_type;
	call->stream = *stream;
}

json_t *fk_call_json(const struct fk_call *call)
{
	return json_loadb(call->body != NULL ? call->body : "", call->body_size,
			  JSON_REJECT_DUPLICATES, NULL);
}

bool fk_call_may_change_keys(struct fk_call *call)
{
	if (!call->is_local)
		fk_call_reply_err(call, FK_EPOLICY, NULL,
				  "the state of a key changes over the Unix socket only");
	return call->is_local;
}

void fk_call_reply_json(struct fk_call *call, unsigned status, json_t *json)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	fk_call_reply_text(call, status,
			   status >= 400 ? "application/problem+json" : "application/json", text,
			   text != NULL ? strlen(text) : 0);
}

void fk_call_reply_problem(struct fk_call *call, unsigned status, const char *title,
			   const char *field, const char *reason, json_t *extra)
{
	json_t *problem = fk_problem_new(status, title, field, reason);

	if (problem != NULL && extra != NULL)
		(void)json_object_update(problem, extra); /* short of memory: without them */
	json_decref(extra);
	fk_call_reply_json(call, status, problem);
}

void fk_call_reply_err(struct fk_call *call, enum fk_err err, const char *field, const char *reason)
{
	fk_call_reply_problem(call, fk_problem_status(err), fk_err_text(err), field,
			      reason != NULL && reason[0] != '\0' ? reason : NULL, NULL);
}

const char *fk_call_query(const struct fk_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum fk_err query_number(struct fk_call *call, const char *name, uint32_t min, uint32_t max,
				uint32_t *ret_number)
{
	const char *text = fk_call_query(call, name);
	char reason[80];
	char *end;
	unsigned long number;

	if (text == NULL)
		return FK_OK;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < min ||
	    number > max) {
		(void)snprintf(reason, sizeof(reason), "must be a number from %u to %u", min, max);
		fk_call_reply_err(call, FK_ERANGE, name, reason);
		return FK_ERANGE;
	}
	*ret_number = (uint32_t)number;
	return FK_OK;
}

enum fk_err fk_call_page(struct fk_call *call, uint32_t *ret_from, uint32_t *ret_limit)
{
	uint32_t from = 0, limit = FK_API_LIMIT_DEFAULT;
	enum fk_err err = query_number(call, "cursor", 0, FK_UE_INDEX_MAX, &from);

	if (err == FK_OK)
		err = query_number(call, "limit", 1, FK_API_LIMIT_MAX, &limit);
	if (err != FK_OK)
		return err;
	*ret_from = from;
	*ret_limit = limit;
	return FK_OK;
}

json_t *fk_call_timestamp(uint64_t at_ms)
{
	time_t at_s = (time_t)(at_ms / 1000);
	char text[40], whole[32];
	struct tm tm;

	if (at_ms == 0 || gmtime_r(&at_s, &tm) == NULL ||
	    strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return json_null();
	(void)snprintf(text, sizeof(text), "%s.%03uZ", whole, (unsigned)(at_ms % 1000));
	return json_string(text);
}
