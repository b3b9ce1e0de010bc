/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/harden.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum fk_err fk_process_harden(struct fk_reason *reason)
{
	struct rlimit core = {0, 0}, memlock;

	umask(077);
	if (setrlimit(RLIMIT_CORE, &core) != 0) {
		fk_reason_set(reason, "setrlimit(RLIMIT_CORE, 0): %s", strerror(errno));
		return FK_EPOLICY;
	}
	/* Also keeps /proc/<pid>/mem and ptrace from other processes of the same user. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		fk_reason_set(reason, "prctl(PR_SET_DUMPABLE, 0): %s", strerror(errno));
		return FK_EPOLICY;
	}
	/* A low limit is not an error here: whoever cannot lock its memory says so with the size.
	 */
	if (getrlimit(RLIMIT_MEMLOCK, &memlock) == 0 && memlock.rlim_cur < memlock.rlim_max) {
		memlock.rlim_cur = memlock.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &memlock);
	}
	return FK_OK;
}
