/* SPDX-License-Identifier: Apache-2.0 */
#include "stop_socket.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <fleetkey/unix_listen.h>

#include "log.h"

#define PEER_WAIT_MS 100 /* for a word that the peer sends at once; so long the link waits */

struct fk_stop_socket {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

enum fk_err fk_stop_socket_new(const char *link_path, struct fk_stop_socket **ret_socket,
			       char *ret_text, size_t text_size)
{
	struct fk_stop_socket *s = calloc(1, sizeof(*s));
	enum fk_err err;
	int n;

	if (s == NULL)
		return FK_ENOMEM;
	n = snprintf(s->path, sizeof(s->path), "%s" FK_STOP_SOCKET_SUFFIX, link_path);
	if (n < 0 || (size_t)n >= sizeof(s->path)) {
		snprintf(ret_text, text_size, "the path of --link leaves no room for %s",
			 FK_STOP_SOCKET_SUFFIX);
		free(s);
		return FK_EINVAL;
	}
	err = fk_unix_listen(s->path, SOCK_SEQPACKET, &s->fd, ret_text, text_size);
	if (err != FK_OK) {
		free(s);
		return err;
	}
	*ret_socket = s;
	return FK_OK;
}

void fk_stop_socket_free(struct fk_stop_socket *s)
{
	if (s == NULL)
		return;
	close(s->fd);
	(void)unlink(s->path); /* it may be gone; then all is well */
	free(s);
}

static bool may_stop(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void serve(int fd, struct fk_link *link)
{
	struct timeval wait = {.tv_usec = PEER_WAIT_MS * 1000};
	char word[sizeof(FK_STOP_WORD) + 1];
	ssize_t n = -1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0)
		n = recv(fd, word, sizeof(word), 0);
	if (n != (ssize_t)strlen(FK_STOP_WORD) || memcmp(word, FK_STOP_WORD, (size_t)n) != 0)
		return;
	fk_link_stop(link);
	fk_log(FK_LOG_WARNING, "stopped reason=\"told so at the stop socket\"");
	(void)send(fd, FK_STOP_WORD, strlen(FK_STOP_WORD), MSG_NOSIGNAL);
}

void fk_stop_socket_poll(struct fk_stop_socket *s, struct fk_link *link)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (may_stop(fd))
		serve(fd, link);
	close(fd);
}
