/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ossl.h - the fleet's own cryptography: key unwrap and KMM MACs on OpenSSL alone.
 *
 * fleetsim judges Fleetkey, so it shares no cipher code with it. OpenSSL's key wrap and its MACs by
 * name cost four times as much as the loops here, which only ask it for AES in ECB and CBC mode and
 * for SHA-256, on contexts that are kept.
 *
 * Threads: a context belongs to one thread.
 * Memory:  fk_ossl_new() allocates; nothing after it does. Derived keys are wiped after use; what
 *          HMAC makes of the last key is kept until the context is freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/kmm.h>

#define FK_OSSL_KEY_SIZE     32 /* octets: AES-256 */
#define FK_OSSL_WRAPPED_SIZE 40 /* octets: a wrapped AES-256 key */

struct fk_ossl; /* layout is private to ossl.c */

/* Returns FK_OK; FK_ENOMEM; FK_EUNSUPPORTED if this OpenSSL lacks AES-256. */
FK_MUST_USE enum fk_err fk_ossl_new(struct fk_ossl **ret_ossl);

/* Wipes and frees; NULL does nothing. */
void fk_ossl_free(struct fk_ossl *ossl);

/*
 * Unwraps one 256-bit key. 'key' is written on success only.
 * Returns FK_OK; FK_EAUTH if the initial value is wrong; FK_EIO if OpenSSL failed.
 * spec: RFC 3394 §2.2.2; P25 sheet 3.2
 */
FK_MUST_USE enum fk_err fk_ossl_unwrap(struct fk_ossl *ossl,
				       const uint8_t kek[static FK_OSSL_KEY_SIZE],
				       const uint8_t wrapped[static FK_OSSL_WRAPPED_SIZE],
				       uint8_t key[static FK_OSSL_KEY_SIZE]);

/*
 * Computes the MAC of a whole KMM whose MAC block is in place (its 8 MAC octets are not read).
 * Returns FK_OK; FK_EINVAL if the frame is shorter than header and MAC block or longer than
 * FK_KMM_SIZE_MAX; FK_EUNSUPPORTED for another MAC format; FK_EIO if OpenSSL failed.
 * spec: P25 sheet 3.3-3.5
 */
FK_MUST_USE enum fk_err fk_ossl_mac(struct fk_ossl *ossl,
				    const uint8_t tek[static FK_OSSL_KEY_SIZE],
				    const uint8_t *frame, size_t frame_size, uint8_t mac_format,
				    uint8_t ret_mac[static FK_KMM_MAC_SIZE]);
