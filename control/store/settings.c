/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/redis.h"

enum setting {
	SETTING_APPENDONLY,
	SETTING_APPENDFSYNC,
	SETTING_NO_APPENDFSYNC_ON_REWRITE,
	SETTING_MAXMEMORY,
	SETTING_MAXMEMORY_POLICY,
	SETTINGS,
};

/* Each of these loses confirmed writes when it is set otherwise (design: I1). */
static const struct {
	const char *name, *wanted, *why;
} settings[SETTINGS] = {
	{"appendonly", "yes", "keys and numbers must survive a restart"},
	{"appendfsync", "always", "a confirmed write must be on the disk"},
	{"no-appendfsync-on-rewrite", "no", "a rewrite must not suspend the fsync"},
	{"maxmemory", NULL, NULL},
	{"maxmemory-policy", "noeviction (or maxmemory 0)", "no record may be evicted"},
};

static_assert(FK_SETTINGS_REPLIES == SETTINGS + 1, "INFO goes before them");

/* Of what INFO says. */
struct info {
	char role[32], run_id[FK_REDIS_RUN_ID_SIZE];
	char is_logging[8], n_evicted[24];
	char is_loading[8], is_rewriting[8], has_to_rewrite[8];
};

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Value of "name:value\r\n" in the text that INFO gives; empty if it is not there. */
static void find_info(const char *info, const char *name, char *buf, size_t size)
{
	size_t name_len = strlen(name);

	buf[0] = '\0';
	for (const char *line = info; line != NULL && *line != '\0';) {
		if (strncmp(line, name, name_len) == 0 && line[name_len] == ':') {
			size_t len = strcspn(line + name_len + 1, "\r\n");

			if (len < size) {
				memcpy(buf, line + name_len + 1, len);
				buf[len] = '\0';
			}
			return;
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
}

static enum fk_err fetch_info(struct fk_store *store, struct info *ret_info)
{
	redisReply *reply;
	const char *text;
	enum fk_err err = fk_redis_fetch(store, &reply);

	if (err != FK_OK)
		return err;
	text = reply->str != NULL ? reply->str : "";
	find_info(text, "role", ret_info->role, sizeof(ret_info->role));
	find_info(text, "run_id", ret_info->run_id, sizeof(ret_info->run_id));
	find_info(text, "aof_enabled", ret_info->is_logging, sizeof(ret_info->is_logging));
	find_info(text, "loading", ret_info->is_loading, sizeof(ret_info->is_loading));
	find_info(text, "evicted_keys", ret_info->n_evicted, sizeof(ret_info->n_evicted));
	find_info(text, "aof_rewrite_in_progress", ret_info->is_rewriting,
		  sizeof(ret_info->is_rewriting));
	find_info(text, "aof_rewrite_scheduled", ret_info->has_to_rewrite,
		  sizeof(ret_info->has_to_rewrite));
	freeReplyObject(reply);
	return FK_OK;
}

static enum fk_err fetch_setting(struct fk_store *store, char *buf, size_t size)
{
	redisReply *reply;
	enum fk_err err = fk_redis_fetch(store, &reply);

	if (err != FK_OK)
		return err;
	buf[0] = '\0';
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	    reply->element[1]->type == REDIS_REPLY_STRING)
		(void)snprintf(buf, size, "%s", reply->element[1]->str);
	freeReplyObject(reply);
	return FK_OK;
}

static enum fk_err refuse(struct fk_store *store, const char *name, const char *value,
			  const char *wanted, const char *why)
{
	char what[160];

	(void)snprintf(what, sizeof(what), "Redis setting %s is \"%.40s\", must be %s", name, value,
		       wanted);
	return fk_redis_break(store, what, why);
}

static enum fk_err check_info(struct fk_store *store, const struct info *info)
{
	/* Sentinels may name one that was just demoted, or is about to be promoted. */
	if (strcmp(info->role, "master") != 0 && store->options.redis_socket == NULL)
		return fk_redis_miss(store, store->where, "it is no master now");
	if (strcmp(info->role, "master") != 0)
		return refuse(store, "role", info->role, "master", "a replica may lag and lose");
	if (info->run_id[0] == '\0')
		return fk_redis_break(store, "INFO", "Redis does not say its run_id");
	return FK_OK;
}

static enum fk_err check_evicted(struct fk_store *store, const struct info *info)
{
	char what[64];

	if (strcmp(info->n_evicted, "0") == 0)
		return FK_OK;
	(void)snprintf(what, sizeof(what), "Redis has evicted %s keys", info->n_evicted);
	return fk_redis_break(store, what,
			      "records are missing: put a copy in place that has them");
}

static enum fk_err check_settings(struct fk_store *store, const struct info *info)
{
	char values[SETTINGS][64];

	for (size_t i = 0; i < SETTINGS; i++) {
		enum fk_err err = fetch_setting(store, values[i], sizeof(values[i]));

		if (err != FK_OK)
			return err;
	}
	for (size_t i = 0; i < SETTING_MAXMEMORY; i++) {
		if (strcmp(values[i], settings[i].wanted) != 0)
			return refuse(store, settings[i].name, values[i], settings[i].wanted,
				      settings[i].why);
	}
	if (strcmp(values[SETTING_MAXMEMORY], "0") != 0 &&
	    strcmp(values[SETTING_MAXMEMORY_POLICY], "noeviction") != 0)
		return refuse(store, settings[SETTING_MAXMEMORY_POLICY].name,
			      values[SETTING_MAXMEMORY_POLICY],
			      settings[SETTING_MAXMEMORY_POLICY].wanted,
			      settings[SETTING_MAXMEMORY_POLICY].why);
	/* Nor does it write a log before it has read it. */
	if (strcmp(info->is_loading, "0") != 0)
		return fk_redis_miss(store, "Redis waits", "LOADING, it still reads its files");
	if (strcmp(info->is_logging, "1") != 0)
		return fk_redis_break(store, "Redis writes no log, though appendonly is yes",
				      settings[SETTING_APPENDONLY].why);
	return FK_OK;
}

static enum fk_err fetch(struct fk_store *store, struct info *ret_info)
{
	enum fk_err err = fetch_info(store, ret_info);

	if (err == FK_OK)
		err = check_info(store, ret_info);
	if (err == FK_OK)
		err = check_settings(store, ret_info);
	if (err == FK_OK)
		err = check_evicted(store, ret_info);
	return err;
}

bool fk_settings_is_due(const struct fk_store *store)
{
	return store->checked_at_us == 0 ||
	       now_us() - store->checked_at_us >= FK_STORE_CHECK_MS * 1000ull;
}

void fk_settings_ask_for(struct fk_store *store)
{
	store->checked_at_us = 0;
}

enum fk_err fk_settings_send(struct fk_store *store)
{
	const struct fk_redis_word info[] = {FK_WORD("INFO")};
	enum fk_err err = fk_redis_send(store, info, 1);

	for (size_t i = 0; err == FK_OK && i < SETTINGS; i++) {
		const struct fk_redis_word words[] = {FK_WORD("CONFIG"), FK_WORD("GET"),
						      FK_WORD(settings[i].name)};

		err = fk_redis_send(store, words, 3);
	}
	store->checked_at_us = now_us();
	return err;
}

enum fk_err fk_settings_fetch(struct fk_store *store)
{
	struct info info;

	return fetch(store, &info);
}

enum fk_err fk_settings_check(struct fk_store *store)
{
	enum fk_err err = fk_redis_drain(store);

	if (err == FK_OK)
		err = fk_settings_send(store);
	return err == FK_OK ? fk_settings_fetch(store) : err;
}

enum fk_err fk_settings_greet(struct fk_store *store, char ret_run_id[static FK_REDIS_RUN_ID_SIZE])
{
	struct info info;
	enum fk_err err = fk_settings_send(store);

	if (err == FK_OK)
		err = fetch(store, &info);
	if (err != FK_OK)
		return err;
	/* Switched on again, appendonly counts from the end of the rewrite that this begins; from
	 * without it looks like any other. */
	if (strcmp(info.is_rewriting, "0") != 0 || strcmp(info.has_to_rewrite, "0") != 0)
		return fk_redis_miss(store, store->where, "Redis rewrites its log");
	memcpy(ret_run_id, info.run_id, sizeof(info.run_id));
	return FK_OK;
}
