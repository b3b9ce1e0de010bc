/* SPDX-License-Identifier: Apache-2.0 */
#include "http_fixture.h"

#include "cli/http.h"

static struct fk_http *client(const char *socket, const char *token)
{
	struct fk_http_config config = {.socket = socket, .token = token};
	struct fk_http *http;

	cr_assert_eq(fk_http_new(&config, &http), FK_OK);
	return http;
}

static enum fk_err try_url(const char *url)
{
	struct fk_http_config config = {.url = url};
	struct fk_http *http = NULL;
	enum fk_err err = fk_http_new(&config, &http);

	if (err == FK_OK)
		fk_http_free(http);
	return err;
}

Test(cli_http, only_plain_http_to_the_loopback_address_is_a_url)
{
	cr_assert_eq(try_url("http://127.0.0.1:8080"), FK_OK);
	cr_assert_eq(try_url("http://localhost:1/"), FK_OK);
	cr_assert_eq(try_url("http://127.0.0.1"), FK_EINVAL);
	cr_assert_eq(try_url("http://127.0.0.1:"), FK_EINVAL);
	cr_assert_eq(try_url("http://127.0.0.1:0"), FK_EINVAL);
	cr_assert_eq(try_url("http://127.0.0.1:65536"), FK_EINVAL);
	cr_assert_eq(try_url("http://127.0.0.1:80@192.0.2.1"), FK_EINVAL);
	cr_assert_eq(try_url("http://127.0.0.1:80/x"), FK_EINVAL);
	cr_assert_eq(try_url("http://192.0.2.1:80"), FK_EINVAL);
	cr_assert_eq(try_url("https://127.0.0.1:80"), FK_EINVAL);
}

Test(cli_http, a_socket_path_that_is_too_long_is_refused)
{
	char path[200];
	struct fk_http_config config = {.socket = path};
	struct fk_http *http = NULL;

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(fk_http_new(&config, &http), FK_EINVAL);
	cr_assert_null(http);
}

Test(cli_http, a_peer_that_is_away_is_named_by_its_socket)
{
	struct fk_http *http = client("/nonexistent/sock", NULL);
	struct fk_http_reply reply = {.status = 1};

	cr_assert_eq(fk_http_request(http, "GET", "/v1/health", NULL, &reply), FK_EIO);
	cr_assert_eq(reply.status, 1, "an output is written on success only");
	cr_assert_not_null(strstr(fk_http_reason(http), "/nonexistent/sock"));
	cr_assert_not_null(strstr(fk_http_reason(http), "No such file"));
	fk_http_free(http);
}

Test(cli_http, status_and_body_come_back_whatever_the_status_is)
{
	const char *const answers[] = {
		"HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy"};
	struct fk_http_reply reply;
	struct fk_http *http;

	peer_start(answers, 1);
	http = client(peer.path, "secret");
	cr_assert_eq(fk_http_request(http, "POST", "/v1/campaigns", "{\"a\":1}", &reply), FK_OK);
	cr_assert_eq(reply.status, 409);
	cr_assert_eq(reply.size, 4);
	cr_assert_str_eq(reply.body, "busy");
	fk_http_reply_fini(&reply);
	fk_http_free(http);
	peer_stop();
	cr_assert_not_null(strstr(peer.heard, "POST /v1/campaigns HTTP/1.1\r\n"));
	cr_assert_not_null(strstr(peer.heard, "Authorization: Bearer secret\r\n"));
	cr_assert_not_null(strstr(peer.heard, "Content-Type: application/json\r\n"));
	cr_assert_not_null(strstr(peer.heard, "\r\n\r\n{\"a\":1}"));
}

Test(cli_http, an_answer_that_breaks_off_is_no_answer)
{
	const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nhalf"};
	struct fk_http_reply reply;
	struct fk_http *http;

	peer_start(answers, 1);
	http = client(peer.path, NULL);
	cr_assert_eq(fk_http_request(http, "GET", "/", NULL, &reply), FK_EIO);
	fk_http_free(http);
	peer_stop();
}

