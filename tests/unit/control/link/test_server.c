/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "link/server.h"
#include "log.h"

static char folder[] = "/tmp/fk-link-XXXXXX";
static char path[64];
static struct fk_link_server *server;
static uint32_t n_regions, n_attached, n_detached, epoch;
static bool last_is_new;
static enum fk_err epoch_err;

static enum fk_err next_epoch(void *ctx, uint32_t *ret_epoch)
{
	(void)ctx;
	if (epoch_err == FK_OK)
		*ret_epoch = ++epoch;
	return epoch_err;
}

static uint64_t keep_lease(void *ctx)
{
	struct timespec now;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 + 450000;
}

static void on_region(void *ctx, struct fk_region_map *region, bool is_new)
{
	(void)ctx;
	cr_assert_not_null(region);
	n_regions++;
	last_is_new = is_new;
}

static void on_attached(void *ctx)
{
	(void)ctx;
	n_attached++;
}

static void on_detached(void *ctx)
{
	(void)ctx;
	n_detached++;
}

static struct fk_link_options options(void)
{
	return (struct fk_link_options){
		.socket_path = path,
		.dataplane_uid = geteuid(),
		.lease_ms = 500,
		.callbacks = {next_epoch, keep_lease, on_region, on_attached, on_detached, NULL}};
}

static uint64_t tenure;

static void set_fleet(uint64_t generation)
{
	struct fk_link_fleet fleet = {
		.keytable_fd = memfd_create("table", MFD_CLOEXEC), /* the link only passes it */
		.kmf_id = {9},
		.fleet_generation = generation,
		.tenure = tenure,
		.n_slots = 64,
	};

	fk_link_server_set_fleet(server, &fleet);
}

static void begin(void)
{
	struct fk_link_options o;
	struct fk_reason reason;

	fk_log_set_level(FK_LOG_ERROR);
	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/link.sock", folder);
	o = options();
	cr_assert_eq(fk_link_server_new(&o, &server, &reason), FK_OK, "%s", reason.text);
	set_fleet(1);
}

static void end(void)
{
	fk_link_server_free(server);
	cr_assert_neq(access(path, F_OK), 0, "the socket file is left");
	rmdir(folder);
}

TestSuite(link_server, .init = begin, .fini = end);

static int dial(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, path, strlen(path));
	cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fk_link_server_run(server);
	return fd;
}

static void say(int fd, uint32_t type, uint32_t n_workers, int region_fd)
{
	struct fk_link_msg msg = {.magic = FK_LINK_MAGIC,
				  .abi = FK_LINK_ABI,
				  .type = type,
				  .n_workers = n_workers,
				  .has_region = region_fd >= 0};
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {&msg, sizeof(msg)};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

	if (region_fd >= 0) {
		h.msg_control = control.octets;
		h.msg_controllen = sizeof(control.octets);
		CMSG_FIRSTHDR(&h)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&h)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&h)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), &region_fd, sizeof(int));
	}
	cr_assert_eq(sendmsg(fd, &h, 0), sizeof(msg));
	fk_link_server_run(server);
}

/* Type of the next message, 0 at the end of the connection; fds as they come. */
static uint32_t hear(int fd, struct fk_link_msg *msg, int fds[2])
{
	union {
		char octets[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {msg, sizeof(*msg)};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.octets,
			   .msg_controllen = sizeof(control.octets)};
	ssize_t n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);

	fds[0] = fds[1] = -1;
	if (n <= 0)
		return 0;
	if (CMSG_FIRSTHDR(&h) != NULL)
		memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&h)),
		       CMSG_FIRSTHDR(&h)->cmsg_len - CMSG_LEN(0));
	return msg->type;
}

static int attach(int *ret_region_fd, int offered_fd)
{
	struct fk_link_msg msg;
	int fds[2], fd = dial();

	say(fd, FK_LINK_HELLO, 1, offered_fd);
	cr_assert_eq(hear(fd, &msg, fds), FK_LINK_ATTACH, "%s", msg.text);
	cr_assert_geq(fds[0], 0);
	cr_assert_geq(fds[1], 0);
	cr_assert_eq(msg.epoch, epoch);
	cr_assert_not(fk_link_server_is_attached(server));
	say(fd, FK_LINK_ATTACHED, 0, -1);
	cr_assert(fk_link_server_is_attached(server));
	close(fds[0]);
	*ret_region_fd = fds[1];
	return fd;
}

