/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - a bar that is drawn over itself on a terminal.
 *
 * Threads: one.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* Draws "[####----]  42.0 %  text" over the current line of 'file'. */
void fk_progress_draw(FILE *file, uint64_t n_done, uint64_t n_total, const char *text);

/* Takes the bar away, so that lines can follow. */
void fk_progress_clear(FILE *file);
