/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast this CPU is while something else runs on it: what OpenSSL's key wrap costs there, of
 * CPU time, with warm caches, some wraps now and then. Virtual CPUs change their speed by half from
 * one moment to the next, and a figure taken beside this one can be told from theirs.
 *
 *   bench-yardstick FILE
 *
 * After each sample FILE is one line: nanoseconds of CPU time and wraps, since the start. Runs
 * until it is ended, for an hour at most; it takes about a percent of its CPU.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "evp.h"

#define WARM	    200 /* wraps before each sample, not counted */
#define WRAPS	    100 /* of a sample */
#define PAUSE_MS    200
#define SAMPLES_MAX (3600 * 1000 / PAUSE_MS)
#define LINE_SIZE   42 /* two numbers of 20 digits, always, so that a new line covers the old */

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void wrap(EVP_CIPHER_CTX *ctx, uint32_t i)
{
	uint8_t kek[32] = {(uint8_t)i}, key[32] = {(uint8_t)(i >> 8)}, wrapped[64];
	int size;

	fk_evp_expect(EVP_EncryptInit_ex(ctx, NULL, NULL, kek, NULL));
	fk_evp_expect(EVP_EncryptUpdate(ctx, wrapped, &size, key, sizeof(key)));
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
	EVP_CIPHER_CTX *ctx = fk_evp_cipher_new(EVP_aes_256_wrap());
	uint64_t ns = 0;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: bench-yardstick FILE\n");
		return 2;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	for (uint64_t n = 1; n <= SAMPLES_MAX; n++) {
		char line[LINE_SIZE + 1];
		uint64_t from;

		for (uint32_t i = 0; i < WARM; i++)
			wrap(ctx, i);
		from = cpu_ns();
		for (uint32_t i = 0; i < WRAPS; i++)
			wrap(ctx, i);
		ns += cpu_ns() - from;
		snprintf(line, sizeof(line), "%020" PRIu64 " %020" PRIu64 "\n", ns, n * WRAPS);
		if (pwrite(fd, line, LINE_SIZE, 0) != LINE_SIZE) {
			perror(argv[1]);
			return 1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}
