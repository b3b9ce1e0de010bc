/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/key_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/hex.h"

#define FILE_SIZE_MAX 256 /* octets: 64 digits and some white space */

static bool is_key_size(size_t size)
{
	return size == 16 || size == 24 || size == 32;
}

/* Fills 'buf' from 'fd'. False if reading fails, or there is more than fits. */
static bool read_all(int fd, uint8_t *buf, size_t cap, size_t *ret_size)
{
	size_t size = 0;
	ssize_t n;

	do {
		n = read(fd, buf + size, cap - size);
		if (n > 0)
			size += (size_t)n;
	} while (n > 0 && size < cap);
	*ret_size = size;
	return n == 0;
}

/* Hexadecimal if it can be: 32 random octets are all digits less than once in 10^33 files. */
static enum fk_err parse(const uint8_t *octets, size_t size, struct fk_secret *ret_key)
{
	struct fk_secret key = {0};
	size_t key_size;

	if (fk_hex_decode((const char *)octets, size, key.octets, sizeof(key.octets), &key_size) ==
		    FK_OK &&
	    is_key_size(key_size)) {
		key.size = (uint32_t)key_size;
	} else if (is_key_size(size)) {
		memcpy(key.octets, octets, size);
		key.size = (uint32_t)size;
	} else {
		fk_secret_wipe(&key);
		return FK_EFORMAT;
	}
	*ret_key = key;
	fk_secret_wipe(&key);
	return FK_OK;
}

enum fk_err fk_key_file_read(const char *path, struct fk_secret *ret_key)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	uint8_t buf[FILE_SIZE_MAX];
	struct stat status;
	enum fk_err err = FK_OK;
	size_t size = 0;

	if (fd < 0)
		return FK_EIO;
	if (fstat(fd, &status) != 0)
		err = FK_EIO;
	else if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		err = FK_EPOLICY;
	else if (!read_all(fd, buf, sizeof(buf), &size))
		err = size == sizeof(buf) ? FK_EFORMAT : FK_EIO;
	if (err == FK_OK)
		err = parse(buf, size, ret_key);
	fk_wipe(buf, sizeof(buf));
	if (!is_stdin)
		close(fd);
	return err;
}
