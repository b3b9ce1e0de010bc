/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - puts every input of a corpus through a fuzz target, whole, cut short and changed in
 * places, and says so in TAP.
 *
 * A target ends the program by abort() when something is wrong; the plan then names more tests than
 * were seen.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/dataplane/seeded.h"

#define INPUT_SIZE_MAX (1u << 20)
#define CUTS_MAX       1000 /* lengths that an input is cut to */
#define N_CHANGED      300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* A copy of exactly the input's size, so that a sanitizer sees one octet too far. */
static void run(const uint8_t *octets, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, octets, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* Whole, cut short at every length (long inputs: at some), and with a few octets changed. */
static void run_all(const uint8_t *octets, size_t size)
{
	static uint8_t changed[INPUT_SIZE_MAX];
	struct seeded seeded = {.state = size};

	run(octets, size);
	for (size_t cut = 0; cut < size; cut += 1 + size / CUTS_MAX)
		run(octets, cut);
	for (uint32_t i = 0; i < N_CHANGED && size > 0; i++) {
		memcpy(changed, octets, size);
		for (uint32_t n = 1 + seeded_below(&seeded, 4); n > 0; n--)
			changed[seeded_below(&seeded, (uint32_t)size)] =
				(uint8_t)seeded_next(&seeded);
		run(changed, size);
	}
}

static int replay(const char *path)
{
	static uint8_t octets[INPUT_SIZE_MAX];
	FILE *file = fopen(path, "rbe");
	size_t size = file != NULL ? fread(octets, 1, sizeof(octets), file) : 0;
	int is_bad = file == NULL || ferror(file) != 0 || size == sizeof(octets);

	if (file != NULL)
		fclose(file);
	if (!is_bad)
		run_all(octets, size);
	return is_bad;
}

int main(void)
{
	struct dirent **entries;
	int n = scandir(FK_CORPUS_DIR, &entries, is_input, alphasort), n_bad = n <= 0;

	printf("TAP version 13\n1..%d\n", n > 0 ? n : 1);
	if (n <= 0)
		printf("not ok 1 - %s has no input\n", FK_CORPUS_DIR);
	for (int i = 0; i < n; i++) {
		char path[4096];
		int is_bad;

		snprintf(path, sizeof(path), "%s/%s", FK_CORPUS_DIR, entries[i]->d_name);
		fflush(stdout);
		fprintf(stderr, "%s\n", path);
		is_bad = replay(path);
		printf("%sok %d - %s\n", is_bad ? "not " : "", i + 1, entries[i]->d_name);
		n_bad += is_bad;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n_bad > 0;
}
