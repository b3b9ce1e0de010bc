/* SPDX-License-Identifier: Apache-2.0 */
#include "standby.h"

#include <inttypes.h>

#include "log.h"
#include "node.h"

#define LOOKS_MAX   20	 /* in the length of a lease */
#define LOOK_MAX_MS 100	 /* between two looks */
#define AWAY_MS	    1000 /* the same while the store is not there */

static enum fk_err begin(struct fk_app *app, struct fk_reason *reason)
{
	enum fk_err err = fk_app_open_api(app, reason);

	app->is_standby = true;
	if (err == FK_OK)
		fk_log(FK_LOG_INFO, "standing by", "node=%s owner=%s epoch=%" PRIu64,
		       app->node.name, app->owner.name, app->owner.epoch);
	return err;
}

/* The store is away: so it is for the owner, perhaps, and then nobody owns anything. */
static enum fk_err look_for_store(struct fk_app *app, bool *is_away, struct fk_reason *reason)
{
	enum fk_err err = fk_store_reconnect(app->store, NULL, reason);

	if (err == FK_ESTORE && !*is_away)
		fk_log(FK_LOG_WARN, "store lost", "doing=\"standing by\" reason=\"%s\"",
		       reason->text);
	if (err == FK_OK && *is_away)
		fk_log(FK_LOG_INFO, "store is back", "doing=\"standing by\"");
	*is_away = err == FK_ESTORE;
	return err == FK_ESTORE ? FK_OK : err;
}

static int look_ms(const struct fk_app *app, bool is_away)
{
	uint32_t ms = app->config->link.lease_ms / LOOKS_MAX;

	if (is_away)
		return AWAY_MS;
	return ms < LOOK_MAX_MS ? (int)ms : LOOK_MAX_MS;
}

enum fk_err fk_standby_wait(struct fk_app *app, struct fk_reason *reason)
{
	bool is_away = false;
	enum fk_err err = fk_node_open(app->config, &app->node, &app->node_fd, reason);

	if (err != FK_OK)
		return err;
	while (!app->should_stop) {
		err = fk_store_take_lease(app->store, &app->node, &app->owner);
		if (err == FK_OK) {
			fk_log(FK_LOG_INFO, "owner of all shards",
			       "node=%s tenure=%" PRIu64 " lease_ms=%u", app->node.name,
			       fk_store_tenure(app->store), app->node.lease_ms);
			return FK_OK;
		}
		if (err == FK_ESTORE && app->is_standby)
			err = look_for_store(app, &is_away, reason);
		else if (err == FK_EBUSY)
			err = app->is_standby ? FK_OK : begin(app, reason);
		else
			fk_reason_set(reason, "%s", fk_store_last_error(app->store));
		if (err != FK_OK)
			return err;
		err = fk_app_idle(app, look_ms(app, is_away));
		if (err != FK_OK)
			return err;
	}
	return FK_OK;
}
