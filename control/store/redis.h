/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis.h - private to control/store: one connection, commands, pipelines and key names.
 *
 * Threads: belongs to the thread of its store. Memory: replies are freed by freeReplyObject().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#include <fleetkey/err.h>

#include "reason.h"
#include "store/lease.h"
#include "store/page_command.h"
#include "store/redis_word.h"
#include "store/store.h"
#include "store/witness.h"

#define FK_REDIS_KEY_SIZE	  96	  /* characters of a key name, the NUL included */
#define FK_REDIS_OUT_MAX	  4194304 /* octets queued before replies are awaited */
#define FK_REDIS_RUN_ID_SIZE	  64
#define FK_SETTINGS_REPLIES	  6			/* of one check whether Redis is safe */
#define FK_REDIS_RETIRED	  "fk:retired"		/* hash: RSI -> outbound numbers */
#define FK_REDIS_RETIRED_CURRENCY "fk:retired:currency" /* hash: RSI -> its currency */
#define FK_REDIS_STATUSES	  "fk:status" /* hash: RSI -> entry of a UE that is not active */
#define FK_REDIS_RESTORING	  "restoring" /* field of fk:meta: dump.h */

#define FK_LEASE_NODE_TEXT (2 * FK_NODE_ID_SIZE + 1)

/* What this process knows of its lease; times are CLOCK_MONOTONIC. */
struct fk_lease {
	char node[FK_LEASE_NODE_TEXT]; /* whose it is, in hex digits */
	bool is_held, is_lost;
	uint64_t epoch, tenure;
	uint64_t length_us, since_us;
	uint64_t renewed_at_us; /* when the last renewal that was confirmed was asked for */
	uint64_t asked_at_us;	/* when one was that is not confirmed yet; 0: none */
	/* While another node has it: what was seen, and since when it is so. */
	bool is_waiting;
	uint64_t seen_epoch, seen_beats, seen_at_us;
};

struct fk_store {
	struct fk_store_options options;
	uint32_t next_sentinel;	      /* that is asked first */
	char where[128];	      /* the socket, or the master's address and port */
	redisContext *redis;	      /* NULL while broken */
	bool is_away;		      /* while broken: it may come back by itself */
	uint32_t n_pending;	      /* replies that are still to come */
	size_t out_size;	      /* octets queued since replies were last awaited */
	bool batch_open;	      /* between begin and commit */
	bool batch_failed;	      /* since begin: commit has to say so */
	bool batch_in_multi;	      /* a transaction is open in Redis */
	struct fk_page_command pages; /* of the batch, not sent yet */
	uint8_t kmf_id[16];
	char run_id[FK_REDIS_RUN_ID_SIZE];
	uint64_t epoch;			  /* the last that Redis confirmed to us */
	uint64_t epoch_tried;		  /* the last that was asked for, wherever */
	uint64_t n_batches;		  /* the same for committed batches: fk:meta batches */
	uint64_t campaign_id, generation; /* the last that were given out; 0: not by us */
	uint64_t n_statements;	/* counted, also such as may not be stored; 0: they never were */
	bool has_statement;	/* the next batch that is committed has one */
	uint64_t checked_at_us; /* that Redis is safe (CLOCK_MONOTONIC); 0: is to be */
	struct fk_lease lease;
	struct fk_witness *witness;	   /* NULL: there is none */
	bool is_older;			   /* than the witness says: it must not be overwritten */
	uint64_t gap;			   /* fk:meta recovering; 0: no recovery is under way */
	struct fk_store_recovery recovery; /* the last one */
	struct fk_reason error;
};

/* A store that is connected to a Redis that is safe and has its replicas, and knows no more. On
 * FK_OK the caller owns it. FK_EAWAY, FK_ESTORE and a reason; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_redis_open(const struct fk_store_options *options,
				      struct fk_store **ret_store, struct fk_reason *reason);

/* Closes the connection for good and keeps the reason; returns FK_ESTORE. */
enum fk_err fk_redis_break(struct fk_store *store, const char *what, const char *why);
/* The same where Redis may come, or come back, by itself. */
enum fk_err fk_redis_miss(struct fk_store *store, const char *what, const char *why);

/* Queues one command; its reply has to be fetched. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_redis_send(struct fk_store *store, const struct fk_redis_word *words,
				      uint32_t n_words);
/* The next reply, which the caller frees. FK_ESTORE if it does not come, or is an error. */
FK_MUST_USE enum fk_err fk_redis_fetch(struct fk_store *store, redisReply **ret_reply);
/* Fetches and checks all replies that are pending. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_redis_drain(struct fk_store *store);
/* One command, one reply. */
FK_MUST_USE enum fk_err fk_redis_call(struct fk_store *store, const struct fk_redis_word *words,
				      uint32_t n_words, redisReply **ret_reply);
/* The same for a command of plain text words, a list that ends with NULL. */
FK_MUST_USE enum fk_err fk_redis_ask(struct fk_store *store, redisReply **ret_reply, ...)
	__attribute__((sentinel));
/*
 * A transaction: begin, send commands, exec. If this node has the lease it is done only while that
 * is so, renews it if that is due, and then is confirmed at once. On FK_OK 'ret_reply' is EXEC's,
 * the caller's; what was sent answers at its end. FK_ESTALE if a key that the caller watches was
 * changed; FK_ESTORE, also if a command was refused.
 */
