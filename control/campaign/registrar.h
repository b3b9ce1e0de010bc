/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registrar.h - UEs that register or deregister, or ask for what there is not: notes it, and
 * answers each.
 *
 *   take, refuse -> [numbers page written] -> page_durable -> poll -> order -> apply
 *
 * Pure, as the scheduler is: it knows no store, no ring and no clock. What a UE said, the inbound
 * number that it said it under and the number of the answer are in one page of numbers, so an
 * answer leaves only when all of it is durable (I1, I2). An answer that is lost with a crash stays
 * lost: the UE asks again.
 *
 * A UE has one KMM open at a time, its deliveries' included: whoever calls poll says of each UE
 * whether its turn may come now, and keeps the scheduler from ordering for it until apply() or
 * expire() has told that the answer is done with.
 *
 * No answer proves that the UE took its number. So answers go no further than half of the reach
 * that its window leaves, and what a campaign sends has the other half.
 *
 * Threads: one owner. Memory: fk_registrar_new() takes all of it, 16 octets a slot.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>
#include <fleetkey/order.h>

#include "fleet/fleet.h"

struct fk_registrar;

struct fk_registrar_options {
	uint32_t n_slots; /* a multiple of FK_STORE_PAGE_UES */
	uint32_t number_margin;
	uint32_t window;	       /* answers open at a time */
	const struct fk_ue_slot *ues;  /* borrowed */
	struct fk_ue_numbers *numbers; /* borrowed; changed in place */
};

FK_MUST_USE enum fk_err fk_registrar_new(const struct fk_registrar_options *options,
					 struct fk_registrar **ret_registrar);
void fk_registrar_free(struct fk_registrar *r);

/*
 * A UE has said, authentically, that it is there or goes; 'inbound' is the number that it said it
 * under. Its page is dirty then. False: there is no number left to answer it by, or an answer to it
 * is on its way already, and that is enough.
 */
bool fk_registrar_take(struct fk_registrar *r, uint32_t ue_index, enum fk_presence presence,
		       uint16_t inbound, uint32_t date_s);
/*
 * The UE has asked, authentically, for a rekey, and there is nothing to give: it is answered by a
 * No-Service. Else as fk_registrar_take(). spec: P25 sheet 4, Hello
 */
bool fk_registrar_refuse(struct fk_registrar *r, uint32_t ue_index, uint16_t inbound,
			 uint32_t date_s);
/*
 * What a UE has said last of its KEK, kept in memory alone: that it lacks it, or anything else.
 * True if it is news that it lacks it; that it does so authentically is news after a word without a
 * MAC, which takes nothing back that was authentic.
 */
bool fk_registrar_note_kek(struct fk_registrar *r, uint32_t ue_index, bool is_lacking,
			   bool is_authentic);
/* True if it has said so authentically. */
bool fk_registrar_lacks_kek(const struct fk_registrar *r, uint32_t ue_index);
/* An authentic word of another kind: a UE that was away is there. True if that was news. */
bool fk_registrar_note_there(struct fk_registrar *r, uint32_t ue_index, uint16_t inbound);

/* Pages of numbers to be written; they stay dirty until fk_registrar_page_durable(). */
uint32_t fk_registrar_n_dirty(const struct fk_registrar *r);
uint32_t fk_registrar_list_dirty(const struct fk_registrar *r, uint32_t *ret_pages, uint32_t max);
/* The page was written as it is now. */
void fk_registrar_page_durable(struct fk_registrar *r, uint32_t page);

/* True if nothing else may be sent to the UE now, in which case nothing else will be. */
typedef bool (*fk_registrar_turn_fn)(void *ctx, uint32_t ue_index);
/* Gives up to 'max' orders that may be pushed now; returns how many. Who has to wait keeps his
 * place behind the others. */
uint32_t fk_registrar_poll(struct fk_registrar *r, uint64_t now_ms, fk_registrar_turn_fn turn,
			   void *ctx, struct fk_order *ret_orders, uint32_t max);

/* True while an answer to the UE is ordered. */
bool fk_registrar_is_open(const struct fk_registrar *r, uint32_t ue_index);
/* What the dataplane says about a UE whose answer is ordered. True if that is done with, however it
 * ended; '*ret_accepted' is whether the system took it. */
bool fk_registrar_apply(struct fk_registrar *r, uint32_t ue_index, const struct fk_ue_state *state,
			bool *ret_accepted);
/* Gives up an answer that was ordered more than 'limit_ms' ago, from '*at' on; false, and '*at' is
 * 0, if there is none. '*ret_ue_index' is the UE's. */
bool fk_registrar_expire(struct fk_registrar *r, uint64_t now_ms, uint64_t limit_ms, uint32_t *at,
			 uint32_t *ret_ue_index);
/* The dataplane attached anew: what was ordered is ordered again, the same octets. */
void fk_registrar_queue_open(struct fk_registrar *r);

/* True while an answer to the UE is not done with. */
bool fk_registrar_is_busy(const struct fk_registrar *r, uint32_t ue_index);
/* Answers that are not done with. */
uint32_t fk_registrar_n_busy(const struct fk_registrar *r);
