/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmm_frame.h - what the KMM codecs share: the header in front, the MAC block behind, a body's end.
 *
 * Private to kmm.c, kmm_body.c and kmm_presence.c.
 */
#pragma once

#include <fleetkey/kmm.h>
#include <fleetkey/wire.h>

/*
 * Starts a frame of message 'message_id' in 'buf': writes the header, with a length of zero that
 * fk_kmm_frame_end() fills in. The writer never goes beyond FK_KMM_SIZE_MAX octets.
 * Returns FK_OK; FK_EINVAL if an RSI, the response kind or the MAC format is out of range;
 * FK_EFULL.
 */
FK_MUST_USE enum fk_err fk_kmm_frame_begin(const struct fk_kmm_header *header, uint8_t message_id,
					   uint8_t *buf, size_t cap,
					   struct fk_wire_writer *ret_writer);

/* Ends it: MAC block with zero MAC octets, message length. Returns FK_OK and the size; FK_EFULL. */
FK_MUST_USE enum fk_err fk_kmm_frame_end(const struct fk_kmm_header *header,
					 struct fk_wire_writer *w, size_t *ret_size);

/* What is left to say once a body was read. FK_OK: it fits; FK_ETRUNC: it ended early; FK_EFORMAT:
 * it goes on. */
static inline enum fk_err fk_kmm_body_end(const struct fk_wire_reader *r)
{
	if (r->failed)
		return FK_ETRUNC;
	return fk_wire_left(r) == 0 ? FK_OK : FK_EFORMAT;
}
