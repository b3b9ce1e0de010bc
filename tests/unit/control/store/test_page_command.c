/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "store/page_command.h"

static struct fk_page_command command;
static char page[FK_PAGE_COMMAND_SIZE];

static void expect_word(uint32_t i, const void *octets, size_t size)
{
	cr_assert_lt(i, command.n_words);
	cr_assert_eq(command.words[i].size, size);
	cr_expect_arr_eq(command.words[i].at, octets, size);
}

Test(page_command, pages_are_the_words_of_one_command)
{
	char key[] = "fk:{s001}:b2", octets[] = {0, '\r', '\n'};

	fk_page_command_begin(&command);
	cr_expect_eq(command.n_words, 0);
	cr_assert(fk_page_command_add(&command, "a", octets, 3));
	cr_assert(fk_page_command_add(&command, key, "", 0));
	memset(octets, 'x', sizeof(octets));
	memset(key, 'x', strlen(key));
	cr_expect_eq(command.n_words, 5);
	expect_word(0, "MSET", 4);
	expect_word(1, "a", 1);
	expect_word(2, "\0\r\n", 3);
	expect_word(3, "fk:{s001}:b2", 12);
	expect_word(4, "", 0);
}

Test(page_command, begun_again_it_has_nothing_of_what_was)
{
	fk_page_command_begin(&command);
	cr_assert(fk_page_command_add(&command, "a", "1", 1));
	fk_page_command_begin(&command);
	cr_expect_eq(command.n_words, 0);
	cr_assert(fk_page_command_add(&command, "b", "2", 1));
	cr_expect_eq(command.n_words, 3);
	expect_word(1, "b", 1);
	expect_word(2, "2", 1);
}

Test(page_command, a_page_without_room_changes_nothing)
{
	uint32_t n = 0;
	size_t before;

	memset(page, 'x', sizeof(page));
	fk_page_command_begin(&command);
	while (fk_page_command_add(&command, "key", page, 1000))
		n++;
	cr_expect_eq(n, FK_PAGE_COMMAND_SIZE / 1003);
	cr_expect_eq(command.n_words, 1 + 2 * n);
	before = command.size;
	cr_expect_not(fk_page_command_add(&command, "key", page, 1000));
	cr_expect_eq(command.n_words, 1 + 2 * n);
	cr_expect_eq(command.size, before);
}

Test(page_command, has_no_more_words_than_a_command_may)
{
	uint32_t n = 0;

	fk_page_command_begin(&command);
	while (fk_page_command_add(&command, "k", "p", 1))
		n++;
	cr_expect_eq(n, (FK_REDIS_ARGS_MAX - 1) / 2);
	cr_expect_leq(command.n_words, FK_REDIS_ARGS_MAX);
}

Test(page_command, every_size_up_to_the_whole_room_fits_or_is_refused)
{
	for (size_t size = FK_PAGE_COMMAND_SIZE - 200; size <= FK_PAGE_COMMAND_SIZE; size++) {
		fk_page_command_begin(&command);
		cr_expect_eq(fk_page_command_add(&command, "key", page, size),
			     size <= FK_PAGE_COMMAND_SIZE - 3);
		cr_expect_leq(command.size, FK_PAGE_COMMAND_SIZE);
	}
}
