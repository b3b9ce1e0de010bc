/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.h - a text that somebody gives as a reason: one line, for logs, lists and reports.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include <fleetkey/err.h>

#include "reason.h"

/* Copies the text of 'value', 'cap' octets at most, the NUL included. FK_OK; FK_ERANGE if it is too
 * long; FK_EINVAL if it is no text, or has a control character or a quote: then nothing is written,
 * and 'reason' says what it must be. */
FK_MUST_USE enum fk_err fk_note_parse(const json_t *value, char *ret_text, size_t cap,
				      struct fk_reason *reason);
