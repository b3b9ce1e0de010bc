/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmm_message.c - walks a layout: once to read a body, once to write it.
 */
#include "wire/kmm_message.h"

#include <string.h>

#include <fleetkey/wire.h>

#include "wire/kmm_frame.h"
#include "wire/kmm_layout.h"

#define RSI_MAX 0xffffffu

struct walk {
	union {
		struct fk_wire_reader r;
		struct fk_wire_writer w;
	};
	union fk_kmm_body *body; /* readers write it, writers read it */
	size_t body_offset;	 /* octets of the frame in front of the body */
	uint32_t profile;
	uint16_t n_inner; /* items of all inner lists so far: they share one array */
	struct fk_kmm_error *error;
};

static enum fk_err fail(struct walk *walk, size_t offset, const char *field, enum fk_err err,
			const char *reason)
{
	*walk->error = (struct fk_kmm_error){offset, field, reason};
	return err;
}

/* What a value may not be, whoever wrote it. */
static enum fk_err check_value(struct walk *walk, const struct fk_kmm_field *field,
			       const char *name, size_t offset, uint32_t value)
{
	if ((value & field->refused_bits) != 0)
		return fail(walk, offset, name, FK_EUNSUPPORTED, "has a bit of unknown meaning");
	if (field->max != 0 && value > field->max)
		return fail(walk, offset, name, FK_EUNSUPPORTED, "is not an assigned value");
	return FK_OK;
}

static enum fk_err check_profile(struct walk *walk, const struct fk_kmm_field *field,
				 const char *name, size_t offset)
{
	if ((field->needs & ~walk->profile) == 0)
		return FK_OK;
	return fail(walk, offset, name, FK_EUNSUPPORTED,
		    "the layout is inferred: the inferred profile is off");
}

static enum fk_err check_count(struct walk *walk, const struct fk_kmm_field *field, size_t offset,
			       uint32_t n)
{
	if (field->n_strict_max != 0 && n > field->n_strict_max &&
	    (walk->profile & FK_KMM_PROFILE_INFERRED) == 0)
		return fail(walk, offset, field->name, FK_EUNSUPPORTED,
			    "more than one is inferred: the inferred profile is off");
	return FK_OK;
}

static enum fk_err read_fields(struct walk *walk, const struct fk_kmm_field *fields, void *object,
			       const void *owner, const char *list_name);

static size_t read_offset(const struct walk *walk)
{
	return walk->body_offset + fk_wire_offset(&walk->r);
}

static enum fk_err read_uint(struct walk *walk, const struct fk_kmm_field *field, const char *name,
			     void *object)
{
	size_t offset = read_offset(walk);
	uint32_t value = (uint32_t)fk_wire_get_uint(&walk->r, field->width);
	uint8_t *at = (uint8_t *)object + field->at;
	uint16_t half = (uint16_t)value;

	if (walk->r.failed)
		return fail(walk, offset, name, FK_ETRUNC, "the body ends before the field does");
	if (field->width == 1)
		*at = (uint8_t)value;
	else if (field->width == 2)
		memcpy(at, &half, sizeof(half));
	else
		memcpy(at, &value, sizeof(value));
	return check_value(walk, field, name, offset, value);
}

static enum fk_err read_octets(struct walk *walk, const struct fk_kmm_field *field, void *object,
			       const void *owner)
{
	size_t offset = read_offset(walk), size = fk_kmm_field_size(field, object, owner);
	const uint8_t *octets;

	if (size == 0)
		return fail(walk, offset, field->name, FK_EFORMAT, "has a length of 0");
	octets = fk_wire_get_bytes(&walk->r, size);
	if (octets == NULL)
		return fail(walk, offset, field->name, FK_ETRUNC,
			    "the body ends before the field does");
	memcpy((uint8_t *)object + field->at, &octets, sizeof(octets));
	return FK_OK;
}

