/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - how fleetkeyd and fleetkey-dp meet, part and meet again.
 *
 * Control listens on a Unix socket (SOCK_SEQPACKET, mode 0600) and checks the peer's credentials.
 * The dataplane connects, and connects again for as long as it lives:
 *
 *   dataplane                                    control
 *     HELLO {n_workers, has_region} [region fd] ->
 *                                              <- ATTACH {epoch} [key table fd, region fd]
 *     ATTACHED ->                                            or REFUSED {text}, either way
 *
 * The region holds what both write: control's words (lease, stop), each worker's words (counters,
 * heartbeat), the rings and one struct fk_ue_state per UE. Whoever survives hands it on: a
 * dataplane that outlived its control brings the region with HELLO, and control rescans it; a
 * control that outlived its dataplane sends it with ATTACH. On every ATTACH the dataplane stops its
 * workers at a burst border, throws away the orders still in the rings, repairs the rings and maps
 * the new table; so after ATTACHED, what a UE state says is all there is.
 *
 * WIPE, from control at any time after ATTACH: the dataplane stops its workers, wipes its keys and
 * ends. There is no answer but the end of the connection. STAND_BY, when another node has taken
 * over: it stops its workers and forgets table and region, and connects until it is let in.
 *
 * Beside the link's socket the dataplane has one of its own, for a stop without control: whoever
 * may connect sends FK_STOP_WORD and gets it back when fk_control_block.stop is set. The flag
 * stands until control has halted what it was about, on record.
 *
 * Threads: see each block. Layout: crosses a process border; both sides check FK_LINK_ABI, and
 * every index that they read from the other side.
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include <fleetkey/counters.h>
#include <fleetkey/err.h>
#include <fleetkey/keytable.h>
#include <fleetkey/order.h>

#define FK_LINK_ABI	      21u
#define FK_LINK_MAGIC	      0x4b4e4c46u     /* "FLNK" */
#define FK_REGION_MAGIC	      0x4e47455246ull /* "FREGN" */
#define FK_WORKERS_MAX	      16
#define FK_ORDER_RING_SIZE    8192u /* entries, a power of two; one slot stays empty */
#define FK_DOORBELL_RING_SIZE 32768u

enum fk_link_type {
	FK_LINK_HELLO = 1,
	FK_LINK_ATTACH = 2,
	FK_LINK_ATTACHED = 3,
	FK_LINK_REFUSED = 4,
	FK_LINK_WIPE = 5,     /* control: wipe your keys and end */
	FK_LINK_STAND_BY = 6, /* control: let go of table and region, and wait to be let in */
};

/* The one message format on the socket. Descriptors ride along as SCM_RIGHTS, in this order. */
struct fk_link_msg {
	uint32_t magic;	     /* FK_LINK_MAGIC */
	uint32_t abi;	     /* FK_LINK_ABI */
	uint32_t type;	     /* enum fk_link_type */
	uint32_t n_workers;  /* HELLO */
	uint32_t has_region; /* HELLO: 1 if a region descriptor rides along */
	uint32_t epoch;	     /* ATTACH: boot epoch for branches, larger at each ATTACH, never 0 */
	char text[160];	     /* REFUSED: why, NUL-terminated */
};
static_assert(sizeof(struct fk_link_msg) == 184, "change FK_LINK_ABI together with the layout");

#define FK_STOP_NONE  0u
#define FK_STOP_PAUSE 1u /* no new requests; running transactions end by themselves */
#define FK_STOP_ABORT 2u /* nothing leaves but answers to requests */

#define FK_STOP_SOCKET_SUFFIX ".stop"
#define FK_STOP_WORD	      "stop"

/* Control writes, workers read at every burst. */
struct fk_control_block {
	_Atomic uint64_t lease_until_us; /* CLOCK_MONOTONIC; past it, no request and no re-send */
	_Atomic uint32_t lease_epoch;
	_Atomic uint32_t stop; /* FK_STOP_*; the dataplane sets it, control takes it back */
	_Atomic uint32_t stop_slot[64]; /* FK_STOP_* per campaign slot */
	_Atomic uint64_t control_beats;
	uint8_t reserved[104];
} __attribute__((aligned(128)));

/* The worker writes; control and metrics read, relaxed. */
struct fk_worker_block {
	_Atomic uint64_t beats;			   /* grows at least every 100 ms */
	_Atomic uint64_t n_open;		   /* transactions and answers being waited for */
	_Atomic uint64_t busy_cycles, idle_cycles; /* TSC */
	_Atomic uint64_t counters[FK_COUNTERS];
	/* Per next hop of the table that is attached; fk_message_size_pack(). 0: not known yet. */
	_Atomic uint64_t rekey_sizes[FK_NEXT_HOPS_MAX];
} __attribute__((aligned(128)));

/*
 * How large the SIP message of a Rekey-Command with one key to a next hop gets, so that control can
 * refuse what cannot leave, and share out several keys, before it makes a campaign; each further
 * key adds FK_KMM_KEY_ITEM_SIZE octets. One word, so that it is read whole.
 */
struct fk_message_size {
	uint16_t base;	  /* octets of the message without the UE's URI */
	uint16_t n_uris;  /* how often the URI stands in it */
	uint16_t limit;	  /* the most octets that the worker sends in one datagram */
	uint16_t payload; /* octets of preamble and KMM in it */
};

static inline uint64_t fk_message_size_pack(const struct fk_message_size *m)
{
	return (uint64_t)m->base << 48 | (uint64_t)m->n_uris << 32 | (uint64_t)m->limit << 16 |
	       m->payload;
}

static inline struct fk_message_size fk_message_size_unpack(uint64_t packed)
{
	return (struct fk_message_size){
		.base = (uint16_t)(packed >> 48),
		.n_uris = (uint16_t)(packed >> 32),
		.limit = (uint16_t)(packed >> 16),
		.payload = (uint16_t)packed,
	};
}

struct fk_region_header {
	uint64_t magic;
	uint32_t abi;
	uint32_t n_workers;
	uint32_t n_slots; /* of UE states; equals the key table's */
	uint32_t reserved0;
	uint64_t size; /* octets of the whole region */
	uint64_t fleet_generation;
	uint64_t tenure;	   /* of the node that sends by it: control/store/lease.h */
	uint8_t region_id[16];	   /* random; names this region in logs */
	uint8_t kmf_id[16];	   /* the store that the region belongs to */
	uint64_t control_offset;   /* struct fk_control_block */
	uint64_t workers_offset;   /* struct fk_worker_block[n_workers] */
	uint64_t orders_offset;	   /* order rings, ring_stride octets apart */
	uint64_t doorbells_offset; /* doorbell rings, ring_stride octets apart */
	uint64_t order_ring_stride, doorbell_ring_stride;
	uint64_t states_offset; /* struct fk_ue_state[n_slots] */
	uint8_t reserved[56];
};

struct fk_region {
	struct fk_region_header header;
};

static inline struct fk_control_block *fk_region_control(struct fk_region *r)
{
	return (struct fk_control_block *)((uint8_t *)r + r->header.control_offset);
}

static inline struct fk_worker_block *fk_region_worker(struct fk_region *r, uint32_t worker)
{
	return (struct fk_worker_block *)((uint8_t *)r + r->header.workers_offset) + worker;
}

static inline struct fk_ue_state *fk_region_states(struct fk_region *r)
{
	return (struct fk_ue_state *)((uint8_t *)r + r->header.states_offset);
}
