/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/root_key.h"

#include <fleetkey/hex_digit.h>

#include "keys/secret_file.h"

#define WHAT	      "root key"
#define FILE_SIZE_MAX (2 * FK_KEY_SIZE_MAX + 2) /* hex digits and a CR LF */

/* 32 raw octets, or 64 hex digits and perhaps a line end. */
static enum fk_err decode(const uint8_t *octets, size_t size, struct fk_secret *ret_key)
{
	if (size == FK_KEY_SIZE_MAX) {
		memcpy(ret_key->octets, octets, FK_KEY_SIZE_MAX);
		ret_key->size = FK_KEY_SIZE_MAX;
		return FK_OK;
	}
	if (size == 2 * FK_KEY_SIZE_MAX + 1 && octets[size - 1] == '\n')
		size--;
	else if (size == 2 * FK_KEY_SIZE_MAX + 2 && octets[size - 2] == '\r' &&
		 octets[size - 1] == '\n')
		size -= 2;
	if (size != 2 * FK_KEY_SIZE_MAX)
		return FK_EFORMAT;
	for (size_t i = 0; i < FK_KEY_SIZE_MAX; i++) {
		int high = fk_hex_digit((char)octets[2 * i]),
		    low = fk_hex_digit((char)octets[2 * i + 1]);

		if (high < 0 || low < 0) {
			fk_secret_wipe(ret_key);
			return FK_EFORMAT;
		}
		ret_key->octets[i] = (uint8_t)(high << 4 | low);
	}
	ret_key->size = FK_KEY_SIZE_MAX;
	return FK_OK;
}

/* Decodes and wipes what was read. */
static enum fk_err take(enum fk_err err, const char *kind, const char *name, uint8_t *octets,
			size_t size, struct fk_secret *ret_key, struct fk_reason *reason)
{
	if (err == FK_OK)
		err = decode(octets, size, ret_key);
	if (err == FK_EFULL || err == FK_EFORMAT) {
		fk_reason_set(reason, WHAT " %s %s: must hold exactly 32 octets or 64 hex digits",
			      kind, name);
		err = FK_EFORMAT;
	}
	fk_wipe(octets, FILE_SIZE_MAX);
	return err;
}

enum fk_err fk_root_key_load(const char *path, struct fk_secret *ret_key, struct fk_reason *reason)
{
	uint8_t octets[FILE_SIZE_MAX];
	size_t size = 0;
	enum fk_err err = fk_secret_file_read(WHAT, path, octets, sizeof(octets), &size, reason);

	return take(err, "file", path, octets, size, ret_key, reason);
}

enum fk_err fk_root_key_load_credential(const char *name, struct fk_secret *ret_key,
					struct fk_reason *reason)
{
	uint8_t octets[FILE_SIZE_MAX];
	size_t size = 0;
	enum fk_err err = fk_credential_read(WHAT, name, octets, sizeof(octets), &size, reason);

	return take(err, "credential", name, octets, size, ret_key, reason);
}
