/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_private.h - the engine's inside, shared by engine.c (the tick), flow.c (its parts),
 * gates.c (when it stops and goes on), draft.c and create.c (new campaigns), waiting.c (those that
 * wait), load.c (old ones), books.c and account.c (what readers ask for). Nobody else includes it.
 */
#pragma once

#include "campaign/engine.h"
#include "campaign/fold.h"
#include "campaign/lifecycle.h"
#include "campaign/registrar.h"
#include "fleet/status.h"
#include "keys/key_store.h"
#include "log.h"

#define FK_ENGINE_BELLS_MAX	 8192u /* doorbells taken in one tick, per worker */
#define FK_ENGINE_FLUSH_PAGES	 256u  /* this many dirty pages are written at once, ... */
#define FK_ENGINE_FLUSH_AFTER_MS 20u   /* ... fewer when the first is this old */
#define FK_ENGINE_BATCH_PAGES	 512u  /* of one commit */
#define FK_ENGINE_BATCHES_MAX	 8u    /* commits of one tick */
#define FK_ENGINE_RESERVE_PAGES	 256u  /* pages reserved in one tick */
#define FK_ENGINE_FOLD_PAGES	 512u  /* folded into the currency in one tick */
#define FK_ENGINE_ORDERS_BURST	 256u
#define FK_ENGINE_BACKLOG_PER_S	 10u /* a ring holds a tenth of a second's orders, ... */
#define FK_ENGINE_BACKLOG_MIN	 64u /* ... but at least so many */

struct fk_engine {
	const struct fk_config *config;
	struct fk_store *store;
	struct fk_key_store *keys;
	struct fk_group_book *groups; /* their plans */
	struct fk_fleet *fleet;
	struct fk_keytable_file *table;
	struct fk_region_map *region;
	bool is_attached, has_been_attached;

	struct fk_campaign *campaigns; /* oldest first */
	uint32_t n_campaigns;
	/* The latest campaign, with its deliveries in memory; NULL if there is none here. */
	struct fk_scheduler *scheduler;
	struct fk_campaign *current;  /* into campaigns */
	bool record_dirty;	      /* the current record differs from the stored one */
	uint32_t fold_at;	      /* of the current one: the next page to be folded */
	struct fk_campaign withdrawn; /* id not 0: to be stored so, see create.c */
	bool may_have_sent;	      /* orders left, in this life or an earlier one */
	uint64_t n_messages_before;   /* ordered in earlier lives */
	uint64_t stopped_hops;	      /* bit n: it was said that next hop n has stopped */
	uint64_t waiting_hops;	      /* bit n: it was said that next hop n is overloaded */
	int64_t origin_us;	      /* CLOCK_MONOTONIC at the campaign's creation */

	struct fk_engine_said said;
	struct fk_renewer *renewer;
	struct fk_registrar *registrar; /* of the fleet in force */
	uint64_t expire_answers_at_us;

	bool may_not_start; /* a fleet import is under way */
	uint64_t look_for_due_at_us, retry_start_at_us;
	uint64_t retry_settle_at_us; /* UINT64_MAX: not in this life of the process */
	uint64_t dirty_since_us;     /* 0: clean */
	uint64_t retry_store_at_us;
	uint32_t store_backoff_ms;
	bool is_store_stale;	 /* what came back is an older store, or another's */
	uint64_t progress_at_us; /* the last order or doorbell */
	bool rescan_wanted;	 /* a state could not be read */
	uint64_t rescan_at_us;
	uint32_t n_applied[FK_WORKERS_MAX]; /* doorbells applied, but not released yet */
	struct fk_doorbell bells[FK_ENGINE_BELLS_MAX];
};

uint64_t fk_engine_now_us(void);      /* CLOCK_MONOTONIC */
uint64_t fk_engine_now_real_ms(void); /* CLOCK_REALTIME */
struct fk_scheduler_now fk_engine_now(const struct fk_engine *engine);

/* Brings what the record says up to what the scheduler knows. */
void fk_engine_update_record(struct fk_engine *engine);
/* The same for the states of the waves that have begun. */
void fk_engine_update_history(struct fk_engine *engine);
/* True if the current campaign may send: it is neither paused nor halted nor at its end. */
static inline bool fk_engine_is_running(const struct fk_engine *engine)
{
	return engine->current != NULL && engine->current->state == FK_CAMPAIGN_RUNNING;
}
/* Writes the current record. False, and it is noted, if the store failed. */
bool fk_engine_write_record(struct fk_engine *engine);
/* A region that has survived may say stop where the record does not yet. */
void fk_engine_heed_stop(struct fk_engine *engine);
/* The dataplane was told to stop past control: halts the campaign, and takes the flag back once
 * that is on record. */
