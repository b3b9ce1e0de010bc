/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 5000L
#define REQUEST_TIMEOUT_MS 60000L /* pages and single objects; imports have no limit */

#define SILENCE_MAX_S 60L /* of a long answer: longer than that, fleetkeyd is lost */

#define BEARER "Authorization: Bearer "

struct fk_http {
	CURL *curl;
	char *base; /* scheme, host and port */
	char *socket;
	char *authorization; /* the header's line, or NULL */
	char reason[512];
	char curl_text[CURL_ERROR_SIZE];
};

struct upload {
	CURL *curl;
	fk_http_progress_fn fn;
	void *arg;
	curl_off_t n_total; /* -1 if not known */
	FILE *file;
	int sock;	  /* -1 until there is one */
	uint64_t n_given; /* octets of a pipe */
	bool is_given;	  /* to its end */
};

struct download {
	CURL *curl;
	FILE *file;
	struct fk_http_reply reply;
};

/* "http://127.0.0.1:PORT", "localhost" included, nothing behind the port but a slash. */
static bool url_is_loopback(const char *url)
{
	static const char *const prefixes[] = {"http://127.0.0.1:", "http://localhost:"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t len = strlen(prefixes[i]);
		char *end = NULL;
		unsigned long port;

		if (strncmp(url, prefixes[i], len) != 0 || url[len] < '0' || url[len] > '9')
			continue;
		port = strtoul(url + len, &end, 10);
		return port >= 1 && port <= 65535 && (*end == '\0' || strcmp(end, "/") == 0);
	}
	return false;
}

static void drop_final_slash(char *text)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '/')
		text[len - 1] = '\0';
}

static enum fk_err copy_config(struct fk_http *http, const struct fk_http_config *config)
{
	if (config->url && !url_is_loopback(config->url))
		return FK_EINVAL;
	if (!config->url && (!config->socket || !config->socket[0] ||
			     strlen(config->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path)))
		return FK_EINVAL;
	http->base = strdup(config->url ? config->url : "http://localhost");
	http->socket = config->url ? NULL : strdup(config->socket);
	if (!http->base || (!config->url && !http->socket))
		return FK_ENOMEM;
	drop_final_slash(http->base);
	if (config->token && asprintf(&http->authorization, BEARER "%s", config->token) < 0) {
		http->authorization = NULL;
		return FK_ENOMEM;
	}
	return FK_OK;
}

enum fk_err fk_http_new(const struct fk_http_config *config, struct fk_http **ret_http)
{
	struct fk_http *http = calloc(1, sizeof(*http));
	enum fk_err err = http ? copy_config(http, config) : FK_ENOMEM;

	if (err == FK_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		err = FK_EIO;
	if (err == FK_OK) {
		http->curl = curl_easy_init();
		if (!http->curl)
			err = FK_ENOMEM;
	}
	if (err != FK_OK) {
		fk_http_free(http);
		return err;
	}
	*ret_http = http;
	return FK_OK;
}

enum fk_err fk_http_clone(const struct fk_http *http, struct fk_http **ret_http)
{
	const struct fk_http_config config = {
		.socket = http->socket,
		.url = http->socket ? NULL : http->base,
		.token = http->authorization ? http->authorization + strlen(BEARER) : NULL,
	};

