/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keytable.h - the fleet as the dataplane sees it: keys, identities, campaigns and next hops.
 *
 * Control builds the table in a sealed memfd (locked, not dumped), keeps the only writable mapping
 * and passes the descriptor over the link; the dataplane maps it read-only. A restarted control
 * builds a new one from the store, with every ue_index in its old place.
 *
 *   header | campaigns[FK_CAMPAIGN_SLOTS] | next_hops[FK_NEXT_HOPS_MAX] | rsi_pages_of[] |
 *   rsi_pages[][FK_RSI_PAGE] | ues[n_slots] | text
 *
 * Threads: UE slots and next hops do not change while a table is attached, but for the protection
 *          TEK of a UE that has nothing open (Warm-Start), and for a key of a UE that is taken out
 *          because it is compromised: first its algorithm ID becomes 0, then it is wiped, so what
 *          was made of it counts only if the algorithm ID stands when it is done. A campaign block
 *          changes under its generation: filled while the generation is 0, published with a release
 *          store.
 * Layout:  crosses a process border: fixed widths, no pointers; changes go with FK_LINK_ABI. The
 *          reader checks every offset against the size of its mapping: fk_keytable_check().
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/address.h>
#include <fleetkey/err.h>
#include <fleetkey/token.h>

#define FK_KEYTABLE_MAGIC 0x4c42544b46ull /* "FKTBL" */
#define FK_NEXT_HOPS_MAX  64
#define FK_RSI_PAGE	  4096u
#define FK_RSI_PAGES	  (0x1000000u / FK_RSI_PAGE)
#define FK_RSI_UNIT_MAX	  9999999u /* the largest RSI of an individual unit */
#define FK_URI_SIZE_MAX	  255	   /* octets of one SIP URI */

/* How the KMM's MAC is computed: MAC Format bit 0 (P25 sheet 1.3). */
enum fk_mac_kind {
	FK_MAC_CBC = 0,
	FK_MAC_CMAC = 1,
};

/* One UE: two cache lines, the keys first. A slot without an owner has rsi 0. */
struct fk_ue_slot {
	uint8_t kek[32];  /* UKEK, AES-256 */
	uint8_t ptek[32]; /* protection TEK, AES-256; meaningless when ptek_algorithm_id is 0 */
	uint32_t rsi;
	uint32_t mcdata_id_offset; /* into the text area; behind a next hop of T2: its MCPTT ID */
	uint16_t kek_key_id;
	uint16_t kek_sln;
	uint16_t ptek_key_id;
	uint16_t next_hop;	   /* index into next_hops[] */
	uint16_t mnp;		   /* message number period, P25 sheet 3.9 */
	uint16_t max_kmm;	   /* octets of one KMM that the UE takes; 0: what P25 allows */
	uint8_t mcdata_id_size;	   /* octets */
	uint8_t kek_algorithm_id;  /* $84; 0 when the KEK is compromised */
	uint8_t ptek_algorithm_id; /* $84; 0 when the UE has no protection TEK that may be used */
	uint8_t mac_kind;	   /* enum fk_mac_kind, of the commands sent to this UE */
	uint8_t ue_generation;
	uint8_t max_keys; /* keys of one Rekey-Command that the UE takes; 0: what P25 allows */
	uint8_t keysets;  /* it has the TEK keysets 1..keysets; 0: what P25 allows */
	/* Control's: it has one that is compromised, and gets another one before anything else. */
	uint8_t ptek_compromised;
	uint8_t reserved[36];
};
static_assert(sizeof(struct fk_ue_slot) == 128, "change FK_LINK_ABI together with the layout");

#define FK_CAMPAIGN_KEYS_MAX 16 /* keys that one campaign delivers */

/* One key being delivered. */
struct fk_campaign_key {
	uint8_t tek[32];
	uint16_t sln;
	uint16_t key_id;
	uint8_t reserved[4];
};
static_assert(sizeof(struct fk_campaign_key) == 40, "change FK_LINK_ABI with the layout");

/* One campaign: what its KMMs have in common, and its keys, the first right behind. */
struct fk_campaign_block {
	_Atomic uint16_t generation; /* 0: free; written last, with release */
	uint8_t n_keys;		     /* 1..FK_CAMPAIGN_KEYS_MAX */
	uint8_t algorithm_id;	     /* $84 */
	uint8_t keyset_id;
	uint8_t superseded_keyset_id; /* what a changeover puts 'keyset_id' in place of */
	uint8_t is_under_ckek; /* 1: TEKs are wrapped under 'ckek', not under each UE's own KEK */
	uint8_t reserved0;
	uint32_t pace_per_s;	     /* requests and their repeats a second; 0: no limit */
	uint32_t answer_timeout_ms;  /* from the 2xx to giving an attempt up */
	uint8_t conversation_id[16]; /* Conversation ID of all its SDS */
	uint8_t reserved1[30];
	uint16_t ckek_key_id;
	struct fk_campaign_key keys[FK_CAMPAIGN_KEYS_MAX];
	uint8_t ckek[32];
	uint8_t reserved2[288]; /* a power of two: a slot is found by a shift */
};
static_assert(sizeof(struct fk_campaign_block) == 1024, "change FK_LINK_ABI with the layout");

/* SIP profile of a next hop (3GPP sheet 3.2). */
enum fk_sip_profile {
	FK_PROFILE_C = 0, /* as controlling function: P-Asserted-*, per-UE Request-URI */
	FK_PROFILE_A = 1, /* as client: resource-lists, Request-URI is the PSI */
	FK_PROFILE_B = 2, /* as originating participating function */
};