static void upload(FILE *file, const char *wanted_header)
{
	const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"};
	struct fk_http_reply reply;
	struct fk_http *http;

	peer_start(answers, 1);
	http = client(peer.path, NULL);
	cr_assert_eq(fk_http_upload(http, "/x", "text/csv", file, NULL, NULL, &reply), FK_OK, "%s",
		     fk_http_reason(http));
	cr_assert_eq(reply.status, 200);
	fk_http_reply_fini(&reply);
	fk_http_free(http);
	peer_stop();
	cr_assert_not_null(strstr(peer.heard, wanted_header), "%s", peer.heard);
	cr_assert_not_null(strstr(peer.heard, "row,1\nrow,2\n"));
}

Test(cli_http, a_file_is_sent_with_its_size)
{
	FILE *file = tmpfile();

	fputs("row,1\nrow,2\n", file);
	rewind(file);
	upload(file, "Content-Length: 12\r\n");
	fclose(file);
}

Test(cli_http, a_pipe_is_sent_in_chunks)
{
	FILE *file = popen("printf 'row,1\\nrow,2\\n'", "r");

	upload(file, "Transfer-Encoding: chunked\r\n");
	pclose(file);
}

/* Refuses what it has not read to its end, and reads on. */
static void *refuse_early(void *arg)
{
	static const char answer[] =
		"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 3\r\n\r\nbad";
	int fd = accept(peer.fd, NULL, NULL);
	char octets[4096];

	if (read(fd, octets, sizeof(octets)) < 0 || write(fd, answer, strlen(answer)) < 0)
		perror("refuse_early");
	while (read(fd, octets, sizeof(octets)) > 0)
		;
	close(fd);
	return arg;
}

static void upload_refused(const char *command)
{
	FILE *file = popen(command, "r");
	struct fk_http_reply reply;
	struct fk_http *http;
	pthread_t refuser;

	peer_start(NULL, 0);
	cr_assert_eq(pthread_create(&refuser, NULL, refuse_early, NULL), 0);
	http = client(peer.path, NULL);
	cr_assert_eq(fk_http_upload(http, "/x", "text/csv", file, NULL, NULL, &reply), FK_OK, "%s",
		     fk_http_reason(http));
	cr_expect_eq(reply.status, 422);
	cr_expect_str_eq(reply.body, "bad");
	fk_http_reply_fini(&reply);
	fk_http_free(http);
	pthread_join(refuser, NULL);
	peer_stop();
	pclose(file);
}

Test(cli_http, a_pipe_that_never_ends_is_sent_until_it_is_refused, .timeout = 20)
{
	upload_refused("exec timeout 20 yes");
}

Test(cli_http, nor_is_a_pipe_waited_for_that_says_nothing_more, .timeout = 20)
{
	time_t since = time(NULL);

	upload_refused("echo row; exec sleep 4");
	cr_expect_lt(time(NULL) - since, 8);
}

static char *downloaded(const char *answer, enum fk_err *ret_err, struct fk_http_reply *reply)
{
	const char *const answers[] = {answer};
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	struct fk_http *http;

	peer_start(answers, 1);
	http = client(peer.path, NULL);
	*ret_err = fk_http_download(http, "/v1/fleet/export", file, reply);
	fk_http_free(http);
	peer_stop();
	fclose(file);
	return text;
}

Test(cli_http, a_download_goes_to_the_file_as_it_comes)
{
	struct fk_http_reply reply = {.status = 1};
	enum fk_err err;
	char *text = downloaded("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				"4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n",
				&err, &reply);

	cr_assert_eq(err, FK_OK);
	cr_expect_eq(reply.status, 200);
	cr_expect_str_eq(text, "abcdef");
	fk_http_reply_fini(&reply);
	free(text);
}

Test(cli_http, a_download_that_is_cut_off_is_an_error)
{
	struct fk_http_reply reply = {.status = 1};
	enum fk_err err;
	char *text = downloaded("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				"4\r\nabcd\r\n",
				&err, &reply);

	cr_expect_eq(err, FK_EIO);
	cr_expect_eq(reply.status, 1, "an output is written on success only");
	free(text);
}

Test(cli_http, what_is_refused_is_no_part_of_the_file)
{
	struct fk_http_reply reply = {.status = 1};
	enum fk_err err;
	char *text =
		downloaded("HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nbusy", &err, &reply);

	cr_assert_eq(err, FK_OK);
	cr_expect_eq(reply.status, 409);
	cr_expect_str_eq(reply.body, "busy");
	cr_expect_str_eq(text, "");
	fk_http_reply_fini(&reply);
	free(text);
}
