/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleetkey-inspect: takes messages, datagrams and captures apart, and runs known-answer tests.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "inspect/datagram.h"
#include "inspect/frame.h"
#include "inspect/hex.h"
#include "inspect/json_kmm.h"
#include "inspect/kat.h"
#include "inspect/key_file.h"
#include "inspect/pcap.h"

#define EXIT_WRONG 1
#define EXIT_USAGE 2

#define DATAGRAM_SIZE_MAX 65535
#define FILE_SIZE_MAX	  (1u << 30)

static const char usage[] =
	"usage: fleetkey-inspect kmm HEX|- [OPTION]...      a key management message, or one a "
	"line\n"
	"       fleetkey-inspect datagram FILE|- [OPTION]...  a SIP datagram\n"
	"       fleetkey-inspect pcap FILE [OPTION]...      every SIP and OTAR datagram of a "
	"capture\n"
	"       fleetkey-inspect kat FILE.json...           known-answer tests\n"
	"\n"
	"One JSON object a message; what cannot be read is {\"error\": {\"offset\", \"field\",\n"
	"\"reason\"}}, and then the exit status is 1, as it is when a key that was given does not "
	"fit.\n"
	"The offset counts octets of the message, its preamble included (field \"input\": "
	"characters\n"
	"of the HEX, or of the line of standard input that \"line\" names). Frames of a capture "
	"that "
	"carry\n"
	"nothing of ours, or are in a tunnel that is not opened, are counted on standard error.\n"
	"\n"
	"  --tek-file FILE  verify MACs and decrypt the outer layer under this key\n"
	"  --kek-file FILE  say whether the keys in a message unwrap under this key\n"
	"  --wired          messages are of the key-fill port\n"
	"  --strict         refuse layouts that are inferred\n"
	"  --isd-layout FILE  how Interworking Security Data is laid out\n"
	"\n"
	"A key file has a key of 16, 24 or 32 octets, raw or in hexadecimal digits, and nobody "
	"but\n"
	"its owner may read it; - is standard input. Keys are never printed.\n";

struct arguments {
	struct fk_inspect_options options;
	struct fk_secret tek, kek;
	struct fk_isd_layout isd_layout;
	bool stdin_is_taken, has_options;
	const char *operands[256];
	uint32_t n_operands;
};

static bool write_json(json_t *json)
{
	bool ok =
		json != NULL && json_dumpf(json, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;

	json_decref(json);
	return ok;
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "fleetkey-inspect: %s: %s\n", what, why);
	return EXIT_USAGE;
}

/* Reads a file, or standard input, whole. NULL and a complaint if it cannot. */
static uint8_t *read_file(const char *path, size_t max, size_t *ret_size)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "rbe");
	size_t size = 0, cap = 65536;
	uint8_t *octets = file != NULL ? malloc(cap) : NULL;

	while (octets != NULL) {
		uint8_t *more;

		size += fread(octets + size, 1, cap - size, file);
		if (size < cap || size > max)
			break;
		cap *= 2;
		more = realloc(octets, cap);
		if (more == NULL)
			free(octets);
		octets = more;
	}
	if (octets == NULL) {
		(void)complain(path, strerror(errno));
	} else if (ferror(file) != 0 || size > max) {
		(void)complain(path, size > max ? "is too large" : strerror(errno));
		free(octets);
		octets = NULL;
	}
	if (file != NULL && !is_stdin)
		fclose(file);
	*ret_size = size;
	return octets;
}

/* One message in hexadecimal digits, of line 'line' or, with 0, of the command line. Returns false
 * if something is wrong with it. */
static bool inspect_hex(const struct arguments *arguments, const char *text, size_t len,
			uint32_t line)
{
	uint8_t *octets = malloc(len / 2 + 1);
	size_t size;
	bool is_ok = false;
	json_t *json;

	if (octets == NULL)
		json = fk_json_error(0, "input", "out of memory");
	else if (fk_hex_decode(text, len, octets, len / 2 + 1, &size) != FK_OK)
		json = fk_json_error(fk_hex_check(text, len), "input",
				     "is no hexadecimal digit, or half an octet");
	else
		json = fk_json_kmm(&arguments->options, octets, size, 0, &is_ok);
	free(octets);
	if (line > 0)
		json_object_set_new(json, "line", json_integer(line));
	return write_json(json) && is_ok;
}

static bool is_blank(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL && text[len - 1] != '\0')
		len--;
	return len == 0;
}

