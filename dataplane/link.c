/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "region.h"

#define RETRY_MS	 100  /* between two attempts to connect */
#define RETRY_REFUSED_MS 2000 /* the same when one side refused: only an operator can mend that */
#define PARK_TIMEOUT_MS	 2000
#define FDS_MAX		 4

enum phase {
	AWAY,	  /* no connection */
	GREETED,  /* HELLO is sent */
	ATTACHED, /* workers run */
};

struct fk_link {
	struct fk_link_config config;
	enum phase phase;
	int socket_fd, region_fd; /* -1: none */
	uint64_t retry_at_ms;
	uint64_t heard_at_ms; /* when control was last there, to our knowledge */
	uint64_t beats;	      /* of control, seen then */
	bool was_attached;
	bool has_to_stop; /* no region was there to say it in */
	struct fk_mapping table, region;
	struct fk_log_limit connect_limit, refuse_limit;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum fk_err fk_link_new(const struct fk_link_config *config, struct fk_link **ret_link)
{
	struct sockaddr_un address;
	struct fk_link *link;

	if (strlen(config->socket_path) >= sizeof(address.sun_path))
		return FK_ERANGE;
	link = calloc(1, sizeof(*link));
	if (link == NULL)
		return FK_ENOMEM;
	link->config = *config;
	link->socket_fd = link->region_fd = -1;
	*ret_link = link;
	return FK_OK;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fk_link_free(struct fk_link *link)
{
	if (link == NULL)
		return;
	for (uint32_t i = 0; i < link->config.n_workers; i++)
		fk_worker_detach(link->config.workers[i]);
	close_fd(&link->socket_fd);
	close_fd(&link->region_fd);
	fk_mapping_free(&link->table);
	fk_mapping_free(&link->region);
	free(link);
}

static void disconnect(struct fk_link *link, uint32_t retry_ms)
{
	close_fd(&link->socket_fd);
	if (link->phase == ATTACHED) {
		link->heard_at_ms = now_ms();
		fk_log(FK_LOG_WARNING, "control_lost orphan_timeout_s=%u",
		       link->config.orphan_timeout_s);
	}
	link->phase = AWAY;
	link->retry_at_ms = now_ms() + retry_ms;
}

/* One message, with a descriptor if 'fd' is not -1. */
static bool send_message(struct fk_link *link, const struct fk_link_msg *msg, int fd)
{
	char buf[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)msg, .iov_len = sizeof(*msg)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *rider;

	if (fd >= 0) {
		header.msg_control = buf;
		header.msg_controllen = sizeof(buf);
		rider = CMSG_FIRSTHDR(&header);
		rider->cmsg_level = SOL_SOCKET;
		rider->cmsg_type = SCM_RIGHTS;
		rider->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rider), &fd, sizeof(fd));
	}
	return sendmsg(link->socket_fd, &header, MSG_NOSIGNAL) == (ssize_t)sizeof(*msg);
}

static void refuse(struct fk_link *link, const char *text)
{
	struct fk_link_msg msg = {
		.magic = FK_LINK_MAGIC, .abi = FK_LINK_ABI, .type = FK_LINK_REFUSED};

	fk_log_limited(&link->refuse_limit, 10000, FK_LOG_ERROR, "attach_refused reason=\"%s\"",
		       text);
	snprintf(msg.text, sizeof(msg.text), "%s", text);
	(void)send_message(link, &msg, -1); /* we part either way */
	disconnect(link, RETRY_REFUSED_MS);
}

static void greet(struct fk_link *link)
{
	struct fk_link_msg msg = {
		.magic = FK_LINK_MAGIC,
		.abi = FK_LINK_ABI,
		.type = FK_LINK_HELLO,
		.n_workers = link->config.n_workers,
		.has_region = link->region_fd >= 0,
	};

	if (send_message(link, &msg, link->region_fd)) {
		link->phase = GREETED;
		fk_log(FK_LOG_DEBUG, "link_connected has_region=%u", msg.has_region);
	} else {
		disconnect(link, RETRY_MS);
	}
}

static void connect_link(struct fk_link *link)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (now_ms() < link->retry_at_ms)
		return;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", link->config.socket_path);
	link->socket_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (link->socket_fd >= 0 &&
	    connect(link->socket_fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		greet(link);
		return;
	}
	fk_log_limited(&link->connect_limit, 10000, FK_LOG_INFO,
		       "link_waiting socket=%s reason=\"%s\"", link->config.socket_path,
		       strerror(errno));
	disconnect(link, RETRY_MS);
}

