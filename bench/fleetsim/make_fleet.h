/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_fleet.h - writes a fleet file with keys drawn from a seed.
 *
 * The same seed and size give the same file, octet for octet. Such keys are for tests: whoever
 * knows the seed knows them.
 *
 * Threads: none. Memory: a fixed buffer, however large the fleet.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#define FK_MAKE_FLEET_UES_MAX 9000000u /* individual RSIs end at 9,999,999 (P25 sheet 2.2) */

struct fk_make_fleet {
	uint32_t n_ues; /* 1..FK_MAKE_FLEET_UES_MAX */
	uint64_t seed;
	const char *path;
	const char
		*next_hop;  /* names as configured in fleetkeyd, ';' between them: UEs take turns */
	const char *groups; /* names separated by ';', may be empty */
	const char *domain; /* of the URIs */
	/* Values of the optional columns, ';' between them: UEs take turns, and an empty value says
	 * nothing. NULL: like "". With all three NULL the file lacks the optional columns. */
	const char *max_kmm, *max_keys, *keysets;
};

/*
 * Writes the file with mode 0600, whole or not at all.
 * Returns FK_OK; FK_ERANGE (n_ues); FK_EINVAL (a name with characters that a CSV field, a SIP
 * header or XML cannot hold, or a value that is no number); FK_EIO, with errno set.
 */
FK_MUST_USE enum fk_err fk_make_fleet(const struct fk_make_fleet *spec);