Test(link_server, a_dataplane_attaches_and_its_end_is_seen)
{
	int region_fd, fd = attach(&region_fd, -1);
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert_eq(n_attached, 1);
	cr_assert(last_is_new);
	close(fd);
	fk_link_server_run(server);
	cr_assert_not(fk_link_server_is_attached(server));
	cr_assert(fk_link_server_was_attached(server));
	cr_assert_eq(n_detached, 1);
	close(region_fd);
}

Test(link_server, a_new_dataplane_gets_the_old_ones_region_and_a_larger_epoch)
{
	int first_fd, second_fd, fd = attach(&first_fd, -1);
	uint32_t first_epoch = fk_link_server_epoch(server);
	struct stat a, b;

	close(fd);
	fk_link_server_run(server);
	fd = attach(&second_fd, -1);
	cr_assert_gt(fk_link_server_epoch(server), first_epoch);
	cr_assert_not(last_is_new);
	cr_assert_eq(fstat(first_fd, &a), 0);
	cr_assert_eq(fstat(second_fd, &b), 0);
	cr_assert_eq(a.st_ino, b.st_ino);
	close(fd);
	close(first_fd);
	close(second_fd);
}

Test(link_server, a_new_control_adopts_the_region_of_a_living_dataplane)
{
	int region_fd, again_fd, fd = attach(&region_fd, -1);
	struct fk_link_options o = options();
	struct stat a, b;

	close(fd);
	fk_link_server_free(server);
	cr_assert_eq(fk_link_server_new(&o, &server, NULL), FK_OK);
	set_fleet(1);
	fd = attach(&again_fd, region_fd);
	cr_assert_not(last_is_new);
	cr_assert_eq(fstat(region_fd, &a), 0);
	cr_assert_eq(fstat(again_fd, &b), 0);
	cr_assert_eq(a.st_ino, b.st_ino);
	close(fd);
	close(region_fd);
	close(again_fd);
}

Test(link_server, a_region_of_another_fleet_is_replaced_and_said_to_be_new)
{
	int region_fd, again_fd, fd = attach(&region_fd, -1);

	set_fleet(2);
	cr_assert_eq(n_detached, 1);
	close(fd);
	fd = attach(&again_fd, region_fd);
	cr_assert(last_is_new);
	close(fd);
	close(region_fd);
	close(again_fd);
}

Test(link_server, a_second_dataplane_is_refused_while_one_is_attached)
{
	struct fk_link_msg msg;
	int region_fd, fds[2], fd = attach(&region_fd, -1), second = dial();

	cr_assert_eq(hear(second, &msg, fds), FK_LINK_REFUSED);
	cr_assert(strstr(msg.text, "another dataplane"));
	cr_assert(fk_link_server_is_attached(server));
	close(second);
	close(fd);
	close(region_fd);
}

Test(link_server, a_store_that_is_away_refuses_the_dataplane)
{
	struct fk_link_msg msg;
	int fds[2], fd = dial();

	epoch_err = FK_ESTORE;
	say(fd, FK_LINK_HELLO, 1, -1);
	cr_assert_eq(hear(fd, &msg, fds), FK_LINK_REFUSED);
	cr_assert_eq(hear(fd, &msg, fds), 0);
	cr_assert_eq(n_regions, 0);
	close(fd);
}

Test(link_server, another_version_is_refused_with_both_versions)
{
	struct fk_link_msg msg = {
		.magic = FK_LINK_MAGIC, .abi = FK_LINK_ABI + 1, .type = FK_LINK_HELLO};
	int fds[2], fd = dial();

	cr_assert_eq(send(fd, &msg, sizeof(msg), 0), sizeof(msg));
	fk_link_server_run(server);
	cr_assert_eq(hear(fd, &msg, fds), FK_LINK_REFUSED);
	cr_assert(strstr(msg.text, "version"));
	close(fd);
}

