/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: the store as fleetkeyd sends it, into a file that is there only when it is whole.
 */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/request.h"

#define PATH_MAX_LEN 4096

/* Made beside 'path', and put in its place when it is whole and on the disk. */
struct draft {
	const char *path;
	char name[PATH_MAX_LEN];
	FILE *file;
};

static enum fk_exit complain(const char *path, int error)
{
	fprintf(stderr, "fleetkeyctl: %s: %s\n", path, strerror(error));
	return FK_EXIT_FAILED;
}

static enum fk_exit open_draft(struct draft *draft)
{
	struct stat st;
	int fd, n = snprintf(draft->name, sizeof(draft->name), "%s.XXXXXX", draft->path);

	if (n < 0 || (size_t)n >= sizeof(draft->name))
		return complain(draft->path, ENAMETOOLONG);
	if (lstat(draft->path, &st) == 0)
		return complain(draft->path, EEXIST);
	fd = mkostemp(draft->name, O_CLOEXEC); /* mode 0600 */
	draft->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
	if (draft->file != NULL)
		return FK_EXIT_DONE;
	n = errno;
	if (fd >= 0) {
		close(fd);
		(void)unlink(draft->name); /* it is empty */
	}
	return complain(draft->path, n);
}

/* A name is on the disk when its folder is. */
static bool sync_folder(const char *path)
{
	char copy[PATH_MAX_LEN];
	bool ok;
	int fd;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Ends the draft; a file that came meanwhile under its name stays. */
static enum fk_exit close_draft(struct draft *draft, enum fk_exit code, long long *ret_size)
{
	struct stat st = {.st_size = 0};
	bool ok = fflush(draft->file) == 0 && fsync(fileno(draft->file)) == 0 &&
		  fstat(fileno(draft->file), &st) == 0;
	int error = errno;

	if (fclose(draft->file) != 0 && ok) {
		error = errno;
		ok = false;
	}
	if (ok && code == FK_EXIT_DONE) {
		ok = link(draft->name, draft->path) == 0 && sync_folder(draft->path);
		error = errno;
	}
	(void)unlink(draft->name); /* it has its own name by now, or is not whole */
	*ret_size = st.st_size;
	if (!ok && code == FK_EXIT_DONE)
		return complain(draft->path, error);
	return code;
}

int fk_cli_backup(struct fk_cli *cli, int argc, char **argv)
{
	struct draft draft;
	long long size = 0;
	enum fk_exit code;

	if (argc != 1)
		return argc == 0 ? fk_usage_error("backup wants a FILE")
				 : fk_usage_error("unexpected '%s'", argv[1]);
	draft.path = argv[0];
	code = open_draft(&draft);
	if (code != FK_EXIT_DONE)
		return code;
	code = fk_request_download(cli, "/v1/backup", draft.file);
	code = close_draft(&draft, code, &size);
	if (code != FK_EXIT_DONE)
		return code;
	if (cli->json) {
		json_t *answer =
			json_pack("{s:s, s:I}", "file", draft.path, "octets", (json_int_t)size);

		fk_output_json(stdout, answer);
		json_decref(answer);
	} else {
		printf("%s: %lld octets\n", draft.path, size);
	}
	return FK_EXIT_DONE;
}
