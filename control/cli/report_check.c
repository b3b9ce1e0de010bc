/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

#define RSIS_MAX (1u << 24)

/* Lines come in this order; of some there are many. */
enum part {
	REPORT,
	DELIVERY,
	AMENDMENT,
	REVIEW,
	END,
	SIGNATURE,
	PARTS
};

static const char *const part_names[PARTS] = {
	[REPORT] = "report", [DELIVERY] = "delivery", [AMENDMENT] = "amendment",
	[REVIEW] = "review", [END] = "end",	      [SIGNATURE] = "signature",
};

struct check {
	char *reason; /* FK_REPORT_REASON_SIZE octets */
	uint64_t line, n[PARTS];
	enum part last;
	struct fk_report_digest *digest;
	uint8_t frozen[FK_REPORT_DIGEST_SIZE], signed_digest[FK_REPORT_DIGEST_SIZE];
	json_t *report, *end, *signature; /* owned */
	json_t *states;			  /* counted: name -> how many */
	uint8_t *rsis;			  /* a bit for each that had a delivery */
};

static enum fk_err fail(struct check *c, enum fk_err err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum fk_err fail(struct check *c, enum fk_err err, const char *format, ...)
{
	int n = snprintf(c->reason, FK_REPORT_REASON_SIZE,
			 "line %llu: ", (unsigned long long)c->line);
	va_list args;

	va_start(args, format);
	vsnprintf(c->reason + n, FK_REPORT_REASON_SIZE - (size_t)n, format, args);
	va_end(args);
	return err;
}

static enum fk_err read_hex(struct check *c, const json_t *value, const char *name,
			    uint8_t *ret_octets, size_t size)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) != 2 * size || strspn(text, "0123456789abcdef") != 2 * size)
		return fail(c, FK_EFORMAT, "%s: must be %zu hex digits", name, 2 * size);
	for (size_t i = 0; i < size; i++) {
		const char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

		ret_octets[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return FK_OK;
}

/* The one member of a line says what it is. */
static enum fk_err part_of(struct check *c, json_t *line, enum part *ret_part, json_t **ret_value)
{
	for (int i = 0; i < PARTS; i++) {
		json_t *value = json_object_get(line, part_names[i]);

		if (!json_is_object(value) || json_object_size(line) != 1)
			continue;
		*ret_part = (enum part)i;
		*ret_value = value;
		return FK_OK;
	}
	return fail(c, FK_EFORMAT, "is no line of a report");
}

static enum fk_err check_order(struct check *c, enum part part)
{
	bool is_many = part == DELIVERY || part == AMENDMENT;

	if (c->line == 1 && part != REPORT)
		return fail(c, FK_EFORMAT, "a report begins with \"report\"");
	if (c->line > 1 && (part < c->last || (part == c->last && !is_many)))
		return fail(c, FK_EFORMAT, "\"%s\" behind \"%s\"", part_names[part],
			    part_names[c->last]);
	if (part == SIGNATURE && c->last != END)
		return fail(c, FK_EFORMAT, "the report has no \"end\"");
	return FK_OK;
}

static enum fk_err take_delivery(struct check *c, const json_t *delivery)
{
	const char *state = json_string_value(json_object_get(delivery, "state"));
	json_int_t rsi = json_integer_value(json_object_get(delivery, "rsi"));
	json_int_t n;

	if (!state || rsi < 1 || rsi >= RSIS_MAX)
		return fail(c, FK_EFORMAT, "a delivery wants rsi and state");
	if ((c->rsis[rsi / 8] >> (rsi % 8) & 1) != 0)
		return fail(c, FK_EFORMAT, "RSI %" JSON_INTEGER_FORMAT " has two deliveries", rsi);
	c->rsis[rsi / 8] |= (uint8_t)(1u << (rsi % 8));
	n = json_integer_value(json_object_get(c->states, state));
	return json_object_set_new(c->states, state, json_integer(n + 1)) == 0
		       ? FK_OK
		       : fail(c, FK_ENOMEM, "out of memory");
}

static enum fk_err take_line(struct check *c, const char *text, size_t size)
{
	json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL), *value = NULL;
	enum part part = REPORT;
	enum fk_err err;

	if (!json_is_object(line)) {
		json_decref(line);
		return fail(c, FK_EFORMAT, "is no JSON object");
	}
	err = part_of(c, line, &part, &value);
	if (err == FK_OK)
		err = check_order(c, part);
	if (err == FK_OK && part > DELIVERY && c->last <= DELIVERY)
		err = fk_report_digest_get(c->digest, c->frozen);
	if (err == FK_OK && part == SIGNATURE)
		err = fk_report_digest_get(c->digest, c->signed_digest);
	else if (err == FK_OK)
		err = fk_report_digest_add(c->digest, text, size);
	if (err == FK_OK && part == DELIVERY)
		err = take_delivery(c, value);
	if (err == FK_OK) {
		c->n[part]++;
		c->last = part;
		if (part == REPORT)
			c->report = json_incref(value);
		else if (part == END)
			c->end = json_incref(value);
		else if (part == SIGNATURE)
			c->signature = json_incref(value);
	}
	json_decref(line);
	return err;
}

