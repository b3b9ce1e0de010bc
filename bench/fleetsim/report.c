/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - see report.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "report.h"

#define GROUPS_MAX	  1024
#define DISTINCT_KEYS_MAX 128 /* different keys told apart in one group; more still count */
#define SCHEMA		  1

struct group {
	char *name;
	uint64_t n_members, n_holding, n_distinct;
	uint32_t n_places; /* different places, keyset and SLN, of the known keys */
	uint32_t n_known;
	struct fk_sim_key known[DISTINCT_KEYS_MAX]; /* known[0] is the one reported */
};

struct groups {
	struct group **list;
	uint32_t n;
};

static enum fk_err group_find(struct groups *groups, const char *name, size_t len,
			      struct group **ret_group)
{
	struct group *g;

	for (uint32_t i = 0; i < groups->n; i++) {
		if (strncmp(groups->list[i]->name, name, len) == 0 &&
		    groups->list[i]->name[len] == '\0') {
			*ret_group = groups->list[i];
			return FK_OK;
		}
	}
	g = groups->n < GROUPS_MAX ? calloc(1, sizeof(*g)) : NULL;
	if (g != NULL)
		g->name = strndup(name, len);
	if (g == NULL || g->name == NULL) {
		free(g);
		return FK_ENOMEM;
	}
	groups->list[groups->n++] = g;
	*ret_group = g;
	return FK_OK;
}

static const struct fk_sim_key *newest_key(const struct fk_sim_ue *ue)
{
	return ue->newest_key != FK_SIM_NO_KEY ? fk_sim_ue_key(ue, ue->newest_key) : NULL;
}

/* How many keys of the keyset that was loaded last the UE holds; those verified only, if asked, and
 * none if the newest is not. */
static uint32_t count_keys(const struct fk_sim_ue *ue, bool only_verified)
{
	const struct fk_sim_key *newest = newest_key(ue), *key;
	uint32_t n = 0;

	if (only_verified && newest != NULL && !newest->is_verified)
		return 0;
	for (uint32_t i = 0; newest != NULL && (key = fk_sim_ue_key(ue, i)) != NULL; i++)
		n += key->keyset_id == newest->keyset_id && (key->is_verified || !only_verified);
	return n;
}

/* Holds one key of a member against the others'. */
static void group_compare(struct group *g, const struct fk_sim_key *key)
{
	bool is_new_place = true;

	for (uint32_t i = 0; i < g->n_known; i++) {
		const struct fk_sim_key *known = &g->known[i];

		if (known->keyset_id != key->keyset_id || known->sln != key->sln)
			continue;
		is_new_place = false;
		if (known->algorithm_id == key->algorithm_id && known->key_id == key->key_id &&
		    fk_ct_equal(known->octets, key->octets, sizeof(key->octets)))
			return;
	}
	g->n_distinct++;
	g->n_places += is_new_place;
	if (g->n_known < DISTINCT_KEYS_MAX)
		g->known[g->n_known++] = *key;
}

static void group_add(struct group *g, const struct fk_sim_ue *ue, uint32_t n_keys)
{
	const struct fk_sim_key *newest = newest_key(ue), *key;

	g->n_members++;
	if (newest == NULL)
		return;
	g->n_holding += count_keys(ue, false) >= n_keys;
	for (uint32_t i = 0; (key = fk_sim_ue_key(ue, i)) != NULL; i++) {
		if (key->keyset_id == newest->keyset_id)
			group_compare(g, key);
	}
}

/* A UE counts in each of its groups; one without any in the group of no name. */
static enum fk_err groups_add(struct groups *groups, const char *field, const struct fk_sim_ue *ue,
			      uint32_t n_keys)
{
	struct group *g = NULL;

	for (;;) {
		size_t len = strcspn(field, ";");
		enum fk_err err = group_find(groups, field, len, &g);

		if (err != FK_OK)
			return err;
		group_add(g, ue, n_keys);
		if (field[len] == '\0')
			return FK_OK;
		field += len + 1;
	}
}

static void groups_free(struct groups *groups)
{
	for (uint32_t i = 0; i < groups->n; i++) {
		free(groups->list[i]->name);
		fk_wipe(groups->list[i], sizeof(*groups->list[i]));
		free(groups->list[i]);
	}
	free(groups->list);
}

