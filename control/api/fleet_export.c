/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet in force as a fleet file. The key columns are there and empty, so that the file,
 * changed or not, is good for an update.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "fleet/columns.h"

#define UES_PER_PIECE 64

struct export
{
	const struct fk_app *app;
	uint64_t generation;
	uint32_t next_ue; /* ue_index */
	bool has_header;
};

/* One field, quoted where RFC 4180 wants it. */
static void put_text(FILE *out, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		(void)fputs(text, out);
		return;
	}
	(void)fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)fputc('"', out);
		(void)fputc(*text, out);
	}
	(void)fputc('"', out);
}

static void put_groups(FILE *out, const struct fk_fleet *fleet, const struct fk_fleet_ue *ue)
{
	char names[FK_UE_GROUPS_MAX * (FK_NAME_SIZE_MAX + 1) + 1];
	size_t n = 0;

	names[0] = '\0';
	for (uint8_t i = 0; i < ue->n_groups && n < sizeof(names); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i == 0 ? "" : ";",
				      fk_fleet_group_name(fleet, ue->group_ids[i]));
	put_text(out, names);
}

/* What is 0 is empty: what P25 allows. */
static void put_limit(FILE *out, uint32_t limit)
{
	if (limit != 0)
		(void)fprintf(out, ",%u", limit);
	else
		(void)fputc(',', out);
}

static void put_field(FILE *out, const char *text)
{
	put_text(out, text);
	(void)fputc(',', out);
}

static void put_ue(FILE *out, const struct fk_app *app, const struct fk_fleet_ue *ue)
{
	const char *area = fk_fleet_area_name(app->fleet, ue->area_id);

	put_field(out, ue->ue_id);
	put_field(out, ue->mc_service_id);
	put_field(out, ue->mcdata_id);
	(void)fprintf(out, "P25,%" PRIu32 ",", ue->rsi);
	put_field(out, app->config->next_hops[ue->next_hop].name);
	put_field(out, area != NULL ? area : "");
	put_groups(out, app->fleet, ue);
	(void)fprintf(out, ",%u,%u,AES-256,,", ue->kek_sln, ue->kek_key_id);
	if (ue->has_ptek)
		(void)fprintf(out, "%u,AES-256,,", ue->ptek_key_id);
	else
		(void)fputs(",,,", out);
	(void)fprintf(out, "%s,%u", ue->mac_kind == FK_MAC_CMAC ? "cmac" : "cbc", ue->mnp);
	put_limit(out, ue->takes.max_kmm);
	put_limit(out, ue->takes.max_keys);
	put_limit(out, ue->takes.keysets);
	(void)fprintf(out, ",%s\n", ue->takes.outer == FK_OUTER_OFB ? "ofb" : "none");
}

static void put_header(FILE *out)
{
	for (unsigned i = 0; i < FK_COLUMNS_EXPORTED; i++)
		(void)fprintf(out, "%s%s", i == 0 ? "" : ",", fk_column_name((enum fk_column)i));
	(void)fputc('\n', out);
}

static enum fk_err next_ues(void *self, FILE *out)
{
	struct export *e = self;
	const struct fk_fleet *fleet = e->app->fleet;
	uint32_t n = fk_fleet_n_slots(fleet);
	struct fk_fleet_ue ue;

	if (fk_fleet_generation(fleet) != e->generation)
		return FK_ESTALE; /* half of one fleet and half of another is none */
	if (!e->has_header)
		put_header(out);
	e->has_header = true;
	for (uint32_t n_put = 0; e->next_ue < n && n_put < UES_PER_PIECE; e->next_ue++) {
		if (!fk_fleet_get(fleet, e->next_ue, &ue))
			continue;
		put_ue(out, e->app, &ue);
		n_put++;
	}
	return FK_OK;
}

void fk_api_fleet_export(struct fk_call *call)
{
	struct export *e = malloc(sizeof(*e));
	const struct fk_stream stream = {.next = next_ues, .free = free, .self = e};

	if (e == NULL) {
		fk_call_reply_err(call, FK_ENOMEM, NULL, NULL);
		return;
	}
	*e = (struct export){.app = call->app, .generation = fk_fleet_generation(call->app->fleet)};
	fk_call_reply_stream(call, "text/csv", &stream);
}
