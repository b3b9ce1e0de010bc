/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_server.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <hiredis/hiredis.h>

#include "store/store.h"

void redis_server_start(struct redis_server *server)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid > 0)
		setpgid(pid, pid); /* here too: whoever comes first */
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
		       server->socket, "--dir", server->folder, "--appendonly", "yes",
		       "--appendfsync", "always", "--save", "", "--enable-debug-command", "local",
		       "--daemonize", "no", (char *)NULL);
		_exit(127);
	}
	server->pid = pid;
	for (int i = 0; i < 500; i++) {
		redisContext *redis = redisConnectUnix(server->socket);
		redisReply *reply =
			redis != NULL && redis->err == 0 ? redisCommand(redis, "PING") : NULL;
		bool is_up = reply != NULL && reply->type == REDIS_REPLY_STATUS;

		if (reply != NULL)
			freeReplyObject(reply);
		if (redis != NULL)
			redisFree(redis);
		if (is_up)
			return;
		usleep(20000);
	}
	cr_assert(false, "redis-server does not answer");
}

void redis_server_init(struct redis_server *server)
{
	*server = (struct redis_server){.folder = "/tmp/fleetkey-redis-XXXXXX"};
	cr_assert_not_null(mkdtemp(server->folder));
	(void)snprintf(server->socket, sizeof(server->socket), "%s/redis.sock", server->folder);
	redis_server_start(server);
}

void redis_server_kill(struct redis_server *server)
{
	if (server->pid == 0)
		return;
	/* The group: a child that rewrites the AOF would go on writing. */
	kill(-server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
	unlink(server->socket);
}

static void remove_files(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[400];
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			remove_files(path);
			rmdir(path);
		} else {
			unlink(path);
		}
	}
	if (dir != NULL)
		closedir(dir);
}

void redis_server_forget(struct redis_server *server)
{
	remove_files(server->folder);
}

void redis_server_fini(struct redis_server *server)
{
	redis_server_kill(server);
	remove_files(server->folder);
	/* A killed child of Redis may still have been creating its file. */
	for (int i = 0; i < 50 && rmdir(server->folder) != 0; i++) {
		usleep(10000);
		remove_files(server->folder);
	}
}

struct fk_store *redis_server_open_store(struct redis_server *server)
{
	const struct fk_store_options options = {.redis_socket = server->socket};
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(fk_store_open(&options, &opened, &reason), FK_OK, "%s", reason.text);
	return opened;
}

const char *redis_server_ask(struct redis_server *server, const char *format, ...)
{
	static char text[256];
	char command[256];
	redisContext *redis = redisConnectUnix(server->socket);
	redisReply *reply;
	va_list args;

	cr_assert(redis != NULL && redis->err == 0);
	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	/* The words are split at spaces; none of ours holds a '%'. */
	reply = redisCommand(redis, command);
	cr_assert_not_null(reply);
	text[0] = '\0';
	if (reply->type == REDIS_REPLY_INTEGER)
		(void)snprintf(text, sizeof(text), "%lld", reply->integer);
	else if (reply->str != NULL)
		(void)snprintf(text, sizeof(text), "%s", reply->str);
	freeReplyObject(reply);
	redisFree(redis);
	return text;
}
