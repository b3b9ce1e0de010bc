/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/group_book.h"

#include <stdlib.h>
#include <string.h>

#include <fleetkey/wire.h>

#include "fleet/columns.h"
#include "keys/key_record.h"

#define RECORD_LABEL  "fleetkey group plans"
#define RECORD_LAYOUT 1
#define FIELD	      "plans"

struct fk_group_book {
	struct fk_store *store;
	struct fk_keyring *keyring;
	struct fk_group_plan *plans; /* by name */
	uint32_t n;
	bool is_unsure; /* a write failed: read everything again */
};

void fk_group_book_free(struct fk_group_book *book)
{
	if (book == NULL)
		return;
	free(book->plans);
	free(book);
}

uint32_t fk_group_book_n(const struct fk_group_book *book)
{
	return book->n;
}

const struct fk_group_plan *fk_group_book_at(const struct fk_group_book *book, uint32_t i)
{
	return i < book->n ? &book->plans[i] : NULL;
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* Where that name stands, or would. */
static uint32_t place_of(const struct fk_group_plan *plans, uint32_t n, const char *name,
			 size_t len, bool *ret_found)
{
	uint32_t from = 0, to = n;

	*ret_found = false;
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		int order = compare(name, len, plans[mid].name, strlen(plans[mid].name));

		if (order == 0) {
			*ret_found = true;
			return mid;
		}
		if (order < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return from;
}

const struct fk_group_plan *fk_group_book_find(const struct fk_group_book *book, const char *name,
					       size_t len)
{
	bool is_found;
	uint32_t at = place_of(book->plans, book->n, name, len, &is_found);

	return is_found ? &book->plans[at] : NULL;
}

/* The record: layout 1 | number of plans 2 | plans | MAC */

static enum fk_err put_record(struct fk_group_book *book, const struct fk_group_plan *plans,
			      uint32_t n)
{
	size_t room = 3 + (size_t)n * FK_GROUP_PLAN_SIZE + FK_KEYRING_MAC_SIZE, size;
	uint8_t *octets = malloc(room), one[FK_GROUP_PLAN_SIZE], *mac;
	struct fk_wire_writer w = fk_wire_writer(octets, octets != NULL ? room : 0);
	enum fk_err err = FK_ENOMEM;

	fk_wire_put_u8(&w, RECORD_LAYOUT);
	fk_wire_put_u16(&w, (uint16_t)n);
	for (uint32_t i = 0; i < n; i++)
		fk_wire_put_bytes(&w, one, fk_group_plan_encode(&plans[i], one));
	size = fk_wire_written(&w);
	mac = fk_wire_take(&w, FK_KEYRING_MAC_SIZE);
	if (mac != NULL)
		err = fk_keyring_mac(book->keyring, RECORD_LABEL, sizeof(RECORD_LABEL), octets,
				     size, mac);
	if (err == FK_OK)
		fk_store_batch_put_groups(book->store, octets, size + FK_KEYRING_MAC_SIZE);
	free(octets);
	return err;
}

static enum fk_err take_plans(struct fk_group_book *book, const uint8_t *octets, size_t size)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	uint8_t layout = fk_wire_get_u8(&r);
	uint32_t n = fk_wire_get_u16(&r);
	size_t at = 3, one = 0;
	struct fk_group_plan *plans;
	enum fk_err err = FK_OK;

	if (r.failed || layout != RECORD_LAYOUT || n > FK_GROUPS_MAX)
		return FK_EFORMAT;
	plans = calloc(n + 1, sizeof(*plans));
	if (plans == NULL)
		return FK_ENOMEM;
	for (uint32_t i = 0; err == FK_OK && i < n; i++, at += one) {
		err = fk_group_plan_decode(octets + at, size - at, &plans[i], &one);
		if (err == FK_OK && i > 0 && strcmp(plans[i - 1].name, plans[i].name) >= 0)
			err = FK_EFORMAT;
	}
	if (err == FK_OK && at != size)
		err = FK_EFORMAT;
	if (err != FK_OK) {
		free(plans);
		return err;
	}
	free(book->plans);
	book->plans = plans;
	book->n = n;
	return FK_OK;
}

struct reading {
	struct fk_group_book *book;
	bool is_there;
};

static enum fk_err take_record(void *ctx, const char *name, const char *value, size_t size)
{
	struct reading *reading = ctx;
	struct fk_group_book *book = reading->book;
	uint8_t mac[FK_KEYRING_MAC_SIZE];
	const uint8_t *octets = (const uint8_t *)value;
	enum fk_err err;

	if (strcmp(name, FIELD) != 0)
		return FK_OK;
	if (size < sizeof(mac))
		return FK_EFORMAT;
	size -= sizeof(mac);
	err = fk_keyring_mac(book->keyring, RECORD_LABEL, sizeof(RECORD_LABEL), octets, size, mac);
	if (err == FK_OK && !fk_ct_equal(mac, octets + size, sizeof(mac)))
		err = FK_EAUTH;
	reading->is_there = true;
	return err == FK_OK ? take_plans(book, octets, size) : err;
}

static enum fk_err read_all(struct fk_group_book *book, struct fk_reason *reason)
{
	struct reading reading = {.book = book};
	enum fk_err err = fk_store_read_groups(book->store, take_record, &reading);

	if (err == FK_OK && !reading.is_there)
		book->n = 0;
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(book->store));
	else if (err != FK_OK)
		fk_reason_set(reason, "the plans of the crypto groups: %s", fk_err_text(err));
	book->is_unsure = err != FK_OK;
	return err;
}

