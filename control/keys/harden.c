/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/harden.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* True if the limit of locked memory does not bind this process. */
static bool may_lock_all(const struct rlimit *memlock)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (memlock->rlim_cur == RLIM_INFINITY)
		return true;
	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[CAP_IPC_LOCK / 32].effective >> CAP_IPC_LOCK % 32 & 1) != 0;
}

/*
 * Keys have their own locked memory, but a fleet file in plain hex also passes through the buffers
 * of the HTTP library. Locking what is touched keeps those off the swap. With a low limit a lock on
 * everything would make later allocations fail, so then it is left out.
 */
static void lock_memory(const struct rlimit *memlock)
{
	if (may_lock_all(memlock))
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

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
	if (getrlimit(RLIMIT_MEMLOCK, &memlock) != 0)
		return FK_OK;
	if (memlock.rlim_cur < memlock.rlim_max) {
		memlock.rlim_cur = memlock.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &memlock);
	}
	lock_memory(&memlock);
	return FK_OK;
}
