/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - writes what a worker sends and receives into a pcap file.
 *
 * The worker copies frames into a ring and never waits; the main thread writes them out. Where a
 * frame carries wrapped keys, their octets become zeros and the UDP checksum is made to fit,
 * unless the capture was opened to keep them.
 *
 * Threads: fk_capture_put() on the worker; everything else on the main thread.
 * Memory: fk_capture_open() allocates; fk_capture_put() does not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_CAPTURE_FRAME_MAX 2048 /* octets kept of one frame */

struct fk_capture;

/* Where 'n' wrapped keys of 'size' octets stand in a frame: the first at 'offset', each further one
 * 'stride' octets behind the one before. */
struct fk_capture_mask {
	uint16_t offset, size, stride, n;
};

/* Makes the file (mode 0600, an older one is emptied). 'n_frames_max' 0 means no limit. Returns
 * FK_OK; FK_EIO with errno set; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_capture_open(const char *path, uint64_t n_frames_max, bool keep_keys,
					struct fk_capture **ret_capture);

/* Copies one frame; if the ring is full the frame is counted as lost. 'at_us': CLOCK_REALTIME. */
void fk_capture_put(struct fk_capture *capture, const uint8_t *octets, uint16_t size,
		    struct fk_capture_mask mask, uint64_t at_us);

/* Writes out what the ring holds. FK_EIO if the file does not take it; the capture then ends. */
FK_MUST_USE enum fk_err fk_capture_flush(struct fk_capture *capture);
uint64_t fk_capture_n_lost(const struct fk_capture *capture);

/* Flushes and closes; NULL is fine. The worker must have stopped. */
void fk_capture_close(struct fk_capture *capture);
