/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/net.h"

/* A power of two. The frames of a burst wait here while the worker has the core: a main thread that
 * shares it gets its turn tens of milliseconds later. Pages are touched as they are needed. */
#define N_RECORDS    8192u
#define PCAP_MAGIC   0xa1b2c3d4u
#define LINKTYPE_ETH 1u

struct record {
	uint64_t at_us;
	uint16_t size, original_size;
	struct fk_capture_mask mask;
	uint8_t octets[FK_CAPTURE_FRAME_MAX];
};

struct fk_capture {
	FILE *file;
	bool keep_keys, failed;
	uint64_t n_frames_max;
	uint64_t n_put; /* worker's */
	_Atomic uint64_t n_lost;
	_Atomic uint32_t head; /* the worker moves it */
	_Atomic uint32_t tail; /* the main thread moves it */
	struct record records[N_RECORDS];
};

static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;

	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

enum fk_err fk_capture_open(const char *path, uint64_t n_frames_max, bool keep_keys,
			    struct fk_capture **ret_capture)
{
	const uint32_t words[6] = {
		PCAP_MAGIC, 2 | 4u << 16, 0, 0, FK_CAPTURE_FRAME_MAX, LINKTYPE_ETH,
	};
	struct fk_capture *capture = calloc(1, sizeof(*capture));

	if (capture == NULL)
		return FK_ENOMEM;
	capture->keep_keys = keep_keys;
	capture->n_frames_max = n_frames_max;
	capture->file = create(path);
	if (capture->file == NULL) {
		free(capture);
		return FK_EIO;
	}
	if (fwrite(words, sizeof(words), 1, capture->file) != 1 || fflush(capture->file) != 0) {
		fclose(capture->file);
		free(capture);
		return FK_EIO;
	}
	*ret_capture = capture;
	return FK_OK;
}

void fk_capture_put(struct fk_capture *capture, const uint8_t *octets, uint16_t size,
		    struct fk_capture_mask mask, uint64_t at_us)
{
	uint32_t head = atomic_load_explicit(&capture->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&capture->tail, memory_order_acquire);
	struct record *record = &capture->records[head & (N_RECORDS - 1)];

	if (capture->n_frames_max != 0 && capture->n_put >= capture->n_frames_max)
		return;
	if (head - tail == N_RECORDS) {
		atomic_fetch_add_explicit(&capture->n_lost, 1, memory_order_relaxed);
		return;
	}
	record->at_us = at_us;
	record->original_size = size;
	record->size = size < FK_CAPTURE_FRAME_MAX ? size : FK_CAPTURE_FRAME_MAX;
	record->mask = mask;
	memcpy(record->octets, octets, record->size);
	capture->n_put++;
	atomic_store_explicit(&capture->head, head + 1, memory_order_release);
}

/* Sums the UDP datagram of one of our own frames again: IP without options or extension headers.
 * spec: RFC 768, RFC 8200 §8.1 */
static void refresh_udp_checksum(uint8_t *frame, uint16_t size)
{
	bool is_ipv4 = frame[FK_ETH_HEADER_SIZE] >> 4 == 4;
	uint16_t overhead = is_ipv4 ? FK_UDP_FRAME_OVERHEAD : FK_UDP_IPV6_FRAME_OVERHEAD;
	uint8_t *udp = frame + overhead - FK_UDP_HEADER_SIZE;
	const uint8_t *addresses = udp - (is_ipv4 ? 2 * 4 : 2 * FK_ADDRESS_SIZE);
	uint16_t udp_size, checksum;
	uint32_t sum = 17;

	if (size < overhead)
		return;
	udp_size = (uint16_t)(udp[4] << 8 | udp[5]);
	if (udp_size > size - (overhead - FK_UDP_HEADER_SIZE))
		return;
	for (; addresses < udp; addresses += 2)
		sum += (uint32_t)(addresses[0] << 8 | addresses[1]);
	sum += udp_size;
	udp[6] = udp[7] = 0;
	checksum = fk_net_checksum(udp, udp_size, sum);
	if (checksum == 0)
		checksum = 0xffff;
	udp[6] = (uint8_t)(checksum >> 8);
	udp[7] = (uint8_t)checksum;
}

static void mask_keys(struct record *record)
{
	struct fk_capture_mask mask = record->mask;
	uint32_t at = mask.offset;

	if (mask.n == 0)
		return;
	for (uint32_t i = 0; i < mask.n && at < record->size; i++, at += mask.stride) {
		/* Of a key that the record cuts off, what is left of it goes too. */
		uint32_t left = record->size - at;

		memset(record->octets + at, 0, mask.size < left ? mask.size : left);
	}
	refresh_udp_checksum(record->octets, record->size);
}

static bool write_record(struct fk_capture *capture, const struct record *record)
{
	const uint32_t words[4] = {
		(uint32_t)(record->at_us / 1000000u),
		(uint32_t)(record->at_us % 1000000u),
		record->size,
		record->original_size,
	};

	return fwrite(words, sizeof(words), 1, capture->file) == 1 &&
	       fwrite(record->octets, record->size, 1, capture->file) == 1;
}

enum fk_err fk_capture_flush(struct fk_capture *capture)
{
	uint32_t tail = atomic_load_explicit(&capture->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&capture->head, memory_order_acquire);
	bool ok = !capture->failed;

	if (head == tail)
		return FK_OK;
	for (; tail != head; tail++) {
		struct record *record = &capture->records[tail & (N_RECORDS - 1)];

		if (!capture->keep_keys)
			mask_keys(record);
		ok = ok && write_record(capture, record);
		atomic_store_explicit(&capture->tail, tail + 1, memory_order_release);
	}
	ok = ok && fflush(capture->file) == 0;
	if (ok || capture->failed)
		return FK_OK;
	capture->failed = true;
	return FK_EIO;
}

uint64_t fk_capture_n_lost(const struct fk_capture *capture)
{
	return atomic_load_explicit(&capture->n_lost, memory_order_relaxed);
}

void fk_capture_close(struct fk_capture *capture)
{
	if (capture == NULL)
		return;
	if (fk_capture_flush(capture) == FK_OK)
		fflush(capture->file);
	fclose(capture->file);
	free(capture);
}
