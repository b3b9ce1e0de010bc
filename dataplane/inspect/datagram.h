/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram.h - a SIP datagram, the MCData parts in it and the KMM in them, as one JSON object.
 *
 * Memory: every json_t is the caller's (json_decref()).
 */
#pragma once

#include "inspect/json_kmm.h"

/*
 * Takes one UDP payload apart. What was understood before something was not is in the object too;
 * the first thing wrong is its "error", at an offset in the datagram, also if it stands in a part
 * in base64. A name has what Fleetkey would take: of parts of one kind the last, of the BINARY
 * payloads of one part the first; "also" has what it passes over. More parts than it takes are an
 * error. Of multiparts within the multipart one level is opened, and says what it does in its own
 * part, as Fleetkey opens none; what is not opened, as deeper ones and encoded bodies, is an error,
 * for it may hold anything. Sets 'ret_is_ok' to whether there is no error.
 */
json_t *fk_json_datagram(const struct fk_inspect_options *options, const uint8_t *octets,
			 size_t size, bool *ret_is_ok);

/* True if the datagram begins as SIP does, be it with a bare LF. */
bool fk_datagram_is_sip(const uint8_t *octets, size_t size);