static enum fk_err take_lines(struct check *c, FILE *file)
{
	char *text = NULL;
	size_t cap = 0;
	enum fk_err err = FK_OK;
	ssize_t n;

	while (err == FK_OK && (n = getline(&text, &cap, file)) >= 0) {
		c->line++;
		if (n > (ssize_t)FK_REPORT_LINE_MAX)
			err = fail(c, FK_EFORMAT, "is too long");
		else if (text[n - 1] != '\n')
			err = fail(c, FK_EFORMAT, "the report was cut off here");
		else
			err = take_line(c, text, (size_t)n);
	}
	if (err == FK_OK && ferror(file))
		err = fail(c, FK_EIO, "%s", strerror(errno));
	free(text);
	return err;
}

static enum fk_err check_signature(struct check *c, const uint8_t key[static FK_REPORT_PUBLIC_SIZE])
{
	uint8_t signature[FK_REPORT_SIGNATURE_SIZE];
	enum fk_err err = read_hex(c, json_object_get(c->signature, "value"), "signature.value",
				   signature, sizeof(signature));

	if (err == FK_OK)
		err = fk_report_verify(key, c->signed_digest, signature);
	if (err == FK_EAUTH)
		return fail(c, err,
			    "the signature is not good: the report was changed, or another key "
			    "signed it");
	return err;
}

/* In all as in its lines. Signed is not yet right: this finds what went wrong before it was. */
static enum fk_err check_sums(struct check *c)
{
	uint8_t frozen[FK_REPORT_DIGEST_SIZE];
	json_t *campaign = json_object_get(c->report, "campaign"), *value;
	json_t *stated = json_object_get(campaign, "states");
	const char *name;
	enum fk_err err = read_hex(c, json_object_get(c->end, "frozen_sha512"), "frozen_sha512",
				   frozen, sizeof(frozen));

	if (err != FK_OK)
		return err;
	if (memcmp(frozen, c->frozen, sizeof(frozen)) != 0)
		return fail(c, FK_EFORMAT, "frozen_sha512 is not that of the deliveries");
	if (json_integer_value(json_object_get(c->end, "n_deliveries")) !=
		    (json_int_t)c->n[DELIVERY] ||
	    json_integer_value(json_object_get(campaign, "n_deliveries")) !=
		    (json_int_t)c->n[DELIVERY] ||
	    json_integer_value(json_object_get(c->end, "n_amendments")) !=
		    (json_int_t)c->n[AMENDMENT])
		return fail(c, FK_EFORMAT,
			    "there are not as many deliveries or amendments as the "
			    "report says");
	if (c->n[REVIEW] != (json_is_object(json_object_get(campaign, "break_glass")) ? 1 : 0))
		return fail(c, FK_EFORMAT,
			    "a break-glass has a review, pending or done, and "
			    "nothing else has one");
	if (!json_equal(json_object_get(c->end, "states"), c->states))
		return fail(c, FK_EFORMAT, "\"end\" has other states than the deliveries");
	json_object_foreach(stated, name, value)
	{
		if (json_integer_value(value) !=
		    json_integer_value(json_object_get(c->states, name)))
			return fail(c, FK_EFORMAT, "the campaign has another number of %s", name);
	}
	return FK_OK;
}

enum fk_err fk_report_check(FILE *file, const uint8_t key[static FK_REPORT_PUBLIC_SIZE],
			    struct fk_report_summary *ret_summary,
			    char ret_reason[static FK_REPORT_REASON_SIZE])
{
	struct check c = {.reason = ret_reason,
			  .digest = fk_report_digest_new(),
			  .states = json_object(),
			  .rsis = calloc(RSIS_MAX / 8, 1)};
	enum fk_err err = FK_OK;

	ret_reason[0] = '\0';
	if (!c.digest || !c.states || !c.rsis)
		err = fail(&c, FK_ENOMEM, "out of memory");
	if (err == FK_OK)
		err = take_lines(&c, file);
	if (err == FK_OK && !c.signature)
		err = fail(&c, FK_EFORMAT, "the report ends without a signature");
	if (err == FK_OK)
		err = check_signature(&c, key);
	if (err == FK_OK)
		err = check_sums(&c);
	if (err != FK_OK && !ret_reason[0])
		snprintf(ret_reason, FK_REPORT_REASON_SIZE, "%s", fk_err_text(err));
	if (err == FK_OK) {
		ret_summary->campaign = json_incref(json_object_get(c.report, "campaign"));
		ret_summary->end = json_incref(c.end);
	}
	json_decref(c.report);
	json_decref(c.end);
	json_decref(c.signature);
	json_decref(c.states);
	fk_report_digest_free(c.digest);
	free(c.rsis);
	return err;
}

void fk_report_summary_fini(struct fk_report_summary *summary)
{
	json_decref(summary->campaign);
	json_decref(summary->end);
	*summary = (struct fk_report_summary){0};
}
