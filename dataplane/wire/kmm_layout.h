/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmm_layout.h - how a message body stands on the wire, and where its fields live in memory.
 *
 * A layout is an array of fields in wire order that ends with a field of kind FK_KMM_FIELD_END.
 * For kmm_message.c, which walks it, and for tools that print what it names.
 *
 * Threads: everything here is constant or pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/kmm_message.h"

enum fk_kmm_field_kind {
	FK_KMM_FIELD_END = 0,
	FK_KMM_FIELD_UINT,   /* 'width' octets: uint8_t, uint16_t, or uint32_t for 3 */
	FK_KMM_FIELD_OCTETS, /* const uint8_t *: 'width' octets, or as many as 'length' says */
	FK_KMM_FIELD_TEXT,   /* the same, meant to be read */
	FK_KMM_FIELD_GROUP,  /* a struct: the fields of 'sub'; without a name they count as ours */
	FK_KMM_FIELD_LIST,   /* a count of 'width' octets, then items of layout 'sub' */
};

struct fk_kmm_field {
	const char *name; /* as in the sheet; NULL: see GROUP, and items that are one number */
	uint8_t kind;
	uint8_t width;	 /* octets */
	uint8_t only_in; /* profile bits without which the field does not exist */
	uint8_t needs;	 /* profile bits without which a message that has the field is refused */
	uint8_t refused_bits; /* a value with one of them set is refused */
	uint8_t max;	      /* a larger value is refused; 0: none is */
	uint16_t at;	      /* in the struct that the layout describes */
	struct {
		uint16_t at;  /* a uint8_t of the same struct */
		uint8_t mask; /* the field exists if one of these bits is set; 0: it always does */
	} when;
	struct {
		uint16_t at;   /* a uint8_t of the same struct, or of the list's owner */
		uint8_t mask;  /* the length in octets; 0: 'width' is */
		bool of_owner; /* see 'at' */
		bool not_zero; /* a length of zero is no length */
	} length;
	/* GROUP and LIST */
	const struct fk_kmm_field *sub;
	uint16_t items_at, item_size, n_items_max; /* LIST: the array, in the message body */
	uint16_t n_strict_max; /* LIST: more need FK_KMM_PROFILE_INFERRED; 0: any number goes */
};

/* The layout of a body, or NULL and why there is none. 'selector' is the body's first octet, which
 * tells inventory types and session versions apart; 0 if the body is empty. 'ret_field' is the
 * field at fault: "message_id", or the name of the body's first. */
const struct fk_kmm_field *fk_kmm_layout(uint8_t message_id, uint8_t selector, uint32_t profile,
					 const char **ret_field, const char **ret_reason);

/* Whether 'field' stands in 'object', as far as it was read. */
bool fk_kmm_field_exists(const struct fk_kmm_field *field, const void *object, uint32_t profile);
/* Octets of a field of kind OCTETS or TEXT. 'owner' holds the list that 'object' is an item of. */
size_t fk_kmm_field_size(const struct fk_kmm_field *field, const void *object, const void *owner);
/* The value of a field of kind UINT. */
uint32_t fk_kmm_field_value(const struct fk_kmm_field *field, const void *object);
