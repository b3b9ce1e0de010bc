/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "link/region.h"

#define N_SLOTS 128u

static const struct fk_region_terms terms = {
	.kmf_id = {1, 2, 3}, .fleet_generation = 7, .n_slots = N_SLOTS, .n_workers = 2};

static struct fk_region_map *make(void)
{
	struct fk_region_map *map;
	struct fk_reason reason;

	cr_assert_eq(fk_region_make(&terms, NULL, &map, &reason), FK_OK, "%s", reason.text);
	return map;
}

static enum fk_err adopt(int fd, const struct fk_region_terms *t, struct fk_region_map **ret)
{
	struct fk_reason reason = {{0}};
	enum fk_err err = fk_region_adopt(dup(fd), t, ret, &reason);

	/* Every refusal says why. */
	cr_assert(err == FK_OK || reason.text[0] != '\0');
	return err;
}

Test(region, a_region_that_was_made_can_be_adopted_with_what_is_in_it)
{
	struct fk_region_map *made = make(), *adopted;
	struct fk_order order = {.token = 42}, got;

	cr_assert_eq(fk_ring_push(fk_region_orders(made, 1), &order, sizeof(order), 1), 1);
	cr_assert_eq(adopt(fk_region_fd(made), &terms, &adopted), FK_OK);
	cr_assert_arr_eq(fk_region_id(made), fk_region_id(adopted), 16);
	cr_assert_eq(fk_region_n_workers(adopted), 2);
	cr_assert_eq(fk_ring_pop(fk_region_orders(adopted, 1), &got, sizeof(got), 1), 1);
	cr_assert_eq(got.token, 42);
	cr_assert_eq(fk_ring_count(fk_region_orders(adopted, 0)), 0);
	fk_region_close(made);
	fk_region_close(adopted);
}

Test(region, inbound_numbers_are_seeded_into_the_states)
{
	struct fk_ue_numbers numbers[N_SLOTS] = {[5] = {.inbound = 77, .inbound_known = 1}};
	struct fk_region_map *map;
	struct fk_ue_state state;

	cr_assert_eq(fk_region_make(&terms, numbers, &map, NULL), FK_OK);
	cr_assert(fk_region_read_state(map, 5, &state));
	cr_assert_eq(state.inbound_number, 77);
	cr_assert_eq(state.inbound_known, 1);
	cr_assert_eq(state.token, 0);
	cr_assert(fk_region_read_state(map, 6, &state));
	cr_assert_eq(state.inbound_known, 0);
	fk_region_close(map);
}

Test(region, a_state_out_of_range_is_not_read)
{
	struct fk_region_map *map = make();
	struct fk_ue_state state;

	cr_assert(fk_region_read_state(map, N_SLOTS - 1, &state));
	cr_assert_not(fk_region_read_state(map, N_SLOTS, &state));
	cr_assert_not(fk_region_read_state(map, UINT32_MAX, &state));
	fk_region_close(map);
}

Test(region, it_cannot_be_shrunk_or_grown)
{
	struct fk_region_map *map = make();

	cr_assert_eq(ftruncate(fk_region_fd(map), 4096), -1);
	cr_assert_eq(ftruncate(fk_region_fd(map), 1 << 30), -1);
	fk_region_close(map);
}

Test(region, terms_out_of_range_are_refused)
{
	struct fk_region_terms bad = terms;
	struct fk_region_map *map;

	bad.n_workers = 0;
	cr_assert_eq(fk_region_make(&bad, NULL, &map, NULL), FK_EINVAL);
	bad.n_workers = FK_WORKERS_MAX + 1;
	cr_assert_eq(fk_region_make(&bad, NULL, &map, NULL), FK_EINVAL);
	bad = terms;
	bad.n_slots = FK_UE_INDEX_MAX + 2;
	cr_assert_eq(fk_region_make(&bad, NULL, &map, NULL), FK_EINVAL);
}

