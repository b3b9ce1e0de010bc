/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fleetkey/unix_listen.h>

#include "api/call.h"
#include "api/early_answer.h"
#include "api/routes.h"
#include "api/token.h"

#define CONNECTION_TIMEOUT_S 60

/* What is taken of a body that was refused: then the connection is closed. */
#define SWALLOW_MAX   (256u << 20) /* octets */
#define SWALLOW_MAX_S 10

/* One listening socket. */
struct endpoint {
	struct fk_api *api;
	struct MHD_Daemon *daemon;
	bool is_local; /* the Unix socket: its mode is the authorisation */
};

struct fk_api {
	struct fk_app *app;
	struct endpoint endpoints[FK_API_DAEMONS];
	struct fk_bearer_token token;
	struct fk_import_lock imports;
	bool has_socket;
};

/* One request, from its first line to its end. */
struct exchange {
	struct fk_call call;
	const struct fk_route *route;
	/* Of a body that goes on behind its refusal. */
	bool is_answered;
	size_t n_swallowed;
	time_t close_at_s; /* CLOCK_MONOTONIC */
};

/* Another node owns all that a request could be about. */
static void refuse_standby(struct fk_call *call)
{
	char reason[256];

	(void)snprintf(reason, sizeof(reason),
		       "this node, %s, stands by: %s is the owner, ask there", call->app->node.name,
		       call->app->owner.name);
	fk_call_reply_problem(call, 503, "this node stands by", "node", reason, NULL);
}

/* An MHD_KeyValueIterator over the query, that ends at a name that is not known: as a filter that
 * is misspelt it would be one that lets all through. */
static enum MHD_Result check_query_name(void *ctx, enum MHD_ValueKind kind, const char *name,
					const char *value)
{
	struct exchange *x = ctx;
	json_t *text;

	(void)kind;
	(void)value;
	if (fk_route_takes(x->route, name))
		return MHD_YES;
	text = json_string(name); /* NULL if it is no UTF-8 */
	fk_call_reply_err(&x->call, FK_EINVAL, text != NULL ? name : "query",
			  "there is no such name in the query here");
	json_decref(text);
	return MHD_NO;
}

static void begin_exchange(struct endpoint *endpoint, struct exchange *x, const char *path,
			   const char *method)
{
	struct fk_call *call = &x->call;
	enum fk_err err;

	if (!endpoint->is_local &&
	    !fk_bearer_token_matches(&endpoint->api->token,
				     MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND,
								 MHD_HTTP_HEADER_AUTHORIZATION))) {
		fk_call_reply_problem(call, 401, "not authorised", "Authorization",
				      "a bearer token is needed", NULL);
		return;
	}
	err = fk_route_find(method, path, &x->route, &call->id);
	if (err == FK_OK)
		call->name = fk_route_name(x->route, path);
	if (err == FK_EUNSUPPORTED)
		fk_call_reply_problem(call, 405, "method not allowed", NULL, NULL, NULL);
	else if (err != FK_OK)
		fk_call_reply_problem(call, 404, "no such resource", NULL, NULL, NULL);
	else if (call->app->is_standby && x->route->handler != fk_api_health)
		refuse_standby(call);
	else
		(void)MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND,
						check_query_name, x);
	if (!fk_call_has_reply(call) && x->route->begin != NULL)
		x->route->begin(call);
}

static void collect_body(struct fk_call *call, const char *octets, size_t size)
{
	char *grown;

	if (fk_call_has_reply(call))
		return;
	if (size > FK_API_BODY_MAX - call->body_size) {
		fk_call_reply_problem(call, 413, "the body is too large", NULL,
				      "at most 65536 octets", NULL);
		return;
	}
	if (call->body_size + size > call->body_cap) {
		call->body_cap = 2 * (call->body_size + size);
		grown = realloc(call->body, call->body_cap);
		if (grown == NULL) {
			fk_call_reply_err(call, FK_ENOMEM, NULL, NULL);
			return;
		}
		call->body = grown;
	}
	memcpy(call->body + call->body_size, octets, size);
	call->body_size += size;
}

static void wipe_and_free(void *text)
{
	if (text != NULL)
		fk_wipe(text, malloc_usable_size(text));
	free(text);
}

/* What the response is made of is its own from then on. */
static struct MHD_Response *take_body(struct fk_call *call)
{
	struct MHD_Response *response;

	if (call->stream.next != NULL) {
		response = fk_stream_response(&call->stream);
		call->stream = (struct fk_stream){.next = NULL};
		return response;
	}
	response = MHD_create_response_from_buffer_with_free_callback(
		call->text_size, call->text, call->is_secret ? wipe_and_free : free);
	if (response != NULL)
		call->text = NULL;
	return response;
}

