/* SPDX-License-Identifier: Apache-2.0 */
/* plain_ok.c - see plain_ok.h. */
#include <string.h>

#include "plain_ok.h"

#define START  "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP "
#define BRANCH ";branch="
#define NEXT   "\r\nFrom: "
#define END    "\r\nContent-Length: 0\r\n\r\n"

static bool take(const char **at, const char *text, size_t size)
{
	if (memcmp(*at, text, size) != 0)
		return false;
	*at += size;
	return true;
}

bool fk_plain_ok_read(const struct fk_compose_context *context, const uint8_t *octets, size_t size,
		      const char **ret_branch)
{
	size_t sent_by_len = strlen(context->sent_by);
	const char *at = (const char *)octets, *branch;

	if (size < sizeof(START BRANCH NEXT END) + sent_by_len + FK_SIM_BRANCH_LEN ||
	    !take(&at, START, sizeof(START) - 1) || !take(&at, context->sent_by, sent_by_len) ||
	    !take(&at, BRANCH, sizeof(BRANCH) - 1))
		return false;
	branch = at;
	at += FK_SIM_BRANCH_LEN;
	if (!take(&at, NEXT, sizeof(NEXT) - 1) ||
	    memcmp(octets + size - (sizeof(END) - 1), END, sizeof(END) - 1) != 0)
		return false;
	*ret_branch = branch;
	return true;
}
