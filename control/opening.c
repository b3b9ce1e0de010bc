/* SPDX-License-Identifier: Apache-2.0 */
#include "opening.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define RETRY_MS 200

struct fk_store_options fk_opening_options(const struct fk_config *config)
{
	return (struct fk_store_options){
		.redis_socket = config->store.redis_socket,
		.sentinels = config->store.sentinels,
		.n_sentinels = config->store.n_sentinels,
		.master_name = config->store.master_name,
		.n_replicas = config->store.replicas,
		.replica_timeout_ms = config->store.replica_timeout_ms,
	};
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* True if it is time to stop. */
static bool pause_for(int stop_fd, uint64_t ms)
{
	struct pollfd stop = {.fd = stop_fd, .events = POLLIN};

	return poll(&stop, 1, (int)ms) > 0;
}

enum fk_err fk_opening_wait(const struct fk_config *config, int stop_fd,
			    struct fk_store **ret_store, struct fk_reason *reason)
{
	struct fk_store_options options = fk_opening_options(config);
	uint64_t began_ms = now_ms(), end_ms = began_ms + 1000ull * config->store.wait_s;
	enum fk_err err = fk_store_open(&options, ret_store, reason);
	bool has_waited = false;
	struct fk_reason last;

	while (err == FK_EAWAY && now_ms() < end_ms) {
		uint64_t left_ms = end_ms - now_ms();

		if (!has_waited)
			fk_log(FK_LOG_WARN, "waiting for the store", "wait_s=%u reason=\"%s\"",
			       config->store.wait_s, reason->text);
		has_waited = true;
		if (pause_for(stop_fd, left_ms < RETRY_MS ? left_ms : RETRY_MS)) {
			*ret_store = NULL;
			return FK_OK;
		}
		err = fk_store_open(&options, ret_store, reason);
	}
	if (err == FK_OK && has_waited)
		fk_log(FK_LOG_INFO, "store is there", "waited_ms=%llu",
		       (unsigned long long)(now_ms() - began_ms));
	if (err == FK_EAWAY && has_waited) {
		last = *reason;
		fk_reason_set(reason, "%.400s; it was waited for %u s (store.wait_s)", last.text,
			      config->store.wait_s);
	}
	return err;
}
