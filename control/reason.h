/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.h - the sentence that goes with an error code, for people: which field, why, what instead.
 *
 * Key octets and the values of key columns are never put into a reason.
 *
 * Threads: a reason belongs to its caller. Memory: fixed size; nothing here allocates.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#define FK_REASON_SIZE 512 /* octets, the final NUL included; longer text is cut */

struct fk_reason {
	char text[FK_REASON_SIZE];
};

/* Writes the sentence. 'reason' may be NULL: then nobody wants to know. */
__attribute__((format(printf, 2, 3))) static inline void fk_reason_set(struct fk_reason *reason,
								       const char *format, ...)
{
	va_list args;

	if (reason == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf(reason->text, sizeof(reason->text), format, args);
	va_end(args);
}
