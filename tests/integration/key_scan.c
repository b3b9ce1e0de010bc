/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit_scan.c - looks for octets in the memory of another process: now, or at the moment of its
 * end, when all of its memory is still there and none of its code runs any more.
 *
 *   exit_scan now PID FILE    prints the number of hits
 *   exit_scan exit PID FILE   prints "ready", waits for the end, prints the number of hits
 *
 * FILE has one run of octets a line, as 64 hex digits; a hit is its first 16 octets anywhere in
 * readable memory. Needs to be root, since the processes forbid tracing.
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
#include <sys/wait.h>
#include <unistd.h>

#define PATTERN_SIZE 16
#define PATTERNS_MAX 4096
#define CHUNK_SIZE   (1u << 20)

static uint8_t patterns[PATTERNS_MAX][PATTERN_SIZE];
static uint32_t n_patterns;
static uint8_t seen[0x10000 / 8]; /* a bit for the first two octets of each pattern */

static bool read_patterns(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];

	while (file != NULL && n_patterns < PATTERNS_MAX && fgets(line, sizeof(line), file)) {
		uint8_t *p = patterns[n_patterns];
		uint32_t first;

		for (uint32_t i = 0; i < PATTERN_SIZE; i++) {
			if (sscanf(line + 2 * (size_t)i, "%2hhx", &p[i]) != 1)
				return false;
		}
		first = (uint32_t)p[0] << 8 | p[1];
		seen[first / 8] |= (uint8_t)(1u << first % 8);
		n_patterns++;
	}
	if (file != NULL)
		(void)fclose(file); /* only read */
	return n_patterns > 0;
}

static uint64_t count_hits(const uint8_t *octets, size_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i + PATTERN_SIZE <= size; i++) {
		uint32_t first = (uint32_t)octets[i] << 8 | octets[i + 1];

		if ((seen[first / 8] >> first % 8 & 1) == 0)
			continue;
		for (uint32_t k = 0; k < n_patterns; k++)
			n += memcmp(octets + i, patterns[k], PATTERN_SIZE) == 0;
	}
	return n;
}

/* Chunks overlap by one octet less than a pattern, so that each hit is seen once. */
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
			fprintf(stderr, "%" PRIu64 " hits at %" PRIx64 " %s", hits, from, what);
		n += hits;
		if ((size_t)got <= PATTERN_SIZE)
			break;
		from += (uint64_t)got == to - from ? (uint64_t)got
						   : (uint64_t)got - (PATTERN_SIZE - 1);
	}
	return n;
}

static bool scan(pid_t pid, uint64_t *ret_hits)
{
	char path[64], line[512];
	FILE *maps;
	int mem;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (maps == NULL || mem < 0)
		return false;
	*ret_hits = 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		uint64_t from, to;
		char may_read;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %c", &from, &to, &may_read) == 3 &&
		    may_read == 'r')
			*ret_hits += scan_range(mem, from, to, line);
	}
	(void)fclose(maps); /* only read */
	close(mem);
	return true;
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
	uint64_t n_hits = 0;
	pid_t pid;

	if (argc != 4 || !read_patterns(argv[3])) {
		fputs("usage: exit_scan now|exit PID FILE\n", stderr);
		return 2;
	}
	pid = (pid_t)strtol(argv[2], NULL, 10);
	if (strcmp(argv[1], "exit") == 0 && !wait_for_end(pid)) {
		fprintf(stderr, "exit_scan: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	if (!scan(pid, &n_hits)) {
		fprintf(stderr, "exit_scan: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	printf("%" PRIu64 "\n", n_hits);
	return 0;
}
