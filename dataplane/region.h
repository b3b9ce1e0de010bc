/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - maps what control passes: the key table and the shared region.
 *
 * Both are checked before anything in them is believed: seals, magic, version, every offset. A
 * mapping is locked and kept out of dumps, or there is none.
 *
 * Threads: main thread. Memory: a mapping is the caller's until fk_mapping_free().
 */
#pragma once

#include <stddef.h>

#include <fleetkey/keytable.h>
#include <fleetkey/link.h>

struct fk_mapping {
	void *at; /* NULL: none */
	size_t size;
};

/* Each writes a sentence into 'ret_text' when it fails, and then maps nothing. FK_EINVAL (not a
 * sealed memory file), FK_ENOMEM (cannot be mapped or locked), FK_EABI, FK_EFORMAT. */
FK_MUST_USE enum fk_err fk_mapping_new_table(int fd, struct fk_mapping *ret_mapping, char *ret_text,
					     size_t text_size);
/* Repairs the region too: no worker and no control may be using the region. */
FK_MUST_USE enum fk_err fk_mapping_new_region(int fd, uint32_t n_workers, uint32_t n_slots,
					      struct fk_mapping *ret_mapping, char *ret_text,
					      size_t text_size);
void fk_mapping_free(struct fk_mapping *mapping);

/* Checks the header of a region of 'mapped_size' octets, and its rings. FK_OK; FK_EABI; FK_EFORMAT.
 */
FK_MUST_USE enum fk_err fk_region_check(struct fk_region *region, uint64_t mapped_size,
					uint32_t n_workers, uint32_t n_slots);
/*
 * Undoes what a killed process left half done: operations on rings, and writes of UE states. Such a
 * state names no attempt afterwards; 'inbound_*' stay. Nobody may be using the region, and
 * fk_region_check() has been passed.
 */
void fk_region_repair(struct fk_region *region);
