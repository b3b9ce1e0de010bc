/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - the one list of results that Fleetkey's functions return.
 *
 * The enum, the strings and the mapping to HTTP (control/api/) come from this list, so that the
 * compiler names the place that forgot a new member.
 *
 * Threads: everything here is pure.
 */
#pragma once

#define FK_ERR_MAP(X)                                                       \
	X(FK_OK, "ok")                                                      \
	X(FK_EINVAL, "invalid argument or value")                           \
	X(FK_ERANGE, "value out of range")                                  \
	X(FK_ETRUNC, "input ends before the field does")                    \
	X(FK_EFORMAT, "input is not well formed")                           \
	X(FK_EUNSUPPORTED, "known to the standard, not supported here")     \
	X(FK_EAUTH, "not authentic: a MAC, a tag or a seal does not match") \
	X(FK_EWINDOW, "message number outside the window")                  \
	X(FK_ENOTFOUND, "no such object")                                   \
	X(FK_EEXIST, "object exists already")                               \
	X(FK_ESTALE, "not possible any more")                               \
	X(FK_EFULL, "ring, pool, buffer or batch is full")                  \
	X(FK_EBUSY, "a running operation is in the way")                    \
	X(FK_EPOLICY, "refused by policy")                                  \
	X(FK_ESTORE, "the store is not available or not safe")              \
	X(FK_EAWAY, "the store does not answer yet")                        \
	X(FK_ELINK, "the dataplane is not attached")                        \
	X(FK_EABI, "the two sides of the link differ in version")           \
	X(FK_ESELFTEST, "a known-answer self-test failed")                  \
	X(FK_EIO, "input or output failed")                                 \
	X(FK_ENOMEM, "out of memory")

enum fk_err {
#define X(name, text) name,
	FK_ERR_MAP(X)
#undef X
};

/* Every function that can fail is marked; dropping a result on purpose takes a cast to void. */
#define FK_MUST_USE __attribute__((warn_unused_result))

/* The sentence for 'err', without a final full stop. Never NULL. */
static inline const char *fk_err_text(enum fk_err err)
{
	switch (err) {
#define X(name, text) \
	case name:    \
		return text;
		FK_ERR_MAP(X)
#undef X
	}
	return "unknown error";
}
