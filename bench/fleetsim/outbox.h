/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - where the server hands over what is to leave, so that it runs without a port in tests.
 *
 * Threads: the worker only. Memory: the payload is borrowed during the call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/address.h>

#define FK_SIM_DATAGRAM_MAX 1452 /* octets of UDP payload in one frame of 1514, over IPv6 too */

struct fk_datagram {
	const uint8_t *payload;
	uint16_t size; /* octets, at most FK_SIM_DATAGRAM_MAX */
	uint16_t source_port, destination_port;
	struct fk_address source, destination;
	bool is_hostile; /* never lost on purpose, and waited for: each one is counted */
};

struct fk_outbox {
	void *arg;
	/* True if the datagram is on its way, or was lost on purpose. */
	bool (*send)(void *arg, const struct fk_datagram *datagram);
	/* False while a datagram that can wait had better do so; NULL: none need wait. */
	bool (*has_room)(void *arg);
};

static inline bool fk_outbox_has_room(const struct fk_outbox *outbox)
{
	return outbox->has_room == NULL || outbox->has_room(outbox->arg);
}
