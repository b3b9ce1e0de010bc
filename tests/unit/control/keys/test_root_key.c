/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "keys/root_key.h"

#include "../support.h"

static char folder[64], path[96];

static void make_folder(void)
{
	test_make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/root.key", folder);
}

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static enum fk_err load(const void *octets, size_t size, unsigned mode, struct fk_secret *key)
{
	struct fk_reason reason = {.text = ""};
	enum fk_err err;

	test_write_file(path, octets, size, mode);
	err = fk_root_key_load(path, key, &reason);
	if (err != FK_OK)
		cr_expect_not_null(strstr(reason.text, path), "the file is not named: %s",
				   reason.text);
	return err;
}

static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\r\n";

Test(root_key, raw_octets_and_hex_digits_give_the_same_key, .init = make_folder,
     .fini = remove_folder)
{
	struct fk_secret raw = {.size = 0}, from_hex = {.size = 0};
	uint8_t octets[32];

	for (uint8_t i = 0; i < 32; i++)
		octets[i] = i;
	cr_assert_eq(load(octets, 32, 0600, &raw), FK_OK);
	cr_expect_eq(raw.size, 32);
	cr_expect_arr_eq(raw.octets, octets, 32);
	for (size_t size = 64; size <= 66; size += 2) {
		fk_secret_wipe(&from_hex);
		cr_assert_eq(load(hex, size, 0400, &from_hex), FK_OK);
		cr_expect_arr_eq(from_hex.octets, octets, 32);
	}
	fk_secret_wipe(&from_hex);
	cr_assert_eq(load("000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\n", 65,
			  0600, &from_hex),
		     FK_OK);
	cr_expect_arr_eq(from_hex.octets, octets, 32);
}

Test(root_key, other_sizes_and_digits_are_refused, .init = make_folder, .fini = remove_folder)
{
	static const size_t sizes[] = {0, 1, 31, 33, 63, 65, 67, 128};
	struct fk_secret key = {.size = 0};
	char octets[128], bad[65];

	memset(octets, 'a', sizeof(octets));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		cr_expect_eq(load(octets, sizes[i], 0600, &key), FK_EFORMAT, "%zu octets",
			     sizes[i]);
	memcpy(bad, hex, 64);
	bad[63] = 'g';
	cr_expect_eq(load(bad, 64, 0600, &key), FK_EFORMAT);
	cr_expect_eq(key.size, 0);
	for (size_t i = 0; i < sizeof(key.octets); i++)
		cr_expect_eq(key.octets[i], 0, "a half-read key is left behind");
}

Test(root_key, a_file_that_others_can_read_is_refused, .init = make_folder, .fini = remove_folder)
{
	static const unsigned modes[] = {0640, 0604, 0644, 0660, 0666, 0700, 0601};
	struct fk_secret key = {.size = 0};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		cr_expect_eq(load(hex, 64, modes[i], &key), FK_EPOLICY, "%04o", modes[i]);
}

Test(root_key, a_link_a_folder_and_nothing_are_refused, .init = make_folder, .fini = remove_folder)
{
	struct fk_secret key = {.size = 0};
	char target[96];

	cr_expect_eq(fk_root_key_load(path, &key, NULL), FK_EIO);
	cr_expect_eq(fk_root_key_load(folder, &key, NULL), FK_EPOLICY);
	(void)snprintf(target, sizeof(target), "%s/target", folder);
	test_write_file(target, hex, 64, 0600);
	cr_assert_eq(symlink(target, path), 0);
	cr_expect_eq(fk_root_key_load(path, &key, NULL), FK_EPOLICY);
	unlink(target);
}

Test(root_key, a_file_of_another_user_is_refused, .init = make_folder, .fini = remove_folder)
{
	struct fk_secret key = {.size = 0};

	if (geteuid() != 0)
		cr_skip("only root can give a file away");
	test_write_file(path, hex, 64, 0600);
	cr_assert_eq(chown(path, 12345, 12345), 0);
	cr_expect_eq(fk_root_key_load(path, &key, NULL), FK_EPOLICY);
}
