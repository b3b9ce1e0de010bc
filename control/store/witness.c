/* SPDX-License-Identifier: Apache-2.0 */
#include "store/witness.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MAGIC[8] = "FKWITNS1";

struct head {
	char magic[8];
	uint8_t kmf_id[16];
	char run_id[FK_WITNESS_RUN_ID_SIZE];
	struct fk_witness_counts counts;
	uint64_t generation; /* of the pages; 0: they are not whole */
	uint64_t n_pages;
	/* These were added behind all others: they are 0 in an older file. */
	uint64_t n_statements, n_key_writes;
	uint64_t written_generation, n_page_writes;
};

#define HEAD_SIZE 512
static_assert(sizeof(struct head) <= HEAD_SIZE, "the pages begin behind it");

struct fk_witness {
	int fd;
	struct head *head; /* the mapping */
	size_t size;	   /* of it, octets */
	uint64_t generation;
};

static enum fk_err refuse(enum fk_err err, struct fk_reason *reason, const char *path,
			  const char *why)
{
	fk_reason_set(reason, "store.witness_file %s: %s", path, why);
	return err;
}

/* Blocks are reserved, not only named: a full disk must not end us when a page is written. */
static enum fk_err map(struct fk_witness *witness, size_t size)
{
	void *at;

	if (posix_fallocate(witness->fd, 0, (off_t)size) != 0)
		return FK_EIO;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, witness->fd, 0);
	if (at == MAP_FAILED)
		return FK_EIO;
	if (witness->head != NULL)
		(void)munmap(witness->head, witness->size); /* cannot fail: it is ours, and whole */
	witness->head = at;
	witness->size = size;
	return FK_OK;
}

/* The magic goes last: a file without it was never begun. */
static void begin_file(struct head *head, const uint8_t kmf_id[static 16])
{
	memcpy(head->kmf_id, kmf_id, sizeof(head->kmf_id));
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(head->magic, MAGIC, sizeof(MAGIC));
}

static enum fk_err check(const struct fk_witness *witness, const uint8_t kmf_id[static 16],
			 const char *path, struct fk_reason *reason)
{
	const struct head *head = witness->head;

	if (memcmp(head->magic, MAGIC, sizeof(MAGIC)) != 0 ||
	    head->n_pages > (witness->size - HEAD_SIZE) / FK_WITNESS_PAGE_SIZE)
		return refuse(FK_EFORMAT, reason, path, "it is damaged, or no such file");
	if (memcmp(head->kmf_id, kmf_id, sizeof(head->kmf_id)) != 0)
		return refuse(FK_ESTALE, reason, path,
			      "the store is empty, or another KMF's: put the right one in place, "
			      "or remove this file to begin with that one");
	return FK_OK;
}

enum fk_err fk_witness_open(const char *path, const uint8_t kmf_id[static 16],
			    struct fk_witness **ret_witness, struct fk_reason *reason)
{
	static const char none[sizeof(MAGIC)] = {0};
	struct fk_witness *witness = calloc(1, sizeof(*witness));
	struct stat status;
	enum fk_err err;

	if (witness == NULL)
		return FK_ENOMEM;
	witness->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (witness->fd < 0 || fstat(witness->fd, &status) != 0)
		err = refuse(FK_EIO, reason, path, strerror(errno));
	else if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
		 (status.st_mode & 077) != 0)
		err = refuse(FK_EPOLICY, reason, path,
			     "it must be a file of our user's, mode 0600");
	else if (map(witness, status.st_size < HEAD_SIZE ? HEAD_SIZE : (size_t)status.st_size) !=
		 FK_OK)
		err = refuse(FK_EIO, reason, path, "it cannot be written and mapped");
	else {
		if (memcmp(witness->head->magic, none, sizeof(none)) == 0)
			begin_file(witness->head, kmf_id);
		err = check(witness, kmf_id, path, reason);
	}
	if (err != FK_OK) {
		fk_witness_close(witness);
		return err;
	}
	witness->generation = witness->head->generation;
	*ret_witness = witness;
	return FK_OK;
}

void fk_witness_close(struct fk_witness *witness)
{
	if (witness == NULL)
		return;
	if (witness->head != NULL)
		(void)munmap(witness->head, witness->size); /* as above */
	if (witness->fd >= 0)
		close(witness->fd);
	free(witness);
}

struct fk_witness_counts *fk_witness_counts(struct fk_witness *witness)
{
	return &witness->head->counts;
}

uint64_t *fk_witness_statements(struct fk_witness *witness)
{
	return &witness->head->n_statements;
}

uint64_t *fk_witness_key_writes(struct fk_witness *witness)
{
	return &witness->head->n_key_writes;
}

uint64_t *fk_witness_page_writes(struct fk_witness *witness, uint64_t **ret_generation)
{
	*ret_generation = &witness->head->written_generation;
	return &witness->head->n_page_writes;
}

char *fk_witness_run_id(struct fk_witness *witness)
{
	return witness->head->run_id;
}

static uint8_t *page_at(const struct fk_witness *witness, uint32_t page)
{
	return (uint8_t *)witness->head + HEAD_SIZE + (size_t)page * FK_WITNESS_PAGE_SIZE;
}

enum fk_err fk_witness_begin(struct fk_witness *witness, uint64_t generation, uint32_t n_pages)
{
	size_t size = HEAD_SIZE + (size_t)n_pages * FK_WITNESS_PAGE_SIZE;

	witness->generation = 0;
	witness->head->generation = 0;
	witness->head->n_pages = 0;
	/* It never shrinks: a fleet that does leaves some KB behind. */
	if (size > witness->size && map(witness, size) != FK_OK)
		return FK_EIO;
	witness->head->n_pages = n_pages;
	witness->generation = generation;
	return FK_OK;
}

void fk_witness_end(struct fk_witness *witness)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	witness->head->generation = witness->generation;
}

void fk_witness_put(struct fk_witness *witness, uint64_t generation, uint32_t page,
		    const void *octets)
{
	if (generation == witness->generation && page < witness->head->n_pages)
		memcpy(page_at(witness, page), octets, FK_WITNESS_PAGE_SIZE);
}

const uint8_t *fk_witness_page(const struct fk_witness *witness, uint64_t generation, uint32_t page)
{
	if (generation == 0 || generation != witness->head->generation ||
	    page >= witness->head->n_pages)
		return NULL;
	return page_at(witness, page);
}
