/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outer.h - message indicators of the outer layer, which encrypts a whole KMM.
 *
 * The layer is AES-256 OFB, done for whole bursts by the engine table (engine.h, 'outer'). What is
 * left is the message indicator (MI): 8 octets of generator state and a zero. It grows to the 16
 * octets of the initial value by a 64-bit shift register, which also yields the next MI of a
 * sender that draws one and then counts on. spec: P25 sheet 2.6, 3.7
 *
 * Why no two messages share a keystream: an MI is made by a permutation of all 64-bit numbers (a
 * Feistel network whose round function is CMAC under the token key), so distinct tokens have
 * distinct MIs, with certainty and not by odds; and a token names one attempt, whose octets never
 * change. The one token that would come to the forbidden MI zero is taken through the permutation
 * once more; that is still one to one, since only token 0 could have got there first, and no
 * attempt has token 0. Distinct MIs are distinct initial values, because they are their upper
 * halves. This holds for one token key; keys of the outer layer are to be replaced before a
 * campaign slot has come around all its 4095 generations, as tokens repeat then.
 *
 * Threads: a token key belongs to one thread; all else is pure. Memory: nothing allocates.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "token_tag.h"

#define FK_MI_SIZE 9 /* octets */

/* The MIs of 'n' attempts, at most FK_CRYPTO_BURST_MAX, whose tokens are not 0. Never zero,
 * distinct for distinct tokens, the same again for the same token and key. */
void fk_outer_mi_make(struct fk_token_key *tk, const uint64_t *tokens,
		      uint8_t (*ret_mis)[FK_MI_SIZE], uint32_t n);

/* FK_OK; FK_EINVAL if the generator state is zero (status 0C). The ninth octet
 * is not looked at. */
FK_MUST_USE enum fk_err fk_outer_mi_check(const uint8_t mi[static FK_MI_SIZE]);

/* The initial value: the MI's 8 octets, and the register after 64 steps. */
void fk_outer_mi_expand(const uint8_t mi[static FK_MI_SIZE], uint8_t ret_iv[static 16]);

/* The MI that follows 'mi': the register after 64 steps, and a zero. May be in place. */
void fk_outer_mi_next(const uint8_t mi[static FK_MI_SIZE], uint8_t ret_next[static FK_MI_SIZE]);
