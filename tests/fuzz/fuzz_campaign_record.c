/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_campaign_record.c - a campaign's record that is taken is within its ranges, and its fields
 * are the same when they are written, read and written again.
 *
 * An input is a row of fields: the sizes of name (1 octet) and value (2), and both.
 */
#include <stdlib.h>
#include <string.h>

#include <fleetkey/wire.h>

#include "campaign/campaign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* As the store gives it: copies of their own size, a NUL behind each. */
static enum fk_err decode_copy(struct fk_campaign *c, const void *name, size_t name_size,
			       const void *value, size_t value_size)
{
	char *name_text = strndup(name, name_size), *value_text = malloc(value_size + 1);
	enum fk_err err;

	require(name_text != NULL && value_text != NULL);
	if (value_size > 0)
		memcpy(value_text, value, value_size);
	value_text[value_size] = '\0';
	err = fk_campaign_decode_field(c, name_text, value_text, value_size);
	free(name_text);
	free(value_text);
	return err;
}

static enum fk_err decode_input(struct fk_campaign *c, const uint8_t *data, size_t size)
{
	struct fk_wire_reader r = fk_wire_reader(data, size);
	enum fk_err err = FK_OK;

	memset(c, 0, sizeof(*c));
	while (err == FK_OK && fk_wire_left(&r) > 0) {
		uint8_t name_size = fk_wire_get_u8(&r);
		uint16_t value_size = fk_wire_get_u16(&r);
		const uint8_t *name = fk_wire_get_bytes(&r, name_size);
		const uint8_t *value = fk_wire_get_bytes(&r, value_size);

		if (r.failed)
			return FK_ETRUNC;
		err = decode_copy(c, name, name_size, value, value_size);
	}
	return err == FK_OK ? fk_campaign_decode_done(c) : err;
}

static enum fk_err decode_fields(struct fk_campaign *c, const struct fk_campaign_fields *fields)
{
	enum fk_err err = FK_OK;

	memset(c, 0, sizeof(*c));
	for (uint32_t i = 0; err == FK_OK && i < fields->n; i++) {
		const struct fk_store_field *f = &fields->fields[i];

		err = decode_copy(c, f->name, strlen(f->name), f->value, f->size);
	}
	return err == FK_OK ? fk_campaign_decode_done(c) : err;
}

static void check_ranges(const struct fk_campaign *c)
{
	static struct fk_cause_count causes[FK_CAMPAIGN_CAUSES_MAX];
	bool flags[2];

	flags[0] = c->closing; /* a sanitizer sees what is neither true nor false */
	flags[1] = c->is_folded;
	(void)flags;
	require(c->id != 0 && c->n_keys <= FK_CAMPAIGN_KEYS_MAX && c->naming <= FK_NAMED_BUT);
	require(strcmp(fk_campaign_state_label(c->state), "unknown") != 0);
	require(fk_kind(c->kind) != NULL && c->wave < fk_campaign_n_waves(c));
	require(memchr(c->group, '\0', sizeof(c->group)) != NULL);
	require(memchr(c->causes, '\0', sizeof(c->causes)) != NULL);
	for (uint32_t i = 0; i < FK_NEXT_HOPS_MAX; i++)
		require(c->keys_per_kmm[i] <= FK_ORDER_KEYS_MAX);
	require(fk_causes_parse(c->causes, causes) <= FK_CAMPAIGN_CAUSES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fk_campaign_fields fields, again_fields;
	static struct fk_campaign c, again;

	if (decode_input(&c, data, size) != FK_OK)
		return 0;
	check_ranges(&c);
	fk_campaign_encode(&c, &fields);
	require(decode_fields(&again, &fields) == FK_OK);
	fk_campaign_encode(&again, &again_fields);
	require(fields.n == again_fields.n);
	for (uint32_t i = 0; i < fields.n; i++) {
		const struct fk_store_field *a = &fields.fields[i], *b = &again_fields.fields[i];

		require(strcmp(a->name, b->name) == 0 && a->size == b->size);
		require(memcmp(a->value, b->value, a->size) == 0);
	}
	return 0;
}