	return fk_http_new(&config, ret_http);
}

void fk_http_free(struct fk_http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	if (http->authorization) {
		explicit_bzero(http->authorization, strlen(http->authorization));
		free(http->authorization);
	}
	free(http->base);
	free(http->socket);
	free(http);
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct fk_http_reply *reply = arg;
	size_t n_octets = size * n;
	char *grown;

	if (n_octets > FK_HTTP_REPLY_MAX_SIZE - reply->size)
		return 0;
	grown = realloc(reply->body, reply->size + n_octets + 1);
	if (!grown)
		return 0;
	memcpy(grown + reply->size, data, n_octets);
	reply->body = grown;
	reply->size += n_octets;
	reply->body[reply->size] = '\0';
	return n_octets;
}

/* The body of a 200 goes to the file. */
static size_t pass_body(char *data, size_t size, size_t n, void *arg)
{
	struct download *download = arg;
	long status = 0;

	curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return take_body(data, size, n, &download->reply);
	return fwrite(data, 1, size * n, download->file);
}

/* The upload has a connection of its own, so that this is told. */
static int note_socket(void *arg, curl_socket_t sock, curlsocktype purpose)
{
	struct upload *upload = arg;

	(void)purpose;
	upload->sock = sock;
	return CURL_SOCKOPT_OK;
}

/* Waits for the pipe. False if the peer says something first: it should be listened to. */
static bool wait_for_pipe(const struct upload *upload)
{
	struct pollfd fds[2] = {{.fd = fileno(upload->file), .events = POLLIN},
				{.fd = upload->sock, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	return fds[0].revents != 0 || fds[1].revents == 0;
}

/* What there is in the pipe, and no waiting for more. */
static size_t give_piped(struct upload *upload, char *data, size_t max)
{
	ssize_t n;

	if (!wait_for_pipe(upload))
		return CURL_READFUNC_PAUSE;
	do
		n = read(fileno(upload->file), data, max);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return CURL_READFUNC_ABORT;
	upload->n_given += (uint64_t)n;
	upload->is_given = n == 0;
	return (size_t)n;
}

static size_t give_body(char *data, size_t size, size_t n, void *arg)
{
	struct upload *upload = arg;
	size_t n_read;

	if (upload->n_total < 0)
		return give_piped(upload, data, size * n);
	n_read = fread(data, 1, size * n, upload->file);
	/* Half a fleet must not look like a whole one. */
	return n_read == 0 && ferror(upload->file) ? CURL_READFUNC_ABORT : n_read;
}

static int tell_progress(void *arg, curl_off_t dl_total, curl_off_t dl_now, curl_off_t ul_total,
			 curl_off_t ul_now)
{
	const struct upload *upload = arg;

	(void)dl_total;
	(void)dl_now;
	(void)ul_total;
	if (upload->fn && upload->is_given)
		upload->fn(upload->arg, upload->n_given, upload->n_given);
	else if (upload->fn)
		upload->fn(upload->arg, (uint64_t)ul_now,
			   upload->n_total > 0 ? (uint64_t)upload->n_total : 0);
	/* If it paused to listen; what it heard may have been no answer yet. */
	return curl_easy_pause(upload->curl, CURLPAUSE_CONT) != CURLE_OK;
}

/* What every request has in common. */
static enum fk_err set_up(struct fk_http *http, const char *path, struct fk_http_reply *reply,
			  char **ret_url)
{
	CURL *c = http->curl;
	char *url;

	curl_easy_reset(c);
	if (asprintf(&url, "%s%s", http->base, path) < 0)
		return FK_ENOMEM;
	http->curl_text[0] = '\0';
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->curl_text);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, reply);
	if (http->socket)
		curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, http->socket);
	*ret_url = url;
	return FK_OK;
}

/* curl's words, but for a socket: there it would speak of a port that does not exist. */
static void explain(struct fk_http *http, CURLcode code)
{
	const char *text = http->curl_text[0] ? http->curl_text : curl_easy_strerror(code);
	long os_errno = 0;

	if (code == CURLE_ABORTED_BY_CALLBACK) {
		snprintf(http->reason, sizeof(http->reason), "the file cannot be read to its end");
		return;
	}
	curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &os_errno);
	if (http->socket && code == CURLE_COULDNT_CONNECT)
		text = os_errno ? strerror((int)os_errno) : "cannot connect";
	snprintf(http->reason, sizeof(http->reason), "%s fleetkeyd at %s: %s",
		 code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_WRITE_ERROR
			 ? "no whole answer from"
			 : "no answer from",
		 http->socket ? http->socket : http->base, text);
}

/* Performs, and turns curl's results into ours. */
static enum fk_err perform(struct fk_http *http, const struct curl_slist *headers,
			   struct fk_http_reply *reply)
{
	CURLcode code;

	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(http->curl);
	if (code == CURLE_OK) {
		curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &reply->status);
		return FK_OK;
	}
	explain(http, code);
	fk_http_reply_fini(reply);
	return code == CURLE_OUT_OF_MEMORY ? FK_ENOMEM : FK_EIO;
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *line, bool *ok)
{
	struct curl_slist *longer = curl_slist_append(headers, line);

	if (!longer)
		*ok = false;
	return longer ? longer : headers;
}

