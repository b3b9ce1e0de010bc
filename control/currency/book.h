/* SPDX-License-Identifier: Apache-2.0 */
/*
 * book.h - the currency of a fleet: a page for each 64 UEs, in its stored form.
 *
 * It says what is known but for the campaign in force, whose ledger says the rest; when that has
 * ended it is folded in here (campaign/fold.h). A page that changed is dirty until it was written.
 *
 * Threads: one owner. Memory: one block for each page, as large as what it says.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "currency/currency.h"

struct fk_currency_book; /* layout is private to book.c */

/* A book of 'n_pages' pages that know nothing and hide nothing: no UE was ever sent a key. */
FK_MUST_USE enum fk_err fk_currency_book_new(uint32_t n_pages, struct fk_currency_book **ret_book);
void fk_currency_book_free(struct fk_currency_book *book);

/*
 * Takes a page as it was stored. 'size' 0, no such page: it was never written, by a version that
 * kept no currency, and its UEs have gaps. Returns FK_OK; FK_EFORMAT if it is damaged; FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_currency_book_take(struct fk_currency_book *book, uint32_t page,
					      const uint8_t *octets, size_t size);

/* The UEs of a page; one UE, by ue_index. */
void fk_currency_book_get_page(const struct fk_currency_book *book, uint32_t page,
			       struct fk_currency ret_ues[static FK_CURRENCY_PAGE]);
void fk_currency_book_get(const struct fk_currency_book *book, uint32_t ue_index,
			  struct fk_currency *ret_ue);
/* Puts a page; it is dirty if that changes anything. FK_OK or FK_ENOMEM (then nothing changed). */
FK_MUST_USE enum fk_err fk_currency_book_put_page(
	struct fk_currency_book *book, uint32_t page,
	const struct fk_currency ues[static FK_CURRENCY_PAGE]);

/* Dirty pages. 'ret_pages' gets up to 'max'; they stay dirty until fk_currency_book_written(). */
uint32_t fk_currency_book_n_dirty(const struct fk_currency_book *book);
uint32_t fk_currency_book_list_dirty(const struct fk_currency_book *book, uint32_t *ret_pages,
				     uint32_t max);
/* The stored form of a page; borrowed until the page is put. */
const uint8_t *fk_currency_book_octets(const struct fk_currency_book *book, uint32_t page,
				       size_t *ret_size);
/* The page was written as it is now. */
void fk_currency_book_written(struct fk_currency_book *book, uint32_t page);

/* The stored form of 64 UEs; returns its size. */
size_t fk_currency_page_encode(const struct fk_currency ues[static FK_CURRENCY_PAGE],
			       uint8_t ret_octets[static FK_CURRENCY_SIZE_MAX]);
