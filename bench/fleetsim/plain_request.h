/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain_request.h - recognises a MESSAGE that differs from a good one only where it may.
 *
 * A KMF writes its MESSAGEs by few templates. One that was read in full, and found to be as it has
 * to be, is kept; the next of the same size is held against it: it must be the same octet by octet,
 * except for letters and digits of branch, From-tag and Call-ID, and of the URI of the UE, which
 * must be the same wherever it stands, and the octets of signalling and payload, in which no line
 * may look like a boundary and which are decoded as ever. Whatever else differs is for the full
 * parser, and so is one in FK_PLAIN_REQUEST_CHECKED of those that are recognised.
 *
 * Only what reads the envelope is spared: the radio gets every KMM.
 *
 * Threads: the worker only. Memory: the table is the caller's, all zero at first; nothing
 * allocates. Views borrow from the datagram.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "face.h"
#include "inspect.h"
#include "wire/sip.h"

#define FK_PLAIN_REQUEST_CHECKED 16
#define FK_PLAIN_REQUESTS	 8  /* kept; the oldest makes room */
#define FK_PLAIN_REQUEST_SPANS	 12 /* runs of octets that may differ */

/* Where octets of a message stand. */
struct fk_plain_span {
	uint16_t offset, size;
	uint8_t kind; /* private to plain_request.c */
};

struct fk_plain_request {
	const struct fk_face *face; /* whom it was sent to */
	uint16_t size;		    /* octets of the message; 0: not in use */
	uint16_t target_size;
	uint8_t n_spans, profile;
	struct fk_plain_span spans[FK_PLAIN_REQUEST_SPANS]; /* in their order */
	struct fk_plain_span signalling, payload;	    /* contents of their parts */
	struct fk_sip_message message;			    /* its views point into 'octets' */
	uint8_t octets[FK_SIM_MESSAGE_MAX];
};

struct fk_plain_requests {
	uint32_t next; /* place that is written next */
	struct fk_plain_request requests[FK_PLAIN_REQUESTS];
};

/*
 * True if the datagram is like one that was kept. Then 'ret_message' is what fk_sip_parse() would
 * say, and target, signalling and payload of 'ret_inspected' what fk_inspect_body() would; the rest
 * of it is not written. fk_inspect_header(), fk_inspect_body() and fk_face_check() would find
 * nothing wrong. False: the results are not to be used.
 */
FK_MUST_USE bool fk_plain_request_read(const struct fk_plain_requests *requests,
				       const struct fk_face *face, const uint8_t *octets,
				       size_t size, struct fk_sip_message *ret_message,
				       struct fk_inspected *ret_inspected);

/* Keeps a MESSAGE of an SDS in which those three have found nothing wrong; one of another form than
 * the usual is not kept. */
void fk_plain_request_learn(struct fk_plain_requests *requests, const struct fk_face *face,
			    const uint8_t *octets, size_t size,
			    const struct fk_sip_message *message,
			    const struct fk_inspected *inspected);
