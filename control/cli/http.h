/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - requests to fleetkeyd, over its Unix socket or its loopback port.
 *
 * Threads: a client belongs to one thread.
 * Memory:  replies are held whole and are bounded; the long lists of the API come in pages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fleetkey/err.h>

#define FK_HTTP_REPLY_MAX_SIZE (64u << 20) /* a page of 10,000 rows takes about 3 MB */

struct fk_http; /* layout is private to http.c */

struct fk_http_config {
	const char *socket; /* path of the Unix socket; used if url is NULL */
	const char *url;    /* http://127.0.0.1:PORT */
	const char *token;  /* bearer token, NULL for none */
};

struct fk_http_reply {
	long status;
	char *body; /* NUL-terminated, on the heap */
	size_t size;
};

/*
 * Told while a body is being sent: 'n_sent' octets so far of 'n_total', which is 0 until it is
 * known. 'n_sent' == 'n_total' may be told several times while the answer is awaited.
 */
typedef void (*fk_http_progress_fn)(void *arg, uint64_t n_sent, uint64_t n_total);

/*
 * Makes a client; copies 'config'. FK_EINVAL if 'url' is anything but plain HTTP to the loopback
 * address (a bearer token must not cross a network in the clear), or the socket's path is too long.
 */
FK_MUST_USE enum fk_err fk_http_new(const struct fk_http_config *config, struct fk_http **ret_http);
/* Another client of the same fleetkeyd, for a question during a long request. As fk_http_new(). */
FK_MUST_USE enum fk_err fk_http_clone(const struct fk_http *http, struct fk_http **ret_http);
void fk_http_free(struct fk_http *http);

/*
 * One request; 'json_body' is NULL for none. FK_OK means that an answer came, whatever its status;
 * FK_EIO that none came, with the reason in fk_http_reason(). The caller frees the reply.
 */
FK_MUST_USE enum fk_err fk_http_request(struct fk_http *http, const char *method, const char *path,
					const char *json_body, struct fk_http_reply *ret_reply);

/* GETs 'path' and writes the body of a 200 to 'file' as it comes; that of another status is in the
 * reply. Results as above; FK_EIO also if 'file' cannot be written or the answer was cut off: what
 * was written then is not whole. */
FK_MUST_USE enum fk_err fk_http_download(struct fk_http *http, const char *path, FILE *file,
					 struct fk_http_reply *ret_reply);

/* POSTs what is left of 'file' as 'content_type', without holding it in memory; of a pipe nothing
 * may have been read. If fleetkeyd refuses it before its end, no more is sent: a pipe may have
 * none. Results as above; FK_EIO also if the file cannot be read. */
FK_MUST_USE enum fk_err fk_http_upload(struct fk_http *http, const char *path,
				       const char *content_type, FILE *file,
				       fk_http_progress_fn progress, void *progress_arg,
				       struct fk_http_reply *ret_reply);

void fk_http_reply_fini(struct fk_http_reply *reply);

/* Why the last request got no answer: a sentence that says where fleetkeyd was looked for. */
const char *fk_http_reason(const struct fk_http *http);
