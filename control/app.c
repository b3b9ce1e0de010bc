/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "backup/restore.h"
#include "keys/open.h"
#include "log.h"
#include "opening.h"
#include "recovery.h"
#include "standby.h"

#define WIPE_MS	     500 /* for the dataplane to end by itself */
#define WIPE_STEP_MS 10
#define REPLY_MS     50 /* for the answer to whoever asked */

static enum fk_err next_epoch(void *ctx, uint32_t *ret_epoch)
{
	struct fk_app *app = ctx;

	return fk_store_next_epoch(app->store, ret_epoch);
}

static uint64_t keep_lease(void *ctx)
{
	struct fk_app *app = ctx;

	return fk_store_keep_lease(app->store);
}

static void on_region(void *ctx, struct fk_region_map *region, bool is_new)
{
	struct fk_app *app = ctx;

	fk_engine_on_region(app->engine, region, is_new);
}

static void on_attached(void *ctx)
{
	struct fk_app *app = ctx;

	fk_engine_on_attached(app->engine);
}

static void on_detached(void *ctx)
{
	struct fk_app *app = ctx;

	fk_engine_on_detached(app->engine);
}

static enum fk_err find_user(const char *name, uid_t *ret_uid, struct fk_reason *reason)
{
	const struct passwd *user;

	if (name == NULL) {
		*ret_uid = geteuid();
		return FK_OK;
	}
	user = getpwnam(name);
	if (user == NULL) {
		fk_reason_set(reason, "link.dataplane_user %s: there is no such user", name);
		return FK_EINVAL;
	}
	*ret_uid = user->pw_uid;
	return FK_OK;
}

static enum fk_err start_link(struct fk_app *app, struct fk_reason *reason)
{
	struct fk_link_options options = {
		.socket_path = app->config->link.socket,
		.lease_ms = app->config->link.lease_ms,
		.callbacks = {.next_epoch = next_epoch,
			      .keep_lease = keep_lease,
			      .on_region = on_region,
			      .on_attached = on_attached,
			      .on_detached = on_detached,
			      .ctx = app},
	};
	enum fk_err err =
		find_user(app->config->link.dataplane_user, &options.dataplane_uid, reason);

	if (err != FK_OK)
		return err;
	return fk_link_server_new(&options, &app->link, reason);
}

/* Hands the fleet in force to the link. */
static void publish_fleet(struct fk_app *app)
{
	struct fk_link_fleet fleet = {
		.keytable_fd = fk_keytable_fd(app->table),
		.numbers = fk_fleet_numbers(app->fleet, 0),
		.fleet_generation = fk_fleet_generation(app->fleet),
		.n_slots = fk_fleet_n_slots(app->fleet),
		.tenure = fk_store_tenure(app->store),
	};

	memcpy(fleet.kmf_id, fk_store_kmf_id(app->store), sizeof(fleet.kmf_id));
	fk_link_server_set_fleet(app->link, &fleet);
}

static enum fk_err watch(struct fk_app *app, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(app->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? FK_OK : FK_EIO;
}

enum fk_err fk_app_open_api(struct fk_app *app, struct fk_reason *reason)
{
	int fds[FK_API_DAEMONS];
	uint32_t n;
	enum fk_err err;

	if (app->api != NULL)
		return FK_OK;
	err = fk_api_new(app, &app->api, reason);
	if (err != FK_OK)
		return err;
	app->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (app->epoll_fd < 0)
		return FK_EIO;
	n = fk_api_fds(app->api, fds);
	err = watch(app, app->signal_fd);
	for (uint32_t i = 0; err == FK_OK && i < n; i++)
		err = watch(app, fds[i]);
	return err;
}

/* Signals first: one that comes during the start must end it in order. */
static enum fk_err take_signals(struct fk_app *app)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return FK_EIO;
	app->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return app->signal_fd < 0 ? FK_EIO : FK_OK;
}

