/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/campaign.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint32_t fk_milestone_permille[FK_MILESTONES] = {500, 990, 999, 1000};

uint32_t fk_milestone_need(uint32_t n_deliveries, uint32_t milestone)
{
	uint64_t need = ((uint64_t)n_deliveries * fk_milestone_permille[milestone] + 999) / 1000;

	return need == 0 ? 1 : (uint32_t)need;
}

const char *fk_campaign_state_label(uint8_t state)
{
	switch (state) {
	case FK_CAMPAIGN_RUNNING:
		return "running";
	case FK_CAMPAIGN_HALTED:
		return "halted";
	case FK_CAMPAIGN_COMPLETED:
		return "completed";
	case FK_CAMPAIGN_ABORTED:
		return "aborted";
	case FK_CAMPAIGN_PAUSED:
		return "paused";
	case FK_CAMPAIGN_PLANNED:
		return "planned";
	case FK_CAMPAIGN_APPROVED:
		return "approved";
	case FK_CAMPAIGN_SCHEDULED:
		return "scheduled";
	case FK_CAMPAIGN_SUPERSEDED:
		return "superseded";
	}
	return "unknown";
}

/* One row per number of the record: its stored name, where it is, and the largest it can hold. */
struct number_field {
	const char *name;
	size_t offset, size;
	uint64_t max;
};

/* Of a member's type. What is not 0 or 1 must not be read from a bool. */
#define MAX(member)                        \
	_Generic(member, bool : 1, uint8_t \
		 : UINT8_MAX, uint16_t     \
		 : UINT16_MAX, uint32_t    \
		 : UINT32_MAX, uint64_t    \
		 : UINT64_MAX)
#define NUMBER(name, member)                                       \
	{                                                          \
		name, offsetof(struct fk_campaign, member),        \
			sizeof(((struct fk_campaign *)0)->member), \
			MAX(((struct fk_campaign *)0)->member)     \
	}
#define STATE(state, label, text) NUMBER("state_" label, states[state]),

static const struct number_field numbers[] = {
	NUMBER("id", id),
	NUMBER("state", state),
	NUMBER("kind", kind),
	NUMBER("naming", naming),
	NUMBER("keys_of", keys_of),
	NUMBER("ckek_of", ckek_of),
	NUMBER("keyset_id", keyset_id),
	NUMBER("superseded_keyset_id", superseded_keyset_id),
	NUMBER("algorithm_id", algorithm_id),
	NUMBER("slot", slot),
	NUMBER("generation", generation),
	NUMBER("halt", halt),
	NUMBER("halt_status", halt_status),
	NUMBER("wave", wave),
	NUMBER("n_excused", n_excused),
	NUMBER("gate_min_acked_percent", gate.min_acked_percent),
	NUMBER("gate_min_sample", gate.min_sample),
	NUMBER("gate_failed_limit", gate.failed_limit),
	NUMBER("gate_max_offline_percent", gate.max_offline_percent),
	NUMBER("gate_life_s", gate.life_s),
	NUMBER("closing", closing),
	NUMBER("is_folded", is_folded),
	NUMBER("pace_per_s", pace_per_s),
	NUMBER("expire_after_s", expire_after_s),
	NUMBER("fleet_generation", fleet_generation),
	NUMBER("created_at_ms", created_at_ms),
	NUMBER("finished_at_ms", finished_at_ms),
	NUMBER("planned_by", planned_by),
	NUMBER("approved_by", approved_by),
	NUMBER("stopped_by", stopped_by),
	NUMBER("approved_at_ms", approved_at_ms),
	NUMBER("scheduled_at_ms", scheduled_at_ms),
	NUMBER("started_at_ms", started_at_ms),
	NUMBER("plan_digest", plan_digest),
	NUMBER("n_planned", n_planned),
	NUMBER("is_fleet_wide", is_fleet_wide),
	NUMBER("start_number", start_number),
	NUMBER("retry_of", retry_of),
	NUMBER("superseded_by", superseded_by),
	NUMBER("settles", settles),
	NUMBER("supersedes", supersedes),
	NUMBER("replaces_active", replaces_active),
	NUMBER("reviewed_by", glass.reviewed_by),
	NUMBER("reviewed_at_ms", glass.reviewed_at_ms),
	NUMBER("n_messages", n_messages),
	NUMBER("n_deliveries", n_deliveries),
	NUMBER("n_held", n_held),
	NUMBER("n_proven", n_proven),
	NUMBER("milestone_500_ms", milestones_ms[0]),
	NUMBER("milestone_990_ms", milestones_ms[1]),
	NUMBER("milestone_999_ms", milestones_ms[2]),
	NUMBER("milestone_1000_ms", milestones_ms[3]),
	FK_DELIVERY_STATE_MAP(STATE)};

