/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_file.h - reads one key from a file or from standard input; never from the command line.
 *
 * Memory: the caller wipes what it got (fk_secret_wipe()).
 */
#pragma once

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

/*
 * Reads a key of 16, 24 or 32 octets: as they are, or as hexadecimal digits with white space around
 * them. 'path' is a file, or "-" for standard input. A regular file that its group or others can
 * read is refused.
 * Returns FK_OK; FK_EIO (cannot be opened or read); FK_EPOLICY (too many may read it); FK_EFORMAT.
 */
FK_MUST_USE enum fk_err fk_key_file_read(const char *path, struct fk_secret *ret_key);