static void handle_signal(struct fk_app *app)
{
	struct signalfd_siginfo info;

	if (read(app->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	fk_log(FK_LOG_INFO, "stopping", "signal=%u", info.ssi_signo);
	app->should_stop = true;
}

/* Told to while the store was waited for. */
static enum fk_err stop_waiting(struct fk_app *app, const struct fk_app_start *start,
				struct fk_reason *reason)
{
	handle_signal(app);
	if (start->backup == NULL)
		return FK_OK;
	fk_reason_set(reason, "stopped before the recovery, which the next start will do");
	return FK_ESTORE;
}

/* Replaced fleets and unfinished imports only take room; they can wait for the next time. */
static void sweep(struct fk_app *app)
{
	enum fk_err err = fk_store_forget_rosters(app->store, app->config->store.rosters);

	if (err == FK_OK)
		err = fk_store_sweep_fleets(app->store);

	if (err != FK_OK)
		fk_log(FK_LOG_WARN, "old fleets stay for now", "error=\"%s\"", fk_err_text(err));
}

/* The link first: its socket shuts out a fleetkeyd that still works with the store that was. */
static enum fk_err restore_backup(struct fk_app *app, const struct fk_app_start *start,
				  struct fk_reason *reason)
{
	enum fk_err err = start_link(app, reason);

	return err == FK_OK ? fk_restore(app->config, start->backup, start->skip_numbers, reason)
			    : err;
}

/* What is served; the rest is there. */
static enum fk_err start_serving(struct fk_app *app, struct fk_reason *reason)
{
	enum fk_err err;

	publish_fleet(app);
	err = fk_app_open_api(app, reason);
	if (err == FK_OK)
		err = watch(app, fk_link_server_fd(app->link));
	if (err != FK_OK)
		return err;
	app->is_standby = false;
	sweep(app);
	fk_log(FK_LOG_INFO, "ready", "fleet_generation=%" PRIu64 " n_ues=%u n_campaigns=%u",
	       fk_fleet_generation(app->fleet), fk_fleet_n_ues(app->fleet),
	       fk_engine_n_campaigns(app->engine));
	return FK_OK;
}

enum fk_err fk_app_init(struct fk_app *app, const struct fk_config *config,
			const struct fk_app_start *start, struct fk_reason *reason)
{
	const struct fk_root_source root_source = {config->keys.root_key,
						   config->keys.pkcs11_module};
	bool is_older = false;
	enum fk_err err;

	*app = (struct fk_app){.config = config, .epoll_fd = -1, .signal_fd = -1, .node_fd = -1};
	err = take_signals(app);
	if (err == FK_OK && start->backup != NULL)
		err = restore_backup(app, start, reason);
	if (err == FK_OK)
		err = fk_opening_wait(config, app->signal_fd, &app->store, reason);
	if (err == FK_OK && app->store == NULL)
		return stop_waiting(app, start, reason);
	if (err == FK_OK)
		err = fk_recovery_check(app, start->may_recover, &is_older, reason);
	if (err == FK_OK)
		err = fk_standby_wait(app, reason);
	if (err == FK_OK && app->should_stop)
		return FK_OK;
	if (err == FK_OK && is_older && app->is_standby) {
		/* What was found before the wait says nothing of what the owner has made of it. */
		fk_reason_set(reason, "the store was older than the witness, and another node has "
				      "had it since: start again to look anew");
		return FK_ESTALE;
	}
	if (err == FK_OK && is_older)
		err = fk_recovery_begin(app, reason);
	if (err == FK_OK)
		err = fk_keys_open(&root_source, app->store, &app->keyring, reason);
	if (err == FK_OK)
		err = fk_rotation_new(app->store, app->keyring, &root_source, &app->rotation);
	if (err == FK_OK)
		err = fk_key_store_open(app->store, app->keyring, &app->keys, reason);
	if (err == FK_OK)
		err = fk_group_book_open(app->store, app->keyring, &app->groups, reason);
	if (err == FK_OK)
		err = fk_fleet_load(app->store, app->keyring, config, &app->fleet, &app->table,
				    reason);
	if (err == FK_OK)
		err = fk_engine_new(config, app->store, app->keyring, app->keys, app->groups,
				    &app->engine);
	/* Listening shuts a second fleetkeyd out before this one touches a campaign. */
	if (err == FK_OK && app->link == NULL)
		err = start_link(app, reason);
	if (err == FK_OK)
		err = fk_engine_set_fleet(app->engine, app->fleet, app->table, reason);
	if (err == FK_OK)
		err = fk_recovery_run(app, reason);
	if (err != FK_OK)
		return err;
	fk_recovery_mirror(app);
	return start->backup == NULL ? start_serving(app, reason) : FK_OK;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void fk_app_wipe(struct fk_app *app)
{
	fk_log(FK_LOG_WARN, "wiping all keys", "dataplane=%s",
	       fk_link_server_is_attached(app->link) ? "attached" : "none");
	app->wipe_by_ms = now_ms() + WIPE_MS;
	fk_link_server_wipe(app->link);
}

/* Another node goes on with all of it. What the dataplane has must not be taken for what was sent.
 */
static void retire(struct fk_app *app)
{
	fk_log(FK_LOG_WARN, "another node is the owner now",
	       "reason=\"%s\" action=\"all is let go, to stand by\"",
	       fk_store_last_error(app->store));
	app->is_lost = true;
	app->wipe_by_ms = now_ms() + WIPE_MS;
	fk_link_server_stand_by(app->link);
}

void fk_app_reload(struct fk_app *app)
{
	if (app->reload_at_ms == 0)
		app->reload_at_ms = now_ms() + REPLY_MS;
}

bool fk_app_lives_on(const struct fk_app *app)
{
	return app->is_lost || app->begins_anew;
}

/* The dataplane first: a worker must not read a table that is being wiped. If it does not end, the
 * keys go all the same. */
static bool may_wipe_now(const struct fk_app *app)
{
	uint64_t now = now_ms();

	return now >= app->wipe_by_ms || (!fk_link_server_is_attached(app->link) &&
					  now + WIPE_MS >= app->wipe_by_ms + REPLY_MS);
}

/* Whoever waits for the lease need not wait to its end if no dataplane of ours can send. One that
 * never found us may still do so, on behalf of an earlier life of ours. */
static void release_lease(struct fk_app *app, bool was_attached)
{
	uint64_t since_ms = fk_store_owner_since_us(app->store) / 1000;

	if (since_ms == 0 || (!was_attached && now_ms() < since_ms + app->node.lease_ms))
		return;
	if (fk_store_release_lease(app->store) != FK_OK)
		fk_log(FK_LOG_WARN, "lease is left to its end", "reason=\"%s\"",
		       fk_store_last_error(app->store));
}

void fk_app_fini(struct fk_app *app)
{
	bool is_attached = app->link != NULL && fk_link_server_is_attached(app->link);
	bool was_attached = app->link != NULL && fk_link_server_was_attached(app->link);

	fk_api_free(app->api);
	fk_link_server_free(app->link);
	fk_engine_free(app->engine);
	if (app->store != NULL)
		release_lease(app, was_attached);
	/* A dataplane that outlives us works with this table until it is let in again; one that was
	 * told to stand by, and hangs, must not find wrong keys in it. */
	if (app->wipe_by_ms != 0 && !(app->is_lost && is_attached))
		fk_keytable_free(app->table);
	else
		fk_keytable_release(app->table);
	fk_fleet_free(app->fleet);
	fk_group_book_free(app->groups);
	fk_key_store_free(app->keys);
	fk_rotation_free(app->rotation);
	fk_keyring_free(app->keyring);
	fk_store_close(app->store);
	if (app->epoll_fd >= 0)
		close(app->epoll_fd);
	if (app->signal_fd >= 0)
		close(app->signal_fd);
	if (app->node_fd >= 0)
		close(app->node_fd);
}

/* The engine forgot the region when the fleet was taken from it. */
static void reconnect_engine(struct fk_app *app)
{
	struct fk_region_map *region = fk_link_server_region(app->link);

	if (region == NULL)
		return;
	fk_engine_on_region(app->engine, region, false);
	if (fk_link_server_is_attached(app->link))
		fk_engine_on_attached(app->engine);
}

enum fk_err fk_app_take_fleet(struct fk_app *app, struct fk_fleet *fleet,
			      struct fk_keytable_file *table, struct fk_reason *reason)
{
	struct fk_fleet *old_fleet = app->fleet;
	struct fk_keytable_file *old_table = app->table;
	enum fk_err err = FK_EBUSY;

	if (fk_engine_is_settled(app->engine))
		err = fk_engine_set_fleet(app->engine, fleet, table, reason);
	if (err != FK_OK) {
		fk_keytable_free(table);
		fk_fleet_free(fleet);
		if (err != FK_EBUSY &&
		    fk_engine_set_fleet(app->engine, old_fleet, old_table, NULL) == FK_OK)
			reconnect_engine(app);
		return err;
	}
	app->fleet = fleet;
	app->table = table;
	fk_recovery_mirror(app);
	publish_fleet(app);
	fk_keytable_release(old_table);
	fk_fleet_free(old_fleet);
	fk_log(FK_LOG_INFO, "fleet in force", "generation=%" PRIu64 " n_ues=%u",
	       fk_fleet_generation(fleet), fk_fleet_n_ues(fleet));
	return FK_OK;
}

static int shorter(int a_ms, int b_ms)
{
	if (a_ms < 0)
		return b_ms;
	return b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

enum fk_err fk_app_idle(struct fk_app *app, int wait_ms)
{
	struct epoll_event events[8];
	int n, api_ms = fk_api_wait_ms(app->api);

	n = epoll_wait(app->epoll_fd, events, 8, shorter(wait_ms, api_ms));
	if (n < 0 && errno != EINTR)
		return FK_EIO;
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == app->signal_fd)
			handle_signal(app);
	}
	fk_api_run(app->api);
	return FK_OK;
}

/* The fleet in memory may go at any moment: nothing is to begin with it. */
static bool is_changing_fleet(const struct fk_app *app)
{
	return fk_api_is_importing(app->api) || app->reload_at_ms != 0;
}

enum fk_err fk_app_run(struct fk_app *app)
{
	while (!app->should_stop) {
		struct epoll_event events[8];
		int wait_ms =
			shorter(shorter(fk_engine_wait_ms(app->engine), fk_api_wait_ms(app->api)),
				fk_rotation_wait_ms(app->rotation));
		bool is_api;
		int n;

		if (app->wipe_by_ms != 0 || app->reload_at_ms != 0)
			wait_ms = shorter(wait_ms, WIPE_STEP_MS);
		n = epoll_wait(app->epoll_fd, events, 8, wait_ms);
		is_api = wait_ms >= 0;

		if (n < 0 && errno != EINTR)
			return FK_EIO;
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == app->signal_fd)
				handle_signal(app);
			else if (events[i].data.fd == fk_link_server_fd(app->link))
				fk_link_server_run(app->link);
			else
				is_api = true;
		}
		fk_engine_hold_starts(app->engine, is_changing_fleet(app));
		fk_engine_tick(app->engine);
		if (fk_api_work(app->api) || is_api)
			fk_api_run(app->api);
		fk_rotation_work(app->rotation, app->fleet, is_changing_fleet(app));
		if (fk_store_is_lost(app->store) && app->wipe_by_ms == 0)
			retire(app);
		if (app->wipe_by_ms != 0 && may_wipe_now(app))
			app->should_stop = true;
		if (app->reload_at_ms != 0 && !app->should_stop && now_ms() >= app->reload_at_ms)
			app->begins_anew = app->should_stop = true;
	}
	if (app->engine != NULL)
		fk_engine_flush(app->engine);
	return FK_OK;
}
