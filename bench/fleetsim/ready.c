/* SPDX-License-Identifier: Apache-2.0 */
/* ready.c - see ready.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ready.h"

#define POLL_US 10000

static void make_file(const struct fk_ready *ready)
{
	FILE *file = fopen(ready->ready_path, "we");

	if (file == NULL || fclose(file) != 0)
		fprintf(stderr, "fleetsim: --ready-file %s: %s\n", ready->ready_path,
			strerror(errno));
}

static void *watch(void *arg)
{
	struct fk_ready *ready = arg;
	struct stat st;

	while (!atomic_load(&ready->stop)) {
		if (stat(ready->socket_path, &st) == 0 && S_ISSOCK(st.st_mode)) {
			make_file(ready);
			return NULL;
		}
		usleep(POLL_US);
	}
	return NULL;
}

/* The socket path of a virtio_user port in server mode; empty if there is none. */
static void find_socket(struct fk_ready *ready, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const char *vdev = strstr(argv[i], "net_virtio_user");
		const char *path = vdev == NULL ? NULL : strstr(vdev, ",path=");
		size_t len;

		if (path == NULL || strstr(vdev, ",server=1") == NULL)
			continue;
		path += strlen(",path=");
		len = strcspn(path, ",");
		if (len < sizeof(ready->socket_path)) {
			memcpy(ready->socket_path, path, len);
			ready->socket_path[len] = '\0';
		}
	}
}

void fk_ready_start(struct fk_ready *ready, const char *ready_path, int argc, char **argv)
{
	sigset_t all, before;

	memset(ready, 0, sizeof(*ready));
	ready->ready_path = ready_path;
	if (ready_path == NULL)
		return;
	find_socket(ready, argc, argv);
	if (ready->socket_path[0] == '\0')
		return;
	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_BLOCK, &all, &before);
	ready->has_thread = pthread_create(&ready->thread, NULL, watch, ready) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void fk_ready_stop(struct fk_ready *ready, bool is_running)
{
	atomic_store(&ready->stop, true);
	if (ready->has_thread)
		pthread_join(ready->thread, NULL);
	if (ready->ready_path != NULL && is_running)
		make_file(ready);
	ready->has_thread = false;
	ready->ready_path = NULL;
}
