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

struct fk_keyring *test_keyring(unsigned char id)
{
	struct fk_keyring *keyring = NULL;
	struct fk_secret root = {.size = 32};
	uint8_t kmf_id[FK_KMF_ID_SIZE];

	memset(root.octets, 0x5a, sizeof(root.octets));
	memset(kmf_id, id, sizeof(kmf_id));
	cr_assert_eq(fk_keyring_new(&root, kmf_id, &keyring, NULL), FK_OK);
	return keyring;
}
