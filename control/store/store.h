/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - durable truth: pages, fleets, campaigns and sealed keys in one Redis.
 *
 * Redis commands, key names and replies stay behind this header. What a function confirms with
 * FK_OK has been fsynced by the primary: fk_store_open() refuses a Redis that does not run with
 * appendonly yes, appendfsync always and noeviction, or that is a replica. There the reply to a
 * write leaves only after the fsync of the file that holds it. So that it stays so, Redis is asked
 * again behind a write, every FK_STORE_CHECK_MS at most, and by each that gives out an id: one that
 * is not safe any more fails that write, and is not gone on with until it is.
 *
 * After any FK_ESTORE the connection is broken: nothing works until fk_store_reconnect() succeeds,
 * and what the failed call wrote is unknown; callers write it again (all writes can be repeated).
 * Redis executes and logs the commands of one connection in order, so a crash leaves a prefix of
 * what was sent.
 *
 * fk_store_open() makes the process ignore SIGPIPE, since a Redis that dies must not end it.
 *
 * Threads: a store belongs to one thread; calls block, at most FK_STORE_TIMEOUT_MS without
 * progress. Memory:  values handed to callbacks are borrowed until the callback returns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "reason.h"
#include "store/address.h"

#define FK_STORE_SCHEMA	      6u
#define FK_STORE_SCHEMA_OLD   3u /* the oldest that is taken over */
#define FK_STORE_SHARDS	      64u
#define FK_STORE_PAGE_UES     64u	 /* UEs of one page */
#define FK_STORE_NUMBERS_ROW  8u	 /* octets of one UE in a page of numbers */
#define FK_STORE_LEDGER_ROW   32u	 /* the same in a page of a ledger */
#define FK_STORE_TIMEOUT_MS   5000	 /* without a reply for so long, Redis counts as lost */
#define FK_STORE_GREET_MS     2000	 /* the same until it has shown that it is there and safe */
#define FK_STORE_CHECK_MS     250	 /* between two looks whether Redis is still safe */
#define FK_STORE_PIPELINE_MAX 1000	 /* pages read or written in one round trip */
#define FK_STORE_VALUE_MAX    (1u << 20) /* octets of one value */

struct fk_store; /* layout is private to store.c */

/* One field of a record: text or binary. Borrowed. */
struct fk_store_field {
	const char *name;
	const void *value;
	size_t size; /* octets of the value */
};

/* Called for each page in order; size 0: there is no such page. A result other than FK_OK ends the
 * calls, and is returned. */
typedef enum fk_err (*fk_store_page_fn)(void *ctx, uint32_t page, const uint8_t *octets,
					size_t size);
/* Called for each field, in no order. 'value' has a NUL behind its last octet. */
typedef enum fk_err (*fk_store_field_fn)(void *ctx, const char *name, const char *value,
					 size_t size);

#define FK_STORE_SENTINELS_MAX 9

/* Where Redis is, and who else has to have a write. */
struct fk_store_options {
	const char *redis_socket; /* NULL: the sentinels know where the master is */
	const struct fk_store_address *sentinels;
	uint32_t n_sentinels;	 /* with them, replicas are wanted, too */
	const char *master_name; /* as they call it */
	/* A write is confirmed only when so many replicas have it, too (WAIT): FK_OK of a write
	 * means that, and one that they do not have in time breaks the connection as any failure
	 * does. That a replica has a write does not mean that its disk has. */
	uint32_t n_replicas;
	uint32_t replica_timeout_ms; /* below FK_STORE_TIMEOUT_MS */
};

/*
 * Connects to Redis, checks that it is safe, reads or makes schema number and KMF id, and sees to
 * it that the replicas are there, and have all that is in it. Borrows what 'options' points to
 * until fk_store_close(). On FK_OK the caller owns '*ret_store'.
 * Returns FK_EAWAY if it may only have to be waited for: nobody answers, it still reads its files
 * or rewrites its log, replicas are missing, or the sentinels have no master yet; FK_ESTORE if it
 * is not safe ('reason' names the setting, its value and what it must be); FK_EABI if the schema is
 * another version's and cannot be taken over as it is ('reason' says what to do); FK_ENOMEM. A
 * restore that did not come to its end is FK_ESTORE, too.
 */
FK_MUST_USE enum fk_err fk_store_open(const struct fk_store_options *options,
				      struct fk_store **ret_store, struct fk_reason *reason);
void fk_store_close(struct fk_store *store);

enum fk_store_age {
	FK_STORE_CURRENT = 0,
	FK_STORE_OLDER = 1,	 /* what it confirmed to us once is missing in it */
	FK_STORE_RECOVERING = 2, /* fk_store_begin_recovery() was called, but not its end */
};