static enum fk_err read_list(struct walk *walk, const struct fk_kmm_field *field, void *object,
			     const void *owner)
{
	size_t offset = read_offset(walk);
	uint32_t n = (uint32_t)fk_wire_get_uint(&walk->r, field->width);
	struct fk_kmm_list list = {.first = owner != NULL ? walk->n_inner : 0, .n = (uint16_t)n};
	enum fk_err err;

	if (walk->r.failed)
		return fail(walk, offset, field->name, FK_ETRUNC,
			    "the body ends before the count does");
	/* Every item has at least one octet: a count beyond them is a lie, however it goes on. */
	if (n > fk_wire_left(&walk->r))
		return fail(walk, offset, field->name, FK_ETRUNC,
			    "the count announces more than the body holds");
	err = check_count(walk, field, offset, n);
	for (uint32_t i = 0; i < n && err == FK_OK; i++) {
		size_t index = list.first + i;

		if (index >= field->n_items_max)
			return fail(walk, offset, field->name, FK_EUNSUPPORTED,
				    "the count is beyond what a message can hold");
		/* Before the items: an item may have an inner list of its own. */
		if (owner != NULL)
			walk->n_inner++;
		err = read_fields(walk, field->sub,
				  (uint8_t *)walk->body + field->items_at +
					  index * field->item_size,
				  object, field->name);
	}
	memcpy((uint8_t *)object + field->at, &list, sizeof(list));
	return err;
}

static enum fk_err read_field(struct walk *walk, const struct fk_kmm_field *field, void *object,
			      const void *owner, const char *list_name)
{
	const char *name = field->name != NULL ? field->name : list_name;
	enum fk_err err = check_profile(walk, field, name, read_offset(walk));

	if (err != FK_OK)
		return err;
	switch (field->kind) {
	case FK_KMM_FIELD_UINT:
		return read_uint(walk, field, name, object);
	case FK_KMM_FIELD_OCTETS:
	case FK_KMM_FIELD_TEXT:
		return read_octets(walk, field, object, owner);
	case FK_KMM_FIELD_GROUP:
		return read_fields(walk, field->sub, (uint8_t *)object + field->at, owner, name);
	default:
		return read_list(walk, field, object, owner);
	}
}

/* 'owner' holds the list that 'object' is an item of; NULL at the top. */
static enum fk_err read_fields(struct walk *walk, const struct fk_kmm_field *fields, void *object,
			       const void *owner, const char *list_name)
{
	enum fk_err err = FK_OK;

	for (; fields->kind != FK_KMM_FIELD_END && err == FK_OK; fields++)
		if (fk_kmm_field_exists(fields, object, walk->profile))
			err = read_field(walk, fields, object, owner, list_name);
	return err;
}

/* Says which field of the header fk_kmm_decode() stumbled over. spec: P25 sheet 1.1 to 1.3 */
static struct fk_kmm_error explain_header(const uint8_t *octets, size_t size)
{
	static const struct {
		size_t end;
		struct fk_kmm_error error;
	} cuts[] = {
		{1, {0, "message_id", "the input ends before the field does"}},
		{3, {1, "message_length", "the input ends before the field does"}},
		{4, {3, "message_format", "the input ends before the field does"}},
		{7, {4, "destination_rsi", "the input ends before the field does"}},
		{10, {7, "source_rsi", "the input ends before the field does"}},
	};
	size_t total, number_size;
	uint8_t format;

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		if (size < cuts[i].end)
			return cuts[i].error;
	total = (size_t)(octets[1] << 8 | octets[2]) + 3;
	format = octets[3];
	number_size = (format & 0x30) != 0 ? 2 : 0;
	if (total > size)
		return (struct fk_kmm_error){1, "message_length",
					     "announces more octets than there are"};
	if (total < FK_KMM_HEADER_SIZE)
		return (struct fk_kmm_error){1, "message_length", "is below 7"};
	if (total > FK_KMM_SIZE_MAX)
		return (struct fk_kmm_error){1, "message_length", "is beyond 509"};
	if (format >> 6 == 3)
		return (struct fk_kmm_error){3, "response_kind", "is not an assigned value"};
	if ((format & 0x30) != 0 && (format & 0x30) != 0x20)
		return (struct fk_kmm_error){3, "message_number_present",
					     "is not an assigned value"};
	if ((format & 0x0c) == 0x0c)
		return (struct fk_kmm_error){3, "mac_type", "DES MAC is refused"};
	if ((format & 0x0c) == 0x04)
		return (struct fk_kmm_error){3, "mac_type", "is not an assigned value"};
	if (FK_KMM_HEADER_SIZE + number_size > total)
		return (struct fk_kmm_error){FK_KMM_HEADER_SIZE, "message_number",
					     "is announced, but there are no octets for it"};
	if (FK_KMM_HEADER_SIZE + number_size + FK_KMM_MAC_BLOCK_SIZE > total)
		return (struct fk_kmm_error){FK_KMM_HEADER_SIZE + number_size, "mac",
					     "is announced, but there are no octets for it"};
	if (octets[total - 5] != FK_KMM_MAC_SIZE)
		return (struct fk_kmm_error){total - 5, "mac_length", "is not 8"};
	return (struct fk_kmm_error){total - 1, "mac_format", "has a bit of unknown meaning"};
}

