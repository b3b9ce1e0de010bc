/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text.h - text that came from outside, so that nobody takes its digits for its letters.
 *
 * Memory: every json_t is the caller's (json_decref()).
 */
#pragma once

#include <jansson.h> /* lint: allow a tool, no part of fleetkey-dp */
#include <stddef.h>

/* A string; {"hex": digits} if the octets are not UTF-8. */
json_t *fk_json_text_or_hex(const void *text, size_t len);
