/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/aes_kernel.h"
#include "fixture.h"

#define FRAME_MIN FK_MAC_FRAME_MIN

struct mac_case {
	const char *name;
	uint8_t tek[32], frame[FK_KMM_SIZE_MAX], correct[8];
	size_t size;
	int valid;
};

/* A frame that announces what it is: size, with or without a message number, with a MAC. */
static void frame_randomise(uint8_t *frame, size_t size, int numbered, uint64_t *seed)
{
	random_fill(seed, frame, size);
	frame[1] = (uint8_t)((size - 3) >> 8);
	frame[2] = (uint8_t)(size - 3);
	frame[3] = numbered ? 0xa8 : 0x88;
}

static size_t cases_load(const char *file, struct mac_case *cases, size_t max)
{
	json_t *array = vectors_load(file), *test_case;
	size_t i, n = 0;

	json_array_foreach(array, i, test_case)
	{
		struct mac_case *c = &cases[n++];

		cr_assert(n <= max);
		c->name = vector_text(test_case, "name");
		c->valid = vector_is_valid(test_case);
		c->size = vector_hex(test_case, "frame_hex", c->frame, sizeof(c->frame));
		cr_assert_eq(vector_hex(test_case, "mac_tek_hex", c->tek, 32), 32);
		cr_assert_eq(vector_hex(test_case, "correct_mac_hex", c->correct, 8), 8);
	}
	return n;
}

/* All cases of a file walk in one burst, turned so that each comes to stand in each lane. A valid
 * frame carries its correct MAC, an altered one does not.
 * spec: P25 sheet 3.3-3.5 */
static void run_vectors(const char *file, uint8_t mac_format)
{
	static struct mac_case cases[LANES_MAX];
	size_t n_cases = cases_load(file, cases, LANES_MAX);
	uint32_t n_valid = 0, n_altered = 0;

	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (size_t turn = 0; turn < LANES_MAX; turn++) {
			struct fk_mac_lane lanes[LANES_MAX];

			for (size_t i = 0; i < LANES_MAX; i++) {
				const struct mac_case *c = &cases[(i + turn) % n_cases];

				lanes[i] = (struct fk_mac_lane){.tek = c->tek,
								.frame = c->frame,
								.frame_size = (uint16_t)c->size,
								.mac_format = mac_format};
			}
			(*e)->mac(test_scratch(), lanes, LANES_MAX);
			for (size_t i = 0; i < LANES_MAX; i++) {
				const struct mac_case *c = &cases[(i + turn) % n_cases];
				const uint8_t *carried = c->frame + c->size - FK_KMM_MAC_BLOCK_SIZE;

				cr_assert_arr_eq(lanes[i].mac, c->correct, 8, "%s: %s, lane %zu",
						 (*e)->name, c->name, i);
				cr_assert_eq(memcmp(lanes[i].mac, carried, 8) == 0, c->valid,
					     "%s: %s verifies or not", (*e)->name, c->name);
				n_valid += c->valid != 0;
				n_altered += c->valid == 0;
			}
		}
	}
	cr_assert(n_valid > 0 && n_altered > 0, "both kinds of cases were seen");
}

Test(mac, published_cmac_frames_verify_and_altered_ones_do_not)
{
	run_vectors("p25-otar-mac-cmac.json", FK_KMM_MAC_FORMAT_CMAC);
}

Test(mac, published_cbc_mac_frames_verify_and_altered_ones_do_not)
{
	run_vectors("p25-otar-mac-cbc.json", FK_KMM_MAC_FORMAT_CBC);
}

Test(mac, every_frame_size_between_guard_pages, .timeout = 120)
{
	uint64_t seed = 8;

	for (size_t size = FRAME_MIN; size <= FK_KMM_SIZE_MAX; size++) {
		enum guard_side side = size % 2 == 0 ? GUARD_BEFORE : GUARD_BEHIND;
		uint8_t *frame = guarded_new(size, side), *tek = guarded_new(32, side);
		uint8_t format = size % 3 == 0 ? FK_KMM_MAC_FORMAT_CBC : FK_KMM_MAC_FORMAT_CMAC;
		uint8_t expected[8];

		frame_randomise(frame, size, size >= FRAME_MIN + 2, &seed);
		random_fill(&seed, tek, 32);
		guarded_set_read_only(frame, 1);
		guarded_set_read_only(tek, 1);
		openssl_mac(tek, frame, size, format, expected);
		for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
			struct fk_mac_lane lane = {.tek = tek,
						   .frame = frame,
						   .frame_size = (uint16_t)size,
						   .mac_format = format};

			(*e)->mac(test_scratch(), &lane, 1);
			cr_assert_arr_eq(lane.mac, expected, 8, "%s, %zu octets", (*e)->name, size);
		}
	}
}

Test(mac, does_not_depend_on_the_mac_octets_and_depends_on_all_others)
{
	uint8_t tek[32], frame[80];
	uint64_t seed = 9;

	frame_randomise(frame, sizeof(frame), 1, &seed);
	random_fill(&seed, tek, sizeof(tek));
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		for (size_t at = 0; at < sizeof(frame); at++) {
			uint8_t changed[80];
			struct fk_mac_lane lanes[2] = {
				{.tek = tek, .frame = frame, .frame_size = 80, .mac_format = 0x41},
				{.tek = tek,
				 .frame = changed,
				 .frame_size = 80,
				 .mac_format = 0x41},
			};
			int is_mac = at >= 80 - 13 && at < 80 - 5;

			memcpy(changed, frame, sizeof(frame));
			changed[at] ^= 1;
			(*e)->mac(test_scratch(), lanes, 2);
			cr_assert_eq(memcmp(lanes[0].mac, lanes[1].mac, 8) == 0, is_mac,
				     "%s, octet %zu", (*e)->name, at);
		}
	}
}

Test(mac, the_derived_bit_of_the_format_is_ignored)
{
	uint8_t tek[32], frame[80];
	uint64_t seed = 10;

	frame_randomise(frame, sizeof(frame), 1, &seed);
	random_fill(&seed, tek, sizeof(tek));
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++) {
		struct fk_mac_lane lanes[2] = {
			{.tek = tek, .frame = frame, .frame_size = 80, .mac_format = 0x41},
			{.tek = tek, .frame = frame, .frame_size = 80, .mac_format = 0x01},
		};

		(*e)->mac(test_scratch(), lanes, 2);
		cr_assert_arr_eq(lanes[0].mac, lanes[1].mac, 8, "%s", (*e)->name);
	}
}

Test(mac, an_empty_burst_touches_nothing)
{
	for (const struct fk_crypto_engine *const *e = test_engines(); *e != NULL; e++)
		(*e)->mac(test_scratch(), NULL, 0);
}
