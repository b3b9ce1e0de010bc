/* SPDX-License-Identifier: Apache-2.0 */
#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fleetkey/ring.h>

/* Without these seals control could take pages away and kill us by SIGBUS. */
#define SEALS_NEEDED (F_SEAL_SHRINK | F_SEAL_GROW)

static enum fk_err map(int fd, int protection, const char *what, struct fk_mapping *ret_mapping,
		       char *ret_text, size_t text_size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *at;

	if (seals < 0 || (seals & SEALS_NEEDED) != SEALS_NEEDED || fstat(fd, &st) != 0 ||
	    st.st_size <= 0) {
		snprintf(ret_text, text_size, "%s is no sealed memory file", what);
		return FK_EINVAL;
	}
	at = mmap(NULL, (size_t)st.st_size, protection, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		snprintf(ret_text, text_size, "%s cannot be mapped: %s", what, strerror(errno));
		return FK_ENOMEM;
	}
	if (mlock(at, (size_t)st.st_size) != 0 ||
	    madvise(at, (size_t)st.st_size, MADV_DONTDUMP) != 0) {
		snprintf(ret_text, text_size, "%s (%lld octets) cannot be locked: %s", what,
			 (long long)st.st_size, strerror(errno));
		munmap(at, (size_t)st.st_size);
		return FK_ENOMEM;
	}
	*ret_mapping = (struct fk_mapping){.at = at, .size = (size_t)st.st_size};
	return FK_OK;
}

void fk_mapping_free(struct fk_mapping *mapping)
{
	if (mapping->at != NULL)
		munmap(mapping->at, mapping->size);
	*mapping = (struct fk_mapping){0};
}

enum fk_err fk_mapping_new_table(int fd, struct fk_mapping *ret_mapping, char *ret_text,
				 size_t text_size)
{
	struct fk_mapping mapping;
	enum fk_err err = map(fd, PROT_READ, "key table", &mapping, ret_text, text_size);

	if (err != FK_OK)
		return err;
	err = fk_keytable_check(mapping.at, mapping.size);
	if (err != FK_OK) {
		snprintf(ret_text, text_size, "key table: %s", fk_err_text(err));
		fk_mapping_free(&mapping);
		return err;
	}
	*ret_mapping = mapping;
	return FK_OK;
}

static bool fits(uint64_t offset, uint64_t n, uint64_t stride, uint64_t total)
{
	return offset % 128 == 0 && offset >= sizeof(struct fk_region_header) && offset <= total &&
	       (n == 0 || stride <= (total - offset) / n);
}

static struct rte_ring *ring_at(struct fk_region *region, uint64_t offset, uint64_t stride,
				uint32_t i)
{
	return (struct rte_ring *)((uint8_t *)region + offset + i * stride);
}

static bool areas_fit(const struct fk_region_header *h)
{
	return fits(h->control_offset, 1, sizeof(struct fk_control_block), h->size) &&
	       fits(h->workers_offset, h->n_workers, sizeof(struct fk_worker_block), h->size) &&
	       h->order_ring_stride % 128 == 0 && h->doorbell_ring_stride % 128 == 0 &&
	       h->order_ring_stride >= fk_ring_size(FK_ORDER_RING_SIZE, sizeof(struct fk_order)) &&
	       h->doorbell_ring_stride >=
		       fk_ring_size(FK_DOORBELL_RING_SIZE, sizeof(struct fk_doorbell)) &&
	       fits(h->orders_offset, h->n_workers, h->order_ring_stride, h->size) &&
	       fits(h->doorbells_offset, h->n_workers, h->doorbell_ring_stride, h->size) &&
	       fits(h->states_offset, h->n_slots, sizeof(struct fk_ue_state), h->size);
}

/* A writer that was killed in the middle left an odd count, and fields of two attempts. Nothing was
 * told of what it was writing, so control still takes the attempt for open and orders it again; its
 * number and time come with the order. */
static void repair_state(struct fk_ue_state *state)
{
	if ((atomic_load_explicit(&state->seq, memory_order_relaxed) & 1) == 0)
		return;
	state->token = 0;
	state->outcome = FK_OUTCOME_NONE;
	fk_ue_state_write_end(state);
}

void fk_region_repair(struct fk_region *region)
{
	const struct fk_region_header *h = &region->header;
	struct fk_ue_state *states = fk_region_states(region);

	for (uint32_t i = 0; i < h->n_workers; i++) {
		fk_ring_repair(ring_at(region, h->orders_offset, h->order_ring_stride, i));
		fk_ring_repair(ring_at(region, h->doorbells_offset, h->doorbell_ring_stride, i));
	}
	for (uint32_t i = 0; i < h->n_slots; i++)
		repair_state(&states[i]);
}

static bool rings_are_sane(struct fk_region *region)
{
	const struct fk_region_header *h = &region->header;

	for (uint32_t i = 0; i < h->n_workers; i++) {
		if (!fk_ring_is_sane(ring_at(region, h->orders_offset, h->order_ring_stride, i),
				     FK_ORDER_RING_SIZE) ||
		    !fk_ring_is_sane(
			    ring_at(region, h->doorbells_offset, h->doorbell_ring_stride, i),
			    FK_DOORBELL_RING_SIZE))
			return false;
	}
	return true;
}

enum fk_err fk_region_check(struct fk_region *region, uint64_t mapped_size, uint32_t n_workers,
			    uint32_t n_slots)
{
	const struct fk_region_header *h = &region->header;

	if (mapped_size < sizeof(*region))
		return FK_EFORMAT;
	if (h->magic != FK_REGION_MAGIC || h->abi != FK_LINK_ABI)
		return FK_EABI;
	if (h->size > mapped_size || h->n_workers != n_workers || h->n_slots != n_slots ||
	    !areas_fit(h) || !rings_are_sane(region))
		return FK_EFORMAT;
	return FK_OK;
}

enum fk_err fk_mapping_new_region(int fd, uint32_t n_workers, uint32_t n_slots,
				  struct fk_mapping *ret_mapping, char *ret_text, size_t text_size)
{
	struct fk_mapping mapping;
	enum fk_err err = map(fd, PROT_READ | PROT_WRITE, "region", &mapping, ret_text, text_size);

	if (err != FK_OK)
		return err;
	err = fk_region_check(mapping.at, mapping.size, n_workers, n_slots);
	if (err != FK_OK) {
		snprintf(ret_text, text_size, "region: %s", fk_err_text(err));
		fk_mapping_free(&mapping);
		return err;
	}
	fk_region_repair(mapping.at);
	*ret_mapping = mapping;
	return FK_OK;
}
