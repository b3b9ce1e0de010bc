/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - everything around a scheduler, played: store, region, radios and a clock.
 *
 * The world checks what must hold at every order (I1: what it carries was written before; I2: one
 * number, one message, inside the radio's window) and fails the test at the first breach. After
 * every turn it holds what the store says of each key against the radio: held only where it is, not
 * held only where it is not. It can lose, refuse and delay answers, fail to write, and restart with
 * or without the region.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "campaign/scheduler.h"

#define WORLD_PAGES   3u
#define WORLD_UES     (WORLD_PAGES * FK_LEDGER_PAGE)
#define WORLD_NUMBERS 4096u /* far more than a radio ever sees in a test */

struct world_radio {
	uint16_t accepted, outbound;
	uint16_t keys; /* bit i: it holds key i of the campaign's list; else the one before it */
	bool has_proven;
	bool is_changed;	   /* it has obeyed a Changeover-Command */
	uint8_t forced_kmm_status; /* not 0: it refuses with this status, ... */
	uint16_t refused_keys;	   /* ... but if not 0, only these keys of a Rekey-Command */
	uint16_t forced_sip;	   /* not 0: the system refuses with this status */
	uint16_t forced_warning;   /* in that refusal */
	bool lacks_ptek;	   /* it can do no more than say so, until a Warm-Start */
	bool has_no_kek;	   /* nor is that of any use to it */
	bool is_silent;		   /* never answers */
	bool is_stuck;		   /* and nobody ever says so */
};

struct world {
	struct fk_scheduler_options options;
	struct fk_scheduler *scheduler;
	struct fk_scheduler_now now;
	struct fk_ue_slot ues[WORLD_UES];
	bool has_to_renew[WORLD_UES]; /* its protection TEK is compromised or expired */
	struct fk_ue_numbers numbers[WORLD_UES];
	/* What the store confirmed. */
	struct fk_ue_numbers stored_numbers[WORLD_UES];
	uint8_t stored_pages[WORLD_PAGES][FK_LEDGER_PAGE_SIZE];
	bool is_stored[WORLD_PAGES];
	/* What the dataplane shows, and when it will show an outcome (0: nothing is open). */
	struct fk_ue_state states[WORLD_UES];
	struct fk_order open[WORLD_UES];
	uint64_t outcome_at_ms[WORLD_UES];
	struct world_radio radios[WORLD_UES];
	/* Every KMM that ever left: token, date and keys by number. */
	uint64_t sent_token[WORLD_UES][WORLD_NUMBERS];
	uint32_t sent_date[WORLD_UES][WORLD_NUMBERS];
	uint16_t sent_keys[WORLD_UES][WORLD_NUMBERS]; /* first_key << 8 | n_keys */
	uint32_t n_sends[WORLD_UES];
	uint64_t n_orders, n_renewed, clock_us;
	uint32_t loss_percent;
	uint32_t retry_after_s; /* said with each refusal */
	uint64_t random;
};

/* All UEs are members, have a protection TEK, mnp 1000; nothing is lost. On the heap: it is big. */
struct world *world_new(uint64_t seed);
void world_free(struct world *w);
/* Makes the scheduler and takes all UEs in, after the caller changed options or UEs. */
void world_start(struct world *w);

uint32_t world_random(struct world *w, uint32_t n); /* 0..n-1 */

/* One turn: 10 ms pass, outcomes come, then reserve, write (unless 'store_fails') and order. */
void world_turn(struct world *w, bool store_fails);
/* Turns until all is final; fails the test if that takes more than 'max_turns'. */
void world_run(struct world *w, uint32_t max_turns);
/* Writes what is dirty. */
void world_write(struct world *w);
/* Control dies and comes back with what the store has; the region and its attempts live on, or are
 * lost with everything that is in flight. */
void world_restart(struct world *w, bool region_survives);
/* The same in two steps: control reads the store, and then what the dataplane knows. */
void world_restore(struct world *w);
void world_rescan(struct world *w, bool region_survives);

const struct fk_delivery *world_delivery(const struct world *w, uint32_t ue_index);
/* All keys of the campaign, one bit each. */
uint16_t world_all_keys(const struct world *w);
/* Every delivery is final, the tally adds up, and what it says of the keys is what the radio says.
 */
void world_check_books(const struct world *w);
