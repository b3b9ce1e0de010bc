/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uri.h - which SIP URIs Fleetkey takes from people.
 *
 * A URI ends up inside SIP headers, inside XML and inside quoted parameters; so whatever would need
 * an escape in one of them is refused where it comes in, and nobody behind has to think of it.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stddef.h>

/*
 * NULL if 'text' of 'len' characters is a SIP URI that can be used: "sip:" or "sips:", something
 * behind it, at most FK_URI_SIZE_MAX octets, printable ASCII without space, < > " & ' and comma.
 * Else the reason, as a fixed text.
 */
const char *fk_uri_refusal(const char *text, size_t len);
