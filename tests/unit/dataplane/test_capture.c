/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a capture keeps of a frame, and what it does not.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "wire/net.h"

#define PCAP_HEADER_SIZE   24
#define RECORD_HEADER_SIZE 16
#define FRAME_SIZE	   300u

static char path[] = "/tmp/fleetkey-capture-XXXXXX";

static void make_path(void)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
}

static void remove_path(void)
{
	unlink(path);
}

TestSuite(capture, .init = make_path, .fini = remove_path);

static const struct fk_address ipv4 = {{[10] = 0xff, 0xff, 192, 0, 2, 10}};
static const struct fk_address ipv6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x10}};
static const struct fk_address *address = &ipv4; /* at both ends */

/* A UDP frame full of ones, with a right checksum. */
static void make_frame(uint8_t frame[FRAME_SIZE])
{
	const struct fk_net_path way = fk_net_path_make(address, address, 3, 4);

	memset(frame, 0xff, FRAME_SIZE);
	(void)fk_net_finish_udp(&way, frame, (uint16_t)(FRAME_SIZE - way.overhead), 1);
}

/* Captures a frame with the mask and reads back what the file has of it. */
static void capture_one(struct fk_capture_mask mask, bool keep_keys, uint8_t ret_frame[FRAME_SIZE])
{
	uint8_t frame[FRAME_SIZE];
	struct fk_capture *capture;
	FILE *file;

	make_frame(frame);
	cr_assert_eq(fk_capture_open(path, 0, keep_keys, &capture), FK_OK);
	fk_capture_put(capture, frame, FRAME_SIZE, mask, 1);
	fk_capture_close(capture);
	file = fopen(path, "rb");
	cr_assert_not_null(file);
	cr_assert_eq(fseek(file, PCAP_HEADER_SIZE + RECORD_HEADER_SIZE, SEEK_SET), 0);
	cr_assert_eq(fread(ret_frame, 1, FRAME_SIZE, file), FRAME_SIZE);
	fclose(file);
}

Test(capture, every_wrapped_key_of_a_frame_becomes_zeros_and_the_rest_stays)
{
	const struct fk_capture_mask mask = {.offset = 100, .size = 40, .stride = 45, .n = 3};
	uint8_t frame[FRAME_SIZE];
	struct fk_net_frame net;

	capture_one(mask, false, frame);
	for (uint32_t i = FK_UDP_FRAME_OVERHEAD; i < FRAME_SIZE; i++) {
		bool is_key = i >= 100 && i < 100 + 3 * 45 && (i - 100) % 45 < 40;

		cr_assert_eq(frame[i], is_key ? 0 : 0xff, "octet %u", i);
	}
	cr_assert_eq(fk_net_parse(frame, FRAME_SIZE, &net), FK_OK); /* the checksum fits */
}

Test(capture, a_masked_frame_over_ipv6_has_a_right_checksum)
{
	const struct fk_capture_mask mask = {.offset = 100, .size = 40, .stride = 45, .n = 3};
	uint8_t frame[FRAME_SIZE];
	struct fk_net_frame net;

	address = &ipv6;
	capture_one(mask, false, frame);
	cr_assert_eq(frame[100], 0);
	cr_assert_eq(fk_net_parse(frame, FRAME_SIZE, &net), FK_OK);
	cr_assert(fk_address_equal(&net.source, &ipv6));
}

Test(capture, a_key_that_the_record_cuts_off_leaves_nothing_of_itself)
{
	const struct fk_capture_mask mask = {
		.offset = FRAME_SIZE - 50, .size = 40, .stride = 45, .n = 3};
	uint8_t frame[FRAME_SIZE];

	capture_one(mask, false, frame);
	for (uint32_t i = FRAME_SIZE - 50; i < FRAME_SIZE; i++)
		cr_assert_eq(frame[i], i >= FRAME_SIZE - 10 && i < FRAME_SIZE - 5 ? 0xff : 0);
}

Test(capture, keys_stay_when_that_was_asked_for_or_there_is_no_mask)
{
	const struct fk_capture_mask mask = {.offset = 100, .size = 40, .stride = 45, .n = 3};
	uint8_t frame[FRAME_SIZE], expected[FRAME_SIZE];

	make_frame(expected);
	capture_one(mask, true, frame);
	cr_assert_arr_eq(frame, expected, FRAME_SIZE);
	capture_one((struct fk_capture_mask){.n = 0}, false, frame);
	cr_assert_arr_eq(frame, expected, FRAME_SIZE);
}