enum fk_err fk_group_book_open(struct fk_store *store, struct fk_keyring *keyring,
			       struct fk_group_book **ret_book, struct fk_reason *reason)
{
	struct fk_group_book *book = calloc(1, sizeof(*book));
	enum fk_err err;

	if (book == NULL)
		return FK_ENOMEM;
	book->store = store;
	book->keyring = keyring;
	err = read_all(book, reason);
	if (err != FK_OK) {
		fk_group_book_free(book);
		return err;
	}
	*ret_book = book;
	return FK_OK;
}

enum fk_err fk_group_book_refresh(struct fk_group_book *book, struct fk_reason *reason)
{
	return book->is_unsure ? read_all(book, reason) : FK_OK;
}

/* Changes */

/* What the fleet has to do with a plan. */
struct membership {
	bool shares[FK_GROUPS_MAX]; /* some UE is in the plan's group and in this one, by its id */
	char ue_id[FK_URI_SIZE_MAX +
		   1]; /* whose own KEK has the place of the CKEK; empty: nobody's */
};

/* One walk, however many other plans there are. */
static void find_membership(const struct fk_fleet *fleet, const struct fk_group_plan *plan,
			    struct membership *ret_membership)
{
	int32_t id = fk_fleet_find_group(fleet, plan->name);
	struct fk_fleet_ue ue;

	for (uint32_t i = 0; id >= 0 && i < fk_fleet_n_slots(fleet); i++) {
		if (!fk_fleet_is_member(fleet, i, (uint32_t)id) || !fk_fleet_get(fleet, i, &ue))
			continue;
		for (uint32_t k = 0; k < ue.n_groups; k++)
			ret_membership->shares[ue.group_ids[k]] = true;
		/* The CKEK would go over it. */
		if (plan->ckek_sln != 0 && ue.kek_sln == plan->ckek_sln)
			(void)snprintf(ret_membership->ue_id, sizeof(ret_membership->ue_id), "%s",
				       ue.ue_id);
	}
}

static bool is_shared(const struct fk_fleet *fleet, const struct membership *membership,
		      const char *name)
{
	int32_t id = fk_fleet_find_group(fleet, name);

	return id >= 0 && membership->shares[id];
}

static enum fk_err check_others(const struct fk_group_book *book, const struct fk_fleet *fleet,
				const struct membership *membership,
				const struct fk_group_plan *plan, const char **ret_field,
				struct fk_reason *reason)
{
	for (uint32_t i = 0; i < book->n; i++) {
		const struct fk_group_plan *other = &book->plans[i];
		enum fk_group_clash clash;
		uint16_t sln = 0;

		if (strcmp(other->name, plan->name) == 0)
			continue;
		clash = fk_group_plan_clash(plan, other, &sln);
		if (clash == FK_GROUP_CLASH_NONE || !is_shared(fleet, membership, other->name))
			continue;
		if (clash == FK_GROUP_CLASH_SLN) {
			*ret_field = "slns";
			fk_reason_set(reason,
				      "SLN %u is in the plan of %s, and some UE is in both "
				      "groups: a radio has one key in one place",
				      sln, other->name);
		} else if (clash == FK_GROUP_CLASH_CKEK) {
			*ret_field = "ckek_sln";
			fk_reason_set(
				reason,
				"%u is that of the CKEK of %s, and some UE is in both groups: "
				"a radio has one key in one place",
				sln, other->name);
		} else {
			*ret_field = "active_keyset_id";
			fk_reason_set(reason,
				      "%s has keysets %u and %u, and some UE is in both groups: "
				      "a radio has one active keyset",
				      other->name, other->active_keyset_id,
				      other->inactive_keyset_id);
		}
		return FK_EINVAL;
	}
	return FK_OK;
}

static enum fk_err check_fleet(const struct fk_group_book *book, const struct fk_fleet *fleet,
			       const struct fk_group_plan *plan, const char **ret_field,
			       struct fk_reason *reason)
{
	struct membership *membership = calloc(1, sizeof(*membership));
	enum fk_err err;

	if (membership == NULL)
		return FK_ENOMEM;
	find_membership(fleet, plan, membership);
	err = check_others(book, fleet, membership, plan, ret_field, reason);
	if (err == FK_OK && membership->ue_id[0] != '\0') {
		*ret_field = "ckek_sln";
		fk_reason_set(reason, "%u is that of the own KEK of %s", plan->ckek_sln,
			      membership->ue_id);
		err = FK_EINVAL;
	}
	free(membership);
	return err;
}

/* Makes these plans the book's, durably. Takes 'plans', also on failure. */
static enum fk_err replace(struct fk_group_book *book, struct fk_group_plan *plans, uint32_t n)
{
	enum fk_err err;

