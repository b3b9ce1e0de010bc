/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isd_layout.c - reads the text that says how Interworking Security Data is laid out.
 */
#include <fleetkey/isd_layout.h>

#include <string.h>

#include "sip_text.h"

/* One line that is being read. */
struct row {
	struct fk_isd_field field;
	bool has_value, has_iei_number;
};

static const struct {
	const char *name;
	bool has_iei;
	uint8_t length_octets;
} formats[] = {
	{"V", false, 0},  {"TV", true, 0},    {"LV", false, 1},
	{"TLV", true, 1}, {"LV-E", false, 2}, {"TLV-E", true, 2},
};

static const char *const kinds[FK_ISD_KINDS] = {
	[FK_ISD_MESSAGE_IDENTITY] = "message_identity",
	[FK_ISD_LMR_TYPE] = "lmr_type",
	[FK_ISD_KMF_URI] = "kmf_uri",
	[FK_ISD_PAYLOAD] = "payload",
};

static bool is_number(const struct fk_isd_field *field)
{
	return field->kind == FK_ISD_MESSAGE_IDENTITY || field->kind == FK_ISD_LMR_TYPE;
}

/* The next word of a line; an empty one at its end, or where a comment begins. */
static struct fk_view next_word(struct fk_view *line)
{
	struct fk_view word = *line = fk_view_trim(*line);
	uint32_t n = 0;

	while (n < line->len && !fk_sip_is_space(line->at[n]))
		n++;
	word.len = n;
	*line = fk_view_part(*line, n, line->len);
	return word;
}

/* "0x1f" or "31", at most 'max'. */
static bool read_number(struct fk_view text, uint32_t max, uint32_t *ret_value)
{
	bool is_hex = text.len > 2 && text.at[0] == '0' && (text.at[1] | 0x20) == 'x';
	uint64_t value = 0;

	if (!is_hex)
		return fk_view_number(text, max, ret_value);
	for (uint32_t i = 2; i < text.len; i++) {
		char c = (char)(text.at[i] | 0x20);

		if (c >= '0' && c <= '9')
			value = value * 16 + (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (uint32_t)(c - 'a') + 10;
		else
			return false;
		if (value > max)
			return false;
	}
	*ret_value = (uint32_t)value;
	return true;
}

static bool take_format(struct row *row, struct fk_view word)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!fk_view_is(word, formats[i].name))
			continue;
		row->field.has_iei = formats[i].has_iei;
		row->field.length_octets = formats[i].length_octets;
		return true;
	}
	return false;
}

static bool take_code(struct row *row, enum fk_isd_lmr_type type, uint32_t value)
{
	if (row->field.kind != FK_ISD_LMR_TYPE || row->field.has_code[type])
		return false;
	row->field.has_code[type] = true;
	row->field.codes[type] = value;
	return true;
}

/* name=N. NULL, or what is wrong with it. */
static const char *take_setting(struct row *row, struct fk_view name, uint32_t value)
{
	struct fk_isd_field *field = &row->field;

	if (fk_view_is(name, "value") && field->kind == FK_ISD_MESSAGE_IDENTITY) {
		field->value = value;
		row->has_value = true;
	} else if (fk_view_is(name, "octets") && is_number(field)) {
		if (value < 1 || value > 4)
			return "octets= is not from 1 to 4";
		field->value_octets = (uint8_t)value;
	} else if (fk_view_is(name, "iei") && field->has_iei) {
		if (value > UINT8_MAX)
			return "iei= is not from 0 to 255";
		field->iei = (uint8_t)value;
		row->has_iei_number = true;
	} else if (fk_view_is(name, "content_type") && field->kind == FK_ISD_PAYLOAD) {
		if (value > UINT8_MAX)
			return "content_type= is not from 0 to 255";
		field->has_content_type = true;
		field->content_type = (uint8_t)value;
	} else if (fk_view_is(name, "tetra")) {
		return take_code(row, FK_ISD_LMR_TETRA, value) ? NULL : "tetra= does not go here";
	} else if (fk_view_is(name, "p25")) {
		return take_code(row, FK_ISD_LMR_P25, value) ? NULL : "p25= does not go here";
	} else {
		return "holds a setting that its field or format has not";
	}
	return NULL;
}

static const char *take_word(struct row *row, struct fk_view word)
{
	const char *equals = memchr(word.at, '=', word.len);
	uint32_t at = equals != NULL ? (uint32_t)(equals - word.at) : word.len, value;

	if (equals == NULL) {
		if (!fk_view_is(word, "optional") || !row->field.has_iei)
			return "holds an unknown word, or 'optional' without a tag";
		row->field.is_optional = true;
		return NULL;
	}
	if (!read_number(fk_view_part(word, at + 1, word.len), UINT32_MAX, &value))
		return "holds a setting that is no number";
	return take_setting(row, fk_view_part(word, 0, at), value);
}

