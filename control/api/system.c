/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"

/* What the workers count, summed. All zero before the first dataplane. */
struct dataplane_sums {
	uint64_t counters[FK_COUNTERS];
	uint64_t n_open, busy_cycles, idle_cycles, beats;
	uint32_t n_workers;
};

static void sum_workers(const struct fk_app *app, struct dataplane_sums *ret_sums)
{
	const struct fk_region_map *region = fk_link_server_region(app->link);

	memset(ret_sums, 0, sizeof(*ret_sums));
	if (region == NULL)
		return;
	ret_sums->n_workers = fk_region_n_workers(region);
	for (uint32_t w = 0; w < ret_sums->n_workers; w++) {
		const struct fk_worker_block *b = fk_region_map_worker(region, w);

		for (uint32_t i = 0; i < FK_COUNTERS; i++)
			ret_sums->counters[i] +=
				atomic_load_explicit(&b->counters[i], memory_order_relaxed);
		ret_sums->n_open += atomic_load_explicit(&b->n_open, memory_order_relaxed);
		ret_sums->busy_cycles +=
			atomic_load_explicit(&b->busy_cycles, memory_order_relaxed);
		ret_sums->idle_cycles +=
			atomic_load_explicit(&b->idle_cycles, memory_order_relaxed);
		ret_sums->beats += atomic_load_explicit(&b->beats, memory_order_relaxed);
	}
}

static const struct fk_campaign *active_campaign(const struct fk_app *app)
{
	uint32_t n = fk_engine_n_campaigns(app->engine);

	return fk_engine_is_active(app->engine) ? fk_engine_campaign_at(app->engine, n - 1) : NULL;
}

/* Well, but not the one to ask. */
static void standby_health(struct fk_call *call)
{
	const struct fk_app *app = call->app;
	bool is_up = fk_store_is_healthy(app->store);
	json_t *health =
		json_pack("{s:s, s:s, s:b, s:s, s:s, s:I}", "state", is_up ? "standby" : "degraded",
			  "version", FK_VERSION, "store", is_up, "node", app->node.name, "owner",
			  app->owner.name, "owner_epoch", (json_int_t)app->owner.epoch);

	if (is_up)
		fk_call_reply_json(call, 200, health);
	else
		fk_call_reply_problem(call, 503, fk_err_text(FK_ESTORE), "store",
				      fk_store_last_error(app->store), health);
}

static uint32_t n_pending_reviews(const struct fk_app *app)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fk_engine_n_campaigns(app->engine); i++)
		n += fk_break_glass_is_pending(&fk_engine_campaign_at(app->engine, i)->glass);
	return n;
}

/* Why the store is another history than it once was; null: it never was recovered. */
static json_t *recovery_json(const struct fk_app *app)
{
	const struct fk_store_recovery *recovery;
	struct fk_store_facts facts;
	char reason[120];

	fk_store_get_facts(app->store, &facts);
	recovery = &facts.recovery;
	if (recovery->n_recoveries == 0)
		return json_null();
	(void)snprintf(reason, sizeof(reason),
		       "an older copy of the store was put in place, with up to %" PRIu64
		       " batches missing",
		       recovery->n_missing);
	return json_pack("{s:I, s:o, s:s, s:b, s:s, s:I, s:I}", "recovery",
			 (json_int_t)recovery->n_recoveries, "at",
			 fk_call_timestamp(recovery->at_s * 1000), "reason", reason, "automatic",
			 recovery->is_alone != 0, "inventory",
			 recovery->has_to_settle != 0  ? "due"
			 : recovery->settled_at_s != 0 ? "done"
						       : "none",
			 "unknown_ues", (json_int_t)recovery->n_unknown_ues, "unknown_ues_left",
			 (json_int_t)recovery->n_left);
}

