/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ue_ids.h - UEs as a command is given them: by words, or by a file of ids.
 *
 * Threads: one.
 */
#pragma once

#include <jansson.h>

#include "cli/cli.h"

/*
 * Appends the words, and the ids that stand in 'path' one a line ("-": standard input; NULL: no
 * file). FK_EXIT_FAILED, said, if the file cannot be read, names nobody, or one cannot be an id.
 */
enum fk_exit fk_ue_ids_read(int n_words, char **words, const char *path, json_t *ids);