#define N_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

/* The same for texts, each an array with a NUL. */
static const struct text_field {
	const char *name;
	size_t offset, size;
} texts[] = {
#define TEXT(name, member)                                        \
	{                                                         \
		name, offsetof(struct fk_campaign, member),       \
			sizeof(((struct fk_campaign *)0)->member) \
	}
	TEXT("group", group),
	TEXT("area", area),
	TEXT("zone", zone),
	TEXT("causes", causes),
	TEXT("break_glass", glass.reason),
	TEXT("break_glass_ue", glass.ue_id),
	TEXT("review_note", glass.note),
#undef TEXT
};

#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))
_Static_assert(N_NUMBERS + N_TEXTS + 6 <= FK_CAMPAIGN_FIELDS_MAX, "fields do not fit");

static uint64_t load_number(const struct fk_campaign *c, const struct number_field *f)
{
	const uint8_t *at = (const uint8_t *)c + f->offset;
	uint64_t u64 = 0;
	uint32_t u32;
	uint16_t u16;

	switch (f->size) {
	case 1:
		return *at;
	case 2:
		memcpy(&u16, at, 2);
		return u16;
	case 4:
		memcpy(&u32, at, 4);
		return u32;
	}
	memcpy(&u64, at, 8);
	return u64;
}

static void store_number(struct fk_campaign *c, const struct number_field *f, uint64_t value)
{
	uint8_t *at = (uint8_t *)c + f->offset;
	uint32_t u32 = (uint32_t)value;
	uint16_t u16 = (uint16_t)value;

	switch (f->size) {
	case 1:
		*at = (uint8_t)value;
		return;
	case 2:
		memcpy(at, &u16, 2);
		return;
	case 4:
		memcpy(at, &u32, 4);
		return;
	}
	memcpy(at, &value, 8);
}

/* "1,2,5" */
static void encode_list(const uint16_t *values, uint32_t n, char *text, size_t cap)
{
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < n && at < cap; i++)
		at += (size_t)snprintf(text + at, cap - at, "%s%u", i == 0 ? "" : ",", values[i]);
}

/* One digit for each next hop; those at the end that have none are left out. */
static void encode_split(const struct fk_campaign *c, char *text)
{
	uint32_t n = FK_NEXT_HOPS_MAX;

	while (n > 0 && c->keys_per_kmm[n - 1] == 0)
		n--;
	for (uint32_t i = 0; i < n; i++)
		text[i] = (char)('0' + c->keys_per_kmm[i] % 10);
	text[n] = '\0';
}

void fk_campaign_encode(const struct fk_campaign *c, struct fk_campaign_fields *ret_fields)
{
	struct fk_campaign_fields *f = ret_fields;

	f->n = 0;
	for (uint32_t i = 0; i < N_NUMBERS; i++) {
		int len = snprintf(f->text[i], sizeof(f->text[i]), "%" PRIu64,
				   load_number(c, &numbers[i]));

		f->fields[f->n++] =
			(struct fk_store_field){numbers[i].name, f->text[i], (size_t)len};
	}
	f->fields[f->n++] = (struct fk_store_field){"conversation_id", c->conversation_id,
						    sizeof(c->conversation_id)};
	for (uint32_t i = 0; i < N_TEXTS; i++) {
		const char *text = (const char *)c + texts[i].offset;

		f->fields[f->n++] = (struct fk_store_field){texts[i].name, text, strlen(text)};
	}
	encode_list(c->slns, c->n_keys, f->slns, sizeof(f->slns));
	encode_list(c->key_ids, c->n_keys, f->key_ids, sizeof(f->key_ids));
	encode_split(c, f->keys_per_kmm);
	if (c->n_keys > 0) {
		f->fields[f->n++] = (struct fk_store_field){"slns", f->slns, strlen(f->slns)};
		f->fields[f->n++] =
			(struct fk_store_field){"key_ids", f->key_ids, strlen(f->key_ids)};
	}
	f->fields[f->n++] =
		(struct fk_store_field){"keys_per_kmm", f->keys_per_kmm, strlen(f->keys_per_kmm)};
	fk_waves_format(&c->waves, f->waves);
	f->fields[f->n++] = (struct fk_store_field){"waves", f->waves, strlen(f->waves)};
	fk_wave_history_format(&c->history, f->history);
	f->fields[f->n++] = (struct fk_store_field){"wave_history", f->history, strlen(f->history)};
}

