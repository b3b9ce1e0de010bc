/* SPDX-License-Identifier: Apache-2.0 */
#include "currency/book.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct page {
	uint8_t *octets; /* NULL: 64 UEs of which nothing is known */
	uint32_t size;
	uint32_t dirty_at; /* 1 + index in dirty_pages, 0: clean */
};

struct fk_currency_book {
	uint32_t n_pages, n_dirty;
	struct page *pages;
	uint32_t *dirty_pages;
};

/* 64 UEs that were never sent a key: the form of a page that has no block. */
static const uint8_t empty_page[FK_CURRENCY_PAGE];

enum fk_err fk_currency_book_new(uint32_t n_pages, struct fk_currency_book **ret_book)
{
	struct fk_currency_book *book = calloc(1, sizeof(*book));

	if (book == NULL)
		return FK_ENOMEM;
	book->n_pages = n_pages;
	book->pages = calloc(n_pages + 1ull, sizeof(*book->pages));
	book->dirty_pages = calloc(n_pages + 1ull, sizeof(*book->dirty_pages));
	if (book->pages == NULL || book->dirty_pages == NULL) {
		fk_currency_book_free(book);
		return FK_ENOMEM;
	}
	*ret_book = book;
	return FK_OK;
}

void fk_currency_book_free(struct fk_currency_book *book)
{
	if (book == NULL)
		return;
	for (uint32_t i = 0; book->pages != NULL && i < book->n_pages; i++)
		free(book->pages[i].octets);
	free(book->pages);
	free(book->dirty_pages);
	free(book);
}

const uint8_t *fk_currency_book_octets(const struct fk_currency_book *book, uint32_t page,
				       size_t *ret_size)
{
	const struct page *p = &book->pages[page];

	assert(page < book->n_pages);
	*ret_size = p->octets != NULL ? p->size : sizeof(empty_page);
	return p->octets != NULL ? p->octets : empty_page;
}

static enum fk_err set_octets(struct page *p, const uint8_t *octets, size_t size)
{
	uint8_t *copy = NULL;

	if (size != sizeof(empty_page) || memcmp(octets, empty_page, size) != 0) {
		copy = malloc(size);
		if (copy == NULL)
			return FK_ENOMEM;
		memcpy(copy, octets, size);
	}
	free(p->octets);
	p->octets = copy;
	p->size = (uint32_t)size;
	return FK_OK;
}

/* What is taken is checked once, so that every later reading finds what it expects. */
static enum fk_err check(const uint8_t *octets, size_t size)
{
	struct fk_currency ue;
	size_t at = 0;

	for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++) {
		size_t n = fk_currency_size(octets + at, size - at);

		if (n == 0 || n > size - at || fk_currency_decode(octets + at, n, &ue) != FK_OK)
			return FK_EFORMAT;
		at += n;
	}
	return at == size ? FK_OK : FK_EFORMAT;
}

enum fk_err fk_currency_book_take(struct fk_currency_book *book, uint32_t page,
				  const uint8_t *octets, size_t size)
{
	struct fk_currency gaps[FK_CURRENCY_PAGE];
	uint8_t encoded[FK_CURRENCY_SIZE_MAX];
	enum fk_err err;

	assert(page < book->n_pages);
	if (size == 0) {
		for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++)
			gaps[i] = (struct fk_currency){.has_gap = true};
		size = fk_currency_page_encode(gaps, encoded);
		octets = encoded;
	}
	err = check(octets, size);
	return err == FK_OK ? set_octets(&book->pages[page], octets, size) : err;
}

void fk_currency_book_get_page(const struct fk_currency_book *book, uint32_t page,
			       struct fk_currency ret_ues[static FK_CURRENCY_PAGE])
{
	size_t size, at = 0;
	const uint8_t *octets = fk_currency_book_octets(book, page, &size);

	for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++) {
		size_t n = fk_currency_size(octets + at, size - at);
		enum fk_err err = fk_currency_decode(octets + at, n, &ret_ues[i]);

		assert(err == FK_OK); /* it was checked, or encoded here */
		(void)err;
		at += n;
	}
}

void fk_currency_book_get(const struct fk_currency_book *book, uint32_t ue_index,
			  struct fk_currency *ret_ue)
{
	size_t size, at = 0;
	const uint8_t *octets = fk_currency_book_octets(book, ue_index / FK_CURRENCY_PAGE, &size);
	enum fk_err err;

	for (uint32_t i = 0; i < ue_index % FK_CURRENCY_PAGE; i++)
		at += fk_currency_size(octets + at, size - at);
	err = fk_currency_decode(octets + at, fk_currency_size(octets + at, size - at), ret_ue);
	assert(err == FK_OK);
	(void)err;
}

enum fk_err fk_currency_book_put_page(struct fk_currency_book *book, uint32_t page,
				      const struct fk_currency ues[static FK_CURRENCY_PAGE])
{
	uint8_t octets[FK_CURRENCY_SIZE_MAX];
	size_t size = fk_currency_page_encode(ues, octets), old_size;
	const uint8_t *old = fk_currency_book_octets(book, page, &old_size);
	struct page *p = &book->pages[page];
	enum fk_err err;

	if (size == old_size && memcmp(octets, old, size) == 0)
		return FK_OK;
	err = set_octets(p, octets, size);
	if (err == FK_OK && p->dirty_at == 0) {
		book->dirty_pages[book->n_dirty++] = page;
		p->dirty_at = book->n_dirty;
	}
	return err;
}

uint32_t fk_currency_book_n_dirty(const struct fk_currency_book *book)
{
	return book->n_dirty;
}

uint32_t fk_currency_book_list_dirty(const struct fk_currency_book *book, uint32_t *ret_pages,
				     uint32_t max)
{
	uint32_t n = book->n_dirty < max ? book->n_dirty : max;

	memcpy(ret_pages, book->dirty_pages, n * sizeof(*ret_pages));
	return n;
}

void fk_currency_book_written(struct fk_currency_book *book, uint32_t page)
{
	struct page *p = &book->pages[page];
	uint32_t last;

	if (p->dirty_at == 0)
		return;
	last = book->dirty_pages[--book->n_dirty];
	book->dirty_pages[p->dirty_at - 1] = last;
	book->pages[last].dirty_at = p->dirty_at;
	p->dirty_at = 0;
}

size_t fk_currency_page_encode(const struct fk_currency ues[static FK_CURRENCY_PAGE],
			       uint8_t ret_octets[static FK_CURRENCY_SIZE_MAX])
{
	size_t size = 0;

	for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++) {
		uint8_t ue[FK_CURRENCY_UE_SIZE_MAX];
		size_t n = fk_currency_encode(&ues[i], ue);

		memcpy(ret_octets + size, ue, n);
		size += n;
	}
	return size;
}
