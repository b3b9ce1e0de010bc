/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fleetkey/ring.h>

#include "region.h"
#include "rig.h"

static struct rig *rig;

static void set_up(void)
{
	rig = rig_new();
}

static void tear_down(void)
{
	rig_free(rig);
}

TestSuite(region, .init = set_up, .fini = tear_down);

static enum fk_err check(void)
{
	return fk_region_check(rig->region, rig->region->header.size, 1, RIG_N_UES);
}

static struct rte_ring *ring_at(uint64_t offset)
{
	return (struct rte_ring *)((uint8_t *)rig->region + offset);
}

/* A memory file that holds 'size' octets and has 'seals'. */
static int memory_file(const void *octets, size_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, octets, size), (ssize_t)size);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

Test(region, a_region_that_control_made_passes)
{
	cr_assert_eq(check(), FK_OK);
}

Test(region, another_magic_or_version_is_told_apart_from_damage)
{
	rig->region->header.magic++;
	cr_assert_eq(check(), FK_EABI);
	rig->region->header.magic--;
	rig->region->header.abi++;
	cr_assert_eq(check(), FK_EABI);
}

Test(region, less_than_a_header_is_not_read)
{
	cr_assert_eq(fk_region_check(rig->region, sizeof(struct fk_region) - 1, 1, RIG_N_UES),
		     FK_EFORMAT);
}

Test(region, other_counts_than_ours_are_refused)
{
	uint64_t size = rig->region->header.size;

	cr_assert_eq(fk_region_check(rig->region, size, 2, RIG_N_UES), FK_EFORMAT);
	cr_assert_eq(fk_region_check(rig->region, size, 1, RIG_N_UES + 1), FK_EFORMAT);
	cr_assert_eq(fk_region_check(rig->region, size - 1, 1, RIG_N_UES), FK_EFORMAT);
}

Test(region, an_area_that_runs_out_or_is_not_aligned_is_refused)
{
	struct fk_region_header *h = &rig->region->header;
	uint64_t *const offsets[] = {&h->control_offset, &h->workers_offset, &h->orders_offset,
				     &h->doorbells_offset, &h->states_offset};
	const uint64_t wrong[] = {
		0, 1, h->states_offset + 64, h->size, h->size + 128, UINT64_MAX - 127};

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		uint64_t right = *offsets[i];

		for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
			*offsets[i] = wrong[k];
			cr_assert_eq(check(), FK_EFORMAT, "offset %zu as %llx", i,
				     (unsigned long long)wrong[k]);
		}
		*offsets[i] = right;
		cr_assert_eq(check(), FK_OK);
	}
}

Test(region, rings_too_close_to_each_other_are_refused)
{
	struct fk_region_header *h = &rig->region->header;

	h->order_ring_stride -= 128;
	cr_assert_eq(check(), FK_EFORMAT);
	h->order_ring_stride += 129;
	cr_assert_eq(check(), FK_EFORMAT);
	h->order_ring_stride -= 1;
	h->doorbell_ring_stride -= 128;
	cr_assert_eq(check(), FK_EFORMAT);
	h->doorbell_ring_stride = UINT64_MAX - 127;
	cr_assert_eq(check(), FK_EFORMAT);
}

Test(region, a_ring_whose_counters_make_no_sense_is_refused)
{
	struct rte_ring *orders = ring_at(rig->region->header.orders_offset);
	struct rte_ring *doorbells = ring_at(rig->region->header.doorbells_offset);

	orders->size *= 2;
	cr_assert_eq(check(), FK_EFORMAT);
	orders->size /= 2;
	orders->mask = UINT32_MAX;
	cr_assert_eq(check(), FK_EFORMAT);
	orders->mask = FK_ORDER_RING_SIZE - 1;
	doorbells->cons.tail = doorbells->prod.tail + 1;
	cr_assert_eq(check(), FK_EFORMAT);
}

Test(region, a_repair_drops_half_written_entries_and_keeps_half_read_ones)
{
	struct rte_ring *ring = ring_at(rig->region->header.doorbells_offset);
	struct fk_doorbell bells[3] = {{.ue_index = 1}, {.ue_index = 2}, {.ue_index = 3}}, out[3];

	cr_assert_eq(fk_ring_push(ring, bells, sizeof(bells[0]), 2), 2);
	ring->prod.head += 1; /* killed while it wrote a third */
	cr_assert_eq(fk_ring_peek(ring, out, sizeof(out[0]), 2), 2);
	fk_region_repair(rig->region);
	cr_assert_eq(fk_ring_count(ring), 2);
	cr_assert_eq(fk_ring_pop(ring, out, sizeof(out[0]), 3), 2);
	cr_assert_eq(out[0].ue_index, 1);
	cr_assert_eq(out[1].ue_index, 2);
	cr_assert_eq(fk_ring_push(ring, bells, sizeof(bells[0]), 3), 3);
}

