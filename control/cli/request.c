/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/request.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/problem.h"

#define PAGE_ROWS   2000u /* about 0.5 MB of JSON: a page is quick to make and to read */
#define CURSOR_MAX  200
#define ID_MAX_LEN  64
#define ID_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

enum fk_exit fk_usage_error(const char *format, ...)
{
	va_list args;

	fputs("fleetkeyctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; see fleetkeyctl --help\n", stderr);
	return FK_EXIT_USAGE;
}

enum fk_exit fk_request_path(const char *id, const char *suffix, char *path, size_t size)
{
	size_t len = strlen(id);

	if (len == 0 || len > ID_MAX_LEN || strspn(id, ID_ALPHABET) != len || id[0] == '.')
		return fk_usage_error("'%s' is no campaign id", id);
	snprintf(path, size, "/v1/campaigns/%s%s", id, suffix);
	return FK_EXIT_DONE;
}

enum fk_exit fk_request_judge(struct fk_cli *cli, struct fk_http_reply *reply,
			      const char *file_name, json_t **ret_answer)
{
	enum fk_exit code = fk_problem_exit(reply->status);
	json_t *answer = reply->body ? json_loadb(reply->body, reply->size, 0, NULL) : NULL;
	long status = reply->status;

	fk_http_reply_fini(reply);
	if (code == FK_EXIT_DONE && !answer) {
		fputs("fleetkeyctl: fleetkeyd's answer is not JSON\n", stderr);
		return FK_EXIT_FAILED;
	}
	if (code == FK_EXIT_DONE) {
		*ret_answer = answer;
		return code;
	}
	if (cli->json && answer)
		fk_output_json(stdout, answer);
	fk_problem_print(stderr, status, answer, file_name);
	json_decref(answer);
	return code;
}

enum fk_exit fk_request(struct fk_cli *cli, const char *method, const char *path,
			const json_t *body, json_t **ret_answer)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct fk_http_reply reply;
	enum fk_err err = FK_ENOMEM;

	if (!body || text)
		err = fk_http_request(cli->http, method, path, text, &reply);
	free(text);
	if (err != FK_OK) {
		fprintf(stderr, "fleetkeyctl: %s\n", fk_http_reason(cli->http));
		return FK_EXIT_FAILED;
	}
	return fk_request_judge(cli, &reply, NULL, ret_answer);
}

enum fk_exit fk_request_download(struct fk_cli *cli, const char *path, FILE *out)
{
	struct fk_http_reply reply;
	json_t *answer;

	if (fk_http_download(cli->http, path, out, &reply) != FK_OK) {
		fprintf(stderr, "fleetkeyctl: %s\n", fk_http_reason(cli->http));
		return FK_EXIT_FAILED;
	}
	if (reply.status == 200) {
		fk_http_reply_fini(&reply);
		return FK_EXIT_DONE;
	}
	return fk_request_judge(cli, &reply, NULL, &answer);
}

/* Whatever is not plainly harmless in a query is escaped. */
static void escape(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (const char *c = text; *c && n + 4 < size; c++) {
		if (strchr(ID_ALPHABET, *c))
			out[n++] = *c;
		else
			n += (size_t)snprintf(out + n, size - n, "%%%02X", (unsigned char)*c);
	}
	out[n] = '\0';
}

void fk_request_add_query(char *path, size_t size, const char *name, const char *value)
{
	size_t n = strlen(path);

	n += (size_t)snprintf(path + n, size - n, "%c%s=", strchr(path, '?') ? '&' : '?', name);
	if (n < size)
		escape(value, path + n, size - n);
}

/* A cursor is opaque. */
static void escape_cursor(const json_t *cursor, char *out, size_t size)
{
	char word[CURSOR_MAX];

	escape(fk_output_word(cursor, word, sizeof(word)), out, size);
}

enum fk_exit fk_request_ue(struct fk_cli *cli, const char *ue_id, json_t **ret_ue)
{
	char path[FK_REQUEST_PATH_MAX] = "/v1/fleet/ues";
	json_t *answer;
	enum fk_exit code;

	fk_request_add_query(path, sizeof(path), "ue_id", ue_id);
	code = fk_request(cli, "GET", path, NULL, &answer);
	if (code != FK_EXIT_DONE)
		return code;
	*ret_ue = json_incref(json_array_get(json_object_get(answer, "items"), 0));
	json_decref(answer);
	return FK_EXIT_DONE;
}

enum fk_exit fk_request_walk(struct fk_cli *cli, const char *path, fk_request_row_fn row)
{
	char cursor[3 * CURSOR_MAX + 4] = "", before[sizeof(cursor)] = "";
	char query[sizeof(cursor) + FK_REQUEST_PATH_MAX + 40];

	json_int_t generation = -1;

	for (;;) {
		json_t *page, *next, *item, *fleet;
		enum fk_exit code;
		size_t i;

		snprintf(query, sizeof(query), "%s%climit=%u%s%s", path,
			 strchr(path, '?') ? '&' : '?', PAGE_ROWS, cursor[0] ? "&cursor=" : "",
			 cursor);
		code = fk_request(cli, "GET", query, NULL, &page);
		if (code != FK_EXIT_DONE)
			return code;
		fleet = json_object_get(page, "fleet_generation");
		if (generation >= 0 && json_integer_value(fleet) != generation) {
			fputs("fleetkeyctl: the fleet was replaced meanwhile; begin again\n",
			      stderr);
			json_decref(page);
			return FK_EXIT_FAILED;
		}
		generation = fleet ? json_integer_value(fleet) : -1;
		json_array_foreach(json_object_get(page, "items"), i, item) row(cli, item);
		next = json_object_get(page, "next_cursor");
		if (!next || json_is_null(next)) {
			json_decref(page);
			return FK_EXIT_DONE;
		}
		snprintf(before, sizeof(before), "%s", cursor);
		escape_cursor(next, cursor, sizeof(cursor));
		json_decref(page);
		if (!cursor[0] || strcmp(before, cursor) == 0) {
			fputs("fleetkeyctl: fleetkeyd's list does not go on: same cursor twice\n",
			      stderr);
			return FK_EXIT_FAILED;
		}
	}
}