static enum fk_err groups_collect(const struct fk_fleet *fleet, uint32_t n_keys,
				  struct groups *ret_groups)
{
	struct groups groups = {.list = calloc(GROUPS_MAX, sizeof(*groups.list))};
	enum fk_err err = groups.list == NULL ? FK_ENOMEM : FK_OK;

	for (uint32_t i = 0; i < fleet->n_ues && err == FK_OK; i++)
		err = groups_add(&groups, fleet->group_fields[fleet->ues[i].groups], &fleet->ues[i],
				 n_keys);
	if (err != FK_OK) {
		groups_free(&groups);
		return err;
	}
	*ret_groups = groups;
	return FK_OK;
}

static json_t *groups_json(const struct groups *groups, bool *ret_agree)
{
	json_t *array = json_array();

	*ret_agree = true;
	for (uint32_t i = 0; i < groups->n; i++) {
		const struct group *g = groups->list[i];
		json_t *o = json_pack("{s:s, s:I, s:I, s:I}", "group", g->name, "members",
				      (json_int_t)g->n_members, "holding", (json_int_t)g->n_holding,
				      "distinct_keys", (json_int_t)g->n_distinct);

		if (g->n_known > 0)
			json_object_update_new(o, json_pack("{s:i, s:i, s:i, s:i}", "keyset_id",
							    g->known[0].keyset_id, "sln",
							    g->known[0].sln, "algorithm_id",
							    g->known[0].algorithm_id, "key_id",
							    g->known[0].key_id));
		if (g->n_distinct > g->n_places)
			*ret_agree = false;
		json_array_append_new(array, o);
	}
	return array;
}

static void put_count(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void put_ues(json_t *root, const struct fk_fleet *fleet, uint32_t n_keys)
{
	uint64_t n_holding = 0, n_verified = 0;

	for (uint32_t i = 0; i < fleet->n_ues; i++) {
		n_holding += count_keys(&fleet->ues[i], false) >= n_keys;
		n_verified += count_keys(&fleet->ues[i], true) >= n_keys;
	}
	put_count(root, "ues", fleet->n_ues);
	put_count(root, "holding", n_holding);
	put_count(root, "verified", n_verified);
}

static void put_counts(json_t *root, const struct fk_sim_counts *counts)
{
	json_t *reasons = json_object(), *datagrams = json_object();
	uint64_t n_malformed = 0;

	for (int i = 1; i < FK_SIM_MALFORMED_REASONS; i++) {
		n_malformed += counts->malformed[i];
		if (counts->malformed[i] > 0)
			put_count(reasons, fk_sim_malformed_name((enum fk_sim_malformed)i),
				  counts->malformed[i]);
	}
	put_count(root, "malformed", n_malformed);
	json_object_set_new(root, "malformed_reasons", reasons);
	for (int i = 0; i < FK_SIM_COUNTS; i++) {
		bool is_datagrams = i >= FK_SIM_RX && i <= FK_SIM_NOT_HELD;

		put_count(is_datagrams ? datagrams : root, fk_sim_count_name((enum fk_sim_count)i),
			  counts->count[i]);
	}
	json_object_set_new(root, "datagrams", datagrams);
}

static json_t *hostile_json(const struct fk_hostile *hostile)
{
	json_t *object = json_object();

	put_count(object, "ues", hostile->n_ues);
	for (int i = 0; i < FK_HOSTILE_KINDS; i++)
		put_count(object, fk_hostile_kind_name((enum fk_hostile_kind)i), hostile->sent[i]);
	return object;
}

/* Each kind with its number, and the sums that the KMF's counters must have. */
static json_t *lies_json(const struct fk_lies *lies)
{
	json_t *object = json_object(), *kinds = json_object(), *counters = json_object();

	for (int i = 0; i < FK_LIES; i++) {
		const char *counter = fk_lie_counter_name((enum fk_lie)i);
		json_int_t sum = json_integer_value(json_object_get(counters, counter));

		put_count(kinds, fk_lie_name((enum fk_lie)i), lies->sent[i]);
		put_count(counters, counter, (uint64_t)sum + lies->sent[i]);
	}
	put_count(object, "sent", lies->n_sent);
	json_object_set_new(object, "kinds", kinds);
	json_object_set_new(object, "counters", counters);
	return object;
}

/* What the insider did, and the sums that the KMF's counters must have. */
static json_t *insider_json(const struct fk_insider *insider)
{
	json_t *object = json_object(), *answers = json_object(), *counters = json_object();

	put_count(object, "commands", insider->n_commands);
	put_count(object, "obeyed", insider->n_obeyed);
	for (int i = 0; i < FK_INSIDER_ANSWERS; i++) {
		put_count(answers, fk_insider_answer_name((enum fk_insider_answer)i),
			  insider->sent[i]);
		put_count(counters, fk_insider_counter_name((enum fk_insider_answer)i),
			  insider->sent[i]);
	}
	json_object_set_new(object, "answers", answers);
	json_object_set_new(object, "counters", counters);
	return object;
}

/* The sums that the KMF's counters must have of members in another's name. */
static json_t *false_names_json(const struct fk_traits *traits)
{
	json_t *object = json_object();

	for (int i = 0; i < FK_FALSE_NAMES; i++)
		put_count(object, fk_false_name_counter_name((enum fk_false_name)i),
			  traits->false_names[i]);
	return object;
}

static json_t *traits_json(const struct fk_traits *traits)
{
	json_t *object = json_object();

	for (int i = 0; i < FK_TRAITS; i++) {
		json_t *trait = json_object();

		put_count(trait, "ues", traits->ues[i]);
		put_count(trait, "events", traits->events[i]);
		if (i == FK_TRAIT_FORGED_MEMBER)
			json_object_set_new(trait, "counters", false_names_json(traits));
		json_object_set_new(object, fk_trait_name((enum fk_trait)i), trait);
	}
	return object;
}

static json_t *faces_json(const struct fk_verdict *verdict)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < verdict->n_faces; i++) {
		const struct fk_face *face = &verdict->faces[i];
		json_t *object = json_pack("{s:s, s:i}", "name", face->name, "port", face->port);

		put_count(object, "requests", face->n_requests);
		put_count(object, "accepted", face->n_accepted);
		put_count(object, "refused", face->n_refused);
		json_array_append_new(array, object);
	}
	return array;
}

