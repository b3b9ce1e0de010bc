/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_shape.h - reads a message that has the shape of one before it.
 *
 * A server writes what it sends by a few templates. Of two messages of one template and one size
 * all differs that has to, branch, tags, IDs, users and binary parts, and the rest is the same,
 * octet by octet. So messages that were read in full are kept as shapes, and the next one of that
 * size is first held against them: where a shape wants the same octet it must be the same, where it
 * wants a letter or digit it may be any other, and in the parts that are octets to SIP it may be
 * anything but a boundary. Nothing then is left that could change how the message reads, so its
 * fields stand where they stood. A message that fits no shape costs a look and is read in full.
 *
 * Threads: a table has one user. Memory: views borrow from the datagram. A shape holds the header
 * and the documents of a message, and no octet of its signalling or payload.
 */
#pragma once

#include "wire/sip.h"

#define FK_SIP_SHAPES 32 /* kept; of those that are not used one makes room */

struct fk_sip_shapes;

/* What is read of the body of an SDS on carrier T1, where it stands in the datagram (TS 24.282
 * §6.2.2.3, Annex D.1). All empty in a response; 'payload' is empty in a disposition. */
struct fk_sip_shape_body {
	struct fk_view info; /* the mcdata-info document; to learn by, not read back */
	struct fk_view signalling, payload; /* contents of their parts */
	struct fk_view user;		    /* <mcdata-calling-user-id>; found, not to be given */
};

/* NULL if there is no memory. A CPU without AVX2 has a table that stays empty. */
struct fk_sip_shapes *fk_sip_shapes_new(void);
void fk_sip_shapes_free(struct fk_sip_shapes *shapes);
/* Goes on as on a CPU that has AVX2 and no AVX-512; for tests. */
void fk_sip_shapes_narrow(struct fk_sip_shapes *shapes);

/*
 * True if the datagram of 'size' octets fits a shape; then both results are what fk_sip_parse(),
 * fk_sip_split_body() and fk_mcdata_info_parse() would say of it, all of them FK_OK. False if it
 * has to be read in full; the results are not to be used.
 */
FK_MUST_USE bool fk_sip_shapes_read(struct fk_sip_shapes *shapes, const uint8_t *octets,
				    size_t size, struct fk_sip_message *ret_message,
				    struct fk_sip_shape_body *ret_body);

/*
 * Keeps the shape of a message that fk_sip_parse() has read without error: a response with 'body'
 * NULL, or a request with its parts as they stand in the datagram. One that is not of the usual
 * form is not kept; nor are more than one of FK_SIP_SHAPE_EVERY messages that fitted none, so that
 * a peer without fixed shapes costs little.
 */
void fk_sip_shapes_learn(struct fk_sip_shapes *shapes, const uint8_t *octets, size_t size,
			 const struct fk_sip_message *message,
			 const struct fk_sip_shape_body *body);

#define FK_SIP_SHAPE_EVERY 32
