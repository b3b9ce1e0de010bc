/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - DPDK's ring in memory that two processes share and either may die in.
 *
 * Single producer, single consumer. The consumer peeks: entries stay in the ring until they are
 * released, so a control that dies between reading and making durable loses nothing. No EAL is
 * needed in either process; only DPDK's headers are.
 *
 * Threads: one producer thread, one consumer thread. Repair only while neither runs.
 * Memory:  fk_ring_size() octets, aligned to a cache line; nothing here allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_ring.h>
#include <rte_ring_peek.h>

/* Octets that a ring of 'n_entries' (a power of two) of 'entry_size' octets (a multiple of 4)
 * takes. */
static inline size_t fk_ring_size(uint32_t n_entries, uint32_t entry_size)
{
	size_t size = sizeof(struct rte_ring) + (size_t)n_entries * entry_size;

	return (size + 127) & ~(size_t)127;
}

/* Makes an empty ring in zeroed memory. It holds at most 'n_entries' - 1 entries. */
static inline void fk_ring_init(struct rte_ring *ring, uint32_t n_entries)
{
	memset(ring, 0, sizeof(*ring));
	ring->flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
	ring->size = n_entries;
	ring->mask = n_entries - 1;
	ring->capacity = n_entries - 1;
	ring->prod.sync_type = RTE_RING_SYNC_ST;
	ring->cons.sync_type = RTE_RING_SYNC_ST;
}

/* True if the fixed fields are those of a ring of 'n_entries' and the counters make sense. */
static inline int fk_ring_is_sane(const struct rte_ring *ring, uint32_t n_entries)
{
	return ring->size == n_entries && ring->mask == n_entries - 1 &&
	       ring->capacity == n_entries - 1 && ring->prod.sync_type == RTE_RING_SYNC_ST &&
	       ring->cons.sync_type == RTE_RING_SYNC_ST &&
	       ring->prod.tail - ring->cons.tail <= ring->capacity;
}

/*
 * Undoes the half of an operation that a killed process left: entries being written are dropped,
 * entries being read are back in the ring.
 */
static inline void fk_ring_repair(struct rte_ring *ring)
{
	ring->prod.head = ring->prod.tail;
	ring->cons.head = ring->cons.tail;
}

/* Puts up to 'n' entries in; returns how many fitted. */
static inline uint32_t fk_ring_push(struct rte_ring *ring, const void *entries, uint32_t entry_size,
				    uint32_t n)
{
	return rte_ring_sp_enqueue_burst_elem(ring, entries, entry_size, n, NULL);
}

/* Takes up to 'n' entries out for good; returns how many. */
static inline uint32_t fk_ring_pop(struct rte_ring *ring, void *ret_entries, uint32_t entry_size,
				   uint32_t n)
{
	return rte_ring_sc_dequeue_burst_elem(ring, ret_entries, entry_size, n, NULL);
}

/* Copies up to 'n' entries out and leaves them in the ring; ends with one fk_ring_release(). */
static inline uint32_t fk_ring_peek(struct rte_ring *ring, void *ret_entries, uint32_t entry_size,
				    uint32_t n)
{
	return rte_ring_dequeue_burst_elem_start(ring, ret_entries, entry_size, n, NULL);
}

/* Removes the first 'n' of the entries that the last fk_ring_peek() returned. */
static inline void fk_ring_release(struct rte_ring *ring, uint32_t n)
{
	rte_ring_dequeue_elem_finish(ring, n);
}

static inline uint32_t fk_ring_count(const struct rte_ring *ring)
{
	return rte_ring_count(ring);
}

static inline uint32_t fk_ring_room(const struct rte_ring *ring)
{
	return rte_ring_free_count(ring);
}