static const char *refusal_name(const struct fk_sim_ue *ue)
{
	static const char *const names[FK_SIM_REFUSALS] = {
		[FK_SIM_REFUSED_NOT] = "none",		[FK_SIM_REFUSED_404] = "404",
		[FK_SIM_REFUSED_STATUS] = "status",	[FK_SIM_REFUSED_NUMBER] = "number",
		[FK_SIM_REFUSED_ZEROIZED] = "zeroized",
	};

	return names[ue->refusal < FK_SIM_REFUSALS ? ue->refusal : 0];
}

static json_t *refused_json(const struct fk_fleet *fleet)
{
	json_t *object = json_object();
	uint64_t n = 0;

	for (uint32_t i = 0; i < fleet->n_ues; i++) {
		const char *name = refusal_name(&fleet->ues[i]);

		if (fleet->ues[i].refusal == FK_SIM_REFUSED_NOT)
			continue;
		n++;
		put_count(object, name,
			  1 + (uint64_t)json_integer_value(json_object_get(object, name)));
	}
	put_count(object, "ues", n);
	return object;
}

/* Writes what 'write' has to say beside 'path' and puts it in place. */
static enum fk_err write_atomically(const char *path, bool (*write)(FILE *file, const void *what),
				    const void *what)
{
	char temporary[PATH_MAX];
	FILE *file;
	bool ok;
	int saved;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return FK_EIO;
	}
	file = fopen(temporary, "we");
	if (file == NULL)
		return FK_EIO;
	ok = write(file, what);
	ok = fclose(file) == 0 && ok;
	if (ok && rename(temporary, path) == 0)
		return FK_OK;
	saved = errno;
	unlink(temporary);
	errno = saved;
	return FK_EIO;
}

static bool write_json(FILE *file, const void *what)
{
	return json_dumpf(what, file, JSON_INDENT(1) | JSON_PRESERVE_ORDER) == 0 &&
	       fputc('\n', file) != EOF;
}

enum fk_err fk_report_write(const char *path, const struct fk_verdict *verdict)
{
	json_t *root = json_pack("{s:i}", "schema", SCHEMA);
	struct groups groups;
	bool agree = false;
	enum fk_err err =
		root == NULL ? FK_ENOMEM : groups_collect(verdict->fleet, verdict->n_keys, &groups);

