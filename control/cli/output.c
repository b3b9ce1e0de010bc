/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <string.h>

#define WORD_MAX 256

static void tame(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

const char *fk_output_word(const json_t *value, char *buffer, size_t size)
{
	if (json_string_length(value) > 0)
		snprintf(buffer, size, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(buffer, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(buffer, size, "%.3f", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(buffer, size, "%s", json_is_true(value) ? "yes" : "no");
	else
		snprintf(buffer, size, "-");
	tame(buffer);
	return buffer;
}

const char *fk_output_member(const json_t *object, const char *name, char *buffer, size_t size)
{
	return fk_output_word(json_object_get(object, name), buffer, size);
}

void fk_output_text(FILE *file, const char *text)
{
	for (; text && *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, file);
}

static void print_list(FILE *file, const json_t *list, int indent)
{
	char word[WORD_MAX];
	json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		if (json_is_object(value)) {
			fputs(i == 0 ? "\n" : "", file);
			fk_output_object(file, value, indent + 2);
			if (i + 1 < json_array_size(list))
				fputc('\n', file);
			continue;
		}
		fprintf(file, "%s%s", i ? " " : "", fk_output_word(value, word, sizeof(word)));
		if (i + 1 == json_array_size(list))
			fputc('\n', file);
	}
	if (json_array_size(list) == 0)
		fputs("-\n", file);
}

void fk_output_object(FILE *file, const json_t *object, int indent)
{
	char word[WORD_MAX];
	const char *name;
	json_t *value;
	int width = 0;

	json_object_foreach((json_t *)object, name, value) if ((int)strlen(name) > width) width =
		(int)strlen(name);
	json_object_foreach((json_t *)object, name, value)
	{
		fprintf(file, "%*s", indent, "");
		fk_output_text(file, name);
		if (json_is_object(value) && json_object_size(value) > 0) {
			fputc('\n', file);
			fk_output_object(file, value, indent + 2);
			continue;
		}
		fprintf(file, "%*s", width - (int)strlen(name) + 2, "");
		if (json_is_array(value))
			print_list(file, value, indent);
		else
			fprintf(file, "%s\n", fk_output_word(value, word, sizeof(word)));
	}
}

void fk_output_json(FILE *file, const json_t *value)
{
	json_dumpf(value, file, JSON_COMPACT | JSON_ENCODE_ANY);
	fputc('\n', file);
	fflush(file);
}

void fk_output_answer(bool as_json, const json_t *answer)
{
	if (as_json)
		fk_output_json(stdout, answer);
	else
		fk_output_object(stdout, answer, 0);
}
