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
 * the first thing wrong is its "error". Sets 'ret_is_ok' to whether there is none.
 */
json_t *fk_json_datagram(const struct fk_inspect_options *options, const uint8_t *octets,
			 size_t size, bool *ret_is_ok);

/* True if the datagram begins as SIP does. */
bool fk_datagram_is_sip(const uint8_t *octets, size_t size);
