/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aes_block.h - AES on one block at a time, with keys of 128 or 256 bits.
 *
 * The slow path beside the bulk engines: plain C, for every CPU, a few thousand cycles a block. Its
 * S-box is logic, so that neither an address nor a branch depends on a key.
 *
 * Threads: everything here is pure.
 * Memory:  the schedule is the caller's, who wipes it; nothing else of a key is left behind.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FK_AES_BLOCK_SIZE 16 /* octets */
#define FK_AES_ROUNDS_MAX 14

/* Round keys in the order of encryption. spec: FIPS 197 §5.2 */
struct fk_aes_schedule {
	uint8_t keys[FK_AES_ROUNDS_MAX + 1][FK_AES_BLOCK_SIZE];
	uint32_t n_rounds; /* 10 or 14 */
};

/* 'key_size' is 16 or 32 octets; nothing else may be passed. */
void fk_aes_schedule_init(struct fk_aes_schedule *schedule, const uint8_t *key, size_t key_size);
void fk_aes_block_encrypt(const struct fk_aes_schedule *schedule, uint8_t block[static 16]);
void fk_aes_block_decrypt(const struct fk_aes_schedule *schedule, uint8_t block[static 16]);