static void owner_health(struct fk_call *call)
{
	const struct fk_app *app = call->app;
	const struct fk_campaign *active = active_campaign(app);
	bool is_up = fk_engine_store_is_healthy(app->engine);
	json_t *health = json_pack(
		"{s:s, s:s, s:b, s:s, s:b, s:I, s:I, s:o, s:o}", "state", is_up ? "ok" : "degraded",
		"version", FK_VERSION, "store", is_up, "node", app->node.name, "dataplane",
		fk_link_server_is_attached(app->link), "n_ues",
		(json_int_t)fk_fleet_n_ues(app->fleet), "reviews_pending",
		(json_int_t)n_pending_reviews(app), "recovery", recovery_json(app),
		"active_campaign", active != NULL ? json_integer(active->id) : json_null());

	if (is_up)
		fk_call_reply_json(call, 200, health);
	else
		fk_call_reply_problem(call, 503, fk_err_text(FK_ESTORE), "store",
				      fk_store_last_error(app->store), health);
}

void fk_api_health(struct fk_call *call)
{
	if (call->app->is_standby)
		standby_health(call);
	else
		owner_health(call);
}

void fk_api_dataplane(struct fk_call *call)
{
	const struct fk_app *app = call->app;
	struct dataplane_sums sums;
	const struct fk_engine_said *said = fk_engine_said(app->engine);
	json_t *counters = json_object(), *unasked;
	double cycles;

	sum_workers(app, &sums);
	for (uint32_t i = 0; i < FK_COUNTERS; i++)
		json_object_set_new(counters, fk_counter_name(i),
				    json_integer((json_int_t)sums.counters[i]));
	unasked = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "hellos",
		(json_int_t)said->n_heard, "rekey_requests", (json_int_t)said->n_rekey_requests,
		"no_service", (json_int_t)said->n_no_service, "key_fills",
		(json_int_t)said->n_key_fills, "registrations", (json_int_t)said->n_registered,
		"deregistrations", (json_int_t)said->n_deregistered, "answered",
		(json_int_t)said->n_answered, "refused", (json_int_t)said->n_refused, "put_off",
		(json_int_t)said->n_put_off, "unanswered", (json_int_t)said->n_unanswered, "woken",
		(json_int_t)said->n_woken, "renewed", (json_int_t)said->n_renewed);
	cycles = (double)sums.busy_cycles + (double)sums.idle_cycles;
	fk_call_reply_json(call, 200,
			   json_pack("{s:b, s:I, s:I, s:I, s:I, s:f, s:o, s:o}", "attached",
				     fk_link_server_is_attached(app->link), "epoch",
				     (json_int_t)fk_link_server_epoch(app->link), "n_workers",
				     (json_int_t)sums.n_workers, "n_open", (json_int_t)sums.n_open,
				     "busy_cycles", (json_int_t)sums.busy_cycles, "busy_share",
				     cycles > 0 ? (double)sums.busy_cycles / cycles : 0.0,
				     "unasked", unasked, "counters", counters));
}

/* Since 1970; 0: never. */
static json_t *seconds(uint64_t at_s)
{
	return at_s != 0 ? json_integer((json_int_t)at_s) : json_null();
}

void fk_api_store(struct fk_call *call)
{
	const struct fk_app *app = call->app;
	const struct fk_store_recovery *recovery;
	struct fk_store_facts facts;

	fk_store_get_facts(app->store, &facts);
	recovery = &facts.recovery;
	fk_call_reply_json(
		call, 200,
		json_pack("{s:b, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:b, s:I, s:o, s:I, s:I, "
			  "s:o, s:o}",
			  "available", fk_store_is_healthy(app->store), "reason",
			  fk_store_last_error(app->store), "redis", facts.where, "redis_run_id",
			  facts.run_id, "epoch", (json_int_t)facts.epoch, "batches",
			  (json_int_t)facts.n_batches, "node", app->node.name, "tenure",
			  (json_int_t)fk_store_tenure(app->store), "witness", facts.has_witness,
			  "recoveries", (json_int_t)recovery->n_recoveries, "recovered_at_s",
			  seconds(recovery->at_s), "recovered_unknown_ues",
			  (json_int_t)recovery->n_unknown_ues, "recovered_aborted_campaigns",
			  (json_int_t)recovery->n_aborted, "restored_from_s",
			  seconds(recovery->restored_from_s), "recovery", recovery_json(app)));
}