/* One mismatch each: where in the header, and how it is refused. */
struct mismatch {
	const char name[24];
	size_t offset;
	enum fk_err err;
};

#define FIELD(member, err)                                              \
	{                                                               \
#member, offsetof(struct fk_region_header, member), err \
	}

ParameterizedTestParameters(region, a_region_that_differs_is_refused)
{
	static struct mismatch mismatches[] = {
		FIELD(magic, FK_EABI),
		FIELD(abi, FK_EABI),
		FIELD(n_workers, FK_ESTALE),
		FIELD(n_slots, FK_ESTALE),
		FIELD(size, FK_EFORMAT),
		FIELD(fleet_generation, FK_ESTALE),
		FIELD(tenure, FK_ESTALE),
		FIELD(kmf_id, FK_ESTALE),
		FIELD(control_offset, FK_EFORMAT),
		FIELD(workers_offset, FK_EFORMAT),
		FIELD(orders_offset, FK_EFORMAT),
		FIELD(doorbells_offset, FK_EFORMAT),
		FIELD(order_ring_stride, FK_EFORMAT),
		FIELD(doorbell_ring_stride, FK_EFORMAT),
		FIELD(states_offset, FK_EFORMAT),
	};

	return cr_make_param_array(struct mismatch, mismatches,
				   sizeof(mismatches) / sizeof(mismatches[0]));
}

ParameterizedTest(struct mismatch *m, region, a_region_that_differs_is_refused)
{
	struct fk_region_map *made = make(), *adopted = NULL;
	uint8_t octet;

	cr_assert_eq(pread(fk_region_fd(made), &octet, 1, (off_t)m->offset), 1);
	octet ^= 0x10;
	cr_assert_eq(pwrite(fk_region_fd(made), &octet, 1, (off_t)m->offset), 1);
	cr_assert_eq(adopt(fk_region_fd(made), &terms, &adopted), m->err, "%s", m->name);
	cr_assert_null(adopted);
	fk_region_close(made);
}

Test(region, a_damaged_ring_is_refused)
{
	struct fk_region_map *made = make(), *adopted;

	fk_region_doorbells(made, 1)->mask = 3;
	cr_assert_eq(adopt(fk_region_fd(made), &terms, &adopted), FK_EFORMAT);
	fk_region_close(made);
}

Test(region, a_region_without_seals_is_refused)
{
	struct fk_region_map *made = make(), *adopted;
	static uint8_t header[4096];
	int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t size = lseek(fk_region_fd(made), 0, SEEK_END);

	cr_assert_eq(pread(fk_region_fd(made), header, sizeof(header), 0), sizeof(header));
	cr_assert_eq(ftruncate(fd, size), 0);
	cr_assert_eq(pwrite(fd, header, sizeof(header), 0), sizeof(header));
	cr_assert_eq(adopt(fd, &terms, &adopted), FK_EPOLICY);
	close(fd);
	fk_region_close(made);
}

Test(region, a_region_shorter_than_it_says_is_refused)
{
	struct fk_region_map *made = make(), *adopted;
	static uint8_t header[4096];
	off_t size = lseek(fk_region_fd(made), 0, SEEK_END);

	cr_assert_eq(pread(fk_region_fd(made), header, sizeof(header), 0), sizeof(header));
	for (uint32_t i = 0; i < 3; i++) {
		off_t sizes[] = {0, 100, size - 4096};
		int fd = memfd_create("short", MFD_CLOEXEC | MFD_ALLOW_SEALING);

		cr_assert_eq(ftruncate(fd, sizes[i]), 0);
		if (sizes[i] >= (off_t)sizeof(header))
			cr_assert_eq(pwrite(fd, header, sizeof(header), 0), sizeof(header));
		cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
		cr_assert_eq(adopt(fd, &terms, &adopted), FK_EFORMAT);
		close(fd);
	}
	fk_region_close(made);
}
