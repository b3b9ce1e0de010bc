/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/root_key.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX (2 * FK_KEY_SIZE_MAX + 2) /* hex digits and a CR LF */

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static enum fk_err check_file(int fd, const char *path, struct fk_reason *reason)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fk_reason_set(reason, "root key file %s: %s", path, strerror(errno));
		return FK_EIO;
	}
	if (!S_ISREG(st.st_mode)) {
		fk_reason_set(reason, "root key file %s: must be a regular file", path);
		return FK_EPOLICY;
	}
	if (st.st_uid != geteuid()) {
		fk_reason_set(reason, "root key file %s: owner is uid %u, must be uid %u", path,
			      (unsigned)st.st_uid, (unsigned)geteuid());
		return FK_EPOLICY;
	}
	if ((st.st_mode & 0177) != 0) {
		fk_reason_set(reason, "root key file %s: mode is %04o, must be 0600 or stricter",
			      path, (unsigned)(st.st_mode & 07777));
		return FK_EPOLICY;
	}
	return FK_OK;
}

/* 32 raw octets, or 64 hex digits and perhaps a line end. */
static enum fk_err decode(const uint8_t *octets, size_t size, struct fk_secret *ret_key)
{
	if (size == FK_KEY_SIZE_MAX) {
		memcpy(ret_key->octets, octets, FK_KEY_SIZE_MAX);
		ret_key->size = FK_KEY_SIZE_MAX;
		return FK_OK;
	}
	if (size == 2 * FK_KEY_SIZE_MAX + 1 && octets[size - 1] == '\n')
		size--;
	else if (size == 2 * FK_KEY_SIZE_MAX + 2 && octets[size - 2] == '\r' &&
		 octets[size - 1] == '\n')
		size -= 2;
	if (size != 2 * FK_KEY_SIZE_MAX)
		return FK_EFORMAT;
	for (size_t i = 0; i < FK_KEY_SIZE_MAX; i++) {
		int high = hex_value(octets[2 * i]), low = hex_value(octets[2 * i + 1]);

		if (high < 0 || low < 0) {
			fk_secret_wipe(ret_key);
			return FK_EFORMAT;
		}
		ret_key->octets[i] = (uint8_t)(high << 4 | low);
	}
	ret_key->size = FK_KEY_SIZE_MAX;
	return FK_OK;
}

enum fk_err fk_root_key_load(const char *path, struct fk_secret *ret_key, struct fk_reason *reason)
{
	uint8_t octets[FILE_SIZE_MAX + 1]; /* one more, to notice a longer file */
	size_t size = 0;
	enum fk_err err;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ELOOP) {
		fk_reason_set(reason, "root key file %s: must be a regular file, not a link", path);
		return FK_EPOLICY;
	}
	if (fd < 0) {
		fk_reason_set(reason, "root key file %s: %s", path, strerror(errno));
		return FK_EIO;
	}
	err = check_file(fd, path, reason);
	if (err != FK_OK) {
		close(fd);
		return err;
	}
	while (size < sizeof(octets) && (n = read(fd, octets + size, sizeof(octets) - size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fk_reason_set(reason, "root key file %s: %s", path, strerror(errno));
			err = FK_EIO;
			break;
		}
		size += (size_t)n;
	}
	close(fd);
	if (err == FK_OK) {
		err = decode(octets, size, ret_key);
		if (err != FK_OK)
			fk_reason_set(reason,
				      "root key file %s: must hold exactly 32 octets or 64 hex "
				      "digits",
				      path);
	}
	fk_wipe(octets, sizeof(octets));
	return err;
}
