/* SPDX-License-Identifier: Apache-2.0 */
#include "link/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum fk_err remove_stale(const struct sockaddr_un *addr, int type, struct fk_reason *reason)
{
	struct stat st;
	int fd, result;

	if (lstat(addr->sun_path, &st) != 0)
		return FK_OK;
	if (!S_ISSOCK(st.st_mode)) {
		fk_reason_set(reason, "%s exists and is no socket", addr->sun_path);
		return FK_EEXIST;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return FK_EIO;
	result = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : errno;
	close(fd);
	/* Only a refused connection proves that nobody listens; a full backlog does not. */
	if (result != ECONNREFUSED) {
		fk_reason_set(reason, "%s is in use by another process", addr->sun_path);
		return FK_EEXIST;
	}
	(void)unlink(addr->sun_path); /* bind tells if it is still there */
	return FK_OK;
}

enum fk_err fk_unix_listen(const char *path, int type, int *ret_fd, struct fk_reason *reason)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	enum fk_err err;
	mode_t mask;
	int fd, result;

	if (path[0] == '\0' || strlen(path) >= sizeof(addr.sun_path)) {
		fk_reason_set(reason, "socket path %s is empty or longer than %zu characters", path,
			      sizeof(addr.sun_path) - 1);
		return FK_EINVAL;
	}
	memcpy(addr.sun_path, path, strlen(path));
	err = remove_stale(&addr, type, reason);
	if (err != FK_OK)
		return err;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		fk_reason_set(reason, "no socket: %s", strerror(errno));
		return FK_EIO;
	}
	/* The mode is right from the first instant: no window for another user. */
	mask = umask(0177);
	result = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (result != 0 || listen(fd, 16) != 0) {
		fk_reason_set(reason, "cannot listen on %s: %s", path, strerror(errno));
		close(fd);
		return FK_EIO;
	}
	*ret_fd = fd;
	return FK_OK;
}
