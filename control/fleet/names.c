/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/names.h"

#include <stdlib.h>
#include <string.h>

#include "fleet/name_index.h"

struct fk_names {
	char **texts;
	uint32_t n, n_room, n_max;
	struct fk_name_index *index;
};

static const char *text_of(const void *ctx, uint32_t value, size_t *ret_len)
{
	const struct fk_names *names = ctx;

	*ret_len = strlen(names->texts[value]);
	return names->texts[value];
}

enum fk_err fk_names_new(uint32_t n_max, struct fk_names **ret_names)
{
	struct fk_names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return FK_ENOMEM;
	names->n_max = n_max <= UINT16_MAX ? n_max : UINT16_MAX;
	if (fk_name_index_new(16, text_of, names, &names->index) != FK_OK) {
		fk_names_free(names);
		return FK_ENOMEM;
	}
	*ret_names = names;
	return FK_OK;
}

void fk_names_free(struct fk_names *names)
{
	if (names == NULL)
		return;
	for (uint32_t i = 0; i < names->n; i++)
		free(names->texts[i]);
	free(names->texts);
	fk_name_index_free(names->index);
	free(names);
}

uint32_t fk_names_count(const struct fk_names *names)
{
	return names->n;
}

const char *fk_names_get(const struct fk_names *names, uint32_t id)
{
	return id < names->n ? names->texts[id] : NULL;
}

int32_t fk_names_find(const struct fk_names *names, const char *text, size_t len)
{
	return (int32_t)fk_name_index_find(names->index, text, len);
}

enum fk_err fk_names_intern(struct fk_names *names, const char *text, size_t len, uint16_t *ret_id)
{
	int64_t found = fk_name_index_find(names->index, text, len);
	enum fk_err err;

	if (found >= 0) {
		*ret_id = (uint16_t)found;
		return FK_OK;
	}
	if (names->n >= names->n_max)
		return FK_EFULL;
	if (names->n == names->n_room) {
		uint32_t n_room = names->n_room * 2 + 16;
		char **texts = realloc(names->texts, n_room * sizeof(*texts));

		if (texts == NULL)
			return FK_ENOMEM;
		names->texts = texts;
		names->n_room = n_room;
	}
	names->texts[names->n] = strndup(text, len);
	if (names->texts[names->n] == NULL)
		return FK_ENOMEM;
	err = fk_name_index_add(names->index, text, len, names->n);
	if (err != FK_OK) {
		free(names->texts[names->n]);
		return err;
	}
	*ret_id = (uint16_t)names->n++;
	return FK_OK;
}

enum fk_err fk_names_join(const struct fk_names *names, char **ret_text, size_t *ret_size)
{
	size_t size = 0;
	char *text, *at;

	for (uint32_t i = 0; i < names->n; i++)
		size += strlen(names->texts[i]) + 1;
	text = malloc(size + 1);
	if (text == NULL)
		return FK_ENOMEM;
	at = text;
	for (uint32_t i = 0; i < names->n; i++) {
		at = stpcpy(at, names->texts[i]);
		*at++ = '\n';
	}
	*at = '\0';
	*ret_text = text;
	*ret_size = size;
	return FK_OK;
}

enum fk_err fk_names_split(struct fk_names *names, const char *text, size_t size)
{
	enum fk_err err = FK_OK;

	while (err == FK_OK && size > 0) {
		const char *end = memchr(text, '\n', size);
		uint32_t n_before = names->n;
		uint16_t id;

		if (end == NULL || memchr(text, '\0', (size_t)(end - text)) != NULL)
			return FK_EFORMAT;
		err = fk_names_intern(names, text, (size_t)(end - text), &id);
		if (err == FK_OK && names->n == n_before)
			return FK_EFORMAT; /* a name stands twice: ids would shift */
		size -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	return err;
}
