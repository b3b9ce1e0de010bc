/* SPDX-License-Identifier: Apache-2.0 */
#include "link/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <fleetkey/unix_listen.h>

#include "log.h"

enum phase {
	PHASE_NONE,	/* no connection */
	PHASE_HELLO,	/* connected, HELLO is awaited */
	PHASE_ATTACHED, /* ATTACH sent, ATTACHED is awaited */
	PHASE_UP,
};

struct fk_link_server {
	struct fk_link_options opt;
	struct fk_link_fleet fleet;
	int epoll_fd, listen_fd, timer_fd, conn_fd;
	enum phase phase;
	uint64_t phase_at_us;
	uint32_t epoch;
	bool has_fleet, was_attached;
	struct fk_region_map *region;
	struct fk_log_limit refusals;
	bool is_wiping; /* nobody is let in, and the lease is not renewed */
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static enum fk_err watch(struct fk_link_server *server, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? FK_OK : FK_EIO;
}

/* Ticks three times a lease: two may be lost before the dataplane falls silent. */
static enum fk_err start_timer(struct fk_link_server *server)
{
	uint64_t period_ns = (uint64_t)server->opt.lease_ms * 1000000 / 3;
	struct itimerspec spec;

	spec.it_interval.tv_sec = (time_t)(period_ns / 1000000000);
	spec.it_interval.tv_nsec = (long)(period_ns % 1000000000);
	spec.it_value = spec.it_interval;
	server->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->timer_fd < 0 || timerfd_settime(server->timer_fd, 0, &spec, NULL) != 0)
		return FK_EIO;
	return watch(server, server->timer_fd);
}

enum fk_err fk_link_server_new(const struct fk_link_options *options,
			       struct fk_link_server **ret_server, struct fk_reason *reason)
{
	struct fk_link_server *server = calloc(1, sizeof(*server));
	enum fk_err err;

	if (server == NULL)
		return FK_ENOMEM;
	server->opt = *options;
	server->listen_fd = server->timer_fd = server->conn_fd = -1;
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = server->epoll_fd < 0
		      ? FK_EIO
		      : fk_unix_listen(options->socket_path, SOCK_SEQPACKET, &server->listen_fd,
				       reason->text, sizeof(reason->text));
	if (err == FK_OK)
		err = watch(server, server->listen_fd);
	if (err == FK_OK)
		err = start_timer(server);
	if (err != FK_OK) {
		fk_link_server_free(server);
		return err;
	}
	*ret_server = server;
	return FK_OK;
}

/* Control's words in the region, if there is one. */
static struct fk_control_block *control_block(const struct fk_link_server *server)
{
	return server->region == NULL ? NULL : fk_region_map_control(server->region);
}

/* The store's lease, and with it the dataplane's: that we are here is another matter. */
static void renew_lease(struct fk_link_server *server)
{
	struct fk_link_callbacks *cb = &server->opt.callbacks;
	uint64_t until_us = cb->keep_lease(cb->ctx);
	struct fk_control_block *block = control_block(server);

	if (block == NULL || server->is_wiping || server->phase < PHASE_ATTACHED)
		return;
	atomic_store_explicit(&block->lease_epoch, server->epoch, memory_order_relaxed);
	atomic_store_explicit(&block->lease_until_us, until_us, memory_order_release);
	atomic_fetch_add_explicit(&block->control_beats, 1, memory_order_relaxed);
}

static void end_lease(struct fk_link_server *server)
{
	struct fk_control_block *block = control_block(server);

	if (block != NULL)
		atomic_store_explicit(&block->lease_until_us, 0, memory_order_release);
}

static void disconnect(struct fk_link_server *server)
{
	bool was_up = server->phase == PHASE_UP;

	if (server->conn_fd >= 0)
		close(server->conn_fd);
	server->conn_fd = -1;
	server->phase = PHASE_NONE;
	if (was_up)
		server->opt.callbacks.on_detached(server->opt.callbacks.ctx);
}

void fk_link_server_free(struct fk_link_server *server)
{
	if (server == NULL)
		return;
	end_lease(server);
	if (server->conn_fd >= 0)
		close(server->conn_fd);
	if (server->listen_fd >= 0) {
		(void)unlink(server->opt.socket_path); /* it may be gone; then all is well */
		close(server->listen_fd);
	}
	if (server->timer_fd >= 0)
		close(server->timer_fd);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	fk_region_close(server->region);
	free(server);
}

void fk_link_server_set_fleet(struct fk_link_server *server, const struct fk_link_fleet *fleet)
{
	/* The old region's lease ends with it: a dataplane that did not notice falls silent. */
	end_lease(server);
	disconnect(server);
	fk_region_close(server->region);
	server->region = NULL;
	server->was_attached = false;
	server->fleet = *fleet;
	server->has_fleet = true;
}

