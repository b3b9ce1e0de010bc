/* SPDX-License-Identifier: Apache-2.0 */
/* capture.c - see capture.h. */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"

#define PCAP_MAGIC   0xa1b2c3d4u
#define PCAP_VERSION (2u | 4u << 16)
#define SNAPLEN	     65535u
#define LINKTYPE_ETH 1u
#define BUFFER_SIZE  (1u << 20)

enum fk_err fk_sim_capture_open(struct fk_sim_capture *capture, const char *path,
				uint64_t n_frames_max)
{
	const uint32_t words[6] = {PCAP_MAGIC, PCAP_VERSION, 0, 0, SNAPLEN, LINKTYPE_ETH};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return FK_EIO;
	}
	*capture = (struct fk_sim_capture){.file = file, .n_frames_max = n_frames_max};
	(void)setvbuf(file, NULL, _IOFBF, BUFFER_SIZE); /* else it has a smaller one */
	capture->has_failed = fwrite(words, sizeof(words), 1, file) != 1;
	return FK_OK;
}

void fk_sim_capture_put(struct fk_sim_capture *capture, const uint8_t *octets, uint32_t size)
{
	struct timespec now;
	uint32_t words[4] = {0, 0, size, size};

	if (capture->file == NULL || capture->n_frames == capture->n_frames_max)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	words[0] = (uint32_t)now.tv_sec;
	words[1] = (uint32_t)(now.tv_nsec / 1000);
	capture->has_failed |= fwrite(words, sizeof(words), 1, capture->file) != 1 ||
			       fwrite(octets, size, 1, capture->file) != 1;
	capture->n_frames++;
}

enum fk_err fk_sim_capture_close(struct fk_sim_capture *capture)
{
	bool has_failed = capture->has_failed;

	if (capture->file != NULL)
		has_failed |= fclose(capture->file) != 0;
	*capture = (struct fk_sim_capture){0};
	return has_failed ? FK_EIO : FK_OK;
}
