/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api/status_request.h"

static struct fk_status_request request;
static char field[FK_FIELD_NAME_SIZE];
static struct fk_reason reason;

static enum fk_err parse(const char *body)
{
	return fk_status_request_parse(body, strlen(body), &request, field, &reason);
}

static void expect_refused(const char *body, enum fk_err wanted, const char *wanted_field)
{
	reason.text[0] = '\0';
	cr_expect_eq(parse(body), wanted, "%s", body);
	cr_expect_str_eq(field, wanted_field, "%s", body);
	cr_expect_neq(reason.text[0], '\0', "%s", body);
}

Test(status_request, a_good_request_is_read)
{
	cr_assert_eq(parse("{\"status\": \"lost\", \"reason\": \"left in a taxi\","
			   " \"ue_ids\": [\"ue-1\", \"b\"]}"),
		     FK_OK);
	cr_expect_eq(request.status, FK_UE_LOST);
	cr_expect_str_eq(request.reason, "left in a taxi");
	cr_assert_eq(request.n_ue_ids, 2);
	cr_expect_str_eq(request.ue_ids[0], "ue-1");
	cr_expect_str_eq(request.ue_ids[1], "b");
	fk_status_request_fini(&request);
	cr_assert_eq(parse("{\"ue_ids\": [\"a\"], \"status\": \"active\"}"), FK_OK);
	cr_expect_eq(request.status, FK_UE_ACTIVE);
	cr_expect_str_eq(request.reason, "");
	fk_status_request_fini(&request);
}

Test(status_request, wrong_members_are_named)
{
	expect_refused("", FK_EFORMAT, "");
	expect_refused("[]", FK_EFORMAT, "");
	expect_refused("{}", FK_EINVAL, "status");
	expect_refused("{\"status\": \"lost\"}", FK_EINVAL, "ue_ids");
	expect_refused("{\"ue_ids\": [\"a\"]}", FK_EINVAL, "status");
	expect_refused("{\"status\": \"gone\", \"ue_ids\": [\"a\"]}", FK_EINVAL, "status");
	expect_refused("{\"status\": 2, \"ue_ids\": [\"a\"]}", FK_EINVAL, "status");
	expect_refused("{\"status\": \"lost\", \"ue_ids\": []}", FK_ERANGE, "ue_ids");
	expect_refused("{\"status\": \"lost\", \"ue_ids\": \"a\"}", FK_EINVAL, "ue_ids");
	expect_refused("{\"status\": \"lost\", \"ue_ids\": [1]}", FK_EINVAL, "ue_ids");
	expect_refused("{\"status\": \"lost\", \"ue_ids\": [\"\"]}", FK_EINVAL, "ue_ids");
	expect_refused("{\"status\": \"lost\", \"ue_ids\": [\"a\"], \"x\": 1}", FK_EINVAL, "x");
	expect_refused("{\"status\": \"lost\", \"ue_ids\": [\"a\"], \"reason\": 1}", FK_EINVAL,
		       "reason");
	expect_refused("{\"status\": \"lost\", \"ue_ids\": [\"a\"], \"reason\": \"a\\nb\"}",
		       FK_EINVAL, "reason");
	expect_refused("{\"status\": \"lost\", \"ue_ids\": [\"a\"], \"reason\": \"a\\\"b\"}",
		       FK_EINVAL, "reason");
}

/* A request with one UE id and one reason of these lengths, and 'n' more ids. */
static enum fk_err parse_lengths(size_t id_len, size_t reason_len, uint32_t n)
{
	char *body = calloc(1, 4096 + 4ull * n);
	enum fk_err err;
	size_t at;

	cr_assert_not_null(body);
	at = (size_t)sprintf(body, "{\"status\": \"lost\", \"reason\": \"");
	memset(body + at, 'r', reason_len);
	strcat(body, "\", \"ue_ids\": [\"");
	at = strlen(body);
	memset(body + at, 'u', id_len);
	at += id_len;
	body[at++] = '"';
	for (uint32_t i = 0; i < n; i++, at += 4)
		memcpy(body + at, ",\"a\"", 4);
	memcpy(body + at, "]}", 3);
	err = parse(body);
	free(body);
	if (err == FK_OK)
		fk_status_request_fini(&request);
	return err;
}

Test(status_request, the_longest_values_are_taken_and_one_more_is_not)
{
	cr_expect_eq(
		parse_lengths(FK_UE_ID_SIZE_MAX, FK_STATUS_REASON_SIZE - 1, FK_STATUS_SET_MAX - 1),
		FK_OK);
	cr_expect_eq(parse_lengths(FK_UE_ID_SIZE_MAX + 1, 1, 0), FK_EINVAL);
	cr_expect_eq(parse_lengths(1, FK_STATUS_REASON_SIZE, 0), FK_ERANGE);
	cr_expect_eq(parse_lengths(1, 1, FK_STATUS_SET_MAX), FK_ERANGE);
}

Test(status_request, every_label_is_found_and_no_other)
{
	for (uint8_t i = 0; i < FK_UE_STATUSES; i++)
		cr_expect_eq(fk_ue_status_find(fk_ue_status_label(i)), i);
	cr_expect_eq(fk_ue_status_find("unknown"), -1);
	cr_expect_str_eq(fk_ue_status_label(FK_UE_STATUSES), "unknown");
}
