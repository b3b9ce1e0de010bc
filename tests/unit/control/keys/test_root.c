/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "keys/root.h"

#include "../support.h"

static char folder[64], path[96], name[128];
static struct fk_reason reason;

static void make_folder(void)
{
	test_make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/root", folder);
	reason.text[0] = '\0';
}

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static enum fk_err try_open(const char *source_name)
{
	const struct fk_root_source source = {source_name, NULL};
	struct fk_root *root = NULL;
	enum fk_err err = fk_root_open(&source, &root, &reason);

	cr_expect_eq(root != NULL, err == FK_OK);
	fk_root_close(root);
	return err;
}

/* spec: RFC 3394 §4.6 */
Test(root, a_wrap_is_that_of_the_published_vector, .init = make_folder, .fini = remove_folder)
{
	static const char hex_root[] =
		"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
	static const uint8_t key[32] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
					0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
					0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
	static const uint8_t wanted[40] = {
		0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4, 0xcb, 0xcc, 0xb3, 0x5c, 0xfb, 0x87,
		0xf8, 0x26, 0x3f, 0x57, 0x86, 0xe2, 0xd8, 0x0e, 0xd3, 0x26, 0xcb, 0xc7, 0xf0, 0xe7,
		0x1a, 0x99, 0xf4, 0x3b, 0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21};
	struct fk_root_source source = {name, NULL};
	uint8_t wrapped[40], back[32];
	struct fk_root *root;

	test_write_file(path, hex_root, 64, 0600);
	(void)snprintf(name, sizeof(name), "file:%s", path);
	cr_assert_eq(fk_root_open(&source, &root, &reason), FK_OK, "%s", reason.text);
	cr_assert_eq(fk_root_wrap(root, key, wrapped, &reason), FK_OK);
	cr_expect_arr_eq(wrapped, wanted, 40);
	cr_assert_eq(fk_root_unwrap(root, wrapped, back, &reason), FK_OK);
	cr_expect_arr_eq(back, key, 32);
	for (size_t i = 0; i < sizeof(wrapped); i++) {
		memset(back, 0xee, sizeof(back));
		wrapped[i] ^= 4;
		cr_expect_eq(fk_root_unwrap(root, wrapped, back, &reason), FK_EAUTH);
		for (size_t k = 0; k < sizeof(back); k++)
			cr_expect_eq(back[k], 0);
		wrapped[i] ^= 4;
	}
	fk_root_close(root);
}

Test(root, another_kind_of_source_is_refused)
{
	cr_expect_eq(try_open("/etc/root.key"), FK_EINVAL);
	cr_expect_eq(try_open("http://root"), FK_EINVAL);
	/* Somebody put the key itself there. */
	cr_expect_eq(try_open("000102030405060708090a0b0c0d0e0f"), FK_EINVAL);
	cr_expect_null(strstr(reason.text, "0102"), "%s", reason.text);
	cr_expect_eq(try_open(""), FK_EINVAL);
}

static enum fk_err try_credential(const char *credential, unsigned mode, unsigned folder_mode)
{
	enum fk_err err;

	test_write_file(path, "0123456789abcdef0123456789abcdef", 32, mode);
	cr_assert_eq(chmod(folder, folder_mode), 0);
	cr_assert_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	(void)snprintf(name, sizeof(name), "credential:%s", credential);
	err = try_open(name);
	cr_assert_eq(chmod(folder, 0700), 0);
	return err;
}

Test(root, a_credential_of_systemd_is_taken, .init = make_folder, .fini = remove_folder)
{
	cr_expect_eq(try_credential("root", 0400, 0500), FK_OK, "%s", reason.text);
	cr_expect_eq(try_credential("root", 0440, 0550), FK_OK, "%s", reason.text);
}

Test(root, a_credential_that_others_can_read_or_write_is_refused, .init = make_folder,
     .fini = remove_folder)
{
	static const unsigned modes[] = {0644, 0604, 0460, 0700, 0666};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		cr_expect_eq(try_credential("root", modes[i], 0700), FK_EPOLICY, "%04o", modes[i]);
	cr_expect_eq(try_credential("root", 0400, 0720), FK_EPOLICY);
	cr_expect_eq(try_credential("root", 0400, 0702), FK_EPOLICY);
}

Test(root, a_credential_is_a_name_in_its_folder, .init = make_folder, .fini = remove_folder)
{
	cr_expect_eq(try_credential("", 0400, 0700), FK_EPOLICY);
	cr_expect_eq(try_credential(".", 0400, 0700), FK_EPOLICY);
	cr_expect_eq(try_credential("..", 0400, 0700), FK_EPOLICY);
	cr_expect_eq(try_credential("../root", 0400, 0700), FK_EPOLICY);
	cr_expect_eq(try_credential("other", 0400, 0700), FK_EIO);
	cr_assert_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	cr_expect_eq(try_open("credential:root"), FK_EPOLICY);
	cr_expect_not_null(strstr(reason.text, "LoadCredential"), "%s", reason.text);
}

/* What is refused before any module is loaded. */
Test(root, a_uri_with_a_pin_or_a_module_is_refused_and_shows_neither)
{
	static const char *const uris[] = {
		"pkcs11:token=t;object=o?pin-value=31337",
		"pkcs11:token=t;object=o?pin-value=31337&pin-source=/p",
		"pkcs11:token=t;object=o?pin-source=/p&module-path=/tmp/31337.so",
		"pkcs11:token=t;object=o?pin-source=/p&module-name=31337",
	};

	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		cr_expect_eq(try_open(uris[i]), FK_EPOLICY, "%s", uris[i]);
		cr_expect_null(strstr(reason.text, "31337"), "%s", reason.text);
	}
}

Test(root, a_uri_must_name_object_and_pin_and_needs_a_module)
{
	cr_expect_eq(try_open("pkcs11:token=t?pin-source=/p"), FK_EINVAL);
	cr_expect_eq(try_open("pkcs11:token=t;object=o"), FK_EINVAL);
	cr_expect_eq(try_open("pkcs11:token=%zz"), FK_EINVAL);
	cr_expect_eq(try_open("pkcs11:token=t;object=o?pin-source=/p"), FK_EINVAL);
	cr_expect_not_null(strstr(reason.text, "keys.pkcs11_module"), "%s", reason.text);
}