/*
 * From now on the file at 'path' witnesses what the store confirms (witness.h), and it is asked now
 * how the store stands to it. Before anything is written. An older one is not to be written to, but
 * for a recovery; 'reason' then says what is missing. Returns FK_OK; what fk_witness_open()
 * returns.
 */
FK_MUST_USE enum fk_err fk_store_set_witness(struct fk_store *store, const char *path,
					     enum fk_store_age *ret_age, struct fk_reason *reason);

/*
 * What somebody has said, and no campaign can find out again, is a statement: the status of a UE, a
 * key that is compromised or out of use, a group's plan, a break-glass. Statements are counted in
 * the store, in the transaction that has them, and by the witness, so that an older copy that lacks
 * one is told from one that only lacks what campaigns have done. Statuses and plans count by
 * themselves; this says that the next batch that is committed has another one.
 */
void fk_store_note_statement(struct fk_store *store);
/*
 * Of a store that is older than its witness says: FK_OK if no statement, no import of a fleet and
 * no number is missing, so that a recovery takes no word away from anybody. FK_EPOLICY, and
 * 'reason' says what is or may be missing; FK_ESTORE. Nothing is written.
 */
FK_MUST_USE enum fk_err fk_store_check_statements(struct fk_store *store, struct fk_reason *reason);

/*
 * Keys as they are read or confirmed now were written so often, all together. False if the witness
 * has seen more: what was read was put back from an older copy, with all that vouches for it.
 * Without a witness nobody knows. A recovery, and a restore, begin anew.
 */
FK_MUST_USE bool fk_store_witness_keys(struct fk_store *store, uint64_t n_writes);
/* The same of the pages of the fleet in force; of another fleet than before nothing is known. */
FK_MUST_USE bool fk_store_witness_pages(struct fk_store *store, uint64_t generation,
					uint64_t n_writes);

/*
 * A recovery makes an older store one that may be gone on with (I1). The beginning raises all that
 * the store gives out beyond what the witness has seen, in one step: from then on every other copy
 * is an older one. Between it and the end the caller sees to message numbers, campaigns and
 * currency; if it does not come to the end, the next start has to. 'is_alone': nobody has asked for
 * it. FK_OK or FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_store_begin_recovery(struct fk_store *store, bool is_alone);
/* Notes what became of it, for fk_store_get_facts(); 'has_to_settle': what is unknown now is to be
 * asked for, until fk_store_end_settling(). */
FK_MUST_USE enum fk_err fk_store_end_recovery(struct fk_store *store, uint32_t n_unknown_ues,
					      uint32_t n_aborted, bool has_to_settle);
/* It was asked for, and of so many UEs it is still unknown. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_store_end_settling(struct fk_store *store, uint32_t n_unknown_ues);
/* How many batches are missing in a store that is recovering, at most; never 0 then. */
uint64_t fk_store_gap(const struct fk_store *store);

/*
 * The witness's copy of the pages of numbers: begin, put each, end; from then on every page that is
 * put into a batch is copied. Begin returns FK_OK; FK_ENOTFOUND if there is no witness or no fleet;
 * FK_EIO: there is no copy then.
 */
FK_MUST_USE enum fk_err fk_store_mirror_begin(struct fk_store *store, uint64_t generation,
					      uint32_t n_pages);
void fk_store_mirror_put(struct fk_store *store, uint64_t generation, uint32_t page,
			 const void *octets);
void fk_store_mirror_end(struct fk_store *store);
/* A page out of it, as it was when fk_store_mirror_begin() was called last and with all that was
 * put since; NULL if the copy is another generation's. Borrowed until that is called again. */
const uint8_t *fk_store_witnessed_numbers(const struct fk_store *store, uint64_t generation,
					  uint32_t page);

struct fk_store_recovery {
	uint64_t n_recoveries, at_s; /* of the last one, since 1970; 0: never */
	uint64_t n_unknown_ues;	     /* UEs whose keys became unknown by it */
	uint64_t n_aborted;	     /* campaigns that it aborted */
	uint64_t restored_from_s;    /* when the last backup that was restored was made; 0: none */
	uint64_t n_missing;	     /* batches that were missing, at most */
	uint64_t is_alone;	     /* 1: nobody had asked for it */
	uint64_t has_to_settle;	     /* 1: UEs are asked which keys they hold */
	uint64_t settled_at_s;	     /* when that came to its end; 0: not yet */
	uint64_t n_left;	     /* UEs whose keys were unknown then */
};