Test(link_server, messages_out_of_turn_or_shape_end_the_connection)
{
	struct fk_link_msg msg;
	int fds[2], fd = dial();

	say(fd, FK_LINK_ATTACHED, 0, -1);
	cr_assert_eq(hear(fd, &msg, fds), FK_LINK_REFUSED);
	close(fd);
	fk_link_server_run(server);
	fd = dial();
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	fk_link_server_run(server);
	cr_assert_eq(hear(fd, &msg, fds), FK_LINK_REFUSED);
	close(fd);
	fk_link_server_run(server);
	fd = dial();
	say(fd, FK_LINK_HELLO, FK_WORKERS_MAX + 1, -1);
	cr_assert_eq(hear(fd, &msg, fds), FK_LINK_REFUSED);
	close(fd);
	cr_assert_eq(n_attached, 0);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

Test(link_server, the_lease_is_renewed_while_attached_and_only_then)
{
	int region_fd, fd = attach(&region_fd, -1);
	struct fk_control_block *block = fk_region_map_control(fk_link_server_region(server));
	uint64_t first = block->lease_until_us, last;

	cr_assert_gt(first, now_us());
	cr_assert_leq(first, now_us() + 500000);
	usleep(200000);
	fk_link_server_run(server);
	cr_assert_gt(block->lease_until_us, first);
	close(fd);
	fk_link_server_run(server);
	last = block->lease_until_us;
	usleep(200000);
	fk_link_server_run(server);
	cr_assert_eq(block->lease_until_us, last);
	close(region_fd);
}

Test(link_server, a_dataplane_that_is_to_stand_by_is_told_so_has_no_lease_and_is_not_let_in_again)
{
	int region_fd, fds[2], fd = attach(&region_fd, -1);
	struct fk_control_block *block = fk_region_map_control(fk_link_server_region(server));
	struct fk_link_msg msg;

	fk_link_server_stand_by(server);
	cr_expect_eq(hear(fd, &msg, fds), FK_LINK_STAND_BY);
	cr_expect_eq(block->lease_until_us, 0);
	usleep(200000);
	fk_link_server_run(server);
	cr_expect_eq(block->lease_until_us, 0, "nor is it renewed");
	close(fd);
	fk_link_server_run(server);
	fd = dial();
	cr_expect_eq(hear(fd, &msg, fds), FK_LINK_REFUSED);
	close(fd);
	close(region_fd);
}

/* Another node sent in between, and the region does not know what. */
Test(link_server, a_region_of_an_earlier_tenure_is_not_adopted)
{
	struct fk_link_options o = options();
	struct fk_reason reason;
	int region_fd, again_fd, fd = attach(&region_fd, -1);

	close(fd);
	fk_link_server_free(server);
	cr_assert_eq(fk_link_server_new(&o, &server, &reason), FK_OK, "%s", reason.text);
	set_fleet(1);
	fd = attach(&again_fd, region_fd);
	cr_expect_not(last_is_new, "the same node went on");
	close(fd);
	fk_link_server_free(server);
	cr_assert_eq(fk_link_server_new(&o, &server, &reason), FK_OK, "%s", reason.text);
	tenure = 5;
	set_fleet(1);
	fd = attach(&again_fd, region_fd);
	cr_expect(last_is_new);
	close(fd);
	close(region_fd);
	close(again_fd);
}

Test(link_server, a_stale_socket_file_is_replaced_and_a_living_one_is_not)
{
	struct fk_link_options o = options();
	struct fk_link_server *second;
	struct fk_reason reason;

	cr_assert_eq(fk_link_server_new(&o, &second, &reason), FK_EEXIST);
	cr_assert(strstr(reason.text, "in use"));
	/* A process that was killed leaves its file behind. */
	char kept[80];
	(void)snprintf(kept, sizeof(kept), "%s.kept", path);
	cr_assert_eq(link(path, kept), 0);
	fk_link_server_free(server);
	cr_assert_eq(rename(kept, path), 0);
	cr_assert_eq(fk_link_server_new(&o, &server, &reason), FK_OK, "%s", reason.text);
}