	fk_store_batch_begin(book->store);
	err = put_record(book, plans, n);
	if (err != FK_OK) {
		fk_store_batch_abandon(book->store);
		free(plans);
		return err;
	}
	err = fk_store_batch_commit(book->store);
	if (err != FK_OK) {
		book->is_unsure = true;
		free(plans);
		return err;
	}
	free(book->plans);
	book->plans = plans;
	book->n = n;
	return FK_OK;
}

enum fk_err fk_group_book_set(struct fk_group_book *book, const struct fk_fleet *fleet,
			      const struct fk_group_plan *plan, const char **ret_field,
			      struct fk_reason *reason)
{
	struct fk_group_plan wanted = *plan, *plans;
	uint32_t at, n;
	bool is_found;
	enum fk_err err = fk_group_plan_check(&wanted, ret_field, reason);

	if (err == FK_OK)
		err = fk_group_book_refresh(book, reason);
	if (err == FK_OK)
		err = check_fleet(book, fleet, &wanted, ret_field, reason);
	if (err != FK_OK)
		return err;
	at = place_of(book->plans, book->n, wanted.name, strlen(wanted.name), &is_found);
	n = book->n + !is_found;
	if (n > FK_GROUPS_MAX) {
		fk_reason_set(reason, "%u groups have plans already", FK_GROUPS_MAX);
		return FK_EFULL;
	}
	plans = calloc(n, sizeof(*plans));
	if (plans == NULL)
		return FK_ENOMEM;
	if (book->n > 0) {
		memcpy(plans, book->plans, at * sizeof(*plans));
		memcpy(plans + at + 1, book->plans + at + is_found,
		       (book->n - at - is_found) * sizeof(*plans));
	}
	wanted.version = is_found ? book->plans[at].version + 1 : 1;
	wanted.changed_at_ms = fk_key_now_ms();
	plans[at] = wanted;
	return replace(book, plans, n);
}

enum fk_err fk_group_book_remove(struct fk_group_book *book, const char *name)
{
	struct fk_group_plan *plans;
	bool is_found;
	uint32_t at;
	enum fk_err err = fk_group_book_refresh(book, NULL);

	if (err != FK_OK)
		return err;
	at = place_of(book->plans, book->n, name, strlen(name), &is_found);
	if (!is_found)
		return FK_ENOTFOUND;
	plans = calloc(book->n, sizeof(*plans));
	if (plans == NULL)
		return FK_ENOMEM;
	memcpy(plans, book->plans, at * sizeof(*plans));
	memcpy(plans + at, book->plans + at + 1, (book->n - at - 1) * sizeof(*plans));
	return replace(book, plans, book->n - 1);
}

enum fk_err fk_group_book_put_changeover(struct fk_group_book *book, const char *name,
					 uint8_t superseded, uint8_t activated, bool *ret_is_put)
{
	bool is_changed = false;
	enum fk_err err;

	*ret_is_put = false;
	if (book->is_unsure)
		return FK_EBUSY;
	for (uint32_t i = 0; i < book->n; i++) {
		struct fk_group_plan *plan = &book->plans[i];

		if ((name[0] != '\0' && strcmp(plan->name, name) != 0) ||
		    plan->active_keyset_id != superseded || plan->inactive_keyset_id != activated)
			continue;
		plan->active_keyset_id = activated;
		plan->inactive_keyset_id = superseded;
		plan->version++;
		plan->changed_at_ms = fk_key_now_ms();
		is_changed = true;
	}
	if (!is_changed)
		return FK_OK;
	book->is_unsure = true; /* until it is known to be written */
	err = put_record(book, book->plans, book->n);
	*ret_is_put = err == FK_OK;
	return err;
}

void fk_group_book_written(struct fk_group_book *book, enum fk_err commit)
{
	book->is_unsure = commit != FK_OK;
}

bool fk_group_book_clashes(const struct fk_group_book *book, const struct fk_row_text *groups,
			   uint32_t n, uint32_t ret_pair[static 2])
{
	const struct fk_group_plan *plans[FK_UE_GROUPS_MAX];
	uint16_t sln;

	if (book == NULL || book->n < 2 || n < 2 || n > FK_UE_GROUPS_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		plans[i] = fk_group_book_find(book, groups[i].at, groups[i].len);
		for (uint32_t k = 0; plans[i] != NULL && k < i; k++) {
			if (plans[k] == NULL ||
			    fk_group_plan_clash(plans[i], plans[k], &sln) == FK_GROUP_CLASH_NONE)
				continue;
			ret_pair[0] = k;
			ret_pair[1] = i;
			return true;
		}
	}
	return false;
}

bool fk_group_book_has_ckek_at(const struct fk_group_book *book, const struct fk_row_text *groups,
			       uint32_t n, uint16_t sln)
{
	for (uint32_t i = 0; book != NULL && book->n > 0 && i < n; i++) {
		const struct fk_group_plan *plan =
			fk_group_book_find(book, groups[i].at, groups[i].len);

		if (plan != NULL && plan->ckek_sln != 0 && plan->ckek_sln == sln)
			return true;
	}
	return false;
}
