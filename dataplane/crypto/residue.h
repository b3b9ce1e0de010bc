/* SPDX-License-Identifier: Apache-2.0 */
/*
 * residue.h - takes away what a computation with keys leaves behind itself.
 *
 * A compiler may spill key words into the frames of the functions that it calls, and nobody clears
 * a vector register that is not needed any more: it stays there for whoever comes next, and goes to
 * memory with the next switch of threads. So whatever works on keys stands in functions of its own
 * (FK_NOINLINE), and who called them ends with one of these.
 *
 * Threads: everything here is pure.
 */
#pragma once

#define FK_NOINLINE __attribute__((noinline))

/* Overwrites the stack below the caller, deeper than any engine's frames, and then all registers
 * that a call may change: vectors as wide as this CPU and its kernel have them. */
void fk_residue_wipe(void);

/* The same for the slow paths, which cannot know that all that they call is bound already: binding
 * a function late saves the vector registers, whatever is in them, thousands of octets deep. */
void fk_residue_wipe_deep(void);
