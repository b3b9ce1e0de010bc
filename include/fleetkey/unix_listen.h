/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix_listen.h - a listening Unix socket that only its owner may use.
 *
 * Threads: pure but for the file system and, for an instant, the process's umask.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fleetkey/err.h>

static inline enum fk_err fk_unix_remove_stale(const struct sockaddr_un *addr, int type,
					       char *ret_text, size_t text_size)
{
	struct stat st;
	int fd, result;

	if (lstat(addr->sun_path, &st) != 0)
		return FK_OK;
	if (!S_ISSOCK(st.st_mode)) {
		(void)snprintf(ret_text, text_size, "%s exists and is no socket", addr->sun_path);
		return FK_EEXIST;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return FK_EIO;
	result = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : errno;
	close(fd);
	/* Only a refused connection proves that nobody listens; a full backlog does not. */
	if (result != ECONNREFUSED) {
		(void)snprintf(ret_text, text_size, "%s is in use by another process",
			       addr->sun_path);
		return FK_EEXIST;
	}
	(void)unlink(addr->sun_path); /* bind tells if it is still there */
	return FK_OK;
}

/*
 * Listens on 'path', mode 0600, not blocking, closed on exec. 'type' is SOCK_STREAM or
 * SOCK_SEQPACKET. A socket file that nobody answers on is removed first. The caller owns the
 * descriptor. Returns FK_EINVAL if the path is empty or too long; FK_EEXIST if somebody answers or
 * the file is no socket; FK_EIO. 'ret_text' says which, in a sentence of at most 'text_size'
 * octets.
 */
FK_MUST_USE static inline enum fk_err fk_unix_listen(const char *path, int type, int *ret_fd,
						     char *ret_text, size_t text_size)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	enum fk_err err;
	mode_t mask;
	int fd, result;

	if (path[0] == '\0' || strlen(path) >= sizeof(addr.sun_path)) {
		(void)snprintf(ret_text, text_size,
			       "socket path %s is empty or longer than %zu characters", path,
			       sizeof(addr.sun_path) - 1);
		return FK_EINVAL;
	}
	memcpy(addr.sun_path, path, strlen(path));
	err = fk_unix_remove_stale(&addr, type, ret_text, text_size);
	if (err != FK_OK)
		return err;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		(void)snprintf(ret_text, text_size, "no socket: %s", strerror(errno));
		return FK_EIO;
	}
	/* The mode is right from the first instant: no window for another user. */
	mask = umask(0177);
	result = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (result != 0 || listen(fd, 16) != 0) {
		(void)snprintf(ret_text, text_size, "cannot listen on %s: %s", path,
			       strerror(errno));
		close(fd);
		return FK_EIO;
	}
	*ret_fd = fd;
	return FK_OK;
}
