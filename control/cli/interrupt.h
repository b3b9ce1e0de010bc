/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt.h - what Ctrl-C, or SIGTERM, means while a fleet file is sent.
 *
 * Until the file is there, fleetkeyd drops it with the connection. Then it goes on without us, and
 * whoever has interrupted must not believe that nothing has happened.
 *
 * Threads: one; one upload at a time.
 */
#pragma once

#include <stdbool.h>

/* From now on a signal says how far the upload is, on standard error, and ends the process with
 * 128 and its number. 'is_drawn': a bar is on standard output, and is left standing. A signal that
 * was ignored stays so. */
void fk_interrupt_begin(bool is_drawn);
/* The last octet has left. */
void fk_interrupt_sent(void);
/* Signals are again what they were. */
void fk_interrupt_end(void);
