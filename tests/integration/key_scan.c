/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_scan.c - looks for keys in files and in the memory of other processes: now, or at the moment
 * of their end, when all of the memory is still there and none of the code runs any more.
 *
 *   key_scan now KEYS PID...    prints the number of hits
 *   key_scan dump KEYS PID...   the same in what a core dump would have: pages without
 * MADV_DONTDUMP key_scan exit KEYS PID      prints "ready", waits for the end, prints the number of
 * hits key_scan files KEYS PATH... prints the number of hits
 *
 * KEYS has one key a line, as 64 hex digits. A hit is the first half of a key anywhere: as octets,
 * as hex digits of either case, or as base64 at any of its three offsets. Where the hits are goes
 * to standard error. A process or file of many that is gone meanwhile has none. Needs to be root,
 * since the processes forbid tracing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_PART     16 /* octets of a key that are looked for */
#define FORMS	     6	/* octets, two of hex, three of base64 */
#define PATTERN_MAX  32
#define PATTERNS_MAX (4096 * FORMS)
#define CHUNK_SIZE   (1u << 20)
#define RANGE_MAX    (UINT64_C(1) << 36) /* beyond is a sanitizer's address space, not memory */

struct pattern {
	uint8_t octets[PATTERN_MAX];
	uint32_t size;
};

static struct pattern patterns[PATTERNS_MAX];
static uint32_t n_patterns;
static uint32_t first_with[0x10000]; /* of a pattern's first two octets; 0: none, else index + 1 */
static uint32_t next_with[PATTERNS_MAX];

static void add_pattern(const void *octets, uint32_t size)
{
	struct pattern *p = &patterns[n_patterns];
	uint32_t first;

	memcpy(p->octets, octets, size);
	p->size = size;
	first = (uint32_t)p->octets[0] << 8 | p->octets[1];
	next_with[n_patterns] = first_with[first];
	first_with[first] = ++n_patterns;
}

/* The characters that depend on the key alone, with 'n_before' octets of something else before it.
 */
static void add_base64(const uint8_t key[static KEY_PART], uint32_t n_before)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t from = (8 * n_before + 5) / 6, to = 8 * (n_before + KEY_PART) / 6;
	char text[PATTERN_MAX];

	for (uint32_t i = from; i < to; i++) {
		uint32_t value = 0;

		for (uint32_t bit = 6 * i; bit < 6 * i + 6; bit++) {
			uint32_t at = bit - 8 * n_before;

			value = value << 1 | (key[at / 8] >> (7 - at % 8) & 1u);
		}
		text[i - from] = digits[value];
	}
	add_pattern(text, to - from);
}

static void add_key(const uint8_t key[static KEY_PART])
{
	char lower[2 * KEY_PART + 1], upper[2 * KEY_PART + 1];

	for (uint32_t i = 0; i < KEY_PART; i++) {
		(void)snprintf(lower + 2 * (size_t)i, 3, "%02x", key[i]);
		(void)snprintf(upper + 2 * (size_t)i, 3, "%02X", key[i]);
	}
	add_pattern(key, KEY_PART);
	add_pattern(lower, 2 * KEY_PART);
	add_pattern(upper, 2 * KEY_PART);
	for (uint32_t n_before = 0; n_before < 3; n_before++)
		add_base64(key, n_before);
}

static bool read_keys(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];

	while (file != NULL && n_patterns + FORMS <= PATTERNS_MAX &&
	       fgets(line, sizeof(line), file)) {
		uint8_t key[KEY_PART];

		for (uint32_t i = 0; i < KEY_PART; i++) {
			if (sscanf(line + 2 * (size_t)i, "%2hhx", &key[i]) != 1)
				return false;
		}
		add_key(key);
	}
	if (file != NULL)
		(void)fclose(file); /* only read */
	return n_patterns > 0;
}

static uint64_t count_hits(const uint8_t *octets, size_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i + 1 < size; i++) {
		uint32_t first = (uint32_t)octets[i] << 8 | octets[i + 1];

		for (uint32_t k = first_with[first]; k != 0; k = next_with[k - 1]) {
			const struct pattern *p = &patterns[k - 1];

			n += p->size <= size - i && memcmp(octets + i, p->octets, p->size) == 0;
		}
	}
	return n;
}

/* Chunks overlap by one octet less than the longest pattern: no hit is missed, and a short one may
 * count twice. */