static enum fk_err decode_text(char *to, size_t cap, const char *value, size_t size)
{
	if (size >= cap)
		return FK_EFORMAT;
	memcpy(to, value, size);
	to[size] = '\0';
	return FK_OK;
}

static enum fk_err decode_number(struct fk_campaign *c, const struct number_field *f,
				 const char *value)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number > f->max)
		return FK_EFORMAT;
	store_number(c, f, number);
	return FK_OK;
}

/* A list of numbers up to 65535 with commas between them; writes how many there are. */
static enum fk_err decode_list(const char *value, uint16_t values[static FK_CAMPAIGN_KEYS_MAX],
			       uint8_t *ret_n)
{
	uint8_t n = 0;

	for (;;) {
		char *end;
		unsigned long number = strtoul(value, &end, 10);

		if (value[0] < '0' || value[0] > '9' || number > UINT16_MAX ||
		    n == FK_CAMPAIGN_KEYS_MAX)
			return FK_EFORMAT;
		values[n++] = (uint16_t)number;
		if (*end == '\0')
			break;
		if (*end != ',')
			return FK_EFORMAT;
		value = end + 1;
	}
	*ret_n = n;
	return FK_OK;
}

/* The two lists come in any order, and must be equally long. */
static enum fk_err decode_keys(struct fk_campaign *c, const char *value, uint16_t *values)
{
	uint8_t n;
	enum fk_err err = decode_list(value, values, &n);

	if (err != FK_OK || (c->n_keys != 0 && c->n_keys != n))
		return FK_EFORMAT;
	c->n_keys = n;
	return FK_OK;
}

static enum fk_err decode_split(struct fk_campaign *c, const char *value, size_t size)
{
	if (size > FK_NEXT_HOPS_MAX)
		return FK_EFORMAT;
	for (size_t i = 0; i < size; i++) {
		if (value[i] < '0' || value[i] > '0' + FK_ORDER_KEYS_MAX)
			return FK_EFORMAT;
		c->keys_per_kmm[i] = (uint8_t)(value[i] - '0');
	}
	return FK_OK;
}

enum fk_err fk_campaign_decode_field(void *campaign, const char *name, const char *value,
				     size_t size)
{
	struct fk_campaign *c = campaign;

	for (uint32_t i = 0; i < N_TEXTS; i++) {
		if (strcmp(name, texts[i].name) == 0)
			return decode_text((char *)c + texts[i].offset, texts[i].size, value, size);
	}
	if (strcmp(name, "slns") == 0)
		return decode_keys(c, value, c->slns);
	if (strcmp(name, "key_ids") == 0)
		return decode_keys(c, value, c->key_ids);
	if (strcmp(name, "keys_per_kmm") == 0)
		return decode_split(c, value, size);
	if (strcmp(name, "waves") == 0)
		return fk_waves_parse(value, size, &c->waves);
	if (strcmp(name, "wave_history") == 0)
		return fk_wave_history_parse(value, size, &c->history);
	if (strcmp(name, "conversation_id") == 0) {
		if (size != sizeof(c->conversation_id))
			return FK_EFORMAT;
		memcpy(c->conversation_id, value, size);
		return FK_OK;
	}
	for (uint32_t i = 0; i < N_NUMBERS; i++) {
		if (strcmp(name, numbers[i].name) == 0)
			return decode_number(c, &numbers[i], value);
	}
	return FK_OK;
}

