/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ue_ids.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UE_ID_MAX 64u /* characters */

/* Appends the UE ids of a file, one a line. FK_EXIT_FAILED, said, if one cannot be an id. */
static enum fk_exit read_file(const char *path, json_t *ids)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	char line[UE_ID_MAX + 3]; /* CR LF and NUL */
	enum fk_exit code = FK_EXIT_DONE;
	unsigned long n_lines = 0;

	if (!file) {
		fprintf(stderr, "fleetkeyctl: %s: %s\n", path, strerror(errno));
		return FK_EXIT_FAILED;
	}
	while (code == FK_EXIT_DONE && fgets(line, sizeof(line), file)) {
		size_t len = strcspn(line, "\r\n");

		n_lines++;
		if ((line[len] == '\0' && !feof(file)) || len > UE_ID_MAX) {
			fprintf(stderr, "fleetkeyctl: %s:%lu: is no UE id of 1 to %u characters\n",
				is_stdin ? "<stdin>" : path, n_lines, UE_ID_MAX);
			code = FK_EXIT_FAILED;
		} else if (len > 0) {
			json_array_append_new(ids, json_stringn(line, len));
		}
	}
	if (code == FK_EXIT_DONE && ferror(file)) {
		fprintf(stderr, "fleetkeyctl: %s cannot be read to its end\n", path);
		code = FK_EXIT_FAILED;
	}
	if (!is_stdin)
		fclose(file);
	return code;
}

enum fk_exit fk_ue_ids_read(int n_words, char **words, const char *path, json_t *ids)
{
	size_t n_before;
	enum fk_exit code;

	for (int i = 0; i < n_words; i++)
		json_array_append_new(ids, json_string(words[i]));
	if (!path)
		return FK_EXIT_DONE;
	n_before = json_array_size(ids);
	code = read_file(path, ids);
	if (code == FK_EXIT_DONE && json_array_size(ids) == n_before) {
		fprintf(stderr, "fleetkeyctl: %s: names no UE\n", path);
		code = FK_EXIT_FAILED;
	}
	return code;
}