/* What one line has to have by itself. */
static const char *check_row(const struct row *row)
{
	const struct fk_isd_field *field = &row->field;
	const uint64_t n_values = UINT64_C(1) << 8 * field->value_octets;

	if (field->has_iei && !row->has_iei_number)
		return "takes iei=";
	if (field->kind == FK_ISD_MESSAGE_IDENTITY && (!row->has_value || field->value >= n_values))
		return "takes value=, of that many octets";
	if (field->kind == FK_ISD_KMF_URI && field->length_octets == 0)
		return "takes a format with a length";
	if (field->kind != FK_ISD_LMR_TYPE)
		return NULL;
	if (!field->has_code[FK_ISD_LMR_TETRA] && !field->has_code[FK_ISD_LMR_P25])
		return "takes tetra= or p25=";
	for (uint32_t type = 0; type < FK_ISD_LMR_TYPES; type++)
		if (field->codes[type] >= n_values)
			return "has a code that needs more octets";
	if (field->has_code[FK_ISD_LMR_TETRA] && field->has_code[FK_ISD_LMR_P25] &&
	    field->codes[FK_ISD_LMR_TETRA] == field->codes[FK_ISD_LMR_P25])
		return "has one code for two types";
	return NULL;
}

/* What a line may not share with those before it. */
static const char *check_beside(const struct fk_isd_layout *layout, const struct row *row)
{
	const struct fk_isd_field *fields = layout->fields;

	for (uint32_t i = 0; i < layout->n_fields; i++) {
		if (fields[i].kind == row->field.kind)
			return "is there twice";
		if (fields[i].has_iei && row->field.has_iei && fields[i].iei == row->field.iei)
			return "has the tag of another field";
		if (fields[i].kind == FK_ISD_PAYLOAD && fields[i].length_octets == 0)
			return "follows a payload that takes the rest of the message";
	}
	/* A tag can only be told from what stands there instead if that has a tag too. */
	if (layout->n_fields > 0 && fields[layout->n_fields - 1].is_optional && !row->field.has_iei)
		return "has no tag, and follows an optional field";
	return NULL;
}

/* NULL, or what is wrong with the line; 'ret_field' is then the field's name, if it has one. */
static const char *take_line(struct fk_isd_layout *layout, struct fk_view line,
			     const char **ret_field)
{
	struct row row = {.field.value_octets = 1};
	struct fk_view word = next_word(&line);
	const char *reason = NULL;

	*ret_field = "layout";
	if (word.len == 0 || word.at[0] == '#')
		return NULL;
	while (row.field.kind < FK_ISD_KINDS && !fk_view_is(word, kinds[row.field.kind]))
		row.field.kind++;
	if (row.field.kind == FK_ISD_KINDS)
		return "names no field";
	*ret_field = kinds[row.field.kind];
	if (!take_format(&row, next_word(&line)))
		return "has no format after the field's name";
	for (word = next_word(&line); word.len > 0 && word.at[0] != '#' && reason == NULL;
	     word = next_word(&line))
		reason = take_word(&row, word);
	if (reason == NULL)
		reason = check_row(&row);
	if (reason == NULL)
		reason = check_beside(layout, &row);
	if (reason == NULL)
		layout->fields[layout->n_fields++] = row.field;
	return reason;
}

static enum fk_err refuse(struct fk_isd_error *error, enum fk_err err, size_t line,
			  const char *field, const char *reason)
{
	*error = (struct fk_isd_error){.offset = line, .field = field, .reason = reason};
	return err;
}

enum fk_err fk_isd_layout_parse(const char *text, size_t size, struct fk_isd_layout *ret_layout,
				struct fk_isd_error *ret_error)
{
	struct fk_isd_layout layout = {0};
	const char *at = text, *end = text + size, *field;
	const struct fk_isd_field *payload;

	if (size > FK_ISD_LAYOUT_SIZE_MAX)
		return refuse(ret_error, FK_ERANGE, 0, "layout", "is larger than 4096 octets");
	for (size_t number = 1; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline != NULL ? newline : end;
		const char *reason = take_line(
			&layout, (struct fk_view){.at = at, .len = (uint32_t)(line_end - at)},
			&field);

		if (reason != NULL)
			return refuse(ret_error, FK_EFORMAT, number, field, reason);
		at = newline != NULL ? newline + 1 : end;
	}
	payload = fk_isd_layout_find(&layout, FK_ISD_PAYLOAD);
	if (payload == NULL || payload->is_optional)
		return refuse(ret_error, FK_EFORMAT, 0, "payload", "is not there, or is optional");
	*ret_layout = layout;
	return FK_OK;
}
