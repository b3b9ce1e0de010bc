/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - writes frames that have come from the wire into a pcap file.
 *
 * What one side has sent is best told by the other, which lives on when that side is killed. The
 * file is written through a large buffer by whoever has the frame, and is whole when it is closed.
 *
 * Threads: one at a time. Memory: fk_sim_capture_open() allocates the file and its buffer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fleetkey/err.h>

/* One of zeros is closed: it takes no frame. */
struct fk_sim_capture {
	FILE *file;
	uint64_t n_frames, n_frames_max;
	bool has_failed;
};

/* Makes the file (mode 0600, an older one is emptied), for the first 'n_frames_max' frames.
 * Returns FK_OK; FK_EIO with errno set. */
FK_MUST_USE enum fk_err fk_sim_capture_open(struct fk_sim_capture *capture, const char *path,
					    uint64_t n_frames_max);

/* Writes one frame, whole, with the time that it is now. */
void fk_sim_capture_put(struct fk_sim_capture *capture, const uint8_t *octets, uint32_t size);

/* Returns FK_OK, also if it is closed already; FK_EIO if the file lacks a frame that was put. */
FK_MUST_USE enum fk_err fk_sim_capture_close(struct fk_sim_capture *capture);