/* What an officer may want to know of the store. */
struct fk_store_facts {
	const char *where;  /* Redis's socket, or the master's address and port; borrowed */
	const char *run_id; /* of Redis; borrowed */
	uint64_t epoch, n_batches;
	struct fk_store_recovery recovery;
	bool has_witness;
};
void fk_store_get_facts(const struct fk_store *store, struct fk_store_facts *ret_facts);

/* False from the first failure until fk_store_reconnect() succeeds. */
bool fk_store_is_healthy(const struct fk_store *store);
/* Why the store is not healthy; empty text when it is. Borrowed until the next call. */
const char *fk_store_last_error(const struct fk_store *store);

/*
 * Connects again, behind sentinels to the master of now, and makes the checks of fk_store_open()
 * again, replicas included. A Redis that restarted from its own AOF, and a replica that was
 * promoted with all that was confirmed, are the same store: 'ret_is_new_run' (may be NULL) then is
 * true. Returns FK_OK; FK_ESTORE (still not there, or not safe); FK_ESTALE if it is another KMF's
 * data or an older state of ours (an epoch or batch that it confirmed is missing): do not go on
 * without a person.
 */
FK_MUST_USE enum fk_err fk_store_reconnect(struct fk_store *store, bool *ret_is_new_run,
					   struct fk_reason *reason);

/* 16 random octets, made at the first start, that name this KMF's data. Borrowed. */
const uint8_t *fk_store_kmf_id(const struct fk_store *store);

/* A number larger than any before, also over restarts; never 0. FK_OK or FK_ESTORE. Durable. */
FK_MUST_USE enum fk_err fk_store_next_epoch(struct fk_store *store, uint32_t *ret_epoch);

/*
 * A write batch: begin, any number of puts, commit. Puts copy their input and report nothing: the
 * first failure is kept and returned by commit. Puts are done in transactions of about 4 MB, each
 * all or nothing and with one fsync; a crash leaves a prefix of the puts in their order. Commit
 * returns FK_OK only when all of them are durable, else FK_ESTORE: then the connection is broken
 * and the caller writes the whole batch again. One batch at a time, and nothing else is asked of
 * the store before its commit; an empty one is FK_OK.
 */
void fk_store_batch_begin(struct fk_store *store);
/* 64 x 8 octets: struct fk_ue_numbers of the page's UEs (fk_fleet_encode_numbers_page()). Pages of
 * numbers and of ledgers are stored by columns (page_columns.h) and read as they were put. */
void fk_store_batch_put_numbers_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				     uint32_t page, const void *octets, size_t size);
/* 64 UEs' currency (currency/book.h). */
void fk_store_batch_put_currency_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				      uint32_t page, const void *octets, size_t size);
void fk_store_batch_put_ledger_page(struct fk_store *store, uint32_t campaign_id, uint8_t shard,
				    uint32_t page, const void *octets, size_t size);
/* Sets these fields of the campaign's record (others stay) and puts it on the list of campaigns. */
void fk_store_batch_put_campaign(struct fk_store *store, uint32_t campaign_id,
				 const struct fk_store_field *fields, uint32_t n_fields);
/* A sealed key under its name. */
void fk_store_batch_put_key(struct fk_store *store, const char *name, const void *sealed,
			    size_t size);
/* The same at once, unless there is one of that name: then that stays. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_store_create_key(struct fk_store *store, const char *name,
					    const void *sealed, size_t size);
void fk_store_batch_delete_key(struct fk_store *store, const char *name);
/* The plans of all crypto groups (fleet/group_book.h), in place of what was there. */
void fk_store_batch_put_groups(struct fk_store *store, const void *octets, size_t size);
#define FK_STORE_RETIRED_SIZE 4	  /* octets */
#define FK_STORE_RETIRED_MAX  256 /* RSIs of one read */
/* What is remembered of an RSI that leaves the fleet. */
void fk_store_batch_put_retired(struct fk_store *store, uint32_t rsi,
				const uint8_t octets[static FK_STORE_RETIRED_SIZE]);
/* The same for its currency: the stored form of one UE. */
void fk_store_batch_put_retired_currency(struct fk_store *store, uint32_t rsi, const void *octets,
					 size_t size);
/* The status of a UE that is not active; without an entry it is. */
void fk_store_batch_put_status(struct fk_store *store, uint32_t rsi, const void *octets,
			       size_t size);
