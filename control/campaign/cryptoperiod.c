/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Campaigns and the time that keys are meant to be used: keys that are past it are not given out,
 * and a campaign can be scheduled by the end of those that it replaces.
 */
#include <inttypes.h>
#include <string.h>

#include "campaign/engine_private.h"

enum fk_err fk_engine_check_expiry(const struct fk_engine *engine, const struct fk_campaign *c,
				   uint64_t now_ms, struct fk_reason *reason)
{
	for (uint32_t i = 0; i < c->n_keys; i++) {
		const struct fk_key_entry *entry;
		char name[FK_KEY_NAME_SIZE];

		fk_engine_key_name(c, i, name);
		entry = fk_key_store_find(engine->keys, name);
		if (entry == NULL || !fk_key_is_expired(&entry->record, now_ms))
			continue;
		fk_reason_set(reason,
			      "key %s, key ID %u, has expired: its cryptoperiod of %u s is over; "
			      "give new keys",
			      name, entry->record.key_id, entry->record.cryptoperiod_s);
		return FK_EPOLICY;
	}
	return FK_OK;
}

/* The latest key of that group in that place which is in use; NULL if there is none. */
static const struct fk_key_entry *key_in_use(const struct fk_engine *engine, const char *group,
					     uint16_t sln)
{
	for (uint32_t n = engine->n_campaigns; n > 0; n--) {
		const struct fk_campaign *c = &engine->campaigns[n - 1];

		if (!fk_campaign_has_begun(c) || !fk_kind(c->kind)->gives_keys ||
		    strcmp(c->group, group) != 0)
			continue;
		for (uint32_t i = 0; i < c->n_keys; i++) {
			const struct fk_key_entry *entry;
			char name[FK_KEY_NAME_SIZE];

			fk_engine_key_name(c, i, name);
			entry = fk_key_store_find(engine->keys, name);
			if (c->slns[i] == sln && entry != NULL &&
			    entry->record.state == FK_LIFE_ACTIVE)
				return entry;
		}
	}
	return NULL;
}

/* The one whose cryptoperiod ends first, of those that the campaign replaces. */
static const struct fk_key_entry *first_to_end(const struct fk_engine *engine,
					       const struct fk_campaign *c)
{
	const struct fk_key_entry *first = NULL;

	for (uint32_t i = 0; i < c->n_keys; i++) {
		const struct fk_key_entry *entry = key_in_use(engine, c->group, c->slns[i]);

		if (entry != NULL && entry->record.cryptoperiod_s != 0 &&
		    (first == NULL ||
		     fk_key_ends_at_ms(&entry->record) < fk_key_ends_at_ms(&first->record)))
			first = entry;
	}
	return first;
}

enum fk_err fk_engine_check_ahead(uint64_t at_ms, struct fk_reason *reason)
{
	return fk_lifecycle_check_ahead(at_ms, fk_engine_now_real_ms(), reason);
}

enum fk_err fk_engine_schedule_before_end(struct fk_engine *engine, uint32_t id, uint32_t lead_s,
					  const char **ret_field, struct fk_reason *reason)
{
	const struct fk_campaign *c = fk_engine_record(engine, id);
	const struct fk_key_entry *key = NULL;
	uint64_t at_ms = 1; /* of no use without the campaign, which is said below */
	enum fk_err err = FK_OK;

	*ret_field = NULL;
	if (c != NULL) {
		err = fk_key_store_refresh(engine->keys, reason);
		if (err != FK_OK)
			return err;
		*ret_field = "before_end_s";
		if (!fk_kind(c->kind)->gives_keys) {
			fk_reason_set(reason, "a campaign of kind %s replaces no keys",
				      fk_kind(c->kind)->label);
			return FK_EINVAL;
		}
		key = first_to_end(engine, c);
		if (key == NULL) {
			fk_reason_set(reason,
				      "no key that it replaces has a cryptoperiod: keys get one "
				      "when they are made, from keys.tek_cryptoperiod_s");
			return FK_ENOTFOUND;
		}
		at_ms = fk_lifecycle_before_end(fk_key_ends_at_ms(&key->record), lead_s);
		err = fk_engine_check_ahead(at_ms, reason);
		if (err != FK_OK)
			return err;
	}
	err = fk_engine_schedule(engine, id, at_ms, "UTC", ret_field, reason);
	if (err == FK_OK && key != NULL)
		fk_log(FK_LOG_INFO, "campaign scheduled by cryptoperiod",
		       "campaign=%u key=%s ends_at_ms=%" PRIu64 " lead_s=%u", id, key->name,
		       fk_key_ends_at_ms(&key->record), lead_s);
	return err;
}
