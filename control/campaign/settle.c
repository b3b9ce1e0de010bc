/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a recovery it is unknown who holds which key (recovery.h). With recovery.automatic the UEs
 * are asked: one inventory after the other, each for the keys of one campaign, the latest first, to
 * those UEs of which it is unknown whether they hold them. Each is a campaign like any other, under
 * the configured pace, when no other one is active. Its record says for which recovery it is, so
 * none is begun twice, whatever crashes; and the store says that there is something to settle until
 * the last has ended.
 *
 * Who does not answer stays unknown; what can be known of a key in a keyset that is not active,
 * too.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/engine_private.h"

#define POLL_MS	 500  /* between looks whether nothing is active any more */
#define RETRY_MS 5000 /* after one that could not be begun for now */

static bool has_unknown(const struct fk_currency_entry *entry)
{
	return (entry->held & entry->maybe) != 0;
}

/* True if the keys of that campaign can be asked for, and were not yet. */
static bool is_open(const struct fk_engine *engine, uint32_t recovery, uint32_t id)
{
	const struct fk_campaign *of = fk_engine_find_campaign((void *)(uintptr_t)engine, id);

	/* A KEK is in no keyset that is ever active. */
	if (of == NULL || !fk_kind(of->kind)->gives_keys || fk_kind(of->kind)->gives_kek ||
	    !fk_campaign_has_begun(of))
		return false;
	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		if (engine->campaigns[i].settles == recovery && engine->campaigns[i].keys_of == id)
			return false;
	}
	return true;
}

struct found {
	uint32_t id;	    /* the latest campaign whose keys are to be asked for; 0: none */
	uint32_t n_unknown; /* UEs of which a key is unknown */
};

static struct found look(const struct fk_engine *engine, uint32_t recovery)
{
	struct fk_currency ues[FK_CURRENCY_PAGE];
	struct found found = {.id = 0};
	uint32_t closed = 0; /* looked at last, and not open: neighbours have the same */

	for (uint32_t i = 0; i < fk_engine_n_pages(engine) * FK_CURRENCY_PAGE; i++) {
		const struct fk_currency *ue = &ues[i % FK_CURRENCY_PAGE];
		bool is_unknown = false;

		if (i % FK_CURRENCY_PAGE == 0)
			fk_currency_book_get_page(fk_fleet_currency(engine->fleet),
						  i / FK_CURRENCY_PAGE, ues);
		for (uint32_t k = 0; k < ue->n_entries; k++) {
			uint32_t id = ue->entries[k].evidence.campaign_id;

			if (!has_unknown(&ue->entries[k]))
				continue;
			is_unknown = true;
			if (id <= found.id || id == closed)
				continue;
			if (is_open(engine, recovery, id))
				found.id = id;
			else
				closed = id;
		}
		found.n_unknown += is_unknown;
	}
	return found;
}

enum fk_err fk_engine_unknown_members(const struct fk_engine *engine, const struct fk_campaign *c,
				      struct fk_members *ret_members)
{
	struct fk_members members = fk_members_of_unstored(engine->fleet, c);
	struct fk_currency ues[FK_CURRENCY_PAGE];

	members.naming = FK_NAMED_ONLY;
	members.n_pages = fk_engine_n_pages(engine);
	members.pages = calloc(members.n_pages + 1, sizeof(*members.pages));
	if (members.pages == NULL)
		return FK_ENOMEM;
	for (uint32_t page = 0; page < members.n_pages; page++) {
		fk_currency_book_get_page(fk_fleet_currency(engine->fleet), page, ues);
		for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++) {
			const struct fk_currency_entry *entry =
				fk_currency_find(&ues[i], c->keys_of);

			if (entry != NULL && has_unknown(entry))
				members.pages[page] |= 1ull << i;
		}
	}
	*ret_members = members;
	return FK_OK;
}

static void ask(struct fk_engine *engine, uint32_t recovery, uint32_t keys_of)
{
	static struct fk_plan plan;
	struct fk_campaign_request request = {.kind = FK_KIND_INVENTORY,
					      .keys_of = keys_of,
					      .members = {.naming = FK_NAMED_ONLY},
					      .gate = FK_GATE_DEFAULT,
					      .settles = recovery};
	struct fk_reason reason = {{0}};
	const char *field = NULL;
	uint32_t id = 0;
	enum fk_err err = fk_engine_create(engine, &request, &id, &plan, &field, &reason);

	if (err == FK_OK) {
		fk_log(FK_LOG_WARN, "asking who holds which key",
		       "campaign=%u keys_of=%u n_ues=%u recovery=%u reason=\"an older copy of the "
		       "store was recovered\"",
		       id, keys_of, plan.n_members, recovery);
		return;
	}
	engine->retry_settle_at_us = fk_engine_now_us() + RETRY_MS * 1000ull;
	if (err == FK_EBUSY || err == FK_ESTORE || err == FK_ELINK || err == FK_ENOMEM)
		return;
	/* It will not be otherwise by itself. The next start tries it again. */
	engine->retry_settle_at_us = UINT64_MAX;
	fk_log(FK_LOG_ERROR, "nobody is asked who holds which key",
	       "keys_of=%u field=%s reason=\"%s\"", keys_of, field != NULL ? field : "",
	       reason.text);
}

/* What the store says of the last recovery; false if there is nothing to settle. */
static bool has_to_settle(const struct fk_engine *engine, struct fk_store_recovery *ret_recovery)
{
	struct fk_store_facts facts;

	if (!engine->config->recovery.automatic || engine->fleet == NULL)
		return false;
	fk_store_get_facts(engine->store, &facts);
	*ret_recovery = facts.recovery;
	return facts.recovery.has_to_settle != 0;
}

void fk_engine_settle(struct fk_engine *engine)
{
	struct fk_store_recovery recovery;
	struct found found;

	if (!has_to_settle(engine, &recovery) || engine->may_not_start || !engine->is_attached ||
	    fk_engine_now_us() < engine->retry_settle_at_us || !fk_engine_is_settled(engine))
		return;
	found = look(engine, (uint32_t)recovery.n_recoveries);
	if (found.id != 0) {
		ask(engine, (uint32_t)recovery.n_recoveries, found.id);
		return;
	}
	if (fk_store_end_settling(engine->store, found.n_unknown) != FK_OK) {
		fk_engine_store_failed(engine, "end of a recovery");
		return;
	}
	fk_log(FK_LOG_WARN, "recovery settled", "recovery=%" PRIu64 " n_unknown_ues=%u",
	       recovery.n_recoveries, found.n_unknown);
}

int fk_engine_wait_settle_ms(const struct fk_engine *engine)
{
	struct fk_store_recovery recovery;

	return has_to_settle(engine, &recovery) && engine->is_attached &&
			       engine->retry_settle_at_us != UINT64_MAX
		       ? POLL_MS
		       : -1;
}