static enum MHD_Result send_reply(struct fk_call *call)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	if (!fk_call_has_reply(call))
		fk_call_reply_err(call, FK_EIO, NULL, "the request got no answer");
	response = take_body(call);
	if (response == NULL)
		return MHD_NO;
	if (call->content_type != NULL)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					      call->content_type);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (call->status == 401)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	result = MHD_queue_response(call->connection, call->status, response);
	MHD_destroy_response(response);
	return result;
}

static int connection_fd(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info != NULL ? info->connect_fd : -1;
}

/* Who is at the other end of the Unix socket, as the kernel says; see lifecycle.h. */
static uint64_t principal_of(struct MHD_Connection *connection)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(connection_fd(connection), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return FK_PRINCIPAL_NONE;
	return (uint64_t)peer.uid + 1;
}

static time_t now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return now.tv_sec;
}

/*
 * A piece of a body that is refused already. Of a short one the answer comes at its end; one that
 * is long, or a file, may have none: it is answered now. A peer that is still sending would see a
 * broken connection in place of the reason, so more is read, but not for ever. False: enough of it.
 */
static bool swallow(struct exchange *x, size_t size)
{
	struct fk_call *call = &x->call;
	bool is_file = x->route != NULL && x->route->feed != NULL;

	x->n_swallowed += size;
	if (x->is_answered)
		return x->n_swallowed <= SWALLOW_MAX && now_s() < x->close_at_s;
	if (!is_file && x->n_swallowed <= FK_API_BODY_MAX)
		return true;
	x->is_answered = true;
	x->close_at_s = now_s() + SWALLOW_MAX_S;
	return fk_early_answer(connection_fd(call->connection), call->status, call->content_type,
			       call->text != NULL ? call->text : "", call->text_size) == FK_OK;
}

/* Called for the head, for each piece of the body, and once more at its end. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload_data,
				  size_t *upload_data_size, void **request_ctx)
{
	struct endpoint *endpoint = ctx;
	struct exchange *x = *request_ctx;

	(void)version;
	if (x == NULL) {
		x = calloc(1, sizeof(*x));
		if (x == NULL)
			return MHD_NO;
		*request_ctx = x;
		x->call.app = endpoint->api->app;
		x->call.connection = connection;
		x->call.is_local = endpoint->is_local;
		x->call.principal = endpoint->is_local ? principal_of(connection) : 0;
		x->call.imports = &endpoint->api->imports;
		begin_exchange(endpoint, x, url, method);
		return MHD_YES;
	}
	if (*upload_data_size > 0) {
		bool wants_more;

		if (x->route != NULL && x->route->feed != NULL)
			x->route->feed(&x->call, upload_data, *upload_data_size);
		else
			collect_body(&x->call, upload_data, *upload_data_size);
		wants_more = !fk_call_has_reply(&x->call) || swallow(x, *upload_data_size);
		*upload_data_size = 0;
		return wants_more ? MHD_YES : MHD_NO;
	}
	if (x->is_answered)
		return MHD_NO; /* closes it */
	if (!fk_call_has_reply(&x->call))
		x->route->handler(&x->call);
	/* The reply comes when the work is done; until then nothing is expected of the peer. */
	if (!fk_call_has_reply(&x->call) && endpoint->api->imports.waiting == &x->call) {
		MHD_suspend_connection(connection);
		return MHD_YES;
	}
	return send_reply(&x->call);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request_ctx,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *request_ctx;

	(void)ctx;
	(void)connection;
	(void)code;
	if (x == NULL)
		return;
	fk_call_drop_import(&x->call);
	free(x->call.body);
	wipe_and_free(x->call.text);
	free(x);
	*request_ctx = NULL;
}

/* Takes 'listen_fd', also on failure. */
static enum fk_err start_daemon(struct fk_api *api, struct endpoint *endpoint, int listen_fd,
				bool is_local, struct fk_reason *reason)
{
	endpoint->api = api;
	endpoint->is_local = is_local;
	endpoint->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, endpoint,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listen_fd, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, endpoint, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)FK_API_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_END);
	if (endpoint->daemon == NULL) {
		fk_reason_set(reason, "the HTTP server does not start");
		close(listen_fd);
		return FK_EIO;
	}
	return FK_OK;
}

static enum fk_err listen_loopback(uint16_t port, int *ret_fd, struct fk_reason *reason)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 64) != 0) {
		fk_reason_set(reason, "api.loopback_port %u: %s", port, strerror(errno));
		if (fd >= 0)
			close(fd);
		return FK_EIO;
	}
	*ret_fd = fd;
	return FK_OK;
}