FK_MUST_USE enum fk_err fk_redis_begin(struct fk_store *store);
FK_MUST_USE enum fk_err fk_redis_exec(struct fk_store *store, redisReply **ret_reply);
/* One write as a transaction; 'ret_value' (may be NULL) is the integer that it answers with. Not in
 * a batch. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_redis_write(struct fk_store *store, const struct fk_redis_word *words,
				       uint32_t n_words, int64_t *ret_value);
/* The same for what counts a counter up: FK_ESTORE if it is not 1 to 'max' then. */
FK_MUST_USE enum fk_err fk_redis_count(struct fk_store *store, const char *what,
				       const struct fk_redis_word *words, uint32_t n_words,
				       uint64_t max, uint64_t *ret_value);

/* Watches whose the lease is, and looks: the commands, and their two replies. FK_ESTORE, also if it
 * is lost. */
FK_MUST_USE enum fk_err fk_lease_send_watch(struct fk_store *store);
FK_MUST_USE enum fk_err fk_lease_fetch_watch(struct fk_store *store);
/* Both at once, if this node has it. */
FK_MUST_USE enum fk_err fk_lease_watch(struct fk_store *store);
/* Puts a renewal into the transaction that was begun, if it is due. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_lease_ride(struct fk_store *store);
/* All that was done so far is confirmed, and with it a renewal. */
void fk_lease_renewed(struct fk_store *store);

/* Reads fk:meta again: what another node has written meanwhile. FK_OK; FK_ESTORE; FK_ESTALE if it
 * is not the store that it was, or an older one. */
FK_MUST_USE enum fk_err fk_redis_refresh(struct fk_store *store);

/* The value of a key that is a counter; 0 if it is not there. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_redis_read_counter(struct fk_store *store, const char *key,
					      uint64_t *ret_value);

/* The configured replicas have all that was in Redis at this connection's last command, whoever
 * wrote it. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_redis_confirm(struct fk_store *store);
/* After a write that is no batch: counts it as one and confirms it, so that a Redis that lacks it
 * is an older one. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_redis_confirm_counted(struct fk_store *store);

/* One value for each of 'n' RSIs, at most FK_STORE_RETIRED_MAX, out of the hash 'key': 'fn' gets
 * the place in the list, and NULL and 0 where there is none. FK_OK; FK_EINVAL; FK_ESTORE; or what
 * 'fn' returned. */
FK_MUST_USE enum fk_err fk_redis_read_of_rsis(struct fk_store *store, const char *key,
					      const uint32_t *rsis, uint32_t n, fk_store_page_fn fn,
					      void *ctx);

/* Notes in the witness, if there is one, what the store has confirmed. */
void fk_redis_witness(struct fk_store *store);
/* The same of statements, before the next one is sent. */
void fk_redis_witness_statement(struct fk_store *store);

/* Text of digits to a number; FK_EFORMAT if it is none. */
FK_MUST_USE enum fk_err fk_redis_number(const char *text, size_t size, uint64_t *ret_value);
/* The same of a reply; FK_EFORMAT also if there is no such value. */
FK_MUST_USE enum fk_err fk_redis_number_of(const redisReply *value, uint64_t *ret_value);

/*
 * Whether Redis is safe (I1): a master with the settings that the design asks for, that has evicted
 * nothing. The commands, FK_SETTINGS_REPLIES of them, and their replies, which ride behind a
 * transaction when that is due: FK_SETTINGS_CHECK_MS after the last time, or at once if somebody
 * asked for it. FK_ESTORE, with option and reason, if it is not, and the connection is closed.
 */
bool fk_settings_is_due(const struct fk_store *store);
void fk_settings_ask_for(struct fk_store *store);
FK_MUST_USE enum fk_err fk_settings_send(struct fk_store *store);
FK_MUST_USE enum fk_err fk_settings_fetch(struct fk_store *store);
/* Both at once. */
FK_MUST_USE enum fk_err fk_settings_check(struct fk_store *store);
/* The same for a connection that is new, when nobody has watched the settings: Redis must not be
 * about to rewrite its log either, which may be what brings the log up to what is in memory. */
FK_MUST_USE enum fk_err fk_settings_greet(struct fk_store *store,
					  char ret_run_id[static FK_REDIS_RUN_ID_SIZE]);

/* Queues one write of the open batch; failures are kept for its commit. */
void fk_redis_batch_put(struct fk_store *store, const struct fk_redis_word *words,
			uint32_t n_words);

/* The same for a field of fk:meta, or a key, that is a number. */
void fk_redis_put_meta(struct fk_store *store, const char *name, uint64_t value);
void fk_redis_put_counter(struct fk_store *store, const char *key, uint64_t value);

/* Key names. */
void fk_redis_fleet_key(char key[static FK_REDIS_KEY_SIZE], uint64_t generation);
void fk_redis_campaign_key(char key[static FK_REDIS_KEY_SIZE], uint32_t campaign_id);
void fk_redis_page_key(char key[static FK_REDIS_KEY_SIZE], const char *kind, uint64_t id,
		       uint8_t shard, uint32_t page);
