/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_kmm.h - a key management message as one JSON object, its fields named as in the P25 sheet.
 *
 * Keys that are carried in clear are withheld unless the options say otherwise; unwrapped keys are
 * never printed, only whether unwrapping worked.
 *
 * Threads: none are shared. Memory: every json_t is the caller's (json_decref()).
 */
#pragma once

#include <jansson.h> /* lint: allow a tool, no part of fleetkey-dp */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/secret.h>

#include "inspect/proof.h"
#include "wire/isd.h"
#include "wire/kmm_message.h"

struct fk_inspect_options {
	uint32_t profile; /* bits of enum fk_kmm_profile */
	bool show_clear_keys;
	struct fk_proof *proof;
	const struct fk_secret *tek, *kek; /* NULL: MACs are not verified, keys not unwrapped */
	const struct fk_isd_layout *isd_layout; /* NULL: Interworking Security Data is not read */
};

/* The fields of a message that was decoded. 'octets' is where it was decoded from. Sets 'ret_is_ok'
 * to whether the keys that the options give fit it: see fk_json_kmm(). */
json_t *fk_json_message(const struct fk_inspect_options *options, const uint8_t *octets,
			const struct fk_kmm_message *message, bool *ret_is_ok);

/* {"error": {"offset", "field", "reason"}} */
json_t *fk_json_error(size_t offset, const char *field, const char *reason);

/*
 * A message as it was met: bare, or behind its 14-octet preamble, and then perhaps encrypted.
 * 'base' is what stands before it in the input, and is added to the offset of an error; both count
 * octets. Sets 'ret_is_ok' to whether all of it was understood, a TEK that was given verifies the
 * MAC (if there is one), and a KEK that was given unwraps each key that is wrapped.
 */
json_t *fk_json_kmm(const struct fk_inspect_options *options, const uint8_t *octets, size_t size,
		    size_t base, bool *ret_is_ok);

/* Text that came from outside: a string, or {"hex": digits} if it is not UTF-8. */
json_t *fk_json_text(const void *text, size_t len);
json_t *fk_json_hex(const uint8_t *octets, size_t size);
