/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - private to control/config: the file's structure, checked by libcyaml, values still text.
 *
 * Values stay text until value.c reads them, so that an error can show what was written.
 *
 * Threads: everything here is pure. Memory: fk_yaml_free() ends what fk_yaml_load() made.
 */
#pragma once

#include <stddef.h>

#include <fleetkey/err.h>

#include "config/options.h"
#include "reason.h"

struct fk_yaml_next_hop {
#define X(section, name, kind, default_text, min, max, unit, help) char *name;
	FK_OPTIONS_NEXT_HOP(X)
#undef X
};

struct fk_yaml_config {
#define X(section, name, kind, default_text, min, max, unit, help) char *name;
#define L(section, name, max, form, help) \
	char **name;                      \
	unsigned n_##name;
#define S(section, list, lists)  \
	struct {                 \
		list(X) lists(L) \
	} section;
	FK_SECTIONS(S)
#undef S
#undef L
#undef X
	struct fk_yaml_next_hop *next_hops;
	unsigned n_next_hops;
};

/*
 * Reads 'size' octets. Returns FK_OK; FK_EFORMAT if it is no YAML, a key is unknown, stands twice,
 * or has another kind of value (a list, a mapping) than the schema says. 'reason' names the key.
 */
FK_MUST_USE enum fk_err fk_yaml_load(const char *text, size_t size,
				     struct fk_yaml_config **ret_yaml, struct fk_reason *reason);
void fk_yaml_free(struct fk_yaml_config *yaml);
