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
 * NULL if 'text' of 'len' characters is a SIP URI that can be used: "sip:" or "sips:", then
 * [user@]host[:port][;parameters] (RFC 3261 §25.1), at most FK_URI_SIZE_MAX octets, printable ASCII
 * without space, < > " & ' and comma, no headers, and no escape of what needs none. Else the
 * reason, as a fixed text.
 */
const char *fk_uri_refusal(const char *text, size_t len);
/*
 * Gives a URI that is not refused the one spelling that equal ones have: scheme and host in lower
 * case, escapes in upper case. RFC 3261 §19.1.4: the user's part is compared as it is.
 */
void fk_uri_settle_case(char *text, size_t len);
