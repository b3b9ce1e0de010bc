/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/kind.h"

#include <stddef.h>
#include <string.h>

#include "fleet/fleet.h"

static const struct fk_kind kinds[] = {
	[FK_KIND_REKEY] = {"rekey", .gives_keys = true, .can_close = true, .rule = FK_RULE_SETTLED},
	[FK_KIND_CHANGEOVER] = {"changeover", .goes_on = true, .can_close = true,
				.rule = FK_RULE_HOLDERS, .n_commands = 1,
				.commands = {FK_ORDER_CHANGEOVER}},
	[FK_KIND_REKEY_AND_CHANGEOVER] = {"rekey-and-changeover", .gives_keys = true,
					  .can_close = true, .rule = FK_RULE_SETTLED,
					  .n_commands = 1, .commands = {FK_ORDER_CHANGEOVER}},
	[FK_KIND_INVENTORY] = {"inventory", .may_ask = true, .rule = FK_RULE_ANY, .n_commands = 1,
			       .commands = {FK_ORDER_INVENTORY}},
	[FK_KIND_DELETE_KEY] = {"delete-key", .goes_on = true, .is_inferred = true,
				.rule = FK_RULE_INACTIVE, .n_commands = 1,
				.commands = {FK_ORDER_DELETE_KEY}},
	[FK_KIND_DELETE_KEYSET] = {"delete-keyset", .is_inferred = true, .rule = FK_RULE_INACTIVE,
				   .n_commands = 1, .commands = {FK_ORDER_DELETE_KEYSET}},
	/* Above all to radios that nobody knows who has. */
	[FK_KIND_ZEROIZE] = {"zeroize", .is_destructive = true, .rule = FK_RULE_ANY,
			     .admits = FK_ADMIT(FK_UE_ACTIVE) | FK_ADMIT(FK_UE_SUSPENDED) |
				       FK_ADMIT(FK_UE_LOST),
			     .n_commands = 1, .commands = {FK_ORDER_ZEROIZE}},
	[FK_KIND_WARM_START] = {"warm-start", .is_inferred = true, .renews = true,
				.rule = FK_RULE_ANY, .n_commands = 1,
				.commands = {FK_ORDER_WARM_START}},
	/* A KEK authenticates nothing, so there is no closing exchange under it; and which keyset
	 * of TEKs is active does not matter to it. */
	[FK_KIND_CKEK] = {"ckek", .gives_keys = true, .gives_kek = true, .rule = FK_RULE_ANY},
	[FK_KIND_HELLO] = {"hello", .rule = FK_RULE_ANY, .n_commands = 1,
			   .commands = {FK_ORDER_HELLO}},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct fk_kind *fk_kind(uint8_t kind)
{
	return kind < N_KINDS && kinds[kind].label != NULL ? &kinds[kind] : NULL;
}

int fk_kind_find(const char *label)
{
	for (uint8_t i = 0; i < N_KINDS; i++) {
		if (kinds[i].label != NULL && strcmp(kinds[i].label, label) == 0)
			return i;
	}
	return -1;
}

bool fk_kind_admits(const struct fk_kind *kind, uint8_t status)
{
	uint32_t admits = kind->admits != 0 ? kind->admits : FK_ADMIT(FK_UE_ACTIVE);

	return (admits >> status & 1) != 0;
}

bool fk_kind_has_command(const struct fk_kind *kind, enum fk_order_kind command)
{
	for (uint32_t i = 0; i < kind->n_commands; i++) {
		if (kind->commands[i] == command)
			return true;
	}
	return false;
}
