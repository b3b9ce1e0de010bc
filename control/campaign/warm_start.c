/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protection TEKs for UEs that say they lack theirs: made, durable and in the key table before the
 * scheduler brings them by a Warm-Start-Command.
 */
#include <fleetkey/kmm.h>

#include "campaign/engine_private.h"
#include "fleet/renew.h"

#define PAGES_MAX 8u /* of one tick: each is a transaction of its own */

/* The next key ID after that of the key that is lost which no key has that the UE may hold, nor any
 * of the key store (I6). 0, which is left out as for TEKs, if there is none. */
static uint16_t choose_key_id(const struct fk_engine *engine, uint32_t ue_index)
{
	const struct fk_ue_slot *ue = &fk_keytable_ues(fk_keytable_view(engine->table))[ue_index];

	for (uint32_t i = 1; i < 0x10000; i++) {
		uint16_t key_id = (uint16_t)(ue->ptek_key_id + i);

		if (key_id != 0 && key_id != ue->kek_key_id &&
		    !fk_key_store_uses_key_id(engine->keys, key_id))
			return key_id;
	}
	return 0;
}

/* Those of 'n' UEs that are in 'page' get their keys. False if the store is lost. */
static bool renew(struct fk_engine *engine, uint32_t page, const uint32_t *ue_indexes, uint32_t n,
		  const struct fk_scheduler_now *now)
{
	uint16_t key_ids[FK_STORE_PAGE_UES] = {0};
	struct fk_reason reason = {{0}};
	uint64_t who = 0;
	enum fk_err err = FK_OK;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = ue_indexes[i] % FK_STORE_PAGE_UES;

		enum fk_cause cause;

		if (ue_indexes[i] / FK_STORE_PAGE_UES != page)
			continue;
		/* It could not open what it is sent, or others could. */
		cause = fk_engine_kek_cause(engine, engine->current, ue_indexes[i]);
		if (cause != FK_CAUSE_NONE) {
			fk_scheduler_exclude(engine->scheduler, ue_indexes[i], cause);
			continue;
		}
		who |= 1ull << at;
		key_ids[at] = choose_key_id(engine, ue_indexes[i]);
	}
	if (who != 0)
		err = fk_renew_page(engine->renewer, engine->fleet, engine->table, page, who,
				    key_ids, engine->config->keys.ptek_cryptoperiod_s, &reason);
	if (err == FK_ESTORE) {
		fk_engine_store_failed(engine, "protection TEKs");
		return false;
	}
	if (err != FK_OK)
		fk_log(FK_LOG_ERROR, "no new protection TEKs", "page=%u error=\"%s\" reason=\"%s\"",
		       page, fk_err_text(err), reason.text);
	for (uint64_t left = who; left != 0; left &= left - 1) {
		uint32_t ue_index = page * FK_STORE_PAGE_UES + (uint32_t)__builtin_ctzll(left);

		if (err != FK_OK) {
			fk_scheduler_exclude(engine->scheduler, ue_index, FK_CAUSE_UNABLE);
			continue;
		}
		engine->said.n_renewed++;
		fk_scheduler_has_key(engine->scheduler, ue_index, now);
	}
	return true;
}

void fk_engine_warm_start(struct fk_engine *engine)
{
	struct fk_scheduler_now now = fk_engine_now(engine);
	uint32_t ue_indexes[FK_KEYLESS_MAX], n;

	for (uint32_t i = 0; i < PAGES_MAX; i++) {
		n = fk_scheduler_list_keyless(engine->scheduler, ue_indexes, FK_KEYLESS_MAX);
		if (n == 0 ||
		    !renew(engine, ue_indexes[0] / FK_STORE_PAGE_UES, ue_indexes, n, &now))
			return;
	}
}
