/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports that are signed well and say what cannot be, and such that are no reports.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

#define LINES_MAX 16

static const uint8_t seed[FK_REPORT_SEED_SIZE] = {5};

#define HEAD(n, acked)                                                             \
	"{\"report\":{\"campaign\":{\"id\":7,\"n_deliveries\":" #n ",\"states\":{" \
	"\"acked\":" #acked ",\"refused\":0}}}}\n"
#define DELIVERY(rsi, state) "{\"delivery\":{\"rsi\":" #rsi ",\"state\":\"" state "\"}}\n"
#define BROKEN(n, acked)                                                           \
	"{\"report\":{\"campaign\":{\"id\":7,\"n_deliveries\":" #n ",\"states\":{" \
	"\"acked\":" #acked "},\"break_glass\":{\"reason\":\"stolen\"}}}}\n"
#define REVIEW	  "{\"review\":{\"state\":\"pending\"}}\n"
#define AMENDMENT "{\"amendment\":{\"ue_id\":\"a\"}}\n"

static void to_hex(const uint8_t *octets, size_t size, char *ret_text)
{
	for (size_t i = 0; i < size; i++)
		sprintf(ret_text + 2 * i, "%02x", octets[i]);
}

/* The lines, with an end and a signature that fit them; "" in 'states': as it must be. Returns what
 * the check says of them. */
static enum fk_err check(const char *const *lines, const char *states, unsigned n_deliveries,
			 char reason[static FK_REPORT_REASON_SIZE])
{
	struct fk_report_digest *digest = fk_report_digest_new();
	uint8_t octets[FK_REPORT_DIGEST_SIZE], signature[FK_REPORT_SIGNATURE_SIZE];
	uint8_t public[FK_REPORT_PUBLIC_SIZE];
	char text[8192] = "", hex[2 * FK_REPORT_DIGEST_SIZE + 1], end[1024];
	struct fk_report_summary summary = {0};
	unsigned n_amendments = 0;
	bool is_frozen = false;
	enum fk_err err;
	FILE *file;

	for (size_t i = 0; lines[i]; i++) {
		if ((strcmp(lines[i], AMENDMENT) == 0 || strcmp(lines[i], REVIEW) == 0) &&
		    !is_frozen) {
			is_frozen = true;
			cr_assert_eq(fk_report_digest_get(digest, octets), FK_OK);
		}
		n_amendments += strcmp(lines[i], AMENDMENT) == 0;
		cr_assert_eq(fk_report_digest_add(digest, lines[i], strlen(lines[i])), FK_OK);
		strcat(text, lines[i]);
	}
	if (!is_frozen)
		cr_assert_eq(fk_report_digest_get(digest, octets), FK_OK);
	to_hex(octets, sizeof(octets), hex);
	snprintf(end, sizeof(end),
		 "{\"end\":{\"n_deliveries\":%u,\"n_amendments\":%u,\"states\":{%s},"
		 "\"frozen_sha512\":\"%s\"}}\n",
		 n_deliveries, n_amendments, states, hex);
	cr_assert_eq(fk_report_digest_add(digest, end, strlen(end)), FK_OK);
	strcat(text, end);
	cr_assert_eq(fk_report_digest_get(digest, octets), FK_OK);
	cr_assert_eq(fk_report_sign(seed, octets, signature), FK_OK);
	to_hex(signature, sizeof(signature), hex);
	snprintf(end, sizeof(end), "{\"signature\":{\"value\":\"%s\"}}\n", hex);
	strcat(text, end);
	fk_report_digest_free(digest);

	cr_assert_eq(fk_report_public(seed, public), FK_OK);
	file = fmemopen(text, strlen(text), "r");
	err = fk_report_check(file, public, &summary, reason);
	fclose(file);
	fk_report_summary_fini(&summary);
	return err;
}

static void expect_refused(const char *const *lines, const char *states, unsigned n_deliveries,
			   const char *why)
{
	char reason[FK_REPORT_REASON_SIZE];

	cr_expect_eq(check(lines, states, n_deliveries, reason), FK_EFORMAT);
	cr_expect_not_null(strstr(reason, why), "'%s' should say '%s'", reason, why);
}

