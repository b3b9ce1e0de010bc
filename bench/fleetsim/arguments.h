/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arguments.h - reads the values of command-line options.
 *
 * Each function says on stderr what is wrong with a value, by the option's name, and returns false
 * then; results are written on success only.
 *
 * Threads: none. Memory: nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/address.h>
#include <fleetkey/isd_layout.h>

/* Prints option, value and 'range'; always false. */
bool fk_argument_complain(const char *option, const char *value, const char *range);

/* A whole number, decimal or 0x. */
bool fk_argument_number(const char *option, const char *text, uint64_t min, uint64_t max,
			uint64_t *ret_value);

/* 0..100, fractions allowed. */
bool fk_argument_percent(const char *option, const char *text, double *ret_value);

/* An IP address of either family, with or without a prefix length. */
bool fk_argument_ip(const char *text, struct fk_address *ret_address);

/* A plain SIP URI of at most 200 characters. */
bool fk_argument_uri(const char *option, const char *text);

/* The layout that stands in the file at 'path'. */
bool fk_argument_isd_layout(const char *path, struct fk_isd_layout *ret_layout);

/* Splits "FIRST" or "FIRSTxSECOND" at the separator x; 'ret_second' is NULL without one. */
bool fk_argument_pair(const char *option, const char *text, char separator, char *ret_first,
		      size_t cap, const char **ret_second);
