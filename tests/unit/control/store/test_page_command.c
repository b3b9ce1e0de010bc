/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "store/page_command.h"

static struct fk_page_command command;
static char page[FK_PAGE_COMMAND_SIZE];

static void expect_octets(const char *text, size_t text_size)
{
	size_t size;
	const char *octets = fk_page_command_octets(&command, &size);

	cr_assert_eq(size, text_size);
	cr_expect_arr_eq(octets, text, size);
}

Test(page_command, pages_are_the_words_of_one_command)
{
	static const char two[] = "*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$3\r\n\0\r\n\r\n"
				  "$12\r\nfk:{s001}:b2\r\n$0\r\n\r\n";

	fk_page_command_begin(&command);
	cr_assert(fk_page_command_add(&command, "a", "\0\r\n", 3));
	cr_assert(fk_page_command_add(&command, "fk:{s001}:b2", "", 0));
	cr_expect_eq(command.n_pages, 2);
	expect_octets(two, sizeof(two) - 1);
}

Test(page_command, begun_again_it_has_nothing_of_what_was)
{
	static const char one[] = "*3\r\n$4\r\nMSET\r\n$1\r\nb\r\n$1\r\n2\r\n";

	fk_page_command_begin(&command);
	cr_assert(fk_page_command_add(&command, "a", "1", 1));
	fk_page_command_begin(&command);
	cr_expect_eq(command.n_pages, 0);
	cr_assert(fk_page_command_add(&command, "b", "2", 1));
	expect_octets(one, sizeof(one) - 1);
}

Test(page_command, a_page_without_room_changes_nothing)
{
	size_t before, size;
	uint32_t n = 0;

	memset(page, 'x', sizeof(page));
	fk_page_command_begin(&command);
	while (fk_page_command_add(&command, "key", page, 1000))
		n++;
	cr_expect_eq(n, command.n_pages);
	cr_expect_gt(n, 60);
	(void)fk_page_command_octets(&command, &before);
	cr_expect_leq(before, FK_PAGE_COMMAND_SIZE);
	cr_expect_not(fk_page_command_add(&command, "key", page, 1000));
	(void)fk_page_command_octets(&command, &size);
	cr_expect_eq(size, before);
}

Test(page_command, every_size_up_to_the_whole_room_fits_or_is_refused)
{
	for (size_t size = FK_PAGE_COMMAND_SIZE - 200; size <= FK_PAGE_COMMAND_SIZE; size++) {
		size_t all;

		fk_page_command_begin(&command);
		if (!fk_page_command_add(&command, "key", page, size)) {
			cr_expect_eq(command.n_pages, 0);
			cr_expect_gt(size, FK_PAGE_COMMAND_SIZE - 100);
			continue;
		}
		(void)fk_page_command_octets(&command, &all);
		cr_expect_leq(all, FK_PAGE_COMMAND_SIZE);
	}
}
