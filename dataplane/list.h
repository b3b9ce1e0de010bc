/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - circular lists with the links inside their members.
 *
 * A member is in one list at a time: a bucket of the timing wheel or a queue of a campaign slot. It
 * leaves either without knowing which, in constant time.
 *
 * Threads: a list belongs to one thread. Memory: nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fk_node {
	struct fk_node *next, *prev; /* NULL when in no list */
	uint64_t at_us;		     /* in a wheel: when it is due */
};

/* The head of a list; it has the first two fields of a node. */
struct fk_list {
	struct fk_node *next, *prev;
};

static inline void fk_list_init(struct fk_list *list)
{
	list->next = list->prev = (struct fk_node *)list;
}

static inline bool fk_list_is_empty(const struct fk_list *list)
{
	return list->next == (const struct fk_node *)list;
}

static inline bool fk_node_is_listed(const struct fk_node *node)
{
	return node->next != NULL;
}

static inline void fk_node_insert_after(struct fk_node *prev, struct fk_node *node)
{
	node->next = prev->next;
	node->prev = prev;
	prev->next->prev = node;
	prev->next = node;
}

/* 'node' must be in no list. */
static inline void fk_list_append(struct fk_list *list, struct fk_node *node)
{
	fk_node_insert_after(list->prev, node);
}

static inline void fk_list_prepend(struct fk_list *list, struct fk_node *node)
{
	fk_node_insert_after((struct fk_node *)list, node);
}

/* Takes 'node' out of whatever list it is in; nothing happens if it is in none. */
static inline void fk_node_remove(struct fk_node *node)
{
	if (node->next == NULL)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = NULL;
}

/* Takes the first member out, or gives NULL. */
static inline struct fk_node *fk_list_take_first(struct fk_list *list)
{
	struct fk_node *node = list->next;

	if (fk_list_is_empty(list))
		return NULL;
	fk_node_remove(node);
	return node;
}