void fk_engine_heed_local_stop(struct fk_engine *engine);
/* Looks at next hops and gates, and halts the campaign or begins its next wave. */
/* The campaign that is there, also one that has ended: nothing of it is sent any more. */
bool fk_engine_is_past_its_time(const struct fk_engine *engine);
/* Ends what a campaign has not ended when its time is over; and how long that is from now, -1: no
 * such time. */
void fk_engine_expire_overdue(struct fk_engine *engine);
int fk_engine_wait_overdue_ms(const struct fk_engine *engine);
void fk_engine_check_gates(struct fk_engine *engine);
/* Finds where the waves of a new campaign end, when all that it serves are in the scheduler. */
void fk_engine_cut_waves(const struct fk_engine *engine, const struct fk_scheduler *scheduler,
			 struct fk_waves *waves);
/* Sorts the UEs of a campaign into its waves, and puts the right one in force. */
void fk_engine_assign_waves(const struct fk_engine *engine, struct fk_scheduler *scheduler,
			    struct fk_campaign *c);
/* Puts the record into the open batch. */
void fk_engine_put_record(struct fk_engine *engine, const struct fk_campaign *c);
/* After a store failure: log it, and try to reconnect a little later. */
void fk_engine_store_failed(struct fk_engine *engine, const char *doing);
/* The record of that id, or NULL. */
struct fk_campaign *fk_engine_record(struct fk_engine *engine, uint32_t id);
/* Members from ue_index 'from' on, up to 'limit', as a plan sees them. */
void fk_engine_walk_members(const struct fk_engine *engine, const struct fk_campaign *c,
			    const struct fk_members *members, uint32_t from, uint32_t limit,
			    fk_plan_row_fn fn, void *ctx, uint32_t *ret_next);
/* Drafts a campaign from a request, finds its members and, unless 'ret_plan' is NULL, plans it. On
 * FK_OK the caller ends 'ret_members'. Results are those of fk_engine_plan(). */
FK_MUST_USE enum fk_err fk_engine_draft(struct fk_engine *engine,
					const struct fk_campaign_request *request,
					struct fk_campaign *ret_c, struct fk_members *ret_members,
					struct fk_plan *ret_plan, const char **ret_field,
					struct fk_reason *reason);
/* What a UE's status makes of its delivery: FK_CAUSE_NONE if the kind is for such UEs. */
enum fk_cause fk_engine_status_cause(const struct fk_engine *engine, const struct fk_campaign *c,
				     uint32_t ue_index);
/* Begins the fold of a campaign, for many UEs, with the engine's memory of earlier ones. */
void fk_engine_fold_begin(const struct fk_engine *engine, const struct fk_campaign *c,
			  struct fk_fold *ret_fold);
/* Why that UE, a member, is not served by the campaign of the fold, by all that is known of it;
 * FK_CAUSE_NONE if it is. */
enum fk_cause fk_engine_judge(const struct fk_engine *engine, struct fk_fold *fold,
			      const struct fk_plan_terms *terms, uint32_t ue_index,
			      const struct fk_currency *currency);
/* Makes of a campaign that gives TEKs one that gives them under the group's CKEK. FK_EINVAL,
 * FK_ENOTFOUND, or FK_EPOLICY if that key may not be used, with 'ret_field'; FK_ESTORE. */
FK_MUST_USE enum fk_err fk_engine_draft_under_ckek(const struct fk_engine *engine,
						   struct fk_campaign *c, const char **ret_field,
						   struct fk_reason *reason);
/* FK_EPOLICY, and who, if somebody may have the CKEK of the campaign for whom it is not; FK_ESTORE;
 * FK_EFORMAT. */
FK_MUST_USE enum fk_err fk_engine_check_exposure(const struct fk_engine *engine,
						 const struct fk_campaign *c,
						 struct fk_reason *reason);
/* Something has become of that UE: aborts the campaign that runs if its CKEK is exposed by it, and
 * then is true. */