Test(region, memory_that_could_shrink_or_grow_is_not_mapped)
{
	const int seals[] = {0, F_SEAL_SHRINK, F_SEAL_GROW};

	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		int fd = memory_file(rig->region, rig->region->header.size, seals[i]);
		struct fk_mapping mapping = {0};
		char text[160] = "";

		cr_assert_eq(fk_mapping_new_region(fd, 1, RIG_N_UES, &mapping, text, sizeof(text)),
			     FK_EINVAL);
		cr_assert_not_null(strstr(text, "region"));
		cr_assert_eq(fk_mapping_new_table(fd, &mapping, text, sizeof(text)), FK_EINVAL);
		cr_assert_not_null(strstr(text, "key table"));
		cr_assert_null(mapping.at);
		close(fd);
	}
}

Test(region, a_sealed_region_is_mapped_shared_and_repaired)
{
	struct fk_mapping mapping;
	char text[160] = "";
	int fd;

	atomic_store(&fk_region_states(rig->region)[7].seq, 33);
	fk_region_states(rig->region)[7].token = 1;
	fd = memory_file(rig->region, rig->region->header.size, F_SEAL_SHRINK | F_SEAL_GROW);
	cr_assert_eq(fk_mapping_new_region(fd, 1, RIG_N_UES, &mapping, text, sizeof(text)), FK_OK,
		     "%s", text);
	cr_assert_eq(fk_region_states(mapping.at)[7].token, 0);
	cr_assert_eq(atomic_load(&fk_region_states(mapping.at)[7].seq) & 1, 0);
	fk_region_control(mapping.at)->lease_until_us = 77;
	cr_assert_eq(pread(fd, text, 8, (off_t)rig->region->header.control_offset), 8);
	cr_assert_eq(text[0], 77);
	fk_mapping_free(&mapping);
	cr_assert_null(mapping.at);
	close(fd);
}

Test(region, a_damaged_region_is_not_mapped)
{
	struct fk_mapping mapping = {0};
	char text[160] = "";
	int fd;

	rig->region->header.states_offset += 1;
	fd = memory_file(rig->region, rig->region->header.size, F_SEAL_SHRINK | F_SEAL_GROW);
	cr_assert_eq(fk_mapping_new_region(fd, 1, RIG_N_UES, &mapping, text, sizeof(text)),
		     FK_EFORMAT);
	cr_assert_neq(text[0], '\0');
	cr_assert_null(mapping.at);
	close(fd);
}

Test(region, a_key_table_is_mapped_for_reading_only)
{
	int fd = memory_file(rig->table, rig->table->header.size, F_SEAL_SHRINK | F_SEAL_GROW);
	struct fk_mapping mapping;
	char text[160] = "";

	cr_assert_eq(fk_mapping_new_table(fd, &mapping, text, sizeof(text)), FK_OK, "%s", text);
	cr_assert_arr_eq(mapping.at, rig->table, rig->table->header.size);
	/* write() into it tells without a fault whether the page may be written. */
	cr_assert_eq(pread(fd, mapping.at, 1, 0), -1);
	fk_mapping_free(&mapping);
	close(fd);
}

/* True if the kernel keeps the mapping at 'at' in memory and out of dumps. */
static bool is_locked_and_not_dumped(const void *at)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	bool is_there = false, is_so = false;
	unsigned long start, end;
	char line[512];

	cr_assert_not_null(smaps);
	while (fgets(line, sizeof(line), smaps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			is_there = start <= (uintptr_t)at && (uintptr_t)at < end;
		else if (is_there && strncmp(line, "VmFlags:", 8) == 0)
			is_so = strstr(line, " lo") != NULL && strstr(line, " dd") != NULL;
	}
	fclose(smaps);
	return is_so;
}

Test(region, what_holds_keys_is_locked_and_kept_out_of_dumps)
{
	int fd = memory_file(rig->table, rig->table->header.size, F_SEAL_SHRINK | F_SEAL_GROW);
	const struct fk_worker_secrets *secrets = rig->worker->secrets;
	struct fk_mapping mapping;
	char text[160] = "";

	cr_assert_not(is_locked_and_not_dumped(rig->table), "the search tells them apart");
	cr_assert(is_locked_and_not_dumped(secrets));
	cr_assert(is_locked_and_not_dumped((const uint8_t *)(secrets + 1) - 1), "to its end");
	cr_assert_eq(fk_mapping_new_table(fd, &mapping, text, sizeof(text)), FK_OK, "%s", text);
	cr_assert(is_locked_and_not_dumped(mapping.at));
	fk_mapping_free(&mapping);
	close(fd);
}
