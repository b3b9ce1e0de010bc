/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keytable.h - builds and owns the key table that the dataplane maps (include/fleetkey/keytable.h).
 *
 * The table lies in a sealed memfd: this process keeps the only writable mapping, everybody else
 * can map it for reading only. It is locked and not dumped; if it cannot be locked it is not made.
 *
 * Threads: belongs to one thread; campaign blocks are published to the dataplane by their
 * generation. Memory: fk_keytable_free() wipes the whole table.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>
#include <fleetkey/secret.h>

#include "config/config.h"
#include "keys/keyring.h"
#include "reason.h"

struct fk_keytable_file; /* layout is private to keytable.c */

/* How large a table gets. */
struct fk_keytable_extent {
	uint32_t n_slots;     /* at most FK_UE_INDEX_MAX + 1 */
	uint32_t n_rsi_pages; /* distinct values of rsi / FK_RSI_PAGE in the fleet */
	uint64_t text_size;   /* octets of all mcdata_ids; the configuration's text comes on top */
	uint64_t fleet_generation;
};

/* What a campaign's block says. */
struct fk_campaign_terms {
	const struct fk_secret *teks; /* n_keys of 32 octets; borrowed, as are the two lists */
	const uint16_t *slns, *key_ids;
	const struct fk_secret *ckek; /* 32 octets, borrowed: TEKs go under it; NULL: they do not */
	uint16_t ckek_key_id;
	uint16_t generation; /* 1..FK_CAMPAIGN_GENERATION_MAX */
	uint8_t n_keys;	     /* 0..FK_CAMPAIGN_KEYS_MAX */
	uint8_t algorithm_id, keyset_id;
	uint8_t superseded_keyset_id; /* of a changeover; else 0 */
	uint32_t pace_per_s, answer_timeout_ms;
	uint8_t conversation_id[16];
};

/*
 * Makes an empty table with header and next hops from the configuration and the keyring. On FK_OK
 * the caller owns '*ret_file'. Returns FK_EINVAL (extent out of range); FK_ENOMEM with a reason
 * that names RLIMIT_MEMLOCK and the size when the memory cannot be locked.
 */
FK_MUST_USE enum fk_err fk_keytable_new(const struct fk_config *config,
					const struct fk_keyring *keyring,
					const struct fk_keytable_extent *extent,
					struct fk_keytable_file **ret_file,
					struct fk_reason *reason);
/* Wipes the table, unmaps it and closes the descriptor. Only when no dataplane works with it any
 * more: a worker that read wiped keys would send wrong octets under a number that is in use. */
void fk_keytable_free(struct fk_keytable_file *file);
/* Unmaps and closes without wiping, for a control that goes while its dataplane stays: the octets
 * live as long as the dataplane's mapping, and the kernel clears the pages before anybody gets
 * them. */
void fk_keytable_release(struct fk_keytable_file *file);

/*
 * The slot of a UE, to be filled in place, all but rsi and mcdata_id: those come by the next call.
 * NULL if 'ue_index' is out of range. Only before the table is handed out.
 */
struct fk_ue_slot *fk_keytable_slot(struct fk_keytable_file *file, uint32_t ue_index);
/*
 * Sets RSI and MCData ID of a UE and enters it in the RSI index. Returns FK_OK; FK_ERANGE;
 * FK_EEXIST if another UE has this RSI; FK_EFULL if text or RSI pages are more than the extent
 * said.
 */
FK_MUST_USE enum fk_err fk_keytable_enter_ue(struct fk_keytable_file *file, uint32_t ue_index,
					     uint32_t rsi, const char *mcdata_id, size_t len);

/* Gives a UE another protection TEK, of 32 octets, also while the table is attached: nothing of the
 * UE may be open then. What the UE says at that moment may fail its MAC. */
void fk_keytable_renew_ptek(struct fk_keytable_file *file, uint32_t ue_index,
			    const uint8_t ptek[static 32], uint16_t key_id);

/*
 * Takes a key of a UE out because it is compromised, at any time: from here on nothing is wrapped
 * under that KEK, or authenticated under that protection TEK, and what is open of it ends.
 */
void fk_keytable_take_kek_out(struct fk_keytable_file *file, uint32_t ue_index);
void fk_keytable_take_ptek_out(struct fk_keytable_file *file, uint32_t ue_index);

/*
 * Publishes a campaign in slot 'slot' (0..FK_CAMPAIGN_SLOTS-1): fills the block while its
 * generation is 0, then sets the generation with release. Returns FK_OK; FK_EINVAL (slot, number or
 * size of keys, or generation); FK_EBUSY if the slot is armed.
 */
FK_MUST_USE enum fk_err fk_keytable_arm_campaign(struct fk_keytable_file *file, uint32_t slot,
						 const struct fk_campaign_terms *terms);
/* Takes the campaign out: generation 0 first, then its TEKs are wiped. Any slot may be given. A
 * reader that takes a TEK at the same time has to look at the generation again after it copied
 * it. */
void fk_keytable_disarm_campaign(struct fk_keytable_file *file, uint32_t slot);

/* The descriptor to pass over the link; stays owned by 'file'. */
int fk_keytable_fd(const struct fk_keytable_file *file);
/* The table itself, read by control too. Borrowed until fk_keytable_free(). */
const struct fk_keytable *fk_keytable_view(const struct fk_keytable_file *file);
