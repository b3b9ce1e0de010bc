/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/key_file.h"

#define DIGITS_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char path[] = "/tmp/fleetkey-key-file.XXXXXX";
static struct fk_secret key;

static void make_file(void)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
	key = (struct fk_secret){.size = 4711};
}

static void remove_file(void)
{
	unlink(path);
}

static enum fk_err read_octets(const void *octets, size_t size, mode_t mode)
{
	FILE *file = fopen(path, "wb");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(octets, 1, size, file), size);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(chmod(path, mode), 0);
	return fk_key_file_read(path, &key);
}

TestSuite(key_file, .init = make_file, .fini = remove_file);

Test(key_file, hexadecimal_digits_are_a_key)
{
	cr_assert_eq(read_octets(DIGITS_32 "\n", 65, 0600), FK_OK);
	cr_assert_eq(key.size, 32);
	cr_assert_eq(key.octets[31], 0x1f);
	cr_assert_eq(read_octets(DIGITS_32, 32, 0400), FK_OK);
	cr_assert_eq(key.size, 16);
	cr_assert_eq(key.octets[15], 0x0f);
}

Test(key_file, raw_octets_are_a_key)
{
	uint8_t octets[32];

	memset(octets, 0xc5, sizeof(octets));
	for (uint32_t size = 16; size <= 32; size += 8) {
		cr_assert_eq(read_octets(octets, size, 0600), FK_OK);
		cr_assert_eq(key.size, size);
		cr_assert_arr_eq(key.octets, octets, size);
	}
}

Test(key_file, other_sizes_are_refused_and_write_nothing)
{
	static const size_t sizes[] = {0, 1, 15, 17, 31, 33, 255, 256, 300};
	uint8_t octets[300];

	memset(octets, 0xc5, sizeof(octets));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		cr_assert_eq(read_octets(octets, sizes[i], 0600), FK_EFORMAT, "%zu", sizes[i]);
		cr_assert_eq(key.size, 4711);
	}
	cr_assert_eq(read_octets(DIGITS_32, 62, 0600), FK_EFORMAT);
}

Test(key_file, a_file_that_others_may_read_is_refused)
{
	static const mode_t modes[] = {0640, 0604, 0660, 0644, 0610};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		cr_assert_eq(read_octets(DIGITS_32, 64, modes[i]), FK_EPOLICY);
		cr_assert_eq(key.size, 4711);
	}
}

Test(key_file, what_is_not_there_or_is_a_folder_is_an_io_error)
{
	cr_assert_eq(fk_key_file_read("/nonexistent/key", &key), FK_EIO);
	cr_assert_eq(fk_key_file_read("/", &key), FK_EIO);
}
