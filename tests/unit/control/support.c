/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

void test_make_folder(char ret_path[static 64])
{
	strcpy(ret_path, "/tmp/fleetkey-test-XXXXXX");
	cr_assert_not_null(mkdtemp(ret_path));
}

void test_write_file(const char *path, const void *octets, size_t size, unsigned mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, octets, size), (ssize_t)size);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

struct fk_config *test_config(void)
{
	struct fk_config *config = NULL;
	struct fk_reason reason;

	cr_assert_eq(fk_config_parse(TEST_CONFIG, strlen(TEST_CONFIG), &config, &reason), FK_OK,
		     "%s", reason.text);
	return config;
}

struct fk_root *test_root(unsigned char octet)
{
	char folder[64], path[96], name[128];
	struct fk_root_source source = {.name = name};
	struct fk_root *root = NULL;
	struct fk_reason reason;
	uint8_t octets[32];

	test_make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/root.key", folder);
	(void)snprintf(name, sizeof(name), "file:%s", path);
	memset(octets, octet, sizeof(octets));
	test_write_file(path, octets, sizeof(octets), 0600);
	cr_assert_eq(fk_root_open(&source, &root, &reason), FK_OK, "%s", reason.text);
	unlink(path);
	rmdir(folder);
	return root;
}

struct fk_keyring *test_keyring(unsigned char id)
{
	static uint8_t records[256][FK_KEYRING_RECORD_MAX];
	static size_t sizes[256];
	struct fk_root *root = test_root(0x5a);
	struct fk_keyring *keyring = NULL;
	uint8_t kmf_id[FK_KMF_ID_SIZE];

	memset(kmf_id, id, sizeof(kmf_id));
	if (sizes[id] == 0) {
		cr_assert_eq(fk_keyring_generate(kmf_id, &keyring, NULL), FK_OK);
		cr_assert_eq(fk_keyring_wrap(keyring, root, records[id], &sizes[id], NULL), FK_OK);
		fk_keyring_free(keyring);
	}
	cr_assert_eq(fk_keyring_unwrap(kmf_id, root, records[id], sizes[id], &keyring, NULL),
		     FK_OK);
	fk_root_close(root);
	return keyring;
}
