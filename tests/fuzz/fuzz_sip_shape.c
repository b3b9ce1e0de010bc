/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sip_shape.c - what a shape says of a message is what it says when it is read in full.
 *
 * The input is messages, each with its size in two octets before it, the last as far as there is
 * input. All of them are read in full and learned from, and held against the shapes before.
 */
#include <stdlib.h>
#include <string.h>

#include "../support/full_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void learn(struct fk_sip_shapes *shapes, const uint8_t *octets, size_t size,
		  const struct full_read *full)
{
	/* As often as it takes until one more is kept. */
	for (uint32_t i = 0; i < FK_SIP_SHAPE_EVERY; i++)
		fk_sip_shapes_learn(shapes, octets, size, &full->message,
				    full->message.is_response ? NULL : &full->body);
}

static void take(struct fk_sip_shapes *shapes, const uint8_t *message, size_t size)
{
	/* Exactly as long, so that a sanitizer sees one octet too far. */
	uint8_t *octets = malloc(size > 0 ? size : 1);
	struct fk_sip_message m;
	struct fk_sip_shape_body body;
	struct full_read full;
	bool is_whole;

	require(octets != NULL);
	if (size > 0)
		memcpy(octets, message, size);
	is_whole = full_read(octets, size, &full);
	if (fk_sip_shapes_read(shapes, octets, size, &m, &body))
		require(is_whole && full_read_agrees(&full, &m, &body));
	else if (is_whole)
		learn(shapes, octets, size, &full);
	free(octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_sip_shapes *shapes = fk_sip_shapes_new();

	require(shapes != NULL);
	while (size >= 2) {
		size_t n = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		take(shapes, data, n);
		data += n;
		size -= n;
	}
	fk_sip_shapes_free(shapes);
	return 0;
}
