/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - one bounded cursor for every binary format.
 *
 * A cursor remembers its first error and ignores what follows, so that an encoder or decoder reads
 * like the table in its standard and is checked once, at the end. Reads past the end give zeros;
 * writes past the end are dropped. Integers are big-endian.
 *
 * Threads: a cursor belongs to one thread. Memory: borrows the buffer; nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fleetkey/err.h>

struct fk_wire_writer {
	uint8_t *at, *end, *start;
	bool failed;
};

struct fk_wire_reader {
	const uint8_t *at, *end, *start;
	bool failed;
};

static inline struct fk_wire_writer fk_wire_writer(void *buf, size_t size)
{
	return (struct fk_wire_writer){.at = buf, .end = (uint8_t *)buf + size, .start = buf};
}

static inline struct fk_wire_reader fk_wire_reader(const void *buf, size_t size)
{
	return (struct fk_wire_reader){.at = buf, .end = (const uint8_t *)buf + size, .start = buf};
}

/* Room for 'n' octets, or NULL once anything did not fit. */
static inline uint8_t *fk_wire_take(struct fk_wire_writer *w, size_t n)
{
	uint8_t *p = w->at;

	if (w->failed || (size_t)(w->end - w->at) < n) {
		w->failed = true;
		return NULL;
	}
	w->at += n;
	return p;
}

/*
 * A cursor of its own for the next 'n' octets, which are checked for here: where 'n' is a constant,
 * a compiler sees that all that is put there fits, and nothing is left of the checks. False, and
 * 'w' fails, if there is no room. The part has to be filled.
 */
static inline bool fk_wire_part(struct fk_wire_writer *w, size_t n, struct fk_wire_writer *ret_part)
{
	uint8_t *p = fk_wire_take(w, n);

	if (p == NULL)
		return false;
	*ret_part = fk_wire_writer(p, n);
	return true;
}

static inline void fk_wire_put_bytes(struct fk_wire_writer *w, const void *src, size_t n)
{
	uint8_t *p = fk_wire_take(w, n);

	if (p != NULL && n > 0)
		memcpy(p, src, n);
}

static inline void fk_wire_put_uint(struct fk_wire_writer *w, uint64_t value, size_t n)
{
	uint8_t *p = fk_wire_take(w, n);

	if (p == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

static inline void fk_wire_put_u8(struct fk_wire_writer *w, uint8_t v)
{
	fk_wire_put_uint(w, v, 1);
}
static inline void fk_wire_put_u16(struct fk_wire_writer *w, uint16_t v)
{
	fk_wire_put_uint(w, v, 2);
}
static inline void fk_wire_put_u24(struct fk_wire_writer *w, uint32_t v)
{
	fk_wire_put_uint(w, v, 3);
}
static inline void fk_wire_put_u32(struct fk_wire_writer *w, uint32_t v)
{
	fk_wire_put_uint(w, v, 4);
}
static inline void fk_wire_put_u64(struct fk_wire_writer *w, uint64_t v)
{
	fk_wire_put_uint(w, v, 8);
}

/* Octets written so far. */
static inline size_t fk_wire_written(const struct fk_wire_writer *w)
{
	return (size_t)(w->at - w->start);
}

/* FK_OK and the size written, or FK_EFULL if anything did not fit. */
FK_MUST_USE static inline enum fk_err fk_wire_done(const struct fk_wire_writer *w, size_t *ret_size)
{
	if (w->failed)
		return FK_EFULL;
	*ret_size = fk_wire_written(w);
	return FK_OK;
}

/* The next 'n' octets in place, or NULL (and the cursor fails) if fewer are left. */
static inline const uint8_t *fk_wire_get_bytes(struct fk_wire_reader *r, size_t n)
{
	const uint8_t *p = r->at;

	if (r->failed || (size_t)(r->end - r->at) < n) {
		r->failed = true;
		return NULL;
	}
	r->at += n;
	return p;
}

static inline uint64_t fk_wire_get_uint(struct fk_wire_reader *r, size_t n)
{
	const uint8_t *p = fk_wire_get_bytes(r, n);
	uint64_t value = 0;

	for (size_t i = 0; p != NULL && i < n; i++)
		value = value << 8 | p[i];
	return value;
}

static inline uint8_t fk_wire_get_u8(struct fk_wire_reader *r)
{
	return (uint8_t)fk_wire_get_uint(r, 1);
}
static inline uint16_t fk_wire_get_u16(struct fk_wire_reader *r)
{
	return (uint16_t)fk_wire_get_uint(r, 2);
}
static inline uint32_t fk_wire_get_u24(struct fk_wire_reader *r)
{
	return (uint32_t)fk_wire_get_uint(r, 3);
}
static inline uint32_t fk_wire_get_u32(struct fk_wire_reader *r)
{
	return (uint32_t)fk_wire_get_uint(r, 4);
}
static inline uint64_t fk_wire_get_u64(struct fk_wire_reader *r)
{
	return fk_wire_get_uint(r, 8);
}

static inline size_t fk_wire_left(const struct fk_wire_reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->at);
}

/* Octets read so far: where an error stands. */
static inline size_t fk_wire_offset(const struct fk_wire_reader *r)
{
	return (size_t)(r->at - r->start);
}
