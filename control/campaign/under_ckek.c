/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TEKs that are wrapped under the CKEK of their group, instead of each UE's own KEK. Who may have
 * that key, and when it may not be used any more: ckek_exposure.c.
 */
#include "campaign/engine_private.h"

void fk_engine_name_ckek(uint32_t id, char ret_name[static FK_KEY_NAME_SIZE])
{
	(void)snprintf(ret_name, FK_KEY_NAME_SIZE, "ckek:%u:0", id);
}

bool fk_engine_wraps_under(const struct fk_campaign *c, const char *key_name)
{
	char name[FK_KEY_NAME_SIZE];

	fk_engine_name_ckek(c->ckek_of, name);
	return c->ckek_of != 0 && strcmp(name, key_name) == 0;
}

bool fk_engine_ckek_is_active(const struct fk_engine *engine, uint32_t ckek_of)
{
	const struct fk_key_entry *entry;
	char name[FK_KEY_NAME_SIZE];

	fk_engine_name_ckek(ckek_of, name);
	entry = fk_key_store_find(engine->keys, name);
	return entry != NULL && entry->record.state == FK_LIFE_ACTIVE;
}

enum fk_err fk_engine_load_ckek(struct fk_engine *engine, const struct fk_campaign *c,
				struct fk_secret *ret_ckek, uint16_t *ret_key_id)
{
	struct fk_key_record record;
	char name[FK_KEY_NAME_SIZE];
	enum fk_err err;

	fk_engine_name_ckek(c->ckek_of, name);
	err = fk_key_store_get(engine->keys, name, &record, ret_ckek);
	if (err == FK_OK && record.kind != FK_KEY_CKEK)
		err = FK_EAUTH;
	if (err == FK_OK)
		*ret_key_id = record.key_id;
	return err;
}

enum fk_err fk_engine_draft_under_ckek(const struct fk_engine *engine, struct fk_campaign *c,
				       const char **ret_field, struct fk_reason *reason)
{
	const struct fk_kind *kind = fk_kind(c->kind);
	const struct fk_campaign *of;
	const struct fk_key_entry *entry;
	char name[FK_KEY_NAME_SIZE];
	enum fk_err err;

	*ret_field = "under_ckek";
	if (!kind->gives_keys || kind->gives_kek) {
		fk_reason_set(reason, "is for campaigns that give TEKs");
		return FK_EINVAL;
	}
	of = c->group[0] != '\0' ? fk_engine_ckek_of(engine, c->group) : NULL;
	if (of == NULL) {
		fk_reason_set(reason, c->group[0] != '\0' ? "the group was never given a CKEK"
							  : "needs a group, whose CKEK it is");
		return FK_ENOTFOUND;
	}
	fk_engine_name_ckek(of->id, name);
	entry = fk_key_store_find(engine->keys, name);
	if (entry == NULL || entry->record.state != FK_LIFE_ACTIVE ||
	    fk_key_is_expired(&entry->record, c->created_at_ms)) {
		fk_reason_set(reason, "key %s is %s", name,
			      entry != NULL ? fk_key_record_label(&entry->record, c->created_at_ms)
					    : "not there");
		return FK_EPOLICY;
	}
	c->ckek_of = of->id;
	err = fk_engine_check_exposure(engine, c, reason);
	if (err == FK_OK)
		*ret_field = NULL;
	return err;
}