Test(report_check, a_report_that_agrees_with_itself_is_good)
{
	const char *const lines[] = {HEAD(2, 1), DELIVERY(1, "acked"), DELIVERY(2, "unreachable"),
				     AMENDMENT, NULL};
	char reason[FK_REPORT_REASON_SIZE];

	cr_expect_eq(check(lines, "\"acked\":1,\"unreachable\":1", 2, reason), FK_OK, "%s", reason);
}

Test(report_check, a_ue_with_two_deliveries_is_refused_by_its_rsi)
{
	const char *const lines[] = {HEAD(2, 2), DELIVERY(4711, "acked"), DELIVERY(4711, "acked"),
				     NULL};

	expect_refused(lines, "\"acked\":2", 2, "RSI 4711 has two deliveries");
}

Test(report_check, sums_that_are_not_those_of_the_lines_are_refused)
{
	const char *const lines[] = {HEAD(2, 2), DELIVERY(1, "acked"), DELIVERY(2, "acked"), NULL};
	const char *const other[] = {HEAD(2, 1), DELIVERY(1, "acked"), DELIVERY(2, "acked"), NULL};

	expect_refused(lines, "\"acked\":2", 3, "not as many deliveries");
	expect_refused(lines, "\"acked\":1,\"refused\":1", 2, "other states");
	expect_refused(other, "\"acked\":2", 2, "another number of acked");
}

Test(report_check, lines_out_of_their_order_are_refused)
{
	const char *const headless[] = {DELIVERY(1, "acked"), NULL};
	const char *const twice[] = {HEAD(1, 1), HEAD(1, 1), DELIVERY(1, "acked"), NULL};
	const char *const late[] = {HEAD(1, 1), AMENDMENT, DELIVERY(1, "acked"), NULL};

	expect_refused(headless, "\"acked\":1", 1, "line 1: a report begins with");
	expect_refused(twice, "\"acked\":1", 1, "line 2: \"report\" behind \"report\"");
	expect_refused(late, "\"acked\":1", 1, "line 3: \"delivery\" behind \"amendment\"");
}

Test(report_check, a_break_glass_has_one_review_and_nothing_else_has)
{
	const char *const good[] = {BROKEN(1, 1), DELIVERY(1, "acked"), AMENDMENT, REVIEW, NULL};
	const char *const bare[] = {BROKEN(1, 1), DELIVERY(1, "acked"), NULL};
	const char *const twice[] = {BROKEN(1, 1), DELIVERY(1, "acked"), REVIEW, REVIEW, NULL};
	const char *const other[] = {HEAD(1, 1), DELIVERY(1, "acked"), REVIEW, NULL};
	const char *const early[] = {BROKEN(1, 1), DELIVERY(1, "acked"), REVIEW, AMENDMENT, NULL};
	char reason[FK_REPORT_REASON_SIZE];

	cr_expect_eq(check(good, "\"acked\":1", 1, reason), FK_OK, "%s", reason);
	expect_refused(bare, "\"acked\":1", 1, "has a review");
	expect_refused(twice, "\"acked\":1", 1, "line 4: \"review\" behind \"review\"");
	expect_refused(other, "\"acked\":1", 1, "nothing else has one");
	expect_refused(early, "\"acked\":1", 1, "line 4: \"amendment\" behind \"review\"");
}

Test(report_check, what_is_no_report_is_refused_with_its_line)
{
	const char *const text[] = {HEAD(1, 1), "hello\n", NULL};
	const char *const list[] = {HEAD(1, 1), "[1]\n", NULL};
	const char *const other[] = {HEAD(1, 1), "{\"other\":{}}\n", NULL};
	const char *const two[] = {HEAD(1, 1), "{\"delivery\":{},\"end\":{}}\n", NULL};
	const char *const bare[] = {HEAD(1, 1), "{\"delivery\":{}}\n", NULL};
	const char *const beyond[] = {HEAD(1, 1), DELIVERY(16777216, "acked"), NULL};

	expect_refused(text, "", 1, "line 2: is no JSON object");
	expect_refused(list, "", 1, "line 2: is no JSON object");
	expect_refused(other, "", 1, "line 2: is no line of a report");
	expect_refused(two, "", 1, "line 2: is no line of a report");
	expect_refused(bare, "", 1, "line 2: a delivery wants rsi and state");
	expect_refused(beyond, "", 1, "line 2: a delivery wants rsi and state");
}