bool fk_engine_drop_exposed(struct fk_engine *engine, uint32_t ue_index);
/* Deactivates, for good, the CKEKs that this UE has or may have and that are in wrong hands there:
 * it is lost, has left the group, or its KEK is compromised. Something has become of it. */
void fk_engine_retire_ckeks_of(struct fk_engine *engine, uint32_t ue_index);
/* The same for the whole fleet and those that have left it: it was loaded or replaced. FK_OK, or
 * what reading the currency of leavers returns. */
FK_MUST_USE enum fk_err fk_engine_retire_ckeks(struct fk_engine *engine);
/* The key store's name of the CKEK that campaign 'id' gave. */
void fk_engine_name_ckek(uint32_t id, char ret_name[static FK_KEY_NAME_SIZE]);
/* True if that key is the CKEK of the campaign. */
bool fk_engine_wraps_under(const struct fk_campaign *c, const char *key_name);
/* True if the CKEK that campaign 'ckek_of' gave may wrap. */
bool fk_engine_ckek_is_active(const struct fk_engine *engine, uint32_t ckek_of);
/* The CKEK of the campaign, which the caller wipes. Results are those of fk_key_store_get(). */
FK_MUST_USE enum fk_err fk_engine_load_ckek(struct fk_engine *engine, const struct fk_campaign *c,
					    struct fk_secret *ret_ckek, uint16_t *ret_key_id);
/* The plan of the crypto group of that name; NULL if there is none, or it is everyone. Borrowed. */
const struct fk_group_plan *fk_engine_plan_of(const struct fk_engine *engine, const char *group);
/* Fills in what was not asked for of the SLNs and the keyset of a campaign that makes keys, by the
 * plan of its group and by what is in use (keyset_choice.h). With 'ret_field': FK_ERANGE if the
 * plan has them not, FK_EINVAL if replaces_active comes without a keyset. */
FK_MUST_USE enum fk_err fk_engine_draft_keys(const struct fk_engine *engine,
					     const struct fk_campaign_request *request,
					     struct fk_campaign *c, const char **ret_field,
					     struct fk_reason *reason);
/* True for a changeover that is complete and speaks for its whole group, or everyone. */
bool fk_engine_turns_plans(const struct fk_campaign *c);
/* Puts what that makes of plans into the open batch; if it makes something, fk_group_book_written()
 * follows the commit. Results: as fk_group_book_put_changeover(). */
FK_MUST_USE enum fk_err fk_engine_put_changeover(struct fk_engine *engine,
						 const struct fk_campaign *c, bool *ret_is_put);
/* Refuses what would end before it began. */
FK_MUST_USE enum fk_err fk_engine_check_plan(const struct fk_engine *engine,
					     const struct fk_plan *plan, const char **ret_field,
					     struct fk_reason *reason);
/* The same, and says by which member of the request nobody is meant. */
FK_MUST_USE enum fk_err fk_engine_check_plan_of(const struct fk_engine *engine,
						const struct fk_campaign_request *request,
						const struct fk_plan *plan, const char **ret_field,
						struct fk_reason *reason);
/* What forbids any campaign to begin for now: FK_EBUSY, FK_ESTORE, FK_ELINK. */
FK_MUST_USE enum fk_err fk_engine_check_ready(const struct fk_engine *engine,
					      struct fk_reason *reason);
/* Gives it its id, and what follows from it. */
FK_MUST_USE enum fk_err fk_engine_new_id(struct fk_engine *engine, struct fk_campaign *c);
/* From the plan that stands to the campaign that runs: 'c' has an id if it was planned before. */
FK_MUST_USE enum fk_err fk_engine_launch(struct fk_engine *engine, struct fk_campaign *c,
					 const struct fk_members *members,
					 const struct fk_plan *plan, uint64_t accepted_at_us);
/* The campaign's deliveries, in memory; pages in which UEs are named are durable then. */
FK_MUST_USE enum fk_err fk_engine_make_deliveries(struct fk_engine *engine,
						  const struct fk_campaign *c,
						  const struct fk_members *members,
						  struct fk_scheduler **ret_scheduler);
/* Stores a new campaign as one that begins as soon as it can. */
FK_MUST_USE enum fk_err fk_engine_queue(struct fk_engine *engine, struct fk_campaign *c,
					const struct fk_members *members, struct fk_reason *reason);
/* Whom the ledger of a campaign names, as members of another one of the same group: those that are
 * in it, or of one that is retried, those who have not come to a good end. */