enum fk_err fk_campaign_decode_done(struct fk_campaign *c)
{
	if (c->kind == 0)
		c->kind = FK_KIND_REKEY; /* of a time when there was no other */
	if (c->halt_status != 0)
		c->halt = FK_HALT_NEXT_HOPS; /* nor another reason */
	if (c->id == 0 || fk_kind(c->kind) == NULL || c->generation == 0 ||
	    c->generation > FK_CAMPAIGN_GENERATION_MAX || c->slot >= FK_ANSWER_SLOT ||
	    c->state < FK_CAMPAIGN_RUNNING || c->state > FK_CAMPAIGN_SUPERSEDED ||
	    c->naming > FK_NAMED_BUT || c->halt >= FK_HALTS || c->wave >= fk_campaign_n_waves(c) ||
	    c->created_at_ms == 0 || c->algorithm_id == 0)
		return FK_EFORMAT;
	if (fk_kind(c->kind)->gives_keys && fk_kind(c->kind)->gives_kek != fk_campaign_has_ckek(c))
		return FK_EFORMAT;
	if (!fk_kind(c->kind)->gives_keys && !fk_kind(c->kind)->goes_on)
		return FK_OK;
	/* Keys have their IDs when they are made. */
	return c->n_keys > 0 && c->slns[0] != 0 &&
			       (c->key_ids[0] != 0 || fk_campaign_is_waiting(c) ||
				(c->state == FK_CAMPAIGN_ABORTED && !fk_campaign_has_begun(c)))
		       ? FK_OK
		       : FK_EFORMAT;
}

/* Tells a cause by its number; texts are made at the end. */
struct tally {
	uint32_t key, n; /* cause << 16 | detail */
};

static int by_count(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->key < y->key ? -1 : x->key > y->key;
}

uint32_t fk_causes_count(const struct fk_delivery *deliveries, uint32_t n_slots,
			 struct fk_cause_count ret_causes[static FK_CAMPAIGN_CAUSES_MAX])
{
	struct tally tallies[FK_CAMPAIGN_CAUSES_MAX - 1];
	uint32_t n = 0, n_other = 0, last = 0;

	for (uint32_t i = 0; i < n_slots; i++) {
		const struct fk_delivery *d = &deliveries[i];
		uint32_t key = (uint32_t)d->cause << 16 | d->cause_detail;

		if (!fk_delivery_is_final(d) || d->cause == FK_CAUSE_NONE)
			continue;
		/* Neighbours tend to fail alike: look at the last one first. */
		if (last >= n || tallies[last].key != key) {
			for (last = 0; last < n && tallies[last].key != key; last++)
				;
		}
		if (last < n)
			tallies[last].n++;
		else if (n < FK_CAMPAIGN_CAUSES_MAX - 1)
			tallies[n++] = (struct tally){key, 1};
		else
			n_other++;
	}
	qsort(tallies, n, sizeof(tallies[0]), by_count);
	for (uint32_t i = 0; i < n; i++) {
		fk_cause_text((uint8_t)(tallies[i].key >> 16), (uint16_t)tallies[i].key,
			      ret_causes[i].text, sizeof(ret_causes[i].text));
		ret_causes[i].n = tallies[i].n;
	}
	if (n_other > 0) {
		ret_causes[n] = (struct fk_cause_count){.text = "other", .n = n_other};
		n++;
	}
	return n;
}

void fk_causes_format(const struct fk_cause_count *causes, uint32_t n, char *buf, size_t cap)
{
	size_t at = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < n && at + FK_CAUSE_TEXT_SIZE + 12 < cap; i++)
		at += (size_t)snprintf(buf + at, cap - at, "%s%s=%u", i == 0 ? "" : ";",
				       causes[i].text, causes[i].n);
}

uint32_t fk_causes_parse(const char *text,
			 struct fk_cause_count ret_causes[static FK_CAMPAIGN_CAUSES_MAX])
{
	uint32_t n = 0;

	while (*text != '\0' && n < FK_CAMPAIGN_CAUSES_MAX) {
		size_t len = strcspn(text, "=;");

		if (text[len] != '=' || len >= FK_CAUSE_TEXT_SIZE)
			break;
		memcpy(ret_causes[n].text, text, len);
		ret_causes[n].text[len] = '\0';
		ret_causes[n].n = (uint32_t)strtoul(text + len + 1, NULL, 10);
		n++;
		text += len;
		text += strcspn(text, ";");
		text += *text == ';';
	}
	return n;
}