/* A last message. */
static void dismiss(struct fk_link_server *server, enum fk_link_type type)
{
	const struct fk_link_msg msg = {.magic = FK_LINK_MAGIC, .abi = FK_LINK_ABI, .type = type};

	server->is_wiping = true;
	end_lease(server);
	/* A dataplane that does not get it is without a lease, and is orphaned in time. */
	if (server->conn_fd >= 0)
		(void)send(server->conn_fd, &msg, sizeof(msg), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void fk_link_server_wipe(struct fk_link_server *server)
{
	dismiss(server, FK_LINK_WIPE);
}

void fk_link_server_stand_by(struct fk_link_server *server)
{
	dismiss(server, FK_LINK_STAND_BY);
}

static void send_refusal(struct fk_link_server *server, int fd, const char *text)
{
	struct fk_link_msg msg = {
		.magic = FK_LINK_MAGIC, .abi = FK_LINK_ABI, .type = FK_LINK_REFUSED};
	uint32_t n_suppressed;

	(void)snprintf(msg.text, sizeof(msg.text), "%s", text);
	(void)send(fd, &msg, sizeof(msg), MSG_NOSIGNAL | MSG_DONTWAIT); /* it is closed anyway */
	if (fk_log_limit_allow(&server->refusals, 2, now_us(), &n_suppressed))
		fk_log(FK_LOG_WARN, "dataplane refused", "reason=\"%s\" suppressed=%u", text,
		       n_suppressed);
}

static void refuse(struct fk_link_server *server, const char *text)
{
	send_refusal(server, server->conn_fd, text);
	disconnect(server);
}

static bool peer_may_connect(const struct fk_link_server *server, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == server->opt.dataplane_uid || peer.uid == 0 || peer.uid == geteuid());
}

static void accept_connection(struct fk_link_server *server)
{
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (!peer_may_connect(server, fd)) {
		send_refusal(server, fd, "this user may not attach: see link.dataplane_user");
		close(fd);
		return;
	}
	if (server->conn_fd >= 0 || server->is_wiping) {
		send_refusal(server, fd,
			     server->is_wiping ? "control lets nobody in any more"
					       : "another dataplane is attached");
		close(fd);
		return;
	}
	if (watch(server, fd) != FK_OK) {
		close(fd);
		return;
	}
	server->conn_fd = fd;
	server->phase = PHASE_HELLO;
	server->phase_at_us = now_us();
}

/* Reads one message and at most one descriptor. FK_OK; FK_EFULL if none is there yet; FK_ELINK if
 * the peer is gone; FK_EFORMAT. The caller owns '*ret_fd', -1 if none came. */
static enum fk_err receive_message(int conn_fd, struct fk_link_msg *ret_msg, int *ret_fd)
{
	union {
		char octets[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = ret_msg, .iov_len = sizeof(*ret_msg)};
	struct msghdr header = {.msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = control.octets,
				.msg_controllen = sizeof(control.octets)};
	ssize_t n = recvmsg(conn_fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fds[4] = {-1, -1, -1, -1};
	size_t n_fds = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return FK_EFULL;
	if (n <= 0)
		return FK_ELINK;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c != NULL; c = CMSG_NXTHDR(&header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), n_fds * sizeof(int));
	}
	/* The peer's text is not trusted to end. */
	ret_msg->text[sizeof(ret_msg->text) - 1] = '\0';
	if (n != (ssize_t)sizeof(*ret_msg) || n_fds > 1 ||
	    (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		return FK_EFORMAT;
	}
	*ret_fd = fds[0];
	return FK_OK;
}

/* Decides which region is in force; FK_OK, or FK_ENOMEM and a reason. Takes 'fd' (-1: none). */
static enum fk_err settle_region(struct fk_link_server *server, uint32_t n_workers, int fd,
				 bool *ret_is_new, struct fk_reason *reason)
{
	struct fk_region_terms terms = {
		.fleet_generation = server->fleet.fleet_generation,
		.tenure = server->fleet.tenure,
		.n_slots = server->fleet.n_slots,
		.n_workers = n_workers,
	};
	struct fk_region_map *offered = NULL;
	enum fk_err err;

	memcpy(terms.kmf_id, server->fleet.kmf_id, sizeof(terms.kmf_id));
	if (fd >= 0) {
		err = fk_region_adopt(fd, &terms, &offered, reason);
		if (err != FK_OK)
			fk_log(FK_LOG_INFO, "region not adopted", "error=\"%s\" reason=\"%s\"",
			       fk_err_text(err), reason->text);
	}
	*ret_is_new = false;
	if (server->region != NULL && fk_region_n_workers(server->region) == n_workers &&
	    (offered == NULL ||
	     memcmp(fk_region_id(offered), fk_region_id(server->region), 16) == 0)) {
		/* A dataplane that died, or one that only lost its connection: ours goes on. But a
		 * living one whose region did not fit has sent what ours does not tell. */
		fk_region_close(offered);
		*ret_is_new = fd >= 0 && offered == NULL;
		if (!*ret_is_new)
			return FK_OK;
		offered = NULL;
	} else if (offered != NULL && server->region == NULL) {
		server->region = offered;
		return FK_OK;
	} else {
		fk_region_close(offered);
	}
	*ret_is_new = true;
	fk_region_close(server->region);
	server->region = NULL;
	return fk_region_make(&terms, server->fleet.numbers, &server->region, reason);
}

static enum fk_err send_attach(struct fk_link_server *server)
{
	struct fk_link_msg msg = {.magic = FK_LINK_MAGIC,
				  .abi = FK_LINK_ABI,
				  .type = FK_LINK_ATTACH,
				  .epoch = server->epoch};
	int fds[2] = {server->fleet.keytable_fd, fk_region_fd(server->region)};
	union {
		char octets[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {.iov_base = &msg, .iov_len = sizeof(msg)};
	struct msghdr header = {.msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = control.octets,
				.msg_controllen = sizeof(control.octets)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	return sendmsg(server->conn_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) ==
			       (ssize_t)sizeof(msg)
		       ? FK_OK
		       : FK_EIO;
}

/* Takes 'fd' (-1: none). */
static void handle_hello(struct fk_link_server *server, const struct fk_link_msg *hello, int fd)
{
	struct fk_link_callbacks *cb = &server->opt.callbacks;
	struct fk_reason reason = {{0}};
	bool is_new;
	enum fk_err err;

	if (!server->has_fleet || hello->n_workers == 0 || hello->n_workers > FK_WORKERS_MAX) {
		if (fd >= 0)
			close(fd);
		refuse(server, server->has_fleet ? "n_workers is out of range"
						 : "no fleet is loaded yet, come again");
		return;
	}
	err = cb->next_epoch(cb->ctx, &server->epoch);
	if (err != FK_OK) {
		if (fd >= 0)
			close(fd);
		refuse(server, fk_err_text(err));
		return;
	}
	err = settle_region(server, hello->n_workers, fd, &is_new, &reason);
	if (err != FK_OK) {
		refuse(server, reason.text);
		return;
	}
	cb->on_region(cb->ctx, server->region, is_new);
	server->phase = PHASE_ATTACHED;
	server->phase_at_us = now_us();
	renew_lease(server);
	err = send_attach(server);
	if (err != FK_OK) {
		disconnect(server);
		return;
	}
	fk_log(FK_LOG_INFO, "dataplane attaching", "epoch=%u n_workers=%u region=%s", server->epoch,
	       hello->n_workers, is_new ? "new" : "kept");
}

static void handle_message(struct fk_link_server *server)
{
	struct fk_link_msg msg;
	char text[160];
	int fd = -1;
	enum fk_err err = receive_message(server->conn_fd, &msg, &fd);

	if (err == FK_EFULL)
		return;
	if (err == FK_ELINK) {
		disconnect(server);
		return;
	}
	if (err != FK_OK || msg.magic != FK_LINK_MAGIC) {
		if (fd >= 0)
			close(fd);
		refuse(server, "message is not of this protocol");
		return;
	}
	if (msg.abi != FK_LINK_ABI) {
		if (fd >= 0)
			close(fd);
		(void)snprintf(text, sizeof(text), "link version %u, this control speaks %u",
			       msg.abi, FK_LINK_ABI);
		refuse(server, text);
		return;
	}
	if (server->phase == PHASE_HELLO && msg.type == FK_LINK_HELLO) {
		handle_hello(server, &msg, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (server->phase == PHASE_ATTACHED && msg.type == FK_LINK_ATTACHED) {
		server->phase = PHASE_UP;
		server->was_attached = true;
		fk_log(FK_LOG_INFO, "dataplane attached", "epoch=%u", server->epoch);
		server->opt.callbacks.on_attached(server->opt.callbacks.ctx);
	} else if (msg.type == FK_LINK_REFUSED) {
		fk_log(FK_LOG_WARN, "dataplane refuses to attach", "reason=\"%s\"", msg.text);
		disconnect(server);
	} else {
		refuse(server, "message is out of turn");
	}
}

static void handle_tick(struct fk_link_server *server)
{
	uint64_t n_ticks;

	if (read(server->timer_fd, &n_ticks, sizeof(n_ticks)) != (ssize_t)sizeof(n_ticks))
		return;
	renew_lease(server);
	if ((server->phase == PHASE_HELLO || server->phase == PHASE_ATTACHED) &&
	    now_us() - server->phase_at_us > FK_LINK_HANDSHAKE_MS * 1000ull)
		refuse(server, "the handshake took too long");
}

int fk_link_server_fd(const struct fk_link_server *server)
{
	return server->epoll_fd;
}

void fk_link_server_run(struct fk_link_server *server)
{
	struct epoll_event events[4];
	int n = epoll_wait(server->epoll_fd, events, 4, 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == server->timer_fd)
			handle_tick(server);
		else if (events[i].data.fd == server->listen_fd)
			accept_connection(server);
		else if (events[i].data.fd == server->conn_fd)
			handle_message(server);
	}
}

bool fk_link_server_is_attached(const struct fk_link_server *server)
{
	return server->phase == PHASE_UP;
}

bool fk_link_server_was_attached(const struct fk_link_server *server)
{
	return server->was_attached;
}

uint32_t fk_link_server_epoch(const struct fk_link_server *server)
{
	return server->epoch;
}

struct fk_region_map *fk_link_server_region(const struct fk_link_server *server)
{
	return server->region;
}
