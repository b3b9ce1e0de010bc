/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "store/sentinel.h"

#define MASTER "*2\r\n$9\r\n192.0.2.7\r\n$4\r\n6380\r\n"
#define OTHER  "*2\r\n$11\r\n2001:db8::7\r\n$4\r\n6379\r\n"

/* Sentinels that give one answer each, NULL for none, to whoever asks. */
#define N_MAX 3
static struct sentinel {
	const char *answer;
	int fd;
	pthread_t thread;
	char heard[256];
} sentinels[N_MAX];
static struct fk_store_address addresses[N_MAX];
static struct fk_store_options options;

static void *answer_all(void *arg)
{
	struct sentinel *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		ssize_t n = read(fd, s->heard, sizeof(s->heard) - 1);

		if (n > 0)
			s->heard[n] = '\0';
		if (write(fd, s->answer, strlen(s->answer)) < 0)
			s->heard[0] = '\0';
		close(fd);
	}
	return NULL;
}

/* Listens on a port of 127.0.0.1. */
static void begin(uint32_t index, const char *answer)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sentinel *s = &sentinels[index];
	socklen_t size = sizeof(at);

	*s = (struct sentinel){.answer = answer, .fd = socket(AF_INET, SOCK_STREAM, 0)};
	cr_assert_geq(s->fd, 0);
	cr_assert_eq(bind(s->fd, (struct sockaddr *)&at, size), 0);
	cr_assert_eq(getsockname(s->fd, (struct sockaddr *)&at, &size), 0);
	cr_assert_eq(listen(s->fd, 8), 0);
	if (answer != NULL)
		cr_assert_eq(pthread_create(&s->thread, NULL, answer_all, s), 0);
	memcpy(addresses[index].host, "127.0.0.1", sizeof("127.0.0.1"));
	addresses[index].port = ntohs(at.sin_port);
	options = (struct fk_store_options){
		.sentinels = addresses, .n_sentinels = index + 1, .master_name = "fleet-one"};
}

static void end(uint32_t index)
{
	struct sentinel *s = &sentinels[index];

	(void)shutdown(s->fd, SHUT_RDWR);
	if (s->answer != NULL)
		pthread_join(s->thread, NULL);
	close(s->fd);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

Test(sentinel, one_that_knows_the_master_is_found_behind_those_that_do_not)
{
	struct fk_store_address master = {.port = 0};
	struct fk_reason reason;
	uint32_t first = 0;

	begin(0, "+nobody asks me");
	end(0);
	begin(1, "*-1\r\n");
	begin(2, MASTER);
	cr_assert_eq(fk_sentinel_find(&options, &first, &master, &reason), FK_OK);
	cr_expect_str_eq(master.host, "192.0.2.7");
	cr_expect_eq(master.port, 6380);
	end(1);
	end(2);
	cr_expect_not_null(strstr(sentinels[2].heard, "get-master-addr-by-name"));
	cr_expect_not_null(strstr(sentinels[2].heard, "fleet-one"));
}

/* One that is cut off names the old master for ever. */
Test(sentinel, the_next_time_another_one_is_asked_first)
{
	struct fk_store_address master;
	uint32_t first = 0;

	begin(0, MASTER);
	begin(1, OTHER);
	cr_assert_eq(fk_sentinel_find(&options, &first, &master, NULL), FK_OK);
	cr_expect_str_eq(master.host, "192.0.2.7");
	cr_assert_eq(fk_sentinel_find(&options, &first, &master, NULL), FK_OK);
	cr_expect_str_eq(master.host, "2001:db8::7");
	cr_assert_eq(fk_sentinel_find(&options, &first, &master, NULL), FK_OK);
	cr_expect_str_eq(master.host, "192.0.2.7");
	end(0);
	end(1);
}

Test(sentinel, one_that_hangs_is_given_up_in_time)
{
	struct fk_store_address master;
	uint32_t first = 0;
	uint64_t began_ms;

	begin(0, NULL);
	begin(1, MASTER);
	began_ms = now_ms();
	cr_assert_eq(fk_sentinel_find(&options, &first, &master, NULL), FK_OK);
	cr_expect_geq(now_ms() - began_ms, FK_SENTINEL_TIMEOUT_MS);
	cr_expect_lt(now_ms() - began_ms, 4 * FK_SENTINEL_TIMEOUT_MS);
	end(0);
	end(1);
}

Test(sentinel, an_answer_that_is_no_address_is_refused_and_told)
{
	static const struct {
		const char *answer, *word;
	} cases[] = {
		{"*-1\r\n", "no master of that name"},
		{"-NOAUTH Authentication required.\r\n", "NOAUTH"},
		{"*1\r\n$9\r\n192.0.2.7\r\n", "another answer"},
		{"*2\r\n:1\r\n:2\r\n", "another answer"},
		{"+OK\r\n", "another answer"},
		{"*2\r\n$7\r\nredis-1\r\n$4\r\n6379\r\n", "no IP address"},
		{"*2\r\n$50\r\n10000000000000000000000000000000000000000000000000\r\n$1\r\n1\r\n",
		 "no IP address"},
		{"*2\r\n$9\r\n192.0.2.7\r\n$1\r\n0\r\n", "no port"},
		{"*2\r\n$9\r\n192.0.2.7\r\n$5\r\n65536\r\n", "no port"},
		{"*2\r\n$9\r\n192.0.2.7\r\n$2\r\n-1\r\n", "no port"},
		{"*2\r\n$9\r\n192.0.2.7\r\n$0\r\n\r\n", "no port"},
		{"garbage\r\n", "Protocol error"},
		{"", "127.0.0.1:"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_store_address master;
		struct fk_reason reason = {.text = ""};
		uint32_t first = 0;

		begin(0, cases[i].answer);
		cr_expect_eq(fk_sentinel_find(&options, &first, &master, &reason), FK_EAWAY, "%zu",
			     i);
		cr_expect_not_null(strstr(reason.text, cases[i].word), "%zu: %s", i, reason.text);
		cr_expect_not_null(strstr(reason.text, "fleet-one"), "%zu: %s", i, reason.text);
		end(0);
	}
}

/* Each has its place in the reason, however many there are. */
Test(sentinel, a_store_behind_sentinels_that_are_gone_is_away)
{
	struct fk_store *store = NULL;
	struct fk_reason reason = {.text = ""};

	begin(0, "");
	end(0);
	begin(1, "");
	end(1);
	cr_expect_eq(fk_store_open(&options, &store, &reason), FK_EAWAY);
	cr_expect_null(store);
	for (uint32_t i = 0; i < 2; i++) {
		char where[64];

		(void)snprintf(where, sizeof(where), "127.0.0.1:%u: Connection refused",
			       addresses[i].port);
		cr_expect_not_null(strstr(reason.text, where), "%s", reason.text);
	}
}