void fk_store_batch_delete_status(struct fk_store *store, uint32_t rsi);
void fk_store_batch_put_fleet_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				   uint32_t page, const void *octets, size_t size);
/* Who the UEs of a fleet are, for when it is replaced (fleet/roster.h). */
void fk_store_batch_put_roster_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				    uint32_t page, const void *octets, size_t size);
/* One field of the record of a fleet. */
void fk_store_batch_put_fleet_field(struct fk_store *store, uint64_t generation, const char *name,
				    const void *octets, size_t size);
FK_MUST_USE enum fk_err fk_store_batch_commit(struct fk_store *store);
/* Forgets an uncommitted batch. What was already sent stays sent. */
void fk_store_batch_abandon(struct fk_store *store);

/*
 * Read the pages [first_page, first_page + n_pages), many in one round trip. 'shard_of_page' has an
 * entry for every page of the fleet. Return FK_OK, FK_ESTORE, or what 'fn' returned.
 */
FK_MUST_USE enum fk_err fk_store_read_numbers_pages(struct fk_store *store, uint64_t generation,
						    const uint8_t *shard_of_page,
						    uint32_t first_page, uint32_t n_pages,
						    fk_store_page_fn fn, void *ctx);
FK_MUST_USE enum fk_err fk_store_read_currency_pages(struct fk_store *store, uint64_t generation,
						     const uint8_t *shard_of_page,
						     uint32_t first_page, uint32_t n_pages,
						     fk_store_page_fn fn, void *ctx);
FK_MUST_USE enum fk_err fk_store_read_ledger_pages(struct fk_store *store, uint32_t campaign_id,
						   const uint8_t *shard_of_page,
						   uint32_t first_page, uint32_t n_pages,
						   fk_store_page_fn fn, void *ctx);
FK_MUST_USE enum fk_err fk_store_read_fleet_pages(struct fk_store *store, uint64_t generation,
						  const uint8_t *shard_of_page, uint32_t first_page,
						  uint32_t n_pages, fk_store_page_fn fn, void *ctx);
FK_MUST_USE enum fk_err fk_store_read_roster_pages(struct fk_store *store, uint64_t generation,
						   const uint8_t *shard_of_page,
						   uint32_t first_page, uint32_t n_pages,
						   fk_store_page_fn fn, void *ctx);

/* What is remembered of 'n' RSIs, at most FK_STORE_RETIRED_MAX; zeros where there is nothing.
 * Returns FK_OK; FK_ESTORE, also if an entry has another size. */
FK_MUST_USE enum fk_err fk_store_read_retired(struct fk_store *store, const uint32_t *rsis,
					      uint32_t n,
					      uint8_t (*ret_octets)[FK_STORE_RETIRED_SIZE]);

/* The same for their currency; 'fn' gets the index in 'rsis' in place of a page, and size 0 where
 * there is nothing. Returns FK_OK; FK_ESTORE; or what 'fn' returned. */
FK_MUST_USE enum fk_err fk_store_read_retired_currency(struct fk_store *store, const uint32_t *rsis,
						       uint32_t n, fk_store_page_fn fn, void *ctx);

/* Called for each of the RSIs that something is remembered of, in no order, some perhaps twice. A
 * result other than FK_OK ends the calls. */
typedef enum fk_err (*fk_store_retired_fn)(void *ctx, uint32_t rsi, const uint8_t *octets,
					   size_t size);
/* Walks them all. FK_OK; FK_ESTORE; or what 'fn' returned. */
FK_MUST_USE enum fk_err fk_store_walk_retired(struct fk_store *store, fk_store_retired_fn fn,
					      void *ctx);
/* The same for their currency. */
FK_MUST_USE enum fk_err fk_store_walk_retired_currency(struct fk_store *store,
						       fk_store_retired_fn fn, void *ctx);

/* Called for each entry; size 0: there is none. A result other than FK_OK ends the calls. */
typedef enum fk_err (*fk_store_status_fn)(void *ctx, uint32_t rsi, const uint8_t *octets,
					  size_t size);
/* Walks all entries, in no order, some perhaps twice. FK_OK; FK_ESTORE; or what 'fn' returned. */
FK_MUST_USE enum fk_err fk_store_walk_statuses(struct fk_store *store, fk_store_status_fn fn,
					       void *ctx);
#define FK_STORE_STATUS_MAX 256 /* RSIs of one read */
/* Those of 'n' RSIs, at most FK_STORE_STATUS_MAX, in order. Returns as above. */
FK_MUST_USE enum fk_err fk_store_read_statuses(struct fk_store *store, const uint32_t *rsis,
					       uint32_t n, fk_store_status_fn fn, void *ctx);