static int run_kmm(struct arguments *arguments)
{
	const char *text = arguments->operands[0], *line, *end;
	uint32_t n_lines = 0, n_messages = 0;
	bool is_ok = true;
	size_t size;
	uint8_t *octets;

	if (strcmp(text, "-") != 0)
		return inspect_hex(arguments, text, strlen(text), 0) ? EXIT_SUCCESS : EXIT_WRONG;
	octets = read_file("-", FILE_SIZE_MAX, &size);
	if (octets == NULL)
		return EXIT_USAGE;
	for (line = (const char *)octets; line < (const char *)octets + size; line = end + 1) {
		size_t left = (size_t)((const char *)octets + size - line);

		end = memchr(line, '\n', left);
		end = end != NULL ? end : line + left;
		n_lines++;
		if (is_blank(line, (size_t)(end - line)))
			continue;
		is_ok &= inspect_hex(arguments, line, (size_t)(end - line), n_lines);
		n_messages++;
	}
	if (n_messages == 0)
		is_ok = write_json(fk_json_error(0, "input", "holds no message")) && false;
	free(octets);
	return is_ok ? EXIT_SUCCESS : EXIT_WRONG;
}

static int run_datagram(struct arguments *arguments)
{
	size_t size;
	uint8_t *octets = read_file(arguments->operands[0], DATAGRAM_SIZE_MAX, &size);
	bool is_ok;

	if (octets == NULL)
		return EXIT_USAGE;
	is_ok = write_json(fk_json_datagram(&arguments->options, octets, size, &is_ok)) && is_ok;
	free(octets);
	return is_ok ? EXIT_SUCCESS : EXIT_WRONG;
}

/* False if the frame carries something of ours that is wrong. Foreign frames are counted. */
static bool inspect_frame(const struct arguments *arguments, const struct fk_pcap_frame *frame,
			  uint32_t index, json_t *not_shown)
{
	bool is_ok;
	json_t *json = fk_json_frame(&arguments->options, frame, index, not_shown, &is_ok);

	return json == NULL || (write_json(json) && is_ok);
}

/* On standard error: standard output has the messages, and nothing else. */
static void tell_not_shown(json_t *not_shown)
{
	char *text = json_dumps(not_shown, JSON_COMPACT | JSON_SORT_KEYS);

	if (text != NULL && json_object_size(not_shown) > 0)
		fprintf(stderr, "fleetkey-inspect: frames not shown, by kind: %s\n", text);
	free(text);
	json_decref(not_shown);
}

static int run_pcap(struct arguments *arguments)
{
	size_t size;
	uint8_t *octets = read_file(arguments->operands[0], FILE_SIZE_MAX, &size);
	struct fk_pcap pcap = {0};
	struct fk_pcap_frame frame;
	json_t *not_shown;
	uint32_t index = 0;
	bool is_ok = true;
	enum fk_err err;

	if (octets == NULL)
		return EXIT_USAGE;
	not_shown = json_object();
	err = fk_pcap_open(octets, size, &pcap);
	if (err == FK_EUNSUPPORTED)
		is_ok = write_json(fk_json_error(20, "link_type", "is none that is read")) && false;
	else if (err != FK_OK)
		is_ok = write_json(fk_json_error(
				0, "file_header",
				fk_pcap_is_pcapng(octets, size)
					? "is pcapng's: editcap -F pcap makes a classic pcap of it"
					: "is no classic pcap's")) &&
			false;
	while (err == FK_OK) {
		err = fk_pcap_next(&pcap, &frame);
		if (err == FK_OK)
			is_ok &= inspect_frame(arguments, &frame, ++index, not_shown);
		else if (err != FK_ENOTFOUND)
			is_ok = write_json(fk_json_error((size_t)(pcap.at - octets), "record",
							 fk_err_text(err))) &&
				false;
	}
	tell_not_shown(not_shown);
	free(octets);
	return is_ok ? EXIT_SUCCESS : EXIT_WRONG;
}

static int run_kat(struct arguments *arguments)
{
	struct fk_kat_result result = {0};

	for (uint32_t i = 0; i < arguments->n_operands; i++)
		fk_kat_run(arguments->options.proof, arguments->operands[i], stdout, &result);
	printf("%u passed, %u failed\n", result.n_passed, result.n_failed);
	return result.n_failed == 0 ? EXIT_SUCCESS : EXIT_WRONG;
}

static const struct {
	const char *name;
	uint32_t n_max; /* operands; at least one */
	int (*run)(struct arguments *arguments);
} verbs[] = {
	{"kmm", 1, run_kmm},
	{"datagram", 1, run_datagram},
	{"pcap", 1, run_pcap},
	{"kat", 256, run_kat},
};

static int read_key(struct arguments *arguments, const char *option, const char *path,
		    struct fk_secret *key, const struct fk_secret **ret_key)
{
	enum fk_err err;

