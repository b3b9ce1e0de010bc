/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.h - the table of the API's endpoints, and which of them a request means.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

struct fk_call;

struct fk_route {
	/* "{id}" stands for a campaign's number, "{name}", at the end, for a group's name */
	const char *method, *path;
	void (*handler)(struct fk_call *call);
	/* For uploads that are taken as they come; NULL: the body is collected for 'handler'. */
	void (*begin)(struct fk_call *call);
	void (*feed)(struct fk_call *call, const void *octets, size_t size);
	const char *help;
};

/* The table; '*ret_n' rows. */
const struct fk_route *fk_routes(uint32_t *ret_n);

/*
 * Finds the route. Returns FK_OK; FK_ENOTFOUND if there is no such path; FK_EUNSUPPORTED if the
 * path has other methods only. '*ret_id' is the {id}, 0 if the path has none.
 */
FK_MUST_USE enum fk_err fk_route_find(const char *method, const char *path,
				      const struct fk_route **ret_route, uint32_t *ret_id);

/* True if the route knows that name in a query. */
bool fk_route_takes(const struct fk_route *route, const char *name);

/* The {name} in a path that the route was found for; NULL if it has none. Borrows 'path'. */
const char *fk_route_name(const struct fk_route *route, const char *path);
