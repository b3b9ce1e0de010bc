/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_wrap.h - AES key wrap of one key at a time, of sizes that are known only when it comes.
 *
 * Keys of 16 or 32 octets under KEKs of 16 or 32 octets. The engines (engine.h) do the same for
 * whole bursts of one shape, a thousand times faster; this is for what is rare, and for the reasons
 * of a refusal: AES-192, Triple DES, DES and RC4. Whether a key may be wrapped under a weaker one
 * is policy and not decided here. spec: RFC 3394 §2.2; P25 sheet 3.2
 *
 * Threads: everything here is pure.
 * Memory:  nothing allocates; schedules and intermediate values are wiped before returning.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

/*
 * The octets of a key of the P25 algorithm 'algorithm_id' in clear: 32 for AES-256 (0x84), 16 for
 * AES-128 (0x85). Returns FK_OK; FK_EUNSUPPORTED for an algorithm that the standard knows,
 * FK_EINVAL for any other; then 'ret_reason' is set to a sentence that names it. 'ret_reason' may
 * be NULL.
 */
FK_MUST_USE enum fk_err fk_key_wrap_key_size(uint8_t algorithm_id, size_t *ret_key_size,
					     const char **ret_reason);

/*
 * Wraps 'key' under 'kek' into 'ret_wrapped', key_size + 8 octets, which may not overlap the
 * inputs. Returns FK_OK; FK_EUNSUPPORTED if a size is AES-192's; FK_EINVAL if it is none of AES;
 * then 'ret_reason' (may be NULL) is set to a sentence that names the field and nothing is written.
 */
FK_MUST_USE enum fk_err fk_key_wrap(const uint8_t *kek, size_t kek_size, const uint8_t *key,
				    size_t key_size, uint8_t *ret_wrapped, const char **ret_reason);

/*
 * Unwraps 'wrapped' into 'ret_key', wrapped_size - 8 octets. Returns as fk_key_wrap(); FK_EAUTH if
 * the integrity value is not RFC 3394's default, compared in constant time: then 'ret_key' is not
 * written.
 */
FK_MUST_USE enum fk_err fk_key_unwrap(const uint8_t *kek, size_t kek_size, const uint8_t *wrapped,
				      size_t wrapped_size, uint8_t *ret_key,
				      const char **ret_reason);
