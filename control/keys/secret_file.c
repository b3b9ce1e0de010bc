/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fleetkey/secret.h>

/* What a file may be, and how a reason calls it. */
struct rule {
	const char *what, *kind; /* "root key", "file" */
	bool root_may_own;
	mode_t forbidden;
	const char *mode_text;
};

static enum fk_err check(int fd, const struct rule *rule, const char *path,
			 struct fk_reason *reason)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fk_reason_set(reason, "%s %s %s: %s", rule->what, rule->kind, path,
			      strerror(errno));
		return FK_EIO;
	}
	if (!S_ISREG(st.st_mode)) {
		fk_reason_set(reason, "%s %s %s: must be a regular file", rule->what, rule->kind,
			      path);
		return FK_EPOLICY;
	}
	if (st.st_uid != geteuid() && !(rule->root_may_own && st.st_uid == 0)) {
		fk_reason_set(reason, "%s %s %s: owner is uid %u, must be uid %u", rule->what,
			      rule->kind, path, (unsigned)st.st_uid, (unsigned)geteuid());
		return FK_EPOLICY;
	}
	if ((st.st_mode & rule->forbidden) != 0) {
		fk_reason_set(reason, "%s %s %s: mode is %04o, must be %s or stricter", rule->what,
			      rule->kind, path, (unsigned)(st.st_mode & 07777), rule->mode_text);
		return FK_EPOLICY;
	}
	return FK_OK;
}

/* Reads to the end; one octet more than 'cap' is asked for, to notice a longer file. */
static enum fk_err read_all(int fd, const struct rule *rule, const char *path, uint8_t *buf,
			    size_t cap, size_t *ret_size, struct fk_reason *reason)
{
	size_t size = 0;

	for (;;) {
		uint8_t more;
		ssize_t n = size < cap ? read(fd, buf + size, cap - size) : read(fd, &more, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fk_reason_set(reason, "%s %s %s: %s", rule->what, rule->kind, path,
				      strerror(errno));
			return FK_EIO;
		}
		if (n == 0)
			break;
		if (size == cap) {
			fk_wipe(&more, 1);
			fk_reason_set(reason, "%s %s %s: is larger than %zu octets", rule->what,
				      rule->kind, path, cap);
			return FK_EFULL;
		}
		size += (size_t)n;
	}
	*ret_size = size;
	return FK_OK;
}

static enum fk_err read_checked(const struct rule *rule, const char *path, uint8_t *buf, size_t cap,
				size_t *ret_size, struct fk_reason *reason)
{
	enum fk_err err;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ELOOP) {
		fk_reason_set(reason, "%s %s %s: must be a regular file, not a link", rule->what,
			      rule->kind, path);
		return FK_EPOLICY;
	}
	if (fd < 0) {
		fk_reason_set(reason, "%s %s %s: %s", rule->what, rule->kind, path,
			      strerror(errno));
		return FK_EIO;
	}
	err = check(fd, rule, path, reason);
	if (err == FK_OK)
		err = read_all(fd, rule, path, buf, cap, ret_size, reason);
	close(fd);
	if (err != FK_OK)
		fk_wipe(buf, cap);
	return err;
}

enum fk_err fk_secret_file_read(const char *what, const char *path, uint8_t *buf, size_t cap,
				size_t *ret_size, struct fk_reason *reason)
{
	const struct rule rule = {
		.what = what, .kind = "file", .forbidden = 0177, .mode_text = "0600"};

	return read_checked(&rule, path, buf, cap, ret_size, reason);
}

enum fk_err fk_credential_read(const char *what, const char *name, uint8_t *buf, size_t cap,
			       size_t *ret_size, struct fk_reason *reason)
{
	const struct rule rule = {.what = what,
				  .kind = "credential",
				  .root_may_own = true,
				  .forbidden = 0137,
				  .mode_text = "0640"};
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];
	struct stat st;

	if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0) {
		fk_reason_set(reason, "%s credential \"%.64s\": is no name of a credential", what,
			      name);
		return FK_EPOLICY;
	}
	if (folder == NULL || folder[0] != '/') {
		fk_reason_set(reason,
			      "%s credential %s: there is no CREDENTIALS_DIRECTORY; the service "
			      "needs LoadCredential= or LoadCredentialEncrypted=",
			      what, name);
		return FK_EPOLICY;
	}
	if (lstat(folder, &st) != 0) {
		fk_reason_set(reason, "%s credential %s: %s: %s", what, name, folder,
			      strerror(errno));
		return FK_EIO;
	}
	if (!S_ISDIR(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0) ||
	    (st.st_mode & 0022) != 0) {
		fk_reason_set(reason,
			      "%s credential %s: %s must be a folder of root or uid %u that nobody "
			      "else can write to",
			      what, name, folder, (unsigned)geteuid());
		return FK_EPOLICY;
	}
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
		fk_reason_set(reason, "%s credential %s: the path is too long", what, name);
		return FK_EPOLICY;
	}
	return read_checked(&rule, path, buf, cap, ret_size, reason);
}