static uint64_t scan_range(int mem, uint64_t from, uint64_t to, const char *what)
{
	static uint8_t chunk[CHUNK_SIZE];
	uint64_t n = 0;

	while (from < to) {
		size_t size = to - from < CHUNK_SIZE ? (size_t)(to - from) : CHUNK_SIZE;
		ssize_t got = pread(mem, chunk, size, (off_t)from);
		uint64_t hits;

		if (got <= 0)
			return n; /* not readable after all, as vvar */
		hits = count_hits(chunk, (size_t)got);
		if (hits > 0)
			fprintf(stderr, "%" PRIu64 " hits from %" PRIx64 " on in %s\n", hits, from,
				what);
		n += hits;
		if ((uint64_t)got == to - from || (size_t)got < PATTERN_MAX)
			break;
		from += (uint64_t)got - (PATTERN_MAX - 1);
	}
	return n;
}

/* One mapping of /proc/<pid>/smaps: the line that begins it, as in maps. */
struct mapping {
	char line[512];
	uint64_t from, to;
	bool is_readable;
};

static bool begins_mapping(const char *line, struct mapping *ret_mapping)
{
	char may_read;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %c", &ret_mapping->from, &ret_mapping->to,
		   &may_read) != 3)
		return false;
	(void)snprintf(ret_mapping->line, sizeof(ret_mapping->line), "%s", line);
	ret_mapping->is_readable = may_read == 'r';
	return true;
}

static bool scan_process(const char *pid, bool only_dumped, uint64_t *ret_hits)
{
	struct mapping mapping = {0};
	char path[64], line[512];
	FILE *maps;
	int mem;

	(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, only_dumped ? "smaps" : "maps");
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	while (maps != NULL && mem >= 0 && fgets(line, sizeof(line), maps) != NULL) {
		bool is_whole;

		line[strcspn(line, "\n")] = '\0';
		is_whole = begins_mapping(line, &mapping) && !only_dumped;
		if (strncmp(line, "VmFlags:", 8) == 0) /* the last of a mapping */
			is_whole = strstr(line, " dd") == NULL;
		if (is_whole && mapping.is_readable && mapping.to - mapping.from <= RANGE_MAX)
			*ret_hits += scan_range(mem, mapping.from, mapping.to, mapping.line);
	}
	if (maps != NULL)
		(void)fclose(maps); /* only read */
	if (mem >= 0)
		close(mem);
	return maps != NULL && mem >= 0;
}

static bool scan_file(const char *path, uint64_t *ret_hits)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && fstat(fd, &st) == 0;

	if (ok)
		*ret_hits += scan_range(fd, 0, (uint64_t)st.st_size, path);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Lets the process go on until it ends. */
static bool wait_for_end(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) != 0)
		return false;
	puts("ready");
	(void)fflush(stdout);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status), event = status >> 16;

		if (event == PTRACE_EVENT_EXIT)
			return true;
		if (ptrace(PTRACE_CONT, pid, NULL, event == 0 ? (uintptr_t)signal : 0) != 0)
			return false;
	}
	return false;
}

int main(int argc, char **argv)
{
	bool is_exit = argc == 4 && strcmp(argv[1], "exit") == 0;
	bool is_files = argc > 3 && strcmp(argv[1], "files") == 0;
	bool is_dump = argc > 3 && strcmp(argv[1], "dump") == 0;
	uint64_t n_hits = 0;

	if (argc < 4 || (!is_exit && !is_files && !is_dump && strcmp(argv[1], "now") != 0) ||
	    !read_keys(argv[2])) {
		fputs("usage: key_scan now|dump|exit|files KEYS PID|PATH...\n", stderr);
		return 2;
	}
	if (is_exit && !wait_for_end((pid_t)strtol(argv[3], NULL, 10))) {
		fprintf(stderr, "key_scan: %s: %s\n", argv[3], strerror(errno));
		return 1;
	}
	for (int i = 3; i < argc; i++) {
		bool ok = is_files ? scan_file(argv[i], &n_hits)
				   : scan_process(argv[i], is_dump, &n_hits);

		/* Of many, some are gone by now, or the kernel's own business. */
		if (ok || (argc > 4 && (!is_files || errno == ENOENT)))
			continue;
		fprintf(stderr, "key_scan: %s: %s\n", argv[i], strerror(errno));
		return 1;
	}
	printf("%" PRIu64 "\n", n_hits);
	return 0;
}
