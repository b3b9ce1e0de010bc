/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sentinel.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <hiredis/hiredis.h>

static const struct timeval timeout = {.tv_usec = FK_SENTINEL_TIMEOUT_MS * 1000};

static bool is_address(const char *host)
{
	uint8_t octets[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, octets) == 1 || inet_pton(AF_INET6, host, octets) == 1;
}

/* NULL, or what is wrong with the answer. */
static const char *read_master(const redisReply *reply, struct fk_store_address *ret_master)
{
	const redisReply *host, *port;
	unsigned long number;
	char *end;

	if (reply->type == REDIS_REPLY_ERROR)
		return reply->str;
	if (reply->type == REDIS_REPLY_NIL)
		return "it knows no master of that name";
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING)
		return "it gave another answer than expected";
	host = reply->element[0];
	port = reply->element[1];
	/* A name would have to be looked up, and nothing bounds how long that takes. */
	if (host->len >= sizeof(ret_master->host) || !is_address(host->str))
		return "it names no IP address: set its resolve-hostnames and announce-hostnames "
		       "to no";
	number = strtoul(port->str, &end, 10);
	if (port->str[0] < '0' || port->str[0] > '9' || *end != '\0' || number < 1 ||
	    number > UINT16_MAX)
		return "it names no port";
	memcpy(ret_master->host, host->str, host->len + 1);
	ret_master->port = (uint16_t)number;
	return NULL;
}

/* Adds what one sentinel said to what the others did. */
static void note(struct fk_reason *reason, const struct fk_store_address *sentinel, const char *why)
{
	size_t at = reason != NULL ? strlen(reason->text) : 0;

	if (reason != NULL)
		(void)snprintf(reason->text + at, sizeof(reason->text) - at, "; %s:%u: %.60s",
			       sentinel->host, sentinel->port, why);
}

static bool ask(const struct fk_store_options *options, uint32_t index,
		struct fk_store_address *ret_master, struct fk_reason *reason)
{
	const struct fk_store_address *sentinel = &options->sentinels[index];
	redisContext *redis = redisConnectWithTimeout(sentinel->host, sentinel->port, timeout);
	redisReply *reply = NULL;
	const char *why = "out of memory";

	if (redis != NULL && redis->err == 0 && redisSetTimeout(redis, timeout) == REDIS_OK)
		reply = redisCommand(redis, "SENTINEL get-master-addr-by-name %s",
				     options->master_name);
	if (reply != NULL)
		why = read_master(reply, ret_master);
	else if (redis != NULL)
		why = redis->errstr;
	if (why != NULL)
		note(reason, sentinel, why);
	if (reply != NULL)
		freeReplyObject(reply);
	if (redis != NULL)
		redisFree(redis);
	return why == NULL;
}

enum fk_err fk_sentinel_find(const struct fk_store_options *options, uint32_t *first,
			     struct fk_store_address *ret_master, struct fk_reason *reason)
{
	fk_reason_set(reason, "no sentinel says where %s is", options->master_name);
	for (uint32_t i = 0; i < options->n_sentinels; i++) {
		uint32_t index = (*first + i) % options->n_sentinels;

		if (ask(options, index, ret_master, reason)) {
			*first = (index + 1) % options->n_sentinels;
			return FK_OK;
		}
	}
	return FK_EAWAY;
}
