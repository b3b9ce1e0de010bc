/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kat.c - a file of known answers, and a key file, may hold anything.
 *
 * The first octet chooses. Both are read by their name, so the input is put into a file in memory.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/kat.h"
#include "inspect/key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_kat(const char *path)
{
	static struct fk_proof *proof;
	static FILE *out;
	struct fk_kat_result result = {0};

	if (proof == NULL)
		require(fk_proof_new(&proof) == FK_OK);
	if (out == NULL)
		out = fopen("/dev/null", "we");
	require(out != NULL);
	fk_kat_run(proof, path, out, &result);
}

static void check_key_file(const char *path)
{
	struct fk_secret key = {.size = 4711};

	if (fk_key_file_read(path, &key) == FK_OK)
		require(key.size == 16 || key.size == 24 || key.size == 32);
	else
		require(key.size == 4711);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd;

	if (size == 0)
		return 0;
	fd = memfd_create("input", MFD_CLOEXEC);
	require(fd >= 0 && fchmod(fd, 0600) == 0);
	require(write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((data[0] & 1) != 0)
		check_key_file(path);
	else
		check_kat(path);
	close(fd);
	return 0;
}