/* An inventory type or a session version that is refused stands at the start of the body. */
static enum fk_err fail_layout(struct walk *walk, size_t body_offset, const char *field,
			       const char *reason)
{
	bool is_message_id = strcmp(field, "message_id") == 0;

	return fail(walk, is_message_id ? 0 : body_offset, field, FK_EUNSUPPORTED, reason);
}

enum fk_err fk_kmm_message_decode(const uint8_t *octets, size_t size, uint32_t profile,
				  struct fk_kmm_message *ret_message,
				  struct fk_kmm_error *ret_error)
{
	const struct fk_kmm_field *fields;
	struct fk_kmm_message message;
	struct fk_kmm_frame frame;
	struct walk walk = {.profile = profile, .body = &message.body, .error = ret_error};
	const char *name, *reason;
	enum fk_err err = fk_kmm_decode(octets, size, &frame);

	if (err != FK_OK) {
		*ret_error = explain_header(octets, size);
		return err;
	}
	memset(&message, 0, sizeof(message));
	message.header = frame.header;
	walk.r = fk_wire_reader(frame.body, frame.body_size);
	walk.body_offset = (size_t)(frame.body - frame.octets);
	fields = fk_kmm_layout(frame.header.message_id, frame.body_size > 0 ? frame.body[0] : 0,
			       profile, &name, &reason);
	if (fields == NULL)
		return fail_layout(&walk, walk.body_offset, name, reason);
	err = read_fields(&walk, fields, &message.body, NULL, "body");
	if (err != FK_OK)
		return err;
	if (fk_wire_left(&walk.r) > 0)
		return fail(&walk, read_offset(&walk), "body", FK_EFORMAT,
			    "goes on after its last field");
	*ret_message = message;
	return FK_OK;
}

static enum fk_err write_fields(struct walk *walk, const struct fk_kmm_field *fields,
				const void *object, const void *owner, const char *list_name);

static enum fk_err write_uint(struct walk *walk, const struct fk_kmm_field *field, const char *name,
			      const void *object)
{
	uint32_t value = fk_kmm_field_value(field, object);
	size_t offset = fk_wire_written(&walk->w);

	if (field->width == 3 && value > RSI_MAX)
		return fail(walk, offset, name, FK_EINVAL, "does not fit 24 bits");
	fk_wire_put_uint(&walk->w, value, field->width);
	return check_value(walk, field, name, offset, value);
}

static enum fk_err write_octets(struct walk *walk, const struct fk_kmm_field *field,
				const void *object, const void *owner)
{
	size_t offset = fk_wire_written(&walk->w);
	size_t size = fk_kmm_field_size(field, object, owner);
	const uint8_t *octets;

	memcpy(&octets, (const uint8_t *)object + field->at, sizeof(octets));
	if (size == 0)
		return fail(walk, offset, field->name, FK_EINVAL, "has a length of 0");
	if (octets == NULL)
		return fail(walk, offset, field->name, FK_EINVAL, "is missing");
	fk_wire_put_bytes(&walk->w, octets, size);
	return FK_OK;
}