static void gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
	fprintf(out, "# HELP fleetkey_%s %s\n# TYPE fleetkey_%s gauge\nfleetkey_%s %" PRIu64 "\n",
		name, help, name, name, value);
}

static void campaign_gauges(FILE *out, const struct fk_campaign *c)
{
	if (c == NULL)
		return;
	fprintf(out, "# HELP fleetkey_campaign_deliveries deliveries of the latest campaign\n"
		     "# TYPE fleetkey_campaign_deliveries gauge\n");
	for (uint8_t i = FK_DELIVERY_PENDING; i < FK_DELIVERY_STATES; i++)
		fprintf(out, "fleetkey_campaign_deliveries{campaign=\"%u\",state=\"%s\"} %u\n",
			c->id, fk_delivery_state_label(i), c->states[i]);
	gauge(out, "campaign_held", "UEs that acknowledged the latest campaign's key, durably",
	      c->n_held);
	gauge(out, "campaign_proven", "UEs that proved by a MAC that they hold it", c->n_proven);
	gauge(out, "campaign_messages", "KMMs ordered by the latest campaign", c->n_messages);
}

void fk_api_metrics(struct fk_call *call)
{
	const struct fk_app *app = call->app;
	uint32_t n = fk_engine_n_campaigns(app->engine);
	struct dataplane_sums sums;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		fk_call_reply_err(call, FK_ENOMEM, NULL, NULL);
		return;
	}
	sum_workers(app, &sums);
	for (uint32_t i = 0; i < FK_COUNTERS; i++)
		fprintf(out,
			"# HELP fleetkey_%s_total %s\n# TYPE fleetkey_%s_total counter\n"
			"fleetkey_%s_total %" PRIu64 "\n",
			fk_counter_name(i), fk_counter_help(i), fk_counter_name(i),
			fk_counter_name(i), sums.counters[i]);
	gauge(out, "worker_open", "transactions and answers being waited for", sums.n_open);
	gauge(out, "dataplane_attached", "1 if a dataplane is attached",
	      fk_link_server_is_attached(app->link));
	gauge(out, "store_up", "1 if the store is available and safe",
	      fk_engine_store_is_healthy(app->engine));
	gauge(out, "fleet_ues", "UEs in the fleet in force", fk_fleet_n_ues(app->fleet));
	gauge(out, "hellos", "Hellos of UEs, since fleetkeyd started",
	      fk_engine_said(app->engine)->n_heard);
	gauge(out, "no_service", "rekey requests of UEs that there was nothing to give for",
	      fk_engine_said(app->engine)->n_no_service);
	gauge(out, "key_fills", "UEs that said they lack their KEK, or for which none may be used",
	      fk_engine_said(app->engine)->n_key_fills);
	gauge(out, "registrations", "Registration-Commands noted, since fleetkeyd started",
	      fk_engine_said(app->engine)->n_registered);
	gauge(out, "deregistrations", "Deregistration-Commands noted, since fleetkeyd started",
	      fk_engine_said(app->engine)->n_deregistered);
	gauge(out, "registrations_refused", "Registrations of UEs that are not in service",
	      fk_engine_said(app->engine)->n_refused);
	gauge(out, "reviews_pending", "break-glass zeroizes that nobody has reviewed",
	      n_pending_reviews(app));
	gauge(out, "woken", "deliveries that went on since their UE said something",
	      fk_engine_said(app->engine)->n_woken);
	campaign_gauges(out, n > 0 ? fk_engine_campaign_at(app->engine, n - 1) : NULL);
	if (fclose(out) != 0) {
		free(text);
		text = NULL;
	}
	fk_call_reply_text(call, 200, "text/plain; version=0.0.4; charset=utf-8", text, size);
}
