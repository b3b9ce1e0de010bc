/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - private to control/config: the text of one option becomes its value.
 *
 * Threads: everything here is pure. Memory: text values are copied to the heap.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "reason.h"

enum fk_option_kind {
	FK_OPTION_UINT,	    /* decimal or 0x hexadecimal */
	FK_OPTION_MTU,	    /* the same, and 0 for unknown */
	FK_OPTION_BOOL,	    /* true, false */
	FK_OPTION_TEXT,	    /* printable text */
	FK_OPTION_NAME,	    /* letters, digits, '.', '_' and '-' */
	FK_OPTION_URI,	    /* SIP URI */
	FK_OPTION_ADDRESS,  /* IPv4 or IPv6 address of a host */
	FK_OPTION_APP_ID,   /* none, text, uri */
	FK_OPTION_PROFILE,  /* A, B, C */
	FK_OPTION_CARRIER,  /* T1, T2 */
	FK_OPTION_APPROVAL, /* none, destructive, fleet-wide, all */
};

struct fk_option {
	const char *section, *name;
	enum fk_option_kind kind;
	const char *default_text; /* NULL: required; "": unset */
	uint32_t min, max;
	const char *unit, *help;
	size_t raw_offset;   /* of the char * that the YAML reader fills */
	size_t value_offset; /* of the value in the configuration */
	size_t value_size;   /* octets of the value there */
};

/* What is allowed, as text: "integer 1..100 ms". */
void fk_option_describe(const struct fk_option *option, char *buf, size_t size);

/*
 * Parses 'text' (NULL: not given) and stores the value in the object at 'config'. Returns FK_OK;
 * FK_ERANGE, FK_EINVAL or FK_ENOMEM with a reason that names option, value and range. 'where' is
 * put in front of the option's name: "kmf.", "next_hops[2].".
 */
FK_MUST_USE enum fk_err fk_option_store(const struct fk_option *option, const char *where,
					const char *text, void *config, struct fk_reason *reason);
