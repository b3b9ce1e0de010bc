/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/pcap.h"

static uint8_t file[128];
static size_t size;

static void put_u32(uint32_t value, bool swap)
{
	uint32_t word = swap ? __builtin_bswap32(value) : value;

	memcpy(file + size, &word, sizeof(word));
	size += sizeof(word);
}

/* A file with two frames of three and five octets. */
static void make_file(uint32_t magic, uint32_t link_type, bool swap)
{
	size = 0;
	put_u32(magic, swap);
	put_u32(swap ? 0x00020004 : 0x00040002, swap);
	put_u32(0, swap);
	put_u32(0, swap);
	put_u32(65535, swap);
	put_u32(link_type, swap);
	for (uint32_t i = 0; i < 2; i++) {
		put_u32(1000 + i, swap);
		put_u32(250, swap);
		put_u32(3 + 2 * i, swap);
		put_u32(60, swap);
		memset(file + size, (int)(0xa0 + i), 3 + 2 * i);
		size += 3 + 2 * i;
	}
}

static void expect_both_frames(uint32_t time_ns)
{
	struct fk_pcap_frame frame;
	struct fk_pcap pcap;

	cr_assert_eq(fk_pcap_open(file, size, &pcap), FK_OK);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_OK);
	cr_assert_eq(frame.time_s, 1000);
	cr_assert_eq(frame.time_ns, time_ns);
	cr_assert_eq(frame.size, 3);
	cr_assert_eq(frame.original_size, 60);
	cr_assert_eq(frame.octets[2], 0xa0);
	cr_assert_eq(frame.offset, 40);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_OK);
	cr_assert_eq(frame.time_s, 1001);
	cr_assert_eq(frame.size, 5);
	cr_assert_eq(frame.octets[4], 0xa1);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_ENOTFOUND);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_ENOTFOUND);
}

Test(pcap, files_of_either_octet_order_and_both_units_are_read)
{
	make_file(0xa1b2c3d4, 1, false);
	expect_both_frames(250000);
	make_file(0xa1b2c3d4, 1, true);
	expect_both_frames(250000);
	make_file(0xa1b23c4d, 1, false);
	expect_both_frames(250);
	make_file(0xa1b23c4d, 1, true);
	expect_both_frames(250);
}

Test(pcap, other_files_and_link_types_are_refused)
{
	struct fk_pcap pcap;

	make_file(0x0a0d0d0a, 1, false); /* pcapng */
	cr_assert_eq(fk_pcap_open(file, size, &pcap), FK_EFORMAT);
	cr_assert(fk_pcap_is_pcapng(file, size));
	cr_assert_not(fk_pcap_is_pcapng(file, 3));
	make_file(0xa1b2c3d4, 147, false);
	cr_assert_not(fk_pcap_is_pcapng(file, size));
	cr_assert_eq(fk_pcap_open(file, size, &pcap), FK_EUNSUPPORTED);
}

Test(pcap, each_link_type_that_is_read_is_told_apart)
{
	static const uint32_t link_types[] = {0x14000001, 113, 276, 101, 228, 229};
	static const enum fk_pcap_link links[] = {FK_PCAP_ETHERNET, FK_PCAP_SLL, FK_PCAP_SLL2,
						  FK_PCAP_IP,	    FK_PCAP_IP,	 FK_PCAP_IP};
	struct fk_pcap_frame frame;
	struct fk_pcap pcap;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		make_file(0xa1b2c3d4, link_types[i], true);
		cr_assert_eq(fk_pcap_open(file, size, &pcap), FK_OK);
		cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_OK);
		cr_assert_eq(frame.link, links[i], "%zu", i);
	}
}

Test(pcap, a_file_cut_at_any_octet_never_gives_a_frame_that_is_not_whole)
{
	make_file(0xa1b2c3d4, 1, false);
	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *octets = malloc(cut > 0 ? cut : 1);
		uint32_t n_frames = 0;
		struct fk_pcap_frame frame;
		struct fk_pcap pcap;
		enum fk_err err;

		memcpy(octets, file, cut);
		err = fk_pcap_open(octets, cut, &pcap);
		cr_assert_eq(err, cut < 24 ? FK_ETRUNC : FK_OK);
		while (err == FK_OK) {
			err = fk_pcap_next(&pcap, &frame);
			n_frames += err == FK_OK;
		}
		cr_assert_eq(err, cut == 24 || cut == 43 ? FK_ENOTFOUND : FK_ETRUNC, "%zu", cut);
		cr_assert_eq(n_frames, cut >= 43);
		free(octets);
	}
}

Test(pcap, a_record_of_absurd_size_is_refused)
{
	struct fk_pcap_frame frame;
	struct fk_pcap pcap;

	make_file(0xa1b2c3d4, 1, false);
	file[24 + 8 + 3] = 0x80;
	cr_assert_eq(fk_pcap_open(file, size, &pcap), FK_OK);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_EFORMAT);
}
