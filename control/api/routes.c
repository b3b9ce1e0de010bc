/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include <stdbool.h>
#include <string.h>

#include "api/call.h"

static const struct fk_route routes[] = {
	{"GET", "/v1/health", fk_api_health, NULL, NULL,
	 "store, dataplane and campaign at a glance"},
	{"GET", "/v1/fleet", fk_api_fleet, NULL, NULL, "the fleet in force and its groups"},
	{"GET", "/v1/fleet/ues", fk_api_fleet_ues, NULL, NULL, "its UEs, without keys, by pages"},
	{"GET", "/v1/fleet/export", fk_api_fleet_export, NULL, NULL,
	 "all of them as a fleet file without keys"},
	{"GET", "/v1/currency", fk_api_currency, NULL, NULL,
	 "who holds which key, by UE, key, state, group and area, by pages"},
	{"GET", "/v1/fleet/statuses", fk_api_status_list, NULL, NULL,
	 "UEs that are not active, since when and why, by pages"},
	{"POST", "/v1/fleet/statuses", fk_api_status_set, NULL, NULL,
	 "gives UEs a status, all of them or none"},
	{"GET", "/v1/fleet/own-keys", fk_api_own_keys, NULL, NULL,
	 "KEKs and protection TEKs of UEs by kind and state, by pages; never a key"},
	{"POST", "/v1/fleet/own-keys/mark-compromised", fk_api_own_key_mark_compromised, NULL, NULL,
	 "a UE's own key protects and authenticates nothing any more; over the Unix socket only"},
	{"POST", "/v1/fleet/adoptions", fk_api_adopt, NULL, NULL,
	 "takes back a UE that was released to another KMF, from a number on"},
	{"GET", "/v1/fleet/imports", fk_api_import_show, NULL, NULL,
	 "how far the import is that runs, if one does"},
	{"POST", "/v1/fleet/imports", fk_api_import_end, fk_api_import_begin, fk_api_import_feed,
	 "takes a fleet file, CSV or NDJSON, all of it or nothing: the whole fleet, or UEs to "
	 "update or remove"},
	{"GET", "/v1/groups", fk_api_groups, NULL, NULL,
	 "the crypto groups, their plans and how many UEs are in each, by pages"},
	{"GET", "/v1/groups/{name}", fk_api_group_show, NULL, NULL, "one of them"},
	{"PUT", "/v1/groups/{name}", fk_api_group_set, NULL, NULL,
	 "gives it a plan, SLNs and keysets, or changes what is named of it"},
	{"DELETE", "/v1/groups/{name}", fk_api_group_remove, NULL, NULL,
	 "takes its plan away; who is in it the fleet says"},
	{"GET", "/v1/transport-key", fk_api_transport_key_show, NULL, NULL,
	 "which key opens the wrapped keys of a fleet file; not the key itself"},
	{"POST", "/v1/transport-key", fk_api_transport_key_create, NULL, NULL,
	 "makes a new one and gives it out, once; over the Unix socket only"},
	{"GET", "/v1/keys", fk_api_keys, NULL, NULL,
	 "the keys of the key store and their states, by pages; never a key"},
	{"POST", "/v1/keys/mark-compromised", fk_api_key_mark_compromised, NULL, NULL,
	 "the key authenticates nothing any more; a campaign that gives it out is stopped"},
	{"POST", "/v1/keys/deactivate", fk_api_key_deactivate, NULL, NULL,
	 "the key protects nothing new"},
	{"POST", "/v1/keys/destroy", fk_api_key_destroy, NULL, NULL,
	 "removes the key, and keeps what is known of it"},
	{"POST", "/v1/keys/wipe", fk_api_keys_wipe, NULL, NULL,
	 "wipes all keys in memory and ends fleetkeyd and the dataplane; over the Unix socket "
	 "only"},
	{"GET", "/v1/keys/sealing", fk_api_sealing_show, NULL, NULL,
	 "root key and sealing epoch in force, and how far sealing anew is"},
	{"POST", "/v1/keys/rotate-sealing", fk_api_rotate_sealing, NULL, NULL,
	 "begins a new sealing epoch; over the Unix socket only"},
	{"POST", "/v1/keys/rotate-root", fk_api_rotate_root, NULL, NULL,
	 "wraps the purpose keys under another root key; over the Unix socket only"},
	{"GET", "/v1/report-key", fk_api_report_key, NULL, NULL,
	 "the public key that signed reports are checked by"},
	{"POST", "/v1/campaigns", fk_api_campaign_create, NULL, NULL,
	 "starts a campaign, or with plan=true only plans it"},
	{"GET", "/v1/campaigns", fk_api_campaign_list, NULL, NULL,
	 "all campaigns, oldest first; those with review=pending or done alone"},
	{"GET", "/v1/campaigns/{id}", fk_api_campaign_show, NULL, NULL, "one campaign"},
	{"GET", "/v1/campaigns/{id}/plan", fk_api_campaign_plan, NULL, NULL,
	 "what a campaign that waits would be now, and the difference that it makes"},
	{"POST", "/v1/campaigns/{id}/plan", fk_api_campaign_plan_again, NULL, NULL,
	 "plans it again; an approval is gone then"},
	{"GET", "/v1/campaigns/{id}/plan/ues", fk_api_campaign_plan_ues, NULL, NULL,
	 "who would get it and who not, and what each holds, by pages"},
	{"POST", "/v1/campaigns/{id}/approve", fk_api_campaign_approve, NULL, NULL,
	 "says yes to it, as another user than the one who planned it; over the Unix socket only"},
	{"POST", "/v1/campaigns/{id}/review", fk_api_campaign_review, NULL, NULL,
	 "has looked at a break-glass, as another user than the one who used it; over the Unix "
	 "socket only"},
	{"POST", "/v1/campaigns/{id}/start", fk_api_campaign_start, NULL, NULL,
	 "it begins as soon as no other one is active"},
	{"POST", "/v1/campaigns/{id}/schedule", fk_api_campaign_schedule, NULL, NULL,
	 "it begins at a time, as clocks in a zone show it, or before a cryptoperiod ends"},
	{"POST", "/v1/campaigns/{id}/retry", fk_api_campaign_retry, NULL, NULL,
	 "plans one with the same keys for the UEs at which this one has failed"},
	{"POST", "/v1/campaigns/{id}/abort", fk_api_campaign_abort, NULL, NULL,
	 "stops it for good"},
	{"POST", "/v1/campaigns/{id}/pause", fk_api_campaign_pause, NULL, NULL,
	 "no new request leaves; what is on its way may be repeated"},
	{"POST", "/v1/campaigns/{id}/halt", fk_api_campaign_halt, NULL, NULL,
	 "no request leaves at all"},
	{"POST", "/v1/campaigns/{id}/resume", fk_api_campaign_resume, NULL, NULL,
	 "it goes on, also past a gate that is shut"},
	{"GET", "/v1/campaigns/{id}/report", fk_api_campaign_report, NULL, NULL,
	 "its figures, with the reasons of what did not succeed"},
	{"GET", "/v1/campaigns/{id}/signed-report", fk_api_campaign_signed_report, NULL, NULL,
	 "each UE's final state and the evidence, a JSON object a line, signed"},
	{"GET", "/v1/campaigns/{id}/deliveries", fk_api_campaign_deliveries, NULL, NULL,
	 "where each UE stands, by pages"},
	{"GET", "/v1/store", fk_api_store, NULL, NULL,
	 "which Redis, how far it has come, and whether it was recovered from an older copy"},
	{"GET", "/v1/backup", fk_api_backup, NULL, NULL,
	 "all of the store, sealed, as fleetkeyd --restore takes it; over the Unix socket only"},
	{"GET", "/v1/dataplane", fk_api_dataplane, NULL, NULL, "link, load and counters"},
	{"GET", "/metrics", fk_api_metrics, NULL, NULL, "Prometheus text format"},
};

