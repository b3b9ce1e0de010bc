/* SPDX-License-Identifier: Apache-2.0 */
#include "link/region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/tek.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

struct fk_region_map {
	struct fk_region *region;
	struct fk_region_header layout; /* our own copy: what the other side cannot change */
	int fd;
};

static uint64_t align128(uint64_t size)
{
	return (size + 127) & ~127ull;
}

/* The one layout for these terms; region_id is left zero. */
static struct fk_region_header plan_layout(const struct fk_region_terms *terms)
{
	struct fk_region_header h = {
		.magic = FK_REGION_MAGIC,
		.abi = FK_LINK_ABI,
		.n_workers = terms->n_workers,
		.n_slots = terms->n_slots,
		.fleet_generation = terms->fleet_generation,
		.tenure = terms->tenure,
		.order_ring_stride = fk_ring_size(FK_ORDER_RING_SIZE, sizeof(struct fk_order)),
		.doorbell_ring_stride =
			fk_ring_size(FK_DOORBELL_RING_SIZE, sizeof(struct fk_doorbell)),
	};

	memcpy(h.kmf_id, terms->kmf_id, sizeof(h.kmf_id));
	h.control_offset = align128(sizeof(struct fk_region_header));
	h.workers_offset = h.control_offset + align128(sizeof(struct fk_control_block));
	h.orders_offset = align128(h.workers_offset + h.n_workers * sizeof(struct fk_worker_block));
	h.doorbells_offset = h.orders_offset + h.n_workers * h.order_ring_stride;
	h.states_offset = h.doorbells_offset + h.n_workers * h.doorbell_ring_stride;
	h.size = align128(h.states_offset + (uint64_t)h.n_slots * sizeof(struct fk_ue_state));
	return h;
}

static bool terms_are_sane(const struct fk_region_terms *terms)
{
	return terms->n_workers > 0 && terms->n_workers <= FK_WORKERS_MAX &&
	       terms->n_slots <= FK_UE_INDEX_MAX + 1;
}

/* Maps and locks. Takes 'fd', also on failure. */
static enum fk_err map_region(int fd, uint64_t size, struct fk_region_map **ret_map,
			      struct fk_reason *reason)
{
	struct fk_region_map *map = calloc(1, sizeof(*map));
	void *at = MAP_FAILED;

	if (map != NULL)
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		fk_reason_set(reason,
			      "the shared region of %" PRIu64 " octets cannot be mapped: %s", size,
			      strerror(errno));
		free(map);
		close(fd);
		return FK_ENOMEM;
	}
	map->region = at;
	map->layout.size = size;
	map->fd = fd;
	if (mlock(at, size) != 0 || madvise(at, size, MADV_DONTDUMP) != 0) {
		fk_reason_set(reason,
			      "the shared region of %" PRIu64
			      " octets cannot be locked (%s): raise RLIMIT_MEMLOCK",
			      size, strerror(errno));
		fk_region_close(map);
		return FK_ENOMEM;
	}
	*ret_map = map;
	return FK_OK;
}

/* A new region knows no attempt, but what came from each UE last: else an old answer could be
 * played back to it. */
static void seed_states(struct fk_region_map *map, const struct fk_ue_numbers *numbers)
{
	struct fk_ue_state *states = fk_region_states(map->region);

	for (uint32_t i = 0; numbers != NULL && i < map->layout.n_slots; i++) {
		states[i].inbound_number = numbers[i].inbound;
		states[i].inbound_known = numbers[i].inbound_known;
	}
}

enum fk_err fk_region_make(const struct fk_region_terms *terms, const struct fk_ue_numbers *numbers,
			   struct fk_region_map **ret_map, struct fk_reason *reason)
{
	struct fk_region_header layout = plan_layout(terms);
	struct fk_region_map *map;
	enum fk_err err;
	int fd;

	if (!terms_are_sane(terms)) {
		fk_reason_set(reason, "n_workers=%u n_slots=%u is out of range", terms->n_workers,
			      terms->n_slots);
		return FK_EINVAL;
	}
	if (fk_random_fill(layout.region_id, sizeof(layout.region_id)) != FK_OK)
		return FK_EIO;
	fd = memfd_create("fleetkey-region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)layout.size) != 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		fk_reason_set(reason, "the shared region cannot be made: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return FK_ENOMEM;
	}
	err = map_region(fd, layout.size, &map, reason);
	if (err != FK_OK)
		return err;
	map->layout = layout;
	map->region->header = layout;
	for (uint32_t i = 0; i < layout.n_workers; i++) {
		fk_ring_init(fk_region_orders(map, i), FK_ORDER_RING_SIZE);
		fk_ring_init(fk_region_doorbells(map, i), FK_DOORBELL_RING_SIZE);
	}
	seed_states(map, numbers);
	*ret_map = map;
	return FK_OK;
}

/* Whose region it is: a mismatch is no fault, only another time or place. */
static enum fk_err check_owner(const struct fk_region_header *got,
			       const struct fk_region_header *want, struct fk_reason *reason)
{
	if (got->magic != want->magic || got->abi != want->abi) {
		fk_reason_set(reason,
			      "region has magic %" PRIx64 " abi %u, this control %" PRIx64
			      " abi %u",
			      got->magic, got->abi, want->magic, want->abi);
		return FK_EABI;
	}
	if (memcmp(got->kmf_id, want->kmf_id, sizeof(got->kmf_id)) != 0) {
		fk_reason_set(reason, "kmf_id is another store's");
		return FK_ESTALE;
	}
	if (got->fleet_generation != want->fleet_generation) {
		fk_reason_set(reason,
			      "fleet_generation is %" PRIu64 ", the fleet in force is %" PRIu64,
			      got->fleet_generation, want->fleet_generation);
		return FK_ESTALE;
	}
	if (got->tenure != want->tenure) {
		fk_reason_set(reason,
			      "tenure is %" PRIu64 ", not %" PRIu64
			      ": another node was the owner meanwhile",
			      got->tenure, want->tenure);
		return FK_ESTALE;
	}
	if (got->n_slots != want->n_slots || got->n_workers != want->n_workers) {
		fk_reason_set(reason, "n_slots is %u (want %u), n_workers is %u (want %u)",
			      got->n_slots, want->n_slots, got->n_workers, want->n_workers);
		return FK_ESTALE;
	}
	return FK_OK;
}

