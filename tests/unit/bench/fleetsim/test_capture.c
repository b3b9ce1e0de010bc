/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "inspect/pcap.h"

static char path[] = "/tmp/fk-sim-capture.XXXXXX";
static struct fk_sim_capture capture;
static uint8_t octets[4096];
static size_t size;

static void make_file(void)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
	unlink(path);
}

static void remove_file(void)
{
	unlink(path);
}

static void read_file(void)
{
	FILE *file = fopen(path, "rbe");

	cr_assert_not_null(file);
	size = fread(octets, 1, sizeof(octets), file);
	fclose(file);
}

static void put(uint8_t octet, uint32_t n)
{
	uint8_t frame[2000];

	memset(frame, octet, sizeof(frame));
	fk_sim_capture_put(&capture, frame, n);
}

Test(fleetsim_capture, what_was_put_is_read_back_frame_by_frame, .init = make_file,
     .fini = remove_file)
{
	struct fk_pcap pcap;
	struct fk_pcap_frame frame;
	struct stat status;

	cr_assert_eq(fk_sim_capture_open(&capture, path, 10), FK_OK);
	put(0xaa, 60);
	put(0xbb, 1400);
	cr_assert_eq(fk_sim_capture_close(&capture), FK_OK);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0600);
	read_file();
	cr_assert_eq(fk_pcap_open(octets, size, &pcap), FK_OK);
	cr_assert_eq(pcap.link, FK_PCAP_ETHERNET);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_OK);
	cr_assert(frame.size == 60 && frame.original_size == 60 && frame.octets[59] == 0xaa);
	cr_assert_gt(frame.time_s, 1600000000);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_OK);
	cr_assert(frame.size == 1400 && frame.octets[0] == 0xbb && frame.octets[1399] == 0xbb);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_ENOTFOUND);
}

Test(fleetsim_capture, no_more_frames_are_taken_than_were_asked_for, .init = make_file,
     .fini = remove_file)
{
	struct fk_pcap pcap;
	struct fk_pcap_frame frame;

	cr_assert_eq(fk_sim_capture_open(&capture, path, 1), FK_OK);
	put(1, 60);
	put(2, 60);
	cr_assert_eq(fk_sim_capture_close(&capture), FK_OK);
	read_file();
	cr_assert_eq(fk_pcap_open(octets, size, &pcap), FK_OK);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_OK);
	cr_assert_eq(frame.octets[0], 1);
	cr_assert_eq(fk_pcap_next(&pcap, &frame), FK_ENOTFOUND);
}

Test(fleetsim_capture, a_closed_one_takes_nothing)
{
	put(1, 60);
	cr_assert_eq(capture.n_frames, 0);
	cr_assert_eq(fk_sim_capture_close(&capture), FK_OK);
}

Test(fleetsim_capture, a_file_that_cannot_be_made_is_told)
{
	cr_assert_eq(fk_sim_capture_open(&capture, "/nowhere/at/all", 1), FK_EIO);
	put(1, 60);
	cr_assert_eq(fk_sim_capture_close(&capture), FK_OK);
}

Test(fleetsim_capture, a_full_disk_is_told_at_the_end)
{
	cr_assert_eq(fk_sim_capture_open(&capture, "/dev/full", 1), FK_OK);
	put(1, 60);
	cr_assert_eq(fk_sim_capture_close(&capture), FK_EIO);
}
