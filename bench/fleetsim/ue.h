/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ue.h - one simulated UE: who it is, what its radio holds, and what it has heard.
 *
 * A million of these are walked in random order, so a UE is flat and small; its names lie in the
 * fleet's text area, and its keys beyond the second in a block of their own.
 *
 * Threads: a UE belongs to the worker while it runs, to the reporter afterwards.
 * Memory: a third key takes a block from the heap, which fk_sim_ue_fini() wipes and frees.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/secret.h>

#define FK_SIM_KEYS_MAX		 32 /* traffic keys that one radio holds, over all keysets */
#define FK_SIM_KEYS_INLINE	 2  /* of them so many without a block of their own */
#define FK_SIM_ANSWER_SIZE_MAX	 96 /* octets of the answer KMM kept for repeats: lists 32 keys */
#define FK_SIM_SEEN		 16 /* KMMs remembered to find a message number used twice */
#define FK_SIM_TRANSACTIONS_SEEN 2  /* server transactions remembered to absorb repeats */
#define FK_SIM_NO_KEY		 0xff

/* Why a UE will never hold the key, whatever the KMF sends. */
enum fk_sim_refusal {
	FK_SIM_REFUSED_NOT = 0,
	FK_SIM_REFUSED_404,	 /* the server does not know it */
	FK_SIM_REFUSED_STATUS,	 /* its radio said another status than 00 */
	FK_SIM_REFUSED_NUMBER,	 /* its window is narrower than the KMF thinks */
	FK_SIM_REFUSED_ZEROIZED, /* it has forgotten its own keys, too */
	FK_SIM_REFUSALS
};

/* A traffic key, or a CKEK, in the keyset of KEKs. keyset_id 0: the place is free. */
struct fk_sim_key {
	uint8_t octets[FK_KEY_SIZE_MAX];
	uint16_t sln, key_id;
	uint8_t keyset_id, algorithm_id;
	bool is_verified; /* a closing exchange under this key has verified */
	uint8_t reserved;
};

struct fk_sim_ue {
	uint8_t kek[FK_KEY_SIZE_MAX];
	uint8_t ptek[FK_KEY_SIZE_MAX]; /* protection TEK: held apart, in no traffic keyset */
	uint32_t rsi;
	uint32_t ue_id_offset, mcdata_id_offset; /* into the fleet's text */
	uint16_t kek_key_id, ptek_key_id, mnp;
	uint16_t groups;		    /* index into the fleet's list of group fields */
	uint8_t ue_id_size, mcdata_id_size; /* octets */
	uint8_t kek_algorithm_id;
	uint8_t ptek_algorithm_id; /* 0: no protection TEK */
	uint8_t active_keyset;	   /* 0: the radio is empty */
	uint8_t newest_key;	   /* for fk_sim_ue_key(), or FK_SIM_NO_KEY */
	uint8_t n_more;		   /* places in 'more' */
	uint8_t answer_size;	   /* 0: the last accepted KMM wanted no answer */
	uint8_t next_seen, n_seen;
	uint8_t next_transaction;
	uint8_t n_requests; /* new ones heard, modulo 256 */
	uint8_t refusal;    /* enum fk_sim_refusal */
	uint8_t next_hop;   /* index into the fleet's list of next hops */
	uint8_t max_keys;   /* of one Rekey-Command; 0: any */
	uint8_t is_silent_offline : 1;
	uint8_t awaits_registration : 1; /* said, not answered yet */
	uint8_t knows_cbc : 1;		 /* the MACs of what it obeys are CBC-MACs; 0: CMACs */
	uint8_t keysets : 5;		 /* it has 1..keysets; 0: any */
	uint16_t traits;		 /* bits, 1 << enum fk_trait */
	uint16_t transaction_statuses[FK_SIM_TRANSACTIONS_SEEN]; /* final responses */
	uint16_t inbound_number;  /* last accepted; 0 after key fill */
	uint16_t outbound_number; /* last sent */
	uint16_t max_kmm;	  /* octets that it takes; 0: any */
	uint64_t accepted_hash;	  /* of the last accepted KMM, 0 if there is none */
	uint64_t transactions[FK_SIM_TRANSACTIONS_SEEN]; /* hashes of branches */
	uint8_t answer[FK_SIM_ANSWER_SIZE_MAX];
	struct fk_sim_key keys[FK_SIM_KEYS_INLINE];
	struct fk_sim_key *more; /* NULL: none; owned */
	uint64_t seen_hashes[FK_SIM_SEEN];
	uint16_t seen_numbers[FK_SIM_SEEN], seen_mac_keys[FK_SIM_SEEN];
};
static_assert(sizeof(struct fk_sim_ue) <= 512, "a million UEs have to fit into half a gigabyte");

/* Hash of some octets, to recognise repeats; not a secret's and not for authentication. */
uint64_t fk_sim_hash(const void *octets, size_t size);

/*
 * Remembers that a KMM with this hash came under this MAC key and number. True if another KMM
 * came under the same two before: a message number was used twice.
 */
bool fk_sim_ue_note_number(struct fk_sim_ue *ue, uint16_t mac_key_id, uint16_t number,
			   uint64_t hash);

/* FK_KMM_MAC_FORMAT_* of the MACs that the radio knows. */
uint8_t fk_sim_ue_mac_format(const struct fk_sim_ue *ue);

/* The status that a server transaction was answered with, or 0 if it is new. */
uint16_t fk_sim_ue_find_transaction(const struct fk_sim_ue *ue, uint64_t branch_hash);

/* Remembers a new one in place of the oldest. */
void fk_sim_ue_note_transaction(struct fk_sim_ue *ue, uint64_t branch_hash, uint16_t status);

/* Frees what the UE owns. */
void fk_sim_ue_fini(struct fk_sim_ue *ue);

/* Place 'i' of the radio's keys, free (keyset_id 0) or not; NULL behind the last. Borrowed until a
 * key is stored. */
struct fk_sim_key *fk_sim_ue_key(const struct fk_sim_ue *ue, uint32_t i);

/*
 * Stores a traffic key in place of the one with the same keyset and SLN, or in a free place. The
 * first keyset of TEKs loaded into an empty radio becomes active (P25 sheet 2.3). False if the
 * radio is full, or memory is. A key that is stored again unchanged stays verified.
 */
bool fk_sim_ue_store_key(struct fk_sim_ue *ue, uint8_t keyset_id, uint16_t sln,
			 uint8_t algorithm_id, uint16_t key_id,
			 const uint8_t octets[static FK_KEY_SIZE_MAX]);

/* Takes a key out of its place and wipes it. */
void fk_sim_ue_delete_key(struct fk_sim_ue *ue, struct fk_sim_key *key);

/* Wipes every key, those of its own included: nothing authenticates to the radio any more. */
void fk_sim_ue_forget_keys(struct fk_sim_ue *ue);

/* Wipe the protection TEK, or the KEK, alone. */
void fk_sim_ue_lose_ptek(struct fk_sim_ue *ue);
void fk_sim_ue_lose_kek(struct fk_sim_ue *ue);

/* The traffic key whose number among those that match is 'nth', or NULL. */
struct fk_sim_key *fk_sim_ue_find_key(struct fk_sim_ue *ue, uint8_t algorithm_id, uint16_t key_id,
				      uint32_t nth);
