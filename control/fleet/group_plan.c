/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/group_plan.h"

#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>
#include <fleetkey/wire.h>

#include "fleet/columns.h"

bool fk_group_plan_has_sln(const struct fk_group_plan *plan, uint16_t sln)
{
	for (uint32_t i = 0; i < plan->n_slns; i++) {
		if (plan->slns[i] == sln)
			return true;
	}
	return false;
}

uint8_t fk_group_plan_other_keyset(const struct fk_group_plan *plan, uint8_t keyset_id)
{
	if (keyset_id == plan->active_keyset_id)
		return plan->inactive_keyset_id;
	return keyset_id == plan->inactive_keyset_id ? plan->active_keyset_id : 0;
}

static int by_value(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return *x - *y;
}

static enum fk_err check_slns(struct fk_group_plan *plan, struct fk_reason *reason)
{
	if (plan->n_slns == 0 || plan->n_slns > FK_GROUP_SLNS_MAX) {
		fk_reason_set(reason, "has %u SLNs, must have 1 to %u", plan->n_slns,
			      FK_GROUP_SLNS_MAX);
		return FK_ERANGE;
	}
	qsort(plan->slns, plan->n_slns, sizeof(plan->slns[0]), by_value);
	for (uint32_t i = 0; i < plan->n_slns; i++) {
		/* spec: P25 sheet 2.3: TEKs are of crypto group 0, and SLN 0 is troublesome */
		if (plan->slns[i] < 1 || plan->slns[i] > FK_GROUP_SLN_MAX) {
			fk_reason_set(reason, "SLN %u is not from 1 to %u", plan->slns[i],
				      FK_GROUP_SLN_MAX);
			return FK_ERANGE;
		}
		if (i > 0 && plan->slns[i] == plan->slns[i - 1]) {
			fk_reason_set(reason, "SLN %u stands there twice", plan->slns[i]);
			return FK_EINVAL;
		}
	}
	return FK_OK;
}

static enum fk_err check_keyset(uint8_t keyset_id, struct fk_reason *reason)
{
	if (keyset_id >= 1 && keyset_id <= FK_KEYSETS_MAX)
		return FK_OK;
	fk_reason_set(reason, "%u is not from 1 to %u", keyset_id, FK_KEYSETS_MAX);
	return FK_ERANGE;
}

enum fk_err fk_group_plan_check(struct fk_group_plan *plan, const char **ret_field,
				struct fk_reason *reason)
{
	enum fk_err err;

	*ret_field = "name";
	if (!fk_is_name(plan->name, strlen(plan->name), FK_NAME_SIZE_MAX)) {
		fk_reason_set(reason,
			      "must be 1 to %u letters, digits, dots, underscores and dashes",
			      FK_NAME_SIZE_MAX);
		return FK_EINVAL;
	}
	*ret_field = "slns";
	err = check_slns(plan, reason);
	if (err != FK_OK)
		return err;
	*ret_field = "active_keyset_id";
	err = check_keyset(plan->active_keyset_id, reason);
	if (err != FK_OK)
		return err;
	*ret_field = "inactive_keyset_id";
	err = check_keyset(plan->inactive_keyset_id, reason);
	if (err == FK_OK && plan->inactive_keyset_id == plan->active_keyset_id) {
		fk_reason_set(reason, "%u is the active one", plan->inactive_keyset_id);
		err = FK_EINVAL;
	}
	if (err != FK_OK)
		return err;
	*ret_field = "ckek_sln";
	if (plan->ckek_sln != 0 && plan->ckek_sln < FK_KMM_SLN_KEK_MIN) {
		fk_reason_set(reason, "%u is not from %u to 65535", plan->ckek_sln,
			      FK_KMM_SLN_KEK_MIN);
		return FK_ERANGE;
	}
	*ret_field = NULL;
	return FK_OK;
}

enum fk_group_clash fk_group_plan_clash(const struct fk_group_plan *a,
					const struct fk_group_plan *b, uint16_t *ret_sln)
{
	for (uint32_t i = 0; i < a->n_slns; i++) {
		if (fk_group_plan_has_sln(b, a->slns[i])) {
			*ret_sln = a->slns[i];
			return FK_GROUP_CLASH_SLN;
		}
	}
	if (a->ckek_sln != 0 && a->ckek_sln == b->ckek_sln) {
		*ret_sln = a->ckek_sln;
		return FK_GROUP_CLASH_CKEK;
	}
	/* The one's changeover turns the other's keysets, too: which is active may differ. */
	if (fk_group_plan_other_keyset(a, b->active_keyset_id) != b->inactive_keyset_id)
		return FK_GROUP_CLASH_KEYSETS;
	return FK_GROUP_CLASH_NONE;
}

/* name with its size before it | number of SLNs 1 | SLNs, 2 each | active keyset 1 | inactive one 1
 * | SLN of the CKEK 2 | version 4 | changed_at_ms 8 */
size_t fk_group_plan_encode(const struct fk_group_plan *plan,
			    uint8_t ret_octets[static FK_GROUP_PLAN_SIZE])
{
	struct fk_wire_writer w = fk_wire_writer(ret_octets, FK_GROUP_PLAN_SIZE);
	size_t len = strlen(plan->name);

	fk_wire_put_u8(&w, (uint8_t)len);
	fk_wire_put_bytes(&w, plan->name, len);
	fk_wire_put_u8(&w, plan->n_slns);
	for (uint32_t i = 0; i < plan->n_slns; i++)
		fk_wire_put_u16(&w, plan->slns[i]);
	fk_wire_put_u8(&w, plan->active_keyset_id);
	fk_wire_put_u8(&w, plan->inactive_keyset_id);
	fk_wire_put_u16(&w, plan->ckek_sln);
	fk_wire_put_u32(&w, plan->version);
	fk_wire_put_u64(&w, plan->changed_at_ms);
	return fk_wire_written(&w);
}

enum fk_err fk_group_plan_decode(const uint8_t *octets, size_t size, struct fk_group_plan *ret_plan,
				 size_t *ret_size)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_group_plan plan = {.version = 0}, sorted;
	uint8_t len = fk_wire_get_u8(&r);
	const uint8_t *name = fk_wire_get_bytes(&r, len);
	const char *field;

	if (r.failed || len > FK_NAME_SIZE_MAX || memchr(name, '\0', len) != NULL)
		return FK_EFORMAT;
	memcpy(plan.name, name, len);
	plan.n_slns = fk_wire_get_u8(&r);
	if (plan.n_slns > FK_GROUP_SLNS_MAX)
		return FK_EFORMAT;
	for (uint32_t i = 0; i < plan.n_slns; i++)
		plan.slns[i] = fk_wire_get_u16(&r);
	plan.active_keyset_id = fk_wire_get_u8(&r);
	plan.inactive_keyset_id = fk_wire_get_u8(&r);
	plan.ckek_sln = fk_wire_get_u16(&r);
	plan.version = fk_wire_get_u32(&r);
	plan.changed_at_ms = fk_wire_get_u64(&r);
	sorted = plan;
	if (r.failed || plan.version == 0 || fk_group_plan_check(&sorted, &field, NULL) != FK_OK ||
	    memcmp(sorted.slns, plan.slns, sizeof(plan.slns)) != 0)
		return FK_EFORMAT;
	*ret_plan = plan;
	*ret_size = size - fk_wire_left(&r);
	return FK_OK;
}
