/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/tek.h"

static enum fk_err refuse(enum fk_err err, struct fk_reason *reason, const char *path,
			  const char *why)
{
	fk_reason_set(reason, "%s: %s", path, why);
	return err;
}

/* Reads the id, or makes it. */
static enum fk_err settle_id(int fd, uint8_t id[static FK_NODE_ID_SIZE])
{
	ssize_t n = pread(fd, id, FK_NODE_ID_SIZE, 0);

	if (n == FK_NODE_ID_SIZE)
		return FK_OK;
	if (n != 0)
		return n < 0 ? FK_EIO : FK_EFORMAT;
	if (fk_random_fill(id, FK_NODE_ID_SIZE) != FK_OK ||
	    pwrite(fd, id, FK_NODE_ID_SIZE, 0) != FK_NODE_ID_SIZE)
		return FK_EIO;
	return FK_OK;
}

static enum fk_err take_file(const char *path, int fd, struct fk_node *node,
			     struct fk_reason *reason)
{
	struct stat status;
	enum fk_err err;

	if (fd < 0 || fstat(fd, &status) != 0)
		return refuse(FK_EIO, reason, path, strerror(errno));
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
		return refuse(FK_EPOLICY, reason, path,
			      "it must be a file of our user's, mode 0600");
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return refuse(errno == EWOULDBLOCK ? FK_EEXIST : FK_EIO, reason, path,
			      errno == EWOULDBLOCK ? "another fleetkeyd runs with this link.socket"
						   : strerror(errno));
	err = settle_id(fd, node->id);
	return err == FK_OK ? FK_OK
			    : refuse(err, reason, path, "it cannot be read, or has another size");
}

/* "node.name", or what the host calls itself. */
static void name_node(const struct fk_config *config, struct fk_node *node)
{
	if (config->node.name != NULL)
		(void)snprintf(node->name, sizeof(node->name), "%s", config->node.name);
	else if (gethostname(node->name, sizeof(node->name)) != 0 || node->name[0] == '\0')
		(void)snprintf(node->name, sizeof(node->name), "unnamed");
	node->name[sizeof(node->name) - 1] = '\0';
}

enum fk_err fk_node_open(const struct fk_config *config, struct fk_node *ret_node, int *ret_fd,
			 struct fk_reason *reason)
{
	struct fk_node node = {.lease_ms = config->link.lease_ms};
	char path[128];
	enum fk_err err;
	int fd;

	(void)snprintf(path, sizeof(path), "%s" FK_NODE_FILE_SUFFIX, config->link.socket);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = take_file(path, fd, &node, reason);
	if (err != FK_OK) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	name_node(config, &node);
	*ret_node = node;
	*ret_fd = fd;
	return FK_OK;
}
