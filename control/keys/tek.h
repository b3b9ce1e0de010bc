/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tek.h - makes traffic keys and random identifiers out of the operating system's CSPRNG.
 *
 * Threads: pure. Memory: the caller owns and wipes the secret.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

/* A new AES-256 key by getrandom(2). Returns FK_OK or FK_EIO. */
FK_MUST_USE enum fk_err fk_tek_generate(struct fk_secret *ret_tek);

/* 'size' random octets (at most 256). Returns FK_OK or FK_EIO. */
FK_MUST_USE enum fk_err fk_random_fill(void *buf, size_t size);

/* A version-4 UUID (RFC 4122 §4.4), 16 octets. Returns FK_OK or FK_EIO. */
FK_MUST_USE enum fk_err fk_uuid_generate(uint8_t ret_uuid[static 16]);
