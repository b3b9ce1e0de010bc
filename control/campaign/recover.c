/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/engine_private.h"

/* Those that wait first: a tick may begin one. */
static enum fk_err end_all(struct fk_engine *engine, uint32_t *ret_n)
{
	enum fk_err err = FK_OK;

	for (uint32_t i = 0; err == FK_OK && i < engine->n_campaigns; i++) {
		if (fk_campaign_is_waiting(&engine->campaigns[i])) {
			err = fk_engine_drop_waiting(engine, engine->campaigns[i].id,
						     FK_PRINCIPAL_NONE);
			*ret_n += 1;
		}
	}
	if (err == FK_OK && fk_engine_is_active(engine)) {
		fk_engine_end(engine, FK_CAMPAIGN_ABORTED, FK_PRINCIPAL_NONE);
		*ret_n += 1;
	}
	return err;
}

enum fk_err fk_engine_recover(struct fk_engine *engine, struct fk_engine_recovered *ret_recovered)
{
	struct fk_engine_recovered recovered = {.n_aborted = 0};
	enum fk_err err;

	fk_engine_hold_starts(engine, true);
	err = end_all(engine, &recovered.n_aborted);
	/* Nobody is attached: what is left is to write and to fold. */
	while (err == FK_OK && !fk_engine_is_settled(engine)) {
		fk_engine_tick(engine);
		if (!fk_store_is_healthy(engine->store))
			err = FK_ESTORE;
	}
	if (err == FK_OK && engine->fleet != NULL)
		err = fk_engine_doubt_all(engine, &recovered.n_unknown_ues);
	while (err == FK_OK && engine->fleet != NULL && !fk_engine_flush_pages(engine, true)) {
		if (!fk_store_is_healthy(engine->store))
			err = FK_ESTORE;
	}
	fk_engine_hold_starts(engine, false);
	if (err == FK_OK)
		*ret_recovered = recovered;
	return err;
}