static enum fk_err start_loopback(struct fk_api *api, struct fk_reason *reason)
{
	const struct fk_config *config = api->app->config;
	int fd;
	enum fk_err err;

	if (config->api.loopback_port == 0)
		return FK_OK;
	err = fk_bearer_token_load(config->api.token_file, &api->token, reason);
	if (err == FK_OK)
		err = listen_loopback((uint16_t)config->api.loopback_port, &fd, reason);
	if (err != FK_OK)
		return err;
	return start_daemon(api, &api->endpoints[1], fd, false, reason);
}

/* The members of one group may be principals, too. The socket takes no request yet. */
static enum fk_err open_to_group(const struct fk_config *config, int fd, struct fk_reason *reason)
{
	const struct group *group;

	if (config->api.socket_group == NULL)
		return FK_OK;
	group = getgrnam(config->api.socket_group);
	if (group != NULL && chown(config->api.socket, (uid_t)-1, group->gr_gid) == 0 &&
	    chmod(config->api.socket, 0660) == 0)
		return FK_OK;
	fk_reason_set(reason, "api.socket_group %s: %s", config->api.socket_group,
		      group == NULL ? "there is no such group" : strerror(errno));
	close(fd);
	return FK_EIO;
}

enum fk_err fk_api_new(struct fk_app *app, struct fk_api **ret_api, struct fk_reason *reason)
{
	struct fk_api *api = calloc(1, sizeof(*api));
	enum fk_err err;
	int fd;

	if (api == NULL)
		return FK_ENOMEM;
	api->app = app;
	err = fk_unix_listen(app->config->api.socket, SOCK_STREAM, &fd, reason->text,
			     sizeof(reason->text));
	if (err == FK_OK) {
		api->has_socket = true;
		err = open_to_group(app->config, fd, reason);
	}
	if (err == FK_OK) {
		err = start_daemon(api, &api->endpoints[0], fd, true, reason);
	}
	if (err == FK_OK)
		err = start_loopback(api, reason);
	if (err != FK_OK) {
		fk_api_free(api);
		return err;
	}
	*ret_api = api;
	return FK_OK;
}

void fk_api_free(struct fk_api *api)
{
	if (api == NULL)
		return;
	/* A daemon must not be stopped while a connection of it is suspended. */
	if (api->imports.waiting != NULL)
		MHD_resume_connection(api->imports.waiting->connection);
	for (uint32_t i = 0; i < FK_API_DAEMONS; i++) {
		if (api->endpoints[i].daemon != NULL)
			MHD_stop_daemon(api->endpoints[i].daemon);
	}
	if (api->has_socket)
		(void)unlink(api->app->config->api.socket); /* it may be gone; then all is well */
	fk_wipe(&api->token, sizeof(api->token));
	free(api);
}

uint32_t fk_api_fds(const struct fk_api *api, int ret_fds[static FK_API_DAEMONS])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FK_API_DAEMONS; i++) {
		if (api->endpoints[i].daemon != NULL)
			ret_fds[n++] = MHD_get_daemon_info(api->endpoints[i].daemon,
							   MHD_DAEMON_INFO_EPOLL_FD)
					       ->epoll_fd;
	}
	return n;
}

static bool may_sweep(const struct fk_api *api)
{
	return !api->imports.is_busy && fk_import_may_sweep(api->app);
}

bool fk_api_work(struct fk_api *api)
{
	struct fk_call *call = api->imports.waiting;

	if (may_sweep(api))
		fk_import_sweep_step(api->app);
	if (call == NULL)
		return false;
	if (fk_api_import_step(call)) {
		api->imports.waiting = NULL;
		MHD_resume_connection(call->connection);
	}
	return true;
}

bool fk_api_is_importing(const struct fk_api *api)
{
	return api->imports.is_busy;
}

void fk_api_run(struct fk_api *api)
{
	for (uint32_t i = 0; i < FK_API_DAEMONS; i++) {
		if (api->endpoints[i].daemon != NULL)
			(void)MHD_run(api->endpoints[i].daemon);
	}
}

int fk_api_wait_ms(const struct fk_api *api)
{
	int wait_ms = -1;

	if (api->imports.waiting != NULL || may_sweep(api))
		return 0;
	for (uint32_t i = 0; i < FK_API_DAEMONS; i++) {
		MHD_UNSIGNED_LONG_LONG timeout_ms;

		if (api->endpoints[i].daemon == NULL ||
		    MHD_get_timeout(api->endpoints[i].daemon, &timeout_ms) != MHD_YES)
			continue;
		if (timeout_ms > 60000)
			timeout_ms = 60000;
		if (wait_ms < 0 || (int)timeout_ms < wait_ms)
			wait_ms = (int)timeout_ms;
	}
	return wait_ms;
}
