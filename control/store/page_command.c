/* SPDX-License-Identifier: Apache-2.0 */
#include "store/page_command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define HEAD_SIZE 32 /* "*<words>\r\n$4\r\nMSET\r\n" is shorter */
#define WORD_SIZE 16 /* and so is what stands around a word: "$<size>\r\n" and "\r\n" */

void fk_page_command_begin(struct fk_page_command *command)
{
	command->n_pages = 0;
	command->size = 0;
}

static char *put_number(char *at, size_t number)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static char *put_word(char *at, const void *octets, size_t size)
{
	*at++ = '$';
	at = put_number(at, size);
	*at++ = '\r';
	*at++ = '\n';
	memcpy(at, octets, size);
	at += size;
	*at++ = '\r';
	*at++ = '\n';
	return at;
}

bool fk_page_command_add(struct fk_page_command *command, const char *key, const void *octets,
			 size_t size)
{
	char *at = command->octets + HEAD_SIZE + command->size;
	size_t key_len = strlen(key), room = FK_PAGE_COMMAND_SIZE - HEAD_SIZE - command->size;
	char *end;

	if (size >= room || key_len + size + 2ul * WORD_SIZE > room)
		return false;
	end = put_word(put_word(at, key, key_len), octets, size);
	command->size += (size_t)(end - at);
	command->n_pages++;
	return true;
}

/* Its first words, whose length is known at the end only, go right before the others. */
const char *fk_page_command_octets(struct fk_page_command *command, size_t *ret_size)
{
	char head[HEAD_SIZE + 1], *at;
	int n = snprintf(head, sizeof(head), "*%u\r\n$4\r\nMSET\r\n", 1 + 2 * command->n_pages);

	assert(command->n_pages > 0 && n > 0 && n <= HEAD_SIZE);
	at = command->octets + HEAD_SIZE - n;
	memcpy(at, head, (size_t)n);
	*ret_size = (size_t)n + command->size;
	return at;
}