static enum fk_err run(struct fk_http *http, const char *content_type, bool chunked,
		       struct fk_http_reply *reply)
{
	struct curl_slist *headers = NULL;
	char line[128];
	bool ok = true;
	enum fk_err err;

	if (content_type) {
		snprintf(line, sizeof(line), "Content-Type: %s", content_type);
		headers = add_header(headers, line, &ok);
	}
	if (chunked)
		headers = add_header(headers, "Transfer-Encoding: chunked", &ok);
	if (http->authorization)
		headers = add_header(headers, http->authorization, &ok);
	headers = add_header(headers, "Accept: application/json, application/problem+json", &ok);
	err = ok ? perform(http, headers, reply) : FK_ENOMEM;
	curl_slist_free_all(headers);
	return err;
}

enum fk_err fk_http_request(struct fk_http *http, const char *method, const char *path,
			    const char *json_body, struct fk_http_reply *ret_reply)
{
	struct fk_http_reply reply = {0};
	char *url = NULL;
	enum fk_err err = set_up(http, path, &reply, &url);

	if (err != FK_OK)
		return err;
	curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, REQUEST_TIMEOUT_MS);
	if (strcmp(method, "GET") != 0) {
		curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, json_body ? json_body : "");
		curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, method);
	}
	err = run(http, json_body ? "application/json" : NULL, false, &reply);
	free(url);
	if (err == FK_OK)
		*ret_reply = reply;
	return err;
}

enum fk_err fk_http_upload(struct fk_http *http, const char *path, const char *content_type,
			   FILE *file, fk_http_progress_fn progress, void *progress_arg,
			   struct fk_http_reply *ret_reply)
{
	struct upload upload = {.curl = http->curl,
				.fn = progress,
				.arg = progress_arg,
				.n_total = -1,
				.file = file,
				.sock = -1};
	struct fk_http_reply reply = {0};
	struct stat st;
	char *url = NULL;
	enum fk_err err = set_up(http, path, &reply, &url);

	if (err != FK_OK)
		return err;
	if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode))
		upload.n_total = st.st_size;
	curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
	/* A pipe's size is not known: -1, and chunks. */
	curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, upload.n_total);
	curl_easy_setopt(http->curl, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(http->curl, CURLOPT_READDATA, &upload);
	curl_easy_setopt(http->curl, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
	curl_easy_setopt(http->curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(http->curl, CURLOPT_SOCKOPTFUNCTION, note_socket);
	curl_easy_setopt(http->curl, CURLOPT_SOCKOPTDATA, &upload);
	curl_easy_setopt(http->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(http->curl, CURLOPT_XFERINFOFUNCTION, tell_progress);
	curl_easy_setopt(http->curl, CURLOPT_XFERINFODATA, &upload);
	err = run(http, content_type, upload.n_total < 0, &reply);
	free(url);
	if (err == FK_OK)
		*ret_reply = reply;
	return err;
}

enum fk_err fk_http_download(struct fk_http *http, const char *path, FILE *file,
			     struct fk_http_reply *ret_reply)
{
	struct download download = {.curl = http->curl, .file = file};
	char *url = NULL;
	enum fk_err err = set_up(http, path, &download.reply, &url);

	if (err != FK_OK)
		return err;
	curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, pass_body);
	curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, &download);
	curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_TIME, SILENCE_MAX_S);
	err = run(http, NULL, false, &download.reply);
	free(url);
	if (err == FK_OK)
		*ret_reply = download.reply;
	return err;
}

void fk_http_reply_fini(struct fk_http_reply *reply)
{
	free(reply->body);
	*reply = (struct fk_http_reply){0};
}

const char *fk_http_reason(const struct fk_http *http)
{
	return http->reason[0] ? http->reason : "out of memory";
}