FK_MUST_USE enum fk_err fk_engine_stored_members(const struct fk_engine *engine, uint32_t id,
						 bool only_failed, struct fk_members *ret_members);
/* Those UEs of which it is unknown whether they hold a key that 'c' goes on with. */
FK_MUST_USE enum fk_err fk_engine_unknown_members(const struct fk_engine *engine,
						  const struct fk_campaign *c,
						  struct fk_members *ret_members);
/* After a recovery: begins the next inventory that is due, when nothing else is active. */
void fk_engine_settle(struct fk_engine *engine);
/* When that has to be looked at again; -1: there is nothing to settle. */
int fk_engine_wait_settle_ms(const struct fk_engine *engine);
/* Aborts a campaign that waits: see fk_engine_abort(). */
FK_MUST_USE enum fk_err fk_engine_drop_waiting(struct fk_engine *engine, uint32_t id,
					       uint64_t principal);
/* Begins what is due, or makes room for it. */
void fk_engine_start_due(struct fk_engine *engine);
/* Ends the current campaign: the flag first, the record when the store can (I9). 'principal' is who
 * aborts it, FK_PRINCIPAL_NONE if the system does. */
void fk_engine_end(struct fk_engine *engine, enum fk_campaign_state state, uint64_t principal);
/* When something that waits has to be looked at again; -1: nothing waits. */
int fk_engine_wait_due_ms(const struct fk_engine *engine);
/* Room for one more record; the oldest final one may have to go. FK_OK or FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_engine_make_room(struct fk_engine *engine);

/* Reads the state of one UE and applies it; out of range is ignored. */
void fk_engine_apply_state(struct fk_engine *engine, uint32_t ue_index,
			   const struct fk_scheduler_now *now);
/* Applies the doorbells that are new. They stay in the ring until they are durable. True if there
 * were as many as one tick takes. */
bool fk_engine_collect(struct fk_engine *engine);
/* Who said something without being asked (unasked.c): makes the registrar of a new fleet, and the
 * block under which its answers leave. FK_OK; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_engine_begin_answers(struct fk_engine *engine);
/* What a doorbell says that a UE said. */
void fk_engine_take_said(struct fk_engine *engine, const struct fk_doorbell *bell,
			 const struct fk_scheduler_now *now);
/* If an answer to the UE is ordered, and it is done with: its deliveries go on. */
void fk_engine_apply_answer(struct fk_engine *engine, uint32_t ue_index,
			    const struct fk_scheduler_now *now);
/* The dataplane attached anew. */
void fk_engine_recall_answers(struct fk_engine *engine, const struct fk_scheduler_now *now);
/* That a UE is back is durable before its delivery is; after a crash in between this goes on with
 * it. */
void fk_engine_wake_returned(struct fk_engine *engine, const struct fk_scheduler_now *now);
/* A scheduler has come into force: nothing is ordered for UEs that are answered. */
void fk_engine_engage_answered(struct fk_engine *engine);
/* Pushes the orders of answers that the rings take, and gives up those that nothing came of. */
void fk_engine_push_answers(struct fk_engine *engine);
/* FK_EPOLICY, and which key, if the cryptoperiod of one that the campaign goes on with is over. */
FK_MUST_USE enum fk_err fk_engine_check_expiry(const struct fk_engine *engine,
					       const struct fk_campaign *c, uint64_t now_ms,
					       struct fk_reason *reason);
/* True if a UE may be given another protection TEK beside what the campaign is for. */
bool fk_engine_may_warm_start(const struct fk_engine *engine, const struct fk_campaign *c);
/* Why nothing that is wrapped can be brought to the UE; FK_CAUSE_NONE if it can. */
enum fk_cause fk_engine_kek_cause(const struct fk_engine *engine, const struct fk_campaign *c,
				  uint32_t ue_index);
/* What the state of a UE's own keys makes of its delivery. */
enum fk_cause fk_engine_own_key_cause(const struct fk_engine *engine, const struct fk_campaign *c,
				      uint32_t ue_index);
/* True if the UE gets another protection TEK before what the campaign is for. */
bool fk_engine_has_to_renew(const struct fk_engine *engine, const struct fk_campaign *c,
			    uint32_t ue_index);
/* After a restart: ends deliveries under way that a compromised key stops, and has UEs renewed
 * where that is due. */
