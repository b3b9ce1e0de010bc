/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_fixture.h - a peer that answers canned octets on a Unix socket, and keeps what it heard.
 *
 * Each connection gets the next answer and is closed. Include once a program.
 */
#pragma once

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PEER_HEARD_MAX 65536

static struct peer {
	char dir[64], path[100];
	int fd;
	pthread_t thread;
	const char *const *answers;
	size_t n_answers;
	char heard[PEER_HEARD_MAX];
	size_t heard_size;
} peer;

/* Reads one request: its head, and as much body as Content-Length or the last chunk says. */
static void peer_hear(int fd)
{
	size_t begin = peer.heard_size;

	while (peer.heard_size < PEER_HEARD_MAX - 1) {
		ssize_t n = read(fd, peer.heard + peer.heard_size,
				 PEER_HEARD_MAX - 1 - peer.heard_size);
		const char *head = peer.heard + begin, *end, *length;

		if (n <= 0)
			return;
		peer.heard_size += (size_t)n;
		peer.heard[peer.heard_size] = '\0';
		end = strstr(head, "\r\n\r\n");
		if (!end)
			continue;
		end += 4;
		length = strstr(head, "Content-Length: ");
		if (length && length < end) {
			if (strlen(end) >= strtoul(length + 16, NULL, 10))
				return;
		} else if (!strstr(head, "Transfer-Encoding: chunked") ||
			   strstr(end, "0\r\n\r\n")) {
			return;
		}
	}
}

static void *peer_main(void *arg)
{
	for (size_t i = 0; i < peer.n_answers; i++) {
		int fd = accept(peer.fd, NULL, NULL);

		if (fd < 0)
			break;
		peer_hear(fd);
		if (write(fd, peer.answers[i], strlen(peer.answers[i])) < 0)
			perror("write");
		close(fd);
	}
	return arg;
}

/* 'answers' stay the caller's until peer_stop(). */
static void peer_start(const char *const *answers, size_t n_answers)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(peer.dir, "/tmp/fleetkey-test.XXXXXX");
	cr_assert_not_null(mkdtemp(peer.dir));
	snprintf(peer.path, sizeof(peer.path), "%s/sock", peer.dir);
	memcpy(address.sun_path, peer.path, strlen(peer.path) + 1);
	peer.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(peer.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(peer.fd, 4), 0);
	peer.answers = answers;
	peer.n_answers = n_answers;
	peer.heard_size = 0;
	cr_assert_eq(pthread_create(&peer.thread, NULL, peer_main, NULL), 0);
}

static void peer_stop(void)
{
	shutdown(peer.fd, SHUT_RDWR);
	pthread_join(peer.thread, NULL);
	close(peer.fd);
	unlink(peer.path);
	rmdir(peer.dir);
}
