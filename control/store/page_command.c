/* SPDX-License-Identifier: Apache-2.0 */
#include "store/page_command.h"

#include <string.h>

void fk_page_command_begin(struct fk_page_command *command)
{
	command->n_words = 0;
	command->size = 0;
}

static void put_word(struct fk_page_command *command, const void *octets, size_t size)
{
	char *at = command->octets + command->size;

	if (size > 0)
		memcpy(at, octets, size);
	command->words[command->n_words++] = (struct fk_redis_word){at, size};
	command->size += size;
}

bool fk_page_command_add(struct fk_page_command *command, const char *key, const void *octets,
			 size_t size)
{
	size_t key_len = strlen(key), room = FK_PAGE_COMMAND_SIZE - command->size;

	if (key_len > room || size > room - key_len || command->n_words + 2 > FK_REDIS_ARGS_MAX)
		return false;
	if (command->n_words == 0)
		command->words[command->n_words++] = FK_WORD("MSET");
	put_word(command, key, key_len);
	put_word(command, octets, size);
	return true;
}
