/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind.h - the kinds of campaigns, and the steps that each gives a delivery.
 *
 * A delivery is a list of KMMs: Rekey-Commands with the campaign's keys, as many as they take, if
 * the kind gives keys; then the kind's own commands; then, if asked, the closing exchange, an
 * Inventory-Command under the first of the keys. A delivery has reached its goal when the last step
 * before the closing exchange is acknowledged.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/order.h>

/* Values are stored: append, never reorder. */
enum fk_campaign_kind {
	FK_KIND_REKEY = 1,	/* new keys into a keyset */
	FK_KIND_CHANGEOVER = 2, /* makes that keyset the active one, where exactly those are held */
	FK_KIND_REKEY_AND_CHANGEOVER = 3, /* one UE after the other, without a look at the others */
	FK_KIND_INVENTORY = 4,		  /* asks which keyset is active, with which keys */
	FK_KIND_DELETE_KEY = 5,	   /* those of an earlier campaign, where they are out of use */
	FK_KIND_DELETE_KEYSET = 6, /* a whole keyset, where it is out of use */
	FK_KIND_ZEROIZE = 7,	   /* every key of named radios, those of their own included */
	FK_KIND_WARM_START = 8,	   /* a new protection TEK for each */
	FK_KIND_HELLO = 9,	   /* asks who is there, and can answer under its own key */
	FK_KIND_CKEK = 10,	   /* a new KEK for a crypto group */
};

/* Which UEs a campaign may be served to, by what is known of their keys (I6). */
enum fk_kind_rule {
	FK_RULE_ANY, /* whatever they are */
	/* No changeover is open, else nobody knows what is written to; and no key is replaced in
	 * the keyset that is known to be active, unless the campaign says so. */
	FK_RULE_SETTLED,
	FK_RULE_HOLDERS,  /* exactly the keys that it goes on with are held */
	FK_RULE_INACTIVE, /* another keyset than the campaign's is known to be the active one */
};

/* Statuses of UEs, one bit each. */
#define FK_ADMIT(status) (1u << (status))

#define FK_KIND_COMMANDS_MAX 1

struct fk_kind {
	const char *label;   /* in the API */
	bool gives_keys;     /* makes keys of its own */
	bool gives_kek;	     /* and what it makes is a group's KEK, not a TEK */
	bool goes_on;	     /* with the keys of an earlier campaign */
	bool may_ask;	     /* after those of one, if it is named: who has them */
	bool can_close;	     /* a closing exchange under one of those may follow */
	bool is_inferred;    /* as the layouts of its KMMs are: P25 sheet 1.5 */
	bool renews;	     /* the protection TEK of each UE, also where there is none */
	bool is_destructive; /* so its UEs are named; delivered but unanswered is UNCONFIRMED */
	uint8_t rule;	     /* enum fk_kind_rule */
	uint8_t admits;	     /* FK_ADMIT() of each status that it is served to; 0: active ones */
	uint8_t n_commands;
	uint8_t commands[FK_KIND_COMMANDS_MAX]; /* enum fk_order_kind */
};

/* True if it is served to UEs of that status (enum fk_ue_status). */
bool fk_kind_admits(const struct fk_kind *kind, uint8_t status);
/* NULL if there is no such kind. */
const struct fk_kind *fk_kind(uint8_t kind);
/* The kind of that label, or -1. */
int fk_kind_find(const char *label);
/* True if it does nothing with keys but to name them, so that their state is of no matter. */
static inline bool fk_kind_only_names_keys(const struct fk_kind *kind)
{
	return kind->rule == FK_RULE_INACTIVE || kind->may_ask;
}
/* True if one of its commands is of that kind. */
bool fk_kind_has_command(const struct fk_kind *kind, enum fk_order_kind command);
