/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "store/witness.h"

#include "../support.h"

static char folder[64], path[96];
static const uint8_t ours[16] = {1}, theirs[16] = {2};

static void make_folder(void)
{
	test_make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/witness", folder);
}

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

TestSuite(witness, .init = make_folder, .fini = remove_folder);

static struct fk_witness *open_witness(void)
{
	struct fk_witness *witness = NULL;
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(fk_witness_open(path, ours, &witness, &reason), FK_OK, "%s", reason.text);
	return witness;
}

static void expect_refused(const uint8_t *kmf_id, enum fk_err err)
{
	struct fk_witness *witness = NULL;
	struct fk_reason reason = {.text = ""};

	cr_expect_eq(fk_witness_open(path, kmf_id, &witness, &reason), err);
	cr_expect_null(witness);
	cr_expect_not_null(strstr(reason.text, path), "the file is not named: %s", reason.text);
}

Test(witness, what_it_was_told_is_there_when_it_is_opened_again)
{
	struct fk_witness *witness = open_witness();
	uint8_t page[FK_WITNESS_PAGE_SIZE];
	struct stat status;

	memset(page, 7, sizeof(page));
	fk_witness_counts(witness)->n_batches = 41;
	cr_expect_eq(*fk_witness_statements(witness), 0);
	*fk_witness_statements(witness) = 12;
	cr_assert_eq(fk_witness_begin(witness, 3, 5000), FK_OK);
	fk_witness_put(witness, 3, 4999, page);
	fk_witness_end(witness);
	fk_witness_close(witness);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
	witness = open_witness();
	cr_expect_eq(fk_witness_counts(witness)->n_batches, 41);
	cr_expect_eq(*fk_witness_statements(witness), 12);
	cr_assert_not_null(fk_witness_page(witness, 3, 4999));
	cr_expect_arr_eq(fk_witness_page(witness, 3, 4999), page, sizeof(page));
	fk_witness_close(witness);
}

Test(witness, pages_of_another_fleet_are_neither_taken_nor_given)
{
	struct fk_witness *witness = open_witness();
	uint8_t page[FK_WITNESS_PAGE_SIZE], zeros[FK_WITNESS_PAGE_SIZE] = {0};

	memset(page, 7, sizeof(page));
	cr_assert_eq(fk_witness_begin(witness, 3, 2), FK_OK);
	fk_witness_put(witness, 2, 0, page);
	fk_witness_put(witness, 3, 2, page);
	fk_witness_end(witness);
	cr_expect_arr_eq(fk_witness_page(witness, 3, 0), zeros, sizeof(zeros));
	cr_expect_null(fk_witness_page(witness, 3, 2));
	cr_expect_null(fk_witness_page(witness, 2, 0));
	cr_expect_null(fk_witness_page(witness, 0, 0));
	fk_witness_close(witness);
}

Test(witness, pages_count_only_when_all_have_been_put)
{
	struct fk_witness *witness = open_witness();
	uint8_t page[FK_WITNESS_PAGE_SIZE] = {1};

	cr_assert_eq(fk_witness_begin(witness, 3, 2), FK_OK);
	fk_witness_put(witness, 3, 0, page);
	cr_expect_null(fk_witness_page(witness, 3, 0));
	fk_witness_close(witness);
	witness = open_witness();
	cr_expect_null(fk_witness_page(witness, 3, 0));
	fk_witness_close(witness);
}

Test(witness, another_kmfs_file_is_refused)
{
	fk_witness_close(open_witness());
	expect_refused(theirs, FK_ESTALE);
}

Test(witness, a_file_that_others_can_use_is_refused)
{
	fk_witness_close(open_witness());
	cr_assert_eq(chmod(path, 0640), 0);
	expect_refused(ours, FK_EPOLICY);
}

Test(witness, a_damaged_file_is_refused)
{
	char octets[600];

	memset(octets, 'x', sizeof(octets));
	test_write_file(path, octets, sizeof(octets), 0600);
	expect_refused(ours, FK_EFORMAT);
}

Test(witness, a_file_that_is_shorter_than_it_says_is_refused)
{
	struct fk_witness *witness = open_witness();

	cr_assert_eq(fk_witness_begin(witness, 3, 100), FK_OK);
	fk_witness_end(witness);
	fk_witness_close(witness);
	cr_assert_eq(truncate(path, 5000), 0);
	expect_refused(ours, FK_EFORMAT);
}