static enum fk_err write_list(struct walk *walk, const struct fk_kmm_field *field,
			      const void *object)
{
	size_t offset = fk_wire_written(&walk->w);
	struct fk_kmm_list list;
	enum fk_err err;

	memcpy(&list, (const uint8_t *)object + field->at, sizeof(list));
	if (list.n > 0xff && field->width == 1)
		return fail(walk, offset, field->name, FK_EINVAL, "has more than 255 items");
	if ((uint32_t)list.first + list.n > field->n_items_max)
		return fail(walk, offset, field->name, FK_EINVAL, "goes beyond its array");
	fk_wire_put_uint(&walk->w, list.n, field->width);
	err = check_count(walk, field, offset, list.n);
	for (uint32_t i = 0; i < list.n && err == FK_OK; i++)
		err = write_fields(walk, field->sub,
				   (const uint8_t *)walk->body + field->items_at +
					   (list.first + i) * field->item_size,
				   object, field->name);
	return err;
}

static enum fk_err write_field(struct walk *walk, const struct fk_kmm_field *field,
			       const void *object, const void *owner, const char *list_name)
{
	const char *name = field->name != NULL ? field->name : list_name;
	enum fk_err err = check_profile(walk, field, name, fk_wire_written(&walk->w));

	if (err != FK_OK)
		return err;
	switch (field->kind) {
	case FK_KMM_FIELD_UINT:
		return write_uint(walk, field, name, object);
	case FK_KMM_FIELD_OCTETS:
	case FK_KMM_FIELD_TEXT:
		return write_octets(walk, field, object, owner);
	case FK_KMM_FIELD_GROUP:
		return write_fields(walk, field->sub, (const uint8_t *)object + field->at, owner,
				    name);
	default:
		return write_list(walk, field, object);
	}
}

static enum fk_err write_fields(struct walk *walk, const struct fk_kmm_field *fields,
				const void *object, const void *owner, const char *list_name)
{
	enum fk_err err = FK_OK;

	for (; fields->kind != FK_KMM_FIELD_END && err == FK_OK && !walk->w.failed; fields++)
		if (fk_kmm_field_exists(fields, object, walk->profile))
			err = write_field(walk, fields, object, owner, list_name);
	return err;
}

enum fk_err fk_kmm_message_encode(const struct fk_kmm_message *message, uint32_t profile,
				  uint8_t *buf, size_t cap, size_t *ret_size,
				  struct fk_kmm_error *ret_error)
{
	/* The walk is one for both directions; this way it only reads. */
	struct walk walk = {
		.profile = profile,
		.body = (union fk_kmm_body *)&message->body,
		.error = ret_error,
	};
	uint8_t selector;
	const struct fk_kmm_field *fields;
	const char *name, *reason;
	enum fk_err err;

	memcpy(&selector, &message->body, sizeof(selector));
	fields = fk_kmm_layout(message->header.message_id, selector, profile, &name, &reason);
	if (fields == NULL)
		return fail_layout(
			&walk, FK_KMM_HEADER_SIZE + (message->header.has_message_number ? 2u : 0u),
			name, reason);
	err = fk_kmm_frame_begin(&message->header, message->header.message_id, buf, cap, &walk.w);
	if (err != FK_OK)
		return fail(&walk, 0, "header", err, "has a value that is out of range");
	err = write_fields(&walk, fields, &message->body, NULL, "body");
	if (err != FK_OK)
		return err;
	err = fk_kmm_frame_end(&message->header, &walk.w, ret_size);
	if (err != FK_OK)
		return fail(&walk, fk_wire_written(&walk.w), "body", err, "does not fit");
	return FK_OK;
}
