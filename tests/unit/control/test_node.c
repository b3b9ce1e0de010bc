/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node.h"

static char folder[] = "/tmp/fk-node-XXXXXX";
static char link_socket[64], path[96];
static struct fk_config config;

static void begin(void)
{
	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(link_socket, sizeof(link_socket), "%s/link.sock", folder);
	(void)snprintf(path, sizeof(path), "%s" FK_NODE_FILE_SUFFIX, link_socket);
	config.link.socket = link_socket;
	config.link.lease_ms = 3000;
}

static void end(void)
{
	(void)unlink(path);
	rmdir(folder);
}

TestSuite(node, .init = begin, .fini = end);

static enum fk_err open_node(struct fk_node *node, int *fd)
{
	struct fk_reason reason = {.text = ""};
	enum fk_err err = fk_node_open(&config, node, fd, &reason);

	cr_expect(err == FK_OK || strstr(reason.text, path) != NULL, "%s", reason.text);
	return err;
}

Test(node, it_is_the_same_node_after_a_restart)
{
	static const uint8_t zeros[FK_NODE_ID_SIZE];
	struct fk_node first, again;
	int fd;

	cr_assert_eq(open_node(&first, &fd), FK_OK);
	cr_expect_arr_neq(first.id, zeros, sizeof(zeros));
	cr_expect_eq(first.lease_ms, 3000);
	cr_expect_str_neq(first.name, "", "the host has a name");
	close(fd);
	cr_assert_eq(open_node(&again, &fd), FK_OK);
	cr_expect_arr_eq(first.id, again.id, sizeof(first.id));
	close(fd);
}

Test(node, another_node_is_another_one)
{
	struct fk_node first, other;
	int fd;

	cr_assert_eq(open_node(&first, &fd), FK_OK);
	close(fd);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(open_node(&other, &fd), FK_OK);
	cr_expect_arr_neq(first.id, other.id, sizeof(first.id));
	close(fd);
}

Test(node, a_second_process_is_shut_out_while_the_first_lives)
{
	struct fk_node node;
	int fd, second;

	cr_assert_eq(open_node(&node, &fd), FK_OK);
	cr_expect_eq(open_node(&node, &second), FK_EEXIST);
	close(fd);
	cr_expect_eq(open_node(&node, &second), FK_OK);
	close(second);
}

Test(node, it_has_the_name_that_it_is_given)
{
	static char name[] = "kmf-1";
	struct fk_node node;
	int fd;

	config.node.name = name;
	cr_assert_eq(open_node(&node, &fd), FK_OK);
	cr_expect_str_eq(node.name, "kmf-1");
	close(fd);
	config.node.name = NULL;
}

Test(node, a_file_that_others_can_use_or_that_is_damaged_is_refused)
{
	struct fk_node node;
	int fd;

	cr_assert_eq(open_node(&node, &fd), FK_OK);
	close(fd);
	cr_assert_eq(chmod(path, 0644), 0);
	cr_expect_eq(open_node(&node, &fd), FK_EPOLICY);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(truncate(path, 5), 0);
	cr_expect_eq(open_node(&node, &fd), FK_EFORMAT);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_neq(open_node(&node, &fd), FK_OK);
}
