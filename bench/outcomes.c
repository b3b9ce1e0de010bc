/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many outcomes of deliveries become durable in a second? Pages of the ledger and of message
 * numbers go to Redis in commits of several sizes, by the code and in the form that fleetkeyd has
 * for them, from one end of the fleet to the other and again.
 *
 *   bench-outcomes REDIS_SOCKET N_UES FOLDER
 *
 * Every outcome of a page is new, which is what packing can do at best. Beside it, in turns: a
 * command for each outcome, as many a transaction as 128 pages hold, and the octets of a commit
 * written to a file in FOLDER and synced, nothing else (what the disk allows). One JSON object a
 * sample on standard output. What is written belongs to a generation and a campaign that no other
 * fleet has; it stays in that Redis.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "store/lease.h"
#include "store/store.h"

#define RUNS	     15
#define UES	     FK_STORE_PAGE_UES
#define LEDGER_SIZE  (UES * 32) /* octets of a page */
#define NUMBERS_SIZE (UES * 8)
#define SINGLES	     (128 * UES) /* outcomes of a transaction with a command for each */
#define SINGLE_SIZE  40		 /* octets of one outcome: its share of both pages */

/* Pages of one commit; fleetkeyd's own commits are of up to 128. */
static const uint32_t commits[] = {8, 32, 128, 512};
#define N_COMMITS    (sizeof(commits) / sizeof(commits[0]))
#define COMMIT_TIMES 4 /* commits of a sample */

struct bench {
	struct fk_store *store;
	redisContext *redis;
	uint64_t generation;
	uint32_t campaign_id, n_ues, n_pages;
	uint32_t page, ue; /* where the next commit begins */
	int file;
	uint8_t octets[LEDGER_SIZE + NUMBERS_SIZE];
};

static void die(const char *what)
{
	fprintf(stderr, "bench-outcomes: %s\n", what);
	exit(1);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put(const char *name, double outcomes_per_s)
{
	printf("{\"case\": \"%s\", \"unit\": \"outcomes/s\", \"value\": %.1f}\n", name,
	       outcomes_per_s);
}

/* Other octets than those of the last time, as outcomes are. */
static void change(struct bench *bench)
{
	for (uint32_t i = 0; i < sizeof(bench->octets); i += 8)
		bench->octets[i]++;
}

static double commit_pages(struct bench *bench, uint32_t n_pages)
{
	double began = now_s();

	for (uint32_t time = 0; time < COMMIT_TIMES; time++) {
		fk_store_batch_begin(bench->store);
		for (uint32_t i = 0; i < n_pages; i++) {
			uint8_t shard = (uint8_t)(bench->page % FK_STORE_SHARDS);

			change(bench);
			fk_store_batch_put_numbers_page(bench->store, bench->generation, shard,
							bench->page, bench->octets + LEDGER_SIZE,
							NUMBERS_SIZE);
			fk_store_batch_put_ledger_page(bench->store, bench->campaign_id, shard,
						       bench->page, bench->octets, LEDGER_SIZE);
			bench->page = (bench->page + 1) % bench->n_pages;
		}
		if (fk_store_batch_commit(bench->store) != FK_OK)
			die(fk_store_last_error(bench->store));
	}
	return COMMIT_TIMES * n_pages * (double)UES / (now_s() - began);
}

static void expect_no_error(redisReply *reply)
{
	if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
		die(reply == NULL ? "Redis does not answer" : reply->str);
	freeReplyObject(reply);
}

static double commit_singles(struct bench *bench)
{
	double began = now_s();

	redisAppendCommand(bench->redis, "MULTI");
	for (uint32_t i = 0; i < SINGLES; i++) {
		bench->octets[0]++;
		redisAppendCommand(bench->redis, "SET fk:bench:%" PRIu32 " %b", bench->ue,
				   bench->octets, (size_t)SINGLE_SIZE);
		bench->ue = (bench->ue + 1) % bench->n_ues;
	}
	redisAppendCommand(bench->redis, "EXEC");
	for (uint32_t i = 0; i < SINGLES + 2; i++) {
		void *reply = NULL;

		(void)redisGetReply(bench->redis, &reply);
		expect_no_error(reply);
	}
	return SINGLES / (now_s() - began);
}

static double sync_octets(struct bench *bench, uint32_t n_pages)
{
	double began = now_s();

	for (uint32_t time = 0; time < COMMIT_TIMES; time++) {
		for (uint32_t i = 0; i < n_pages; i++)
			if (write(bench->file, bench->octets, sizeof(bench->octets)) !=
			    (ssize_t)sizeof(bench->octets))
				die("the file cannot be written");
		if (fdatasync(bench->file) != 0)
			die("the file cannot be synced");
	}
	return COMMIT_TIMES * n_pages * (double)UES / (now_s() - began);
}

static void sample(struct bench *bench)
{
	char name[48];

	for (size_t i = 0; i < N_COMMITS; i++) {
		snprintf(name, sizeof(name), "commits_of_%" PRIu32 "_pages", commits[i]);
		put(name, commit_pages(bench, commits[i]));
		snprintf(name, sizeof(name), "only_synced_%" PRIu32 "_pages", commits[i]);
		put(name, sync_octets(bench, commits[i]));
	}
	put("command_each", commit_singles(bench));
}

/* Every key is there once before anything is measured, as it is when an outcome arrives. */
static void warm_up(struct bench *bench)
{
	for (uint32_t done = 0; done < bench->n_pages; done += COMMIT_TIMES * 512)
		(void)commit_pages(bench, 512);
	for (uint32_t done = 0; done < bench->n_ues; done += SINGLES)
		(void)commit_singles(bench);
	bench->page = 0;
	bench->ue = 0;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	static const struct fk_node node = {.id = {1}, .name = "bench", .lease_ms = 3000};
	struct fk_store_options options = {0};
	struct fk_store_owner owner;
	struct fk_reason reason;
	char path[4096];
	enum fk_err err;

	if (argc != 4 || sscanf(argv[2], "%" SCNu32, &bench.n_ues) != 1 || bench.n_ues == 0 ||
	    bench.n_ues > 9999999) {
		fprintf(stderr, "usage: bench-outcomes REDIS_SOCKET N_UES FOLDER\n");
		return 2;
	}
	bench.n_pages = (bench.n_ues + UES - 1) / UES;
	options.redis_socket = argv[1];
	if (fk_store_open(&options, &bench.store, &reason) != FK_OK)
		die(reason.text);
	bench.redis = redisConnectUnix(argv[1]);
	if (bench.redis == NULL || bench.redis->err != 0)
		die("no connection to Redis");
	/* Fenced, as fleetkeyd writes; what the last one let go is there after its lease at most.
	 */
	while ((err = fk_store_take_lease(bench.store, &node, &owner)) == FK_EBUSY)
		usleep(100000);
	if (err != FK_OK)
		die(fk_store_last_error(bench.store));
	if (fk_store_next_generation(bench.store, &bench.generation) != FK_OK ||
	    fk_store_next_campaign_id(bench.store, &bench.campaign_id) != FK_OK)
		die(fk_store_last_error(bench.store));
	snprintf(path, sizeof(path), "%s/synced", argv[3]);
	bench.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (bench.file < 0)
		die("the file cannot be made");
	warm_up(&bench);
	for (uint32_t run = 0; run < RUNS; run++)
		sample(&bench);
	close(bench.file);
	unlink(path);
	redisFree(bench.redis);
	fk_store_close(bench.store);
	return 0;
}
