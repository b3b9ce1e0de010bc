/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - JSON as text for people.
 *
 * What fleetkeyd says may repeat what somebody wrote into a fleet file, so control characters are
 * shown as '?' and cannot steer a terminal.
 *
 * Threads: one.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A value as one word: text as it is, null and nothing as "-". Cuts at 'size'; returns 'buffer'. */
const char *fk_output_word(const json_t *value, char *buffer, size_t size);

/* The same for the member 'name' of 'object'. */
const char *fk_output_member(const json_t *object, const char *name, char *buffer, size_t size);

/* Prints a text with its control characters replaced. NULL prints nothing. */
void fk_output_text(FILE *file, const char *text);

/* Prints "name  value" lines, nested objects indented below their name, lists by their words. */
void fk_output_object(FILE *file, const json_t *object, int indent);
/* An answer on standard output: as the API gave it, or as such lines. */
void fk_output_answer(bool as_json, const json_t *answer);

/* Prints one value as one line of JSON, and flushes. */
void fk_output_json(FILE *file, const json_t *value);