/* What carries a KMM. */
enum fk_carrier {
	FK_CARRIER_T1 = 0, /* MCData SDS over the signalling plane */
	FK_CARRIER_T2 = 1, /* Interworking Security Data; the KMF is behind an IWF */
};

/* One MCData or MCPTT server address. Texts are at most FK_URI_SIZE_MAX octets. */
struct fk_next_hop {
	struct fk_address address;
	uint16_t port;
	uint8_t profile;     /* enum fk_sip_profile; of carrier T1 */
	uint8_t route;	     /* 1: send a Route header that names the next hop */
	uint32_t psi_offset; /* Request-URI, but in profile C of T1; into the text area */
	uint16_t psi_size;
	uint16_t max_datagram; /* octets of one SIP message over UDP, slack already taken off */
	uint8_t one_at_a_time; /* 1: at most one MESSAGE waits for its final response */
	uint8_t carrier;       /* enum fk_carrier */
	uint8_t reserved[18];
};
static_assert(sizeof(struct fk_next_hop) == 48, "change FK_LINK_ABI together with the layout");

struct fk_keytable_header {
	uint64_t magic;
	uint32_t abi;	  /* FK_LINK_ABI */
	uint32_t n_slots; /* ue_index runs from 0 to n_slots - 1 */
	uint64_t size;	  /* octets of the whole table */
	uint64_t fleet_generation;
	uint64_t ues_offset, text_offset, text_size;
	uint64_t rsi_pages_of_offset; /* uint32_t[FK_RSI_PAGES]: 1 + page, 0: no such page */
	uint64_t rsi_pages_offset; /* uint32_t[n_rsi_pages][FK_RSI_PAGE]: 1 + ue_index, 0: none */
	uint32_t n_rsi_pages;
	uint32_t n_next_hops;
	uint32_t kmf_rsi;	      /* source RSI of commands, destination RSI of answers */
	uint8_t extended_app_id_type; /* 0: none, 1: TEXT, 2: URI (3GPP sheet 4.3) */
	uint8_t bare_kmm;	      /* 1: no 14-octet preamble before the KMM */
	uint16_t sip_t1_ms, sip_t2_ms;
	uint32_t extended_app_id_offset, kmf_uri_offset, kmf_psi_offset; /* into the text area */
	uint16_t extended_app_id_size, kmf_uri_size, kmf_psi_size;
	uint16_t isd_layout_size;   /* text of <fleetkey/isd_layout.h>; 0: no carrier T2 */
	uint32_t isd_layout_offset; /* into the text area */
	uint8_t token_key[32];	    /* AES-256 key of the tokens' tags, the same after restarts */
	uint8_t to_tag_key[16];	    /* AES-128 key of the keyed hash behind To-tags and From-tags */
	uint8_t reserved[56];
};

struct fk_keytable {
	struct fk_keytable_header header;
	struct fk_campaign_block campaigns[FK_CAMPAIGN_SLOTS] __attribute__((aligned(128)));
	struct fk_next_hop next_hops[FK_NEXT_HOPS_MAX];
	/* then the areas that the header's offsets name */
};

static inline const struct fk_ue_slot *fk_keytable_ues(const struct fk_keytable *t)
{
	return (const struct fk_ue_slot *)((const uint8_t *)t + t->header.ues_offset);
}

/*
 * Whether a key of a UE may be used, by its algorithm ID in the slot: 0 if not. With acquire, so
 * that whoever asks after the key was read knows whether it was being wiped meanwhile.
 */
static inline uint8_t fk_ue_key_algorithm(const uint8_t *algorithm_id)
{
	atomic_thread_fence(memory_order_acquire);
	return __atomic_load_n(algorithm_id, __ATOMIC_ACQUIRE);
}

static inline const char *fk_keytable_text(const struct fk_keytable *t)
{
	return (const char *)t + t->header.text_offset;
}

/* Where the table of RSIs has the entry of 'rsi': 1 + ue_index, 0 for none; NULL if it has no such
 * entry. One load. A compiler may drop the call of a function that does nothing but ask the cache,
 * so whoever will read the entry asks for what this returns. */
static inline const uint32_t *fk_keytable_rsi_entry(const struct fk_keytable *t, uint32_t rsi)
{
	const uint32_t *page_of =
		(const uint32_t *)((const uint8_t *)t + t->header.rsi_pages_of_offset);
	const uint32_t *pages = (const uint32_t *)((const uint8_t *)t + t->header.rsi_pages_offset);
	uint32_t page;

	if (rsi == 0 || rsi > FK_RSI_UNIT_MAX)
		return NULL;
	page = page_of[rsi / FK_RSI_PAGE];
	if (page == 0 || page > t->header.n_rsi_pages)
		return NULL;
	return &pages[(uint64_t)(page - 1) * FK_RSI_PAGE + rsi % FK_RSI_PAGE];
}

/* ue_index of the UE whose individual RSI is 'rsi', or -1. Two loads. */
static inline int64_t fk_keytable_find_rsi(const struct fk_keytable *t, uint32_t rsi)
{
	const uint32_t *at = fk_keytable_rsi_entry(t, rsi);
	uint32_t entry = at != NULL ? *at : 0;

	if (entry == 0 || entry > t->header.n_slots)
		return -1;
	return (int64_t)entry - 1;
}

/*
 * Checks that 'mapped_size' octets at 't' hold a table of this version and that every offset, count
 * and text reference in it stays inside. O(n_slots); done once, when a table is attached.
 * Returns FK_OK; FK_EABI if magic or version differ; FK_EFORMAT if a reference runs out.
 */
FK_MUST_USE enum fk_err fk_keytable_check(const struct fk_keytable *t, uint64_t mapped_size);
