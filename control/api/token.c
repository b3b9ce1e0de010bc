/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fleetkey/secret.h>

static enum fk_err check_file(int fd, const char *path, struct fk_reason *reason)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		fk_reason_set(reason, "api.token_file %s is no regular file", path);
		return FK_EPOLICY;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		fk_reason_set(reason,
			      "api.token_file %s must be owned by this user and have mode 0600, it "
			      "has %04o",
			      path, st.st_mode & 07777);
		return FK_EPOLICY;
	}
	return FK_OK;
}

enum fk_err fk_bearer_token_load(const char *path, struct fk_bearer_token *ret_token,
				 struct fk_reason *reason)
{
	struct fk_bearer_token token = {{0}};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len;
	ssize_t n;
	enum fk_err err;

	if (fd < 0) {
		fk_reason_set(reason, "api.token_file %s: %s", path, strerror(errno));
		return FK_EIO;
	}
	err = check_file(fd, path, reason);
	n = err == FK_OK ? read(fd, token.text, sizeof(token.text) - 1) : 0;
	close(fd);
	if (err != FK_OK)
		return err;
	len = n > 0 ? strcspn(token.text, "\r\n") : 0;
	for (size_t i = 0; i < len; i++) {
		if (token.text[i] <= ' ' || token.text[i] > '~')
			len = 0;
	}
	if (n < 0 || len < FK_TOKEN_TEXT_MIN || (size_t)n > len + 2) {
		fk_wipe(&token, sizeof(token));
		fk_reason_set(reason, "api.token_file %s must hold %d to %d printable characters",
			      path, FK_TOKEN_TEXT_MIN, FK_TOKEN_TEXT_SIZE - 3);
		return FK_EFORMAT;
	}
	memset(token.text + len, 0, sizeof(token.text) - len);
	*ret_token = token;
	fk_wipe(&token, sizeof(token));
	return FK_OK;
}

bool fk_bearer_token_matches(const struct fk_bearer_token *token, const char *authorization)
{
	char given[FK_TOKEN_TEXT_SIZE] = {0};
	bool matches;

	if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0 ||
	    strlen(authorization + 7) >= sizeof(given))
		return false;
	memcpy(given, authorization + 7, strlen(authorization + 7));
	matches = fk_ct_equal(given, token->text, sizeof(given));
	fk_wipe(given, sizeof(given));
	return matches;
}
