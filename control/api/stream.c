/* SPDX-License-Identifier: Apache-2.0 */
#include "api/stream.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 16384 /* octets that are asked for at a time, at most */

struct sender {
	struct fk_stream stream;
	FILE *piece; /* in memory, at 'octets' */
	char *octets;
	size_t mem_size;     /* what the C library keeps for 'piece' */
	size_t size, n_sent; /* of the piece; what is gone of it */
};

static enum fk_err make_piece(struct sender *s)
{
	enum fk_err err;

	rewind(s->piece);
	s->n_sent = s->size = 0;
	err = s->stream.next(s->stream.self, s->piece);
	if (err == FK_OK && (fflush(s->piece) != 0 || ferror(s->piece)))
		err = FK_ENOMEM;
	if (err == FK_OK)
		s->size = (size_t)ftello(s->piece);
	return err;
}

static ssize_t give_octets(void *ctx, uint64_t position, char *buf, size_t max)
{
	struct sender *s = ctx;
	size_t n;

	(void)position;
	if (s->n_sent == s->size) {
		if (make_piece(s) != FK_OK)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (s->size == 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
	}
	n = s->size - s->n_sent;
	if (n > max)
		n = max;
	memcpy(buf, s->octets + s->n_sent, n);
	s->n_sent += n;
	return (ssize_t)n;
}

static void free_sender(void *ctx)
{
	struct sender *s = ctx;

	s->stream.free(s->stream.self);
	if (s->piece != NULL)
		(void)fclose(s->piece); /* in memory: there is nothing to lose */
	free(s->octets);
	free(s);
}

struct MHD_Response *fk_stream_response(const struct fk_stream *stream)
{
	struct sender *s = calloc(1, sizeof(*s));
	struct MHD_Response *response = NULL;

	if (s == NULL) {
		stream->free(stream->self);
		return NULL;
	}
	s->stream = *stream;
	s->piece = open_memstream(&s->octets, &s->mem_size);
	if (s->piece != NULL)
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE,
							     give_octets, s, free_sender);
	if (response == NULL)
		free_sender(s);
	return response;
}
