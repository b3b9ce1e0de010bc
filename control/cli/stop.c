/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop --local: tells the dataplane itself. fleetkeyd, the store and the API are not asked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <fleetkey/link.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/request.h"

#define STOP_SOCKET   "/run/fleetkey/link.sock" FK_STOP_SOCKET_SUFFIX
#define ANSWER_WAIT_S 5

/* NULL, or why it did not work. */
static const char *tell(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = ANSWER_WAIT_S};
	char word[sizeof(FK_STOP_WORD) + 1];
	const char *why = NULL;
	ssize_t n = -1;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return strerror(ENAMETOOLONG);
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return strerror(errno);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    send(fd, FK_STOP_WORD, strlen(FK_STOP_WORD), MSG_NOSIGNAL) < 0 ||
	    (n = recv(fd, word, sizeof(word), 0)) < 0)
		why = strerror(errno);
	else if (n != (ssize_t)strlen(FK_STOP_WORD) || memcmp(word, FK_STOP_WORD, (size_t)n) != 0)
		why = "refused: be root, or the dataplane's user";
	close(fd);
	return why;
}

int fk_cli_stop(struct fk_cli *cli, int argc, char **argv)
{
	const char *path = STOP_SOCKET, *why;
	bool is_local = false;
	const struct fk_option options[] = {{"--local", .ret_flag = &is_local},
					    {"--stop-socket", .ret_text = &path}};
	char error[200];

	if (fk_options_parse(options, 2, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 0)
		return fk_usage_error("stop: unexpected '%s'", argv[0]);
	if (!is_local)
		return fk_usage_error("stop wants --local; campaign halt stops one by fleetkeyd");
	why = tell(path);
	if (why) {
		fprintf(stderr, "fleetkeyctl: the dataplane did not stop: %s: %s\n", path, why);
		return FK_EXIT_FAILED;
	}
	puts(cli->json ? "{\"stopped\": true}" : "stopped: no request leaves any more");
	return FK_EXIT_DONE;
}