	if (err != FK_OK) {
		json_decref(root);
		return err;
	}
	put_ues(root, verdict->fleet, verdict->n_keys);
	json_object_set_new(root, "groups", groups_json(&groups, &agree));
	groups_free(&groups);
	json_object_set_new(root, "groups_agree", json_boolean(agree));
	put_counts(root, verdict->counts);
	json_object_set_new(root, "next_hops", faces_json(verdict));
	json_object_set_new(root, "refused", refused_json(verdict->fleet));
	json_object_set_new(root, "traits", traits_json(verdict->traits));
	json_object_set_new(root, "hostile", hostile_json(verdict->hostile));
	json_object_set_new(root, "lies", lies_json(verdict->lies));
	json_object_set_new(root, "insider", insider_json(verdict->insider));
	err = write_atomically(path, write_json, root);
	json_decref(root);
	return err;
}

static bool write_refusals(FILE *file, const void *what)
{
	const struct fk_verdict *verdict = what;
	const struct fk_fleet *fleet = verdict->fleet;
	bool ok = true;

	for (uint32_t i = 0; i < fleet->n_ues && ok; i++) {
		const struct fk_sim_ue *ue = &fleet->ues[i];

		if (ue->refusal == FK_SIM_REFUSED_NOT)
			continue;
		ok = fprintf(file, "{\"ue_id\":\"%.*s\",\"reason\":\"%s\"", ue->ue_id_size,
			     fk_fleet_ue_id(fleet, ue), refusal_name(ue)) > 0;
		if (ok && ue->refusal == FK_SIM_REFUSED_STATUS)
			ok = fprintf(file, ",\"status\":%u", verdict->traits->spec.status) > 0;
		ok = ok && fputs("}\n", file) != EOF;
	}
	return ok;
}

enum fk_err fk_refusals_write(const char *path, const struct fk_verdict *verdict)
{
	return write_atomically(path, write_refusals, verdict);
}

struct book {
	const struct fk_fleet *fleet;
	uint32_t *order; /* UEs by ue_id */
};

static int compare_ue_ids(const void *a, const void *b, void *arg)
{
	const struct fk_fleet *fleet = arg;
	const struct fk_sim_ue *x = &fleet->ues[*(const uint32_t *)a];
	const struct fk_sim_ue *y = &fleet->ues[*(const uint32_t *)b];
	size_t n = x->ue_id_size < y->ue_id_size ? x->ue_id_size : y->ue_id_size;
	int order = memcmp(fk_fleet_ue_id(fleet, x), fk_fleet_ue_id(fleet, y), n);

	return order != 0 ? order : (int)x->ue_id_size - (int)y->ue_id_size;
}

static bool write_book(FILE *file, const void *what)
{
	const struct book *book = what;
	const struct fk_fleet *fleet = book->fleet;
	bool ok = true;

	for (uint32_t i = 0; i < fleet->n_ues; i++) {
		const struct fk_sim_ue *ue = &fleet->ues[book->order[i]];
		const struct fk_sim_key *key;

		for (uint32_t k = 0; ok && (key = fk_sim_ue_key(ue, k)) != NULL; k++) {
			if (key->keyset_id == 0)
				continue;
			ok = fprintf(file,
				     "{\"ue_id\":\"%.*s\",\"keyset_id\":%u,\"sln\":%u,"
				     "\"algorithm_id\":%u,\"key_id\":%u,\"verified\":%s,"
				     "\"active\":%s}\n",
				     ue->ue_id_size, fk_fleet_ue_id(fleet, ue), key->keyset_id,
				     key->sln, key->algorithm_id, key->key_id,
				     key->is_verified ? "true" : "false",
				     key->keyset_id == ue->active_keyset ? "true" : "false") > 0;
		}
	}
	return ok;
}

enum fk_err fk_book_write(const char *path, const struct fk_fleet *fleet)
{
	struct book book = {.fleet = fleet, .order = calloc(fleet->n_ues, sizeof(*book.order))};
	enum fk_err err;

	if (book.order == NULL)
		return FK_ENOMEM;
	for (uint32_t i = 0; i < fleet->n_ues; i++)
		book.order[i] = i;
	qsort_r(book.order, fleet->n_ues, sizeof(*book.order), compare_ue_ids,
		(void *)(uintptr_t)fleet);
	err = write_atomically(path, write_book, &book);
	free(book.order);
	return err;
}