	if (path == NULL)
		return complain(option, "takes a file");
	if (strcmp(path, "-") == 0 && arguments->stdin_is_taken)
		return complain(option, "standard input is read for something else");
	arguments->stdin_is_taken |= strcmp(path, "-") == 0;
	err = fk_key_file_read(path, key);
	if (err == FK_EPOLICY)
		return complain(path, "others than its owner may read it (chmod 600)");
	if (err == FK_EFORMAT)
		return complain(path, "holds no key of 16, 24 or 32 octets, raw or hexadecimal");
	if (err != FK_OK)
		return complain(path, "cannot be read");
	*ret_key = key;
	return EXIT_SUCCESS;
}

static int read_isd_layout(struct arguments *arguments, const char *path)
{
	struct fk_isd_error error;
	size_t size;
	char *text = (char *)read_file(path, FK_ISD_LAYOUT_SIZE_MAX, &size);
	enum fk_err err;

	if (text == NULL)
		return EXIT_USAGE;
	err = fk_isd_layout_parse(text, size, &arguments->isd_layout, &error);
	free(text);
	if (err != FK_OK) {
		fprintf(stderr, "fleetkey-inspect: %s: line %zu: %s: %s\n", path, error.offset,
			error.field, error.reason);
		return EXIT_USAGE;
	}
	arguments->options.isd_layout = &arguments->isd_layout;
	return EXIT_SUCCESS;
}

/* Keys that are read from now on get into no core dump and to no other process of the user; and not
 * to swap either, where the user may lock a page. */
static bool shield(const struct arguments *arguments)
{
	const struct rlimit none = {0};

	(void)mlock(arguments, sizeof(*arguments));
	return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
}

/* Keys from standard input come after the operands are known: those may want it too. */
static int parse(struct arguments *arguments, char **words)
{
	const char *tek_path = NULL, *kek_path = NULL;
	bool has_tek = false, has_kek = false;
	int status = EXIT_SUCCESS;

	for (; *words != NULL; words++) {
		arguments->has_options |= (*words)[0] == '-' && (*words)[1] != '\0';
		if (strcmp(*words, "--tek-file") == 0 || strcmp(*words, "--kek-file") == 0) {
			bool is_tek = (*words)[2] == 't';

			if (words[1] == NULL)
				return complain(*words, "takes a file");
			if (is_tek ? has_tek : has_kek)
				return complain(*words, "is given twice");
			*(is_tek ? &tek_path : &kek_path) = *++words;
			*(is_tek ? &has_tek : &has_kek) = true;
		} else if (strcmp(*words, "--isd-layout") == 0) {
			if (words[1] == NULL)
				return complain(*words, "takes a file");
			status = read_isd_layout(arguments, *++words);
			if (status != EXIT_SUCCESS)
				return status;
		} else if (strcmp(*words, "--wired") == 0) {
			arguments->options.profile |= FK_KMM_PROFILE_WIRED;
		} else if (strcmp(*words, "--strict") == 0) {
			arguments->options.profile &= ~(uint32_t)FK_KMM_PROFILE_INFERRED;
		} else if ((*words)[0] == '-' && (*words)[1] != '\0') {
			return complain(*words, "is no option of this program");
		} else if (arguments->n_operands ==
			   sizeof(arguments->operands) / sizeof(arguments->operands[0])) {
			return complain(*words, "is one operand too many");
		} else {
			arguments->stdin_is_taken |= strcmp(*words, "-") == 0;
			arguments->operands[arguments->n_operands++] = *words;
		}
	}
	if ((has_tek || has_kek) && !shield(arguments))
		return complain("core dumps", "cannot be forbidden, and keys would be in them");
	if (has_tek)
		status = read_key(arguments, "--tek-file", tek_path, &arguments->tek,
				  &arguments->options.tek);
	if (has_kek && status == EXIT_SUCCESS)
		status = read_key(arguments, "--kek-file", kek_path, &arguments->kek,
				  &arguments->options.kek);
	return status;
}

static int run(struct arguments *arguments, const char *verb)
{
	int status = EXIT_USAGE;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i].name) != 0)
			continue;
		if (arguments->n_operands == 0 || arguments->n_operands > verbs[i].n_max)
			return complain(verb, "takes another number of operands; see --help");
		if (verbs[i].run == run_kat && arguments->has_options)
			return complain(verb, "takes no options: its files have keys and profiles");
		if (fk_proof_new(&arguments->options.proof) != FK_OK)
			return complain("crypto", "the self-test of the engine failed");
		status = verbs[i].run(arguments);
		fk_proof_free(arguments->options.proof);
		if (fflush(stdout) != 0)
			return complain("standard output", strerror(errno));
		return status;
	}
	return complain(verb, "is no command of this program; see --help");
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.options.profile = FK_KMM_PROFILE_INFERRED};
	int status;

	if (argc < 2) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		}
	}
	status = parse(&arguments, argv + 2);
	if (status == EXIT_SUCCESS)
		status = run(&arguments, argv[1]);
	fk_secret_wipe(&arguments.tek);
	fk_secret_wipe(&arguments.kek);
	return status;
}