/* A campaign id that was never given before; 1 is the first. FK_OK or FK_ESTORE. Durable. */
FK_MUST_USE enum fk_err fk_store_next_campaign_id(struct fk_store *store, uint32_t *ret_id);
/*
 * The ids on the list of campaigns, ascending, the last 'max' of them. Returns FK_OK or FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_store_list_campaigns(struct fk_store *store, uint32_t *ret_ids,
						uint32_t max, uint32_t *ret_n);
/* FK_OK; FK_ENOTFOUND; FK_ESTORE; or what 'fn' returned. */
FK_MUST_USE enum fk_err fk_store_read_campaign(struct fk_store *store, uint32_t campaign_id,
					       fk_store_field_fn fn, void *ctx);

/* The sealed key of that name. FK_OK; FK_ENOTFOUND; FK_EFULL if 'cap' is too small; FK_ESTORE. */
FK_MUST_USE enum fk_err fk_store_read_key(struct fk_store *store, const char *name, uint8_t *buf,
					  size_t cap, size_t *ret_size);

/* All of them, in no order. FK_OK; FK_ESTORE; or what 'fn' returned. */
FK_MUST_USE enum fk_err fk_store_read_keys(struct fk_store *store, fk_store_field_fn fn, void *ctx);
/* The record of the crypto groups' plans; no field if there is none. FK_OK; FK_ESTORE; or what 'fn'
 * returned. */
FK_MUST_USE enum fk_err fk_store_read_groups(struct fk_store *store, fk_store_field_fn fn,
					     void *ctx);
/* The same in a batch that is committed at the end: 'fn' may put keys. A failure ends the calls;
 * what was put before is written all the same. */
FK_MUST_USE enum fk_err fk_store_rewrite_keys(struct fk_store *store, fk_store_field_fn fn,
					      void *ctx);

/* The fleet generation in force, 0 before the first import. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_store_current_fleet(struct fk_store *store, uint64_t *ret_generation);
/* The fields that fk_store_publish_fleet() stored. FK_OK; FK_ENOTFOUND; FK_ESTORE; 'fn's result. */
FK_MUST_USE enum fk_err fk_store_read_fleet(struct fk_store *store, uint64_t generation,
					    fk_store_field_fn fn, void *ctx);
/* A fleet generation that was never given before. FK_OK or FK_ESTORE. Durable. */
FK_MUST_USE enum fk_err fk_store_next_generation(struct fk_store *store, uint64_t *ret_generation);
/*
 * Notes durably that pages of 'generation' are about to be staged, so that fk_store_sweep_fleets()
 * finds them if the import does not live to its end.
 */
FK_MUST_USE enum fk_err fk_store_stage_fleet(struct fk_store *store, uint64_t generation,
					     const uint8_t *shard_of_page, uint32_t n_pages);
/* The roster of the fleet that is replaced, all of whose pages are stored. Borrowed. */
struct fk_store_roster {
	const uint8_t *page_shards; /* n_pages */
	uint32_t n_pages;
};
/*
 * Puts a staged generation in force, in one step: a reader sees the old fleet or the new one.
 * 'expected' is the generation that the import was made against. The old one is left to the sweep,
 * all of it, or, unless 'roster' is NULL, all but its roster, of which the same step makes a note.
 * Returns FK_OK; FK_ESTALE if another import came first (nothing changed); FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_store_publish_fleet(struct fk_store *store, uint64_t generation,
					       uint64_t expected,
					       const struct fk_store_field *fields,
					       uint32_t n_fields,
					       const struct fk_store_roster *roster);
/*
 * Removes the pages of generations that are not in force: replaced fleets and unfinished imports.
 * Removal is by UNLINK in pipelines. Not while an import runs. FK_OK or FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_store_sweep_fleets(struct fk_store *store);
/* A part of that, at most 'max' pages; call until '*ret_done'. */
FK_MUST_USE enum fk_err fk_store_sweep_step(struct fk_store *store, uint32_t max, bool *ret_done);

/* Calls 'fn' once, with the shard of each page of the roster that is kept of that fleet, an octet a
 * page. FK_OK; FK_ENOTFOUND if none is; FK_ESTORE; or what 'fn' returned. */
FK_MUST_USE enum fk_err fk_store_read_roster(struct fk_store *store, uint64_t generation,
					     fk_store_field_fn fn, void *ctx);
/* Keeps the rosters of the latest 'n_kept' fleets; the others are left to the next sweep. No batch
 * may be open. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_store_forget_rosters(struct fk_store *store, uint32_t n_kept);

/* Shard of a UE: CRC16 (XMODEM, as Redis Cluster uses it) of its id, modulo FK_STORE_SHARDS. */
uint8_t fk_store_shard_of(const char *ue_id, size_t len);