/* Reads one message and the descriptors that ride along. Returns false if the peer is gone. */
static bool receive_message(struct fk_link *link, struct fk_link_msg *ret_msg, int *ret_fds,
			    uint32_t *ret_n_fds)
{
	char buf[CMSG_SPACE(FDS_MAX * sizeof(int))] __attribute__((aligned(8)));
	struct iovec part = {.iov_base = ret_msg, .iov_len = sizeof(*ret_msg)};
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = buf,
				.msg_controllen = sizeof(buf)};
	ssize_t size = recvmsg(link->socket_fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	uint32_t n_fds = 0;

	*ret_n_fds = 0;
	if (size < 0)
		return false;
	for (struct cmsghdr *rider = CMSG_FIRSTHDR(&header); rider != NULL;
	     rider = CMSG_NXTHDR(&header, rider)) {
		uint32_t n = (uint32_t)((rider->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		if (rider->cmsg_level != SOL_SOCKET || rider->cmsg_type != SCM_RIGHTS)
			continue;
		for (uint32_t i = 0; i < n && n_fds < FDS_MAX; i++)
			memcpy(&ret_fds[n_fds++], CMSG_DATA(rider) + i * sizeof(int), sizeof(int));
	}
	*ret_n_fds = n_fds;
	ret_msg->text[sizeof(ret_msg->text) - 1] = '\0';
	return size == (ssize_t)sizeof(*ret_msg);
}

static bool park_all(struct fk_link *link)
{
	for (uint32_t i = 0; i < link->config.n_workers; i++) {
		if (!fk_worker_park(link->config.workers[i], PARK_TIMEOUT_MS))
			return false;
	}
	return true;
}

static void resume_all(struct fk_link *link)
{
	for (uint32_t i = 0; i < link->config.n_workers; i++)
		fk_worker_resume(link->config.workers[i]);
}

/* What a control that died passes on is known by its random name. */
static bool is_same_region(const struct fk_mapping *a, const struct fk_mapping *b)
{
	const struct fk_region *x = a->at, *y = b->at;

	return x != NULL && y != NULL &&
	       memcmp(x->header.region_id, y->header.region_id, sizeof(x->header.region_id)) == 0;
}

static _Atomic uint32_t *stop_flag(const struct fk_mapping *region)
{
	return &fk_region_control(region->at)->stop;
}

/* A stop that control has not seen yet outlives the region that it stood in. */
static void carry_stop_over(struct fk_link *link, const struct fk_mapping *region)
{
	if (link->region.at != NULL &&
	    atomic_load_explicit(stop_flag(&link->region), memory_order_acquire) != FK_STOP_NONE)
		link->has_to_stop = true;
	if (link->has_to_stop)
		atomic_store_explicit(stop_flag(region), FK_STOP_ABORT, memory_order_release);
	link->has_to_stop = false;
}

void fk_link_stop(struct fk_link *link)
{
	if (link->region.at == NULL)
		link->has_to_stop = true;
	else
		atomic_store_explicit(stop_flag(&link->region), FK_STOP_ABORT,
				      memory_order_release);
}

/* Gives every worker the new mappings; the old ones go. Workers are parked. */
static enum fk_err switch_over(struct fk_link *link, struct fk_mapping *table,
			       struct fk_mapping *region, uint32_t epoch, char *text,
			       size_t text_size)
{
	bool same_region = is_same_region(&link->region, region);
	enum fk_err err = FK_OK;

	if (!same_region)
		carry_stop_over(link, region);
	for (uint32_t i = 0; i < link->config.n_workers && err == FK_OK; i++)
		err = fk_worker_attach(link->config.workers[i], table->at, region->at, epoch,
				       same_region, text, text_size);
	for (uint32_t i = 0; i < link->config.n_workers && err != FK_OK; i++)
		fk_worker_detach(link->config.workers[i]);
	fk_mapping_free(&link->table);
	fk_mapping_free(&link->region);
	if (err != FK_OK) {
		fk_mapping_free(table);
		fk_mapping_free(region);
		close_fd(&link->region_fd);
		return err;
	}
	link->table = *table;
	link->region = *region;
	return FK_OK;
}

/* Maps, parks, switches over, lets go. Writes a reason on failure. */
static enum fk_err attach(struct fk_link *link, uint32_t epoch, const int fds[2], char *text,
			  size_t text_size)
{
	struct fk_mapping table, region;
	const struct fk_keytable *t;
	enum fk_err err = fk_mapping_new_table(fds[0], &table, text, text_size);

	if (err != FK_OK)
		return err;
	/* Repairing the rings is part of mapping the region, so workers stop first. */
	if (!park_all(link)) {
		fk_mapping_free(&table);
		snprintf(text, text_size, "a worker does not stop");
		return FK_EBUSY;
	}
	t = table.at;
	err = fk_mapping_new_region(fds[1], link->config.n_workers, t->header.n_slots, &region,
				    text, text_size);
	if (err != FK_OK)
		fk_mapping_free(&table);
	else
		err = switch_over(link, &table, &region, epoch, text, text_size);
	if (err != FK_OK && link->region.at == NULL)
		return err; /* nothing to go on with: workers stay parked */
	if (err == FK_OK) {
		close_fd(&link->region_fd);
		link->region_fd = fcntl(fds[1], F_DUPFD_CLOEXEC, 0);
	}
	resume_all(link);
	return err;
}

static enum fk_err take_attach(struct fk_link *link, const struct fk_link_msg *msg, const int *fds,
			       uint32_t n_fds)
{
	struct fk_link_msg reply = {
		.magic = FK_LINK_MAGIC, .abi = FK_LINK_ABI, .type = FK_LINK_ATTACHED};
	const struct fk_region *region;
	char text[sizeof(msg->text)] = "";
	enum fk_err err;

	if (n_fds != 2 || msg->epoch == 0) {
		refuse(link, msg->epoch == 0 ? "ATTACH: epoch is 0"
					     : "ATTACH: key table and region descriptors needed");
		return FK_OK;
	}
	err = attach(link, msg->epoch, fds, text, sizeof(text));
	if (err != FK_OK) {
		refuse(link, text);
		return err == FK_EBUSY ? err : FK_OK;
	}
	if (!send_message(link, &reply, -1)) {
		link->phase = ATTACHED; /* so that the loss is noted */
		link->was_attached = true;
		disconnect(link, RETRY_MS);
		return FK_OK;
	}
	link->phase = ATTACHED;
	link->was_attached = true;
	link->heard_at_ms = now_ms();
	region = link->region.at;
	fk_log(FK_LOG_INFO,
	       "attached epoch=%u n_slots=%u fleet_generation=%llu region=%02x%02x%02x%02x",
	       msg->epoch, region->header.n_slots,
	       (unsigned long long)region->header.fleet_generation, region->header.region_id[0],
	       region->header.region_id[1], region->header.region_id[2],
	       region->header.region_id[3]);
	return FK_OK;
}

/* Another node goes on with all that we have. */
static enum fk_err stand_by(struct fk_link *link)
{
	if (!park_all(link))
		return FK_EBUSY;
	for (uint32_t i = 0; i < link->config.n_workers; i++)
		fk_worker_detach(link->config.workers[i]);
	if (link->region.at != NULL &&
	    atomic_load_explicit(stop_flag(&link->region), memory_order_acquire) != FK_STOP_NONE)
		link->has_to_stop = true;
	fk_mapping_free(&link->table);
	fk_mapping_free(&link->region);
	close_fd(&link->region_fd);
	close_fd(&link->socket_fd);
	link->phase = AWAY;
	link->was_attached = false;
	link->retry_at_ms = now_ms() + RETRY_MS;
	fk_log(FK_LOG_WARNING, "standing_by reason=\"another node has the lease\"");
	return FK_OK;
}

static enum fk_err take_message(struct fk_link *link)
{
	struct fk_link_msg msg;
	int fds[FDS_MAX];
	uint32_t n_fds;
	enum fk_err err = FK_OK;

	if (!receive_message(link, &msg, fds, &n_fds)) {
		disconnect(link, RETRY_MS);
	} else if (msg.magic != FK_LINK_MAGIC || msg.abi != FK_LINK_ABI) {
		char text[sizeof(msg.text)];

		snprintf(text, sizeof(text), "link version %u here, %u there", FK_LINK_ABI,
			 msg.abi);
		refuse(link, text);
	} else if (msg.type == FK_LINK_ATTACH) {
		err = take_attach(link, &msg, fds, n_fds);
	} else if (msg.type == FK_LINK_WIPE) {
		fk_log(FK_LOG_WARNING, "wiping reason=\"control says so\"");
		err = FK_EPOLICY;
	} else if (msg.type == FK_LINK_STAND_BY) {
		err = stand_by(link);
	} else if (msg.type == FK_LINK_REFUSED) {
		fk_log_limited(&link->refuse_limit, 10000, FK_LOG_ERROR,
			       "control_refused reason=\"%s\"", msg.text);
		disconnect(link, RETRY_REFUSED_MS);
	} else {
		refuse(link, "message type is neither ATTACH, REFUSED, WIPE nor STAND_BY");
	}
	for (uint32_t i = 0; i < n_fds; i++)
		close(fds[i]);
	return err;
}

/* A control that is connected may be stopped all the same: then its beats stand still, and its
 * lease is over. */
static void hear_control(struct fk_link *link)
{
	struct fk_control_block *block;
	uint64_t beats, until_us;

	if (link->phase != ATTACHED)
		return;
	block = fk_region_control(link->region.at);
	beats = atomic_load_explicit(&block->control_beats, memory_order_relaxed);
	until_us = atomic_load_explicit(&block->lease_until_us, memory_order_relaxed);
	if (beats != link->beats || now_ms() < until_us / 1000)
		link->heard_at_ms = now_ms();
	link->beats = beats;
}

static bool is_orphaned(const struct fk_link *link)
{
	return link->was_attached &&
	       now_ms() - link->heard_at_ms >= (uint64_t)link->config.orphan_timeout_s * 1000;
}

enum fk_err fk_link_step(struct fk_link *link, uint32_t wait_ms)
{
	struct pollfd watch = {.events = POLLIN};

	if (link->phase == AWAY)
		connect_link(link);
	watch.fd = link->socket_fd; /* poll() ignores -1 and only waits */
	if (poll(&watch, 1, (int)wait_ms) > 0) {
		enum fk_err err = take_message(link);

		if (err != FK_OK)
			return err;
	}
	hear_control(link);
	if (is_orphaned(link)) {
		fk_log(FK_LOG_ERROR, "orphaned timeout_s=%u", link->config.orphan_timeout_s);
		return FK_ELINK;
	}
	return FK_OK;
}
