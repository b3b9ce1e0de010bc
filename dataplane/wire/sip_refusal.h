/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_refusal.h - which requests are refused before their body is looked at, and what an answer
 * has to say besides its status.
 *
 * Fleetkey serves MESSAGE and OPTIONS outside of dialogs, under sip: URIs, without extensions.
 * Whatever is wrong with a request, the first of these that applies is its answer: 505 another SIP
 * version, 501 a method that no RFC of SIP has (nobody can tell what else it ought to look like:
 * RFC 4475 §3.1.2.18), 400 malformed, 481 a CANCEL (there is never anything to cancel: §9.2), 405
 * any other method, 416 another URI scheme, 420 an extension that is required, 415 an encoded body.
 * ACK, responses, and requests that leave nothing to answer with get none. spec: RFC 3261 §8.2,
 * §9.2, §11.2, §17.1.1.3
 *
 * Threads: everything here is pure. Memory: borrows the request.
 */
#pragma once

#include "wire/sip.h"

#define FK_SIP_ANSWER_HEADERS_MAX 512 /* octets with the NUL */

/* 'err' is what fk_sip_parse() said of it. Returns the status; 0: none of these applies. */
uint16_t fk_sip_refusal(const struct fk_sip_message *request, enum fk_err err);

/*
 * The headers that an answer with this status takes, as lines with CRLF, or NULL if it takes none:
 * Allow with 405 and 501; Accept with 415, or Accept-Encoding if that is the trouble; Unsupported
 * with 420; with a 2xx to OPTIONS what can be sent to us. 'buf' is for those that depend on the
 * request.
 */
const char *fk_sip_answer_headers(const struct fk_sip_message *request, uint16_t status,
				  char buf[static FK_SIP_ANSWER_HEADERS_MAX]);