#define PAGE " cursor limit "

/* What may stand in a query, each name between blanks; nothing where there is no row. */
static const struct {
	void (*handler)(struct fk_call *call);
	const char *names;
} queries[] = {
	{fk_api_fleet_ues, PAGE "ue_id "},
	{fk_api_currency, PAGE "ue key state group area active_keyset count "},
	{fk_api_status_list, PAGE "status "},
	{fk_api_status_set, " dry_run "},
	{fk_api_own_keys, PAGE "key state "},
	{fk_api_import_end, " mode allow_plain_keys reassign "},
	{fk_api_groups, PAGE},
	{fk_api_keys, PAGE "name "},
	{fk_api_campaign_create, " dry_run plan "},
	{fk_api_campaign_list, PAGE "review "},
	{fk_api_campaign_plan_ues, PAGE},
	{fk_api_campaign_deliveries, PAGE},
};

bool fk_route_takes(const struct fk_route *route, const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		const char *at = queries[i].names;

		if (queries[i].handler != route->handler || size == 0 || strchr(name, ' ') != NULL)
			continue;
		while ((at = strstr(at, name)) != NULL) {
			if (at[-1] == ' ' && at[size] == ' ')
				return true;
			at += size;
		}
	}
	return false;
}

const struct fk_route *fk_routes(uint32_t *ret_n)
{
	*ret_n = sizeof(routes) / sizeof(routes[0]);
	return routes;
}

/* Reads a campaign number at '*path' and steps over it; 0 if there is none. */
static uint32_t take_id(const char **path)
{
	uint64_t id = 0;
	const char *at = *path;

	for (; *at >= '0' && *at <= '9' && at - *path < 10; at++)
		id = id * 10 + (uint64_t)(*at - '0');
	if (**path == '0' || id > UINT32_MAX)
		return 0;
	*path = at;
	return (uint32_t)id;
}

static bool path_matches(const char *pattern, const char *path, uint32_t *ret_id)
{
	uint32_t id = 0;

	while (*pattern != '\0') {
		if (strncmp(pattern, "{id}", 4) == 0) {
			id = take_id(&path);
			if (id == 0)
				return false;
			pattern += 4;
		} else if (strcmp(pattern, "{name}") == 0) {
			/* A slash is in no name. */
			if (*path == '\0' || strchr(path, '/') != NULL)
				return false;
			*ret_id = id;
			return true;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	if (*path != '\0')
		return false;
	*ret_id = id;
	return true;
}

enum fk_err fk_route_find(const char *method, const char *path, const struct fk_route **ret_route,
			  uint32_t *ret_id)
{
	enum fk_err err = FK_ENOTFOUND;
	uint32_t id;

	for (uint32_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!path_matches(routes[i].path, path, &id))
			continue;
		if (strcmp(routes[i].method, method) == 0) {
			*ret_route = &routes[i];
			*ret_id = id;
			return FK_OK;
		}
		err = FK_EUNSUPPORTED;
	}
	return err;
}

const char *fk_route_name(const struct fk_route *route, const char *path)
{
	const char *at = strstr(route->path, "{name}");

	/* What stands before it has no {id}, so it is as long in the path. */
	return at != NULL ? path + (at - route->path) : NULL;
}