/* The layout follows from the terms, so every offset has one right value. */
static enum fk_err check_layout(const struct fk_region_header *got,
				const struct fk_region_header *want, struct fk_reason *reason)
{
	const struct {
		const char *name;
		uint64_t got, want;
	} fields[] = {
		{"size", got->size, want->size},
		{"control_offset", got->control_offset, want->control_offset},
		{"workers_offset", got->workers_offset, want->workers_offset},
		{"orders_offset", got->orders_offset, want->orders_offset},
		{"doorbells_offset", got->doorbells_offset, want->doorbells_offset},
		{"order_ring_stride", got->order_ring_stride, want->order_ring_stride},
		{"doorbell_ring_stride", got->doorbell_ring_stride, want->doorbell_ring_stride},
		{"states_offset", got->states_offset, want->states_offset},
	};

	for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].got != fields[i].want) {
			fk_reason_set(reason, "%s is %" PRIu64 ", it must be %" PRIu64,
				      fields[i].name, fields[i].got, fields[i].want);
			return FK_EFORMAT;
		}
	}
	return FK_OK;
}

static enum fk_err check_rings(const struct fk_region_map *map, struct fk_reason *reason)
{
	for (uint32_t i = 0; i < map->layout.n_workers; i++) {
		if (!fk_ring_is_sane(fk_region_orders(map, i), FK_ORDER_RING_SIZE) ||
		    !fk_ring_is_sane(fk_region_doorbells(map, i), FK_DOORBELL_RING_SIZE)) {
			fk_reason_set(reason, "a ring of worker %u is damaged", i);
			return FK_EFORMAT;
		}
	}
	return FK_OK;
}

enum fk_err fk_region_adopt(int fd, const struct fk_region_terms *terms,
			    struct fk_region_map **ret_map, struct fk_reason *reason)
{
	struct fk_region_header want = plan_layout(terms);
	struct fk_region_header got;
	struct fk_region_map *map = NULL;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	enum fk_err err;

	if (!terms_are_sane(terms) || seals < 0 || (seals & SEALS) != SEALS) {
		fk_reason_set(reason, "the region is not sealed against shrinking and growing");
		close(fd);
		return FK_EPOLICY;
	}
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < sizeof(got) ||
	    pread(fd, &got, sizeof(got), 0) != (ssize_t)sizeof(got)) {
		fk_reason_set(reason, "the region is too small for its header");
		close(fd);
		return FK_EFORMAT;
	}
	err = check_owner(&got, &want, reason);
	if (err == FK_OK)
		err = check_layout(&got, &want, reason);
	if (err == FK_OK && (uint64_t)st.st_size != want.size) {
		fk_reason_set(reason, "the region has %" PRIu64 " octets, its header says %" PRIu64,
			      (uint64_t)st.st_size, want.size);
		err = FK_EFORMAT;
	}
	if (err != FK_OK) {
		close(fd);
		return err;
	}
	err = map_region(fd, want.size, &map, reason);
	if (err != FK_OK)
		return err;
	map->layout = want;
	memcpy(map->layout.region_id, got.region_id, sizeof(got.region_id));
	err = check_rings(map, reason);
	if (err != FK_OK) {
		fk_region_close(map);
		return err;
	}
	*ret_map = map;
	return FK_OK;
}

void fk_region_close(struct fk_region_map *map)
{
	if (map == NULL)
		return;
	munmap(map->region, map->layout.size);
	close(map->fd);
	free(map);
}

int fk_region_fd(const struct fk_region_map *map)
{
	return map->fd;
}

uint32_t fk_region_n_workers(const struct fk_region_map *map)
{
	return map->layout.n_workers;
}

uint32_t fk_region_n_slots(const struct fk_region_map *map)
{
	return map->layout.n_slots;
}

const uint8_t *fk_region_id(const struct fk_region_map *map)
{
	return map->layout.region_id;
}

static void *part(const struct fk_region_map *map, uint64_t offset)
{
	return (uint8_t *)map->region + offset;
}

struct fk_control_block *fk_region_map_control(const struct fk_region_map *map)
{
	return part(map, map->layout.control_offset);
}

const struct fk_worker_block *fk_region_map_worker(const struct fk_region_map *map, uint32_t worker)
{
	return part(map, map->layout.workers_offset + worker * sizeof(struct fk_worker_block));
}

struct rte_ring *fk_region_orders(const struct fk_region_map *map, uint32_t worker)
{
	return part(map, map->layout.orders_offset + worker * map->layout.order_ring_stride);
}

struct rte_ring *fk_region_doorbells(const struct fk_region_map *map, uint32_t worker)
{
	return part(map, map->layout.doorbells_offset + worker * map->layout.doorbell_ring_stride);
}

bool fk_region_read_state(const struct fk_region_map *map, uint32_t ue_index,
			  struct fk_ue_state *ret_state)
{
	const struct fk_ue_state *states = part(map, map->layout.states_offset);

	return ue_index < map->layout.n_slots && fk_ue_state_read(&states[ue_index], ret_state);
}

uint32_t fk_region_owner(const struct fk_region_map *map, uint32_t ue_index)
{
	return ue_index % map->layout.n_workers;
}