void fk_engine_drop_compromised(struct fk_engine *engine, struct fk_scheduler *scheduler,
				const struct fk_campaign *c);
/* New protection TEKs for those that lack theirs, and Warm-Starts that bring them. */
void fk_engine_warm_start(struct fk_engine *engine);
/* How many orders the rings take beside 'backlog' that wait in them. */
uint32_t fk_engine_order_room(const struct fk_engine *engine, uint32_t backlog);
void fk_engine_push_order(struct fk_engine *engine, const struct fk_order *order);

/* What the applied doorbells changed is durable: they leave the ring. */
void fk_engine_release(struct fk_engine *engine);
/* Pages that have to be written: ledger with numbers, and currency. */
uint32_t fk_engine_n_dirty(const struct fk_engine *engine);
/* Writes dirty pages, if there are many, they are old, or 'now'. True if none is left. */
bool fk_engine_flush_pages(struct fk_engine *engine, bool now);
/* Pushes what the scheduler gives and the rings take. */
void fk_engine_push_orders(struct fk_engine *engine);

/* fk_campaign_find_fn; 'engine' is a const struct fk_engine. */
const struct fk_campaign *fk_engine_find_campaign(void *engine, uint32_t id);
/* The current campaign has ended and is not folded into the currency yet. */
bool fk_engine_has_to_fold(const struct fk_engine *engine);
/* Folds some pages more and writes them. True when all are folded and written, and the record says
 * so, in memory. */
bool fk_engine_fold_some(struct fk_engine *engine);
/* The status that the current campaign gives a UE which has proven that it is zeroized. */
struct fk_status_entry fk_engine_zeroized_entry(const struct fk_engine *engine);
/* An answer that came too late for the delivery of that UE. */
void fk_engine_note_late(struct fk_engine *engine, uint32_t ue_index,
			 const struct fk_ue_state *state);

/* Makes the scheduler of a campaign for the fleet in force; nobody is in it yet. */
FK_MUST_USE enum fk_err fk_engine_new_scheduler(struct fk_engine *engine,
						const struct fk_campaign *c,
						struct fk_scheduler **ret_scheduler);
/* Takes the campaign's members of one page in. */
void fk_engine_include_page(const struct fk_engine *engine, struct fk_scheduler *scheduler,
			    const struct fk_campaign *c, const struct fk_members *members,
			    uint32_t page);
/* What limits the KMMs of a campaign, by the configuration in force. */
void fk_engine_plan_terms(const struct fk_engine *engine, const struct fk_campaign *c,
			  struct fk_plan_terms *ret_terms);
/* What was known of the keys of all UEs does not count any more. FK_OK or FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_engine_doubt_all(struct fk_engine *engine, uint32_t *ret_n_unknown);
/* What is known of the UEs of a page, the campaign in force included. */
void fk_engine_read_currency(const struct fk_engine *engine, uint32_t page,
			     struct fk_currency ret_ues[static FK_CURRENCY_PAGE]);
/* How large messages to a UE get, as far as the worker that owns it has said. */
struct fk_message_size fk_engine_message_size(const struct fk_engine *engine, uint32_t ue_index);
/* Publishes the campaign's TEKs, n_keys of them, and terms to the dataplane. */
FK_MUST_USE enum fk_err fk_engine_arm(struct fk_engine *engine, const struct fk_campaign *c,
				      const struct fk_secret *teks);
/* The same with the keys as they are stored. Also FK_ESTORE, FK_ENOTFOUND, FK_EAUTH. */
FK_MUST_USE enum fk_err fk_engine_arm_stored(struct fk_engine *engine, const struct fk_campaign *c);
/* Sets the stop flag of the current campaign's slot in the region, if there is one. */
void fk_engine_set_stop(struct fk_engine *engine);

/* True if every key of the campaign is one that may be given out and that authenticates (I8). */
bool fk_engine_keys_are_active(const struct fk_engine *engine, const struct fk_campaign *c);
/* "tek:<id>:<index>", or "ckek:...": the name of a sealed key of the campaign, by the campaign that
 * made it, and its identity under the seal. */
void fk_engine_key_name(const struct fk_campaign *c, uint32_t index,
			char ret_name[static FK_KEY_NAME_SIZE]);

static inline uint32_t fk_engine_n_pages(const struct fk_engine *engine)
{
	return fk_fleet_n_pages(engine->fleet);
}
