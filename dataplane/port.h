/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.h - where a worker gets frames from and puts them, a burst at a time.
 *
 * A worker sees frames as octets and does not know mbufs, so that unit tests can drive it with
 * plain buffers. The price is one indirect call a burst.
 *
 * Threads: a port's functions are called by its worker only.
 * Memory: frames belong to the port; whoever holds one gives it back by transmit() or free().
 */
#pragma once

#include <stdint.h>

#define FK_FRAME_CAP_MIN 1600 /* octets that a frame from alloc() takes at least */

struct fk_frame {
	uint8_t *octets;
	uint16_t size, cap; /* octets */
	void *handle;	    /* the port's */
};

struct fk_port_ops {
	/* Up to 'n' received frames; returns how many. */
	uint32_t (*receive)(void *self, struct fk_frame *ret_frames, uint32_t n);
	/* 'n' empty frames, or none: returns 'n' or 0. */
	uint32_t (*alloc)(void *self, struct fk_frame *ret_frames, uint32_t n);
	/* Sends a prefix of the frames and returns its length; the rest stay the caller's. */
	uint32_t (*transmit)(void *self, const struct fk_frame *frames, uint32_t n);
	void (*free)(void *self, const struct fk_frame *frames, uint32_t n);
};

struct fk_port {
	const struct fk_port_ops *ops;
	void *self;
	uint8_t mac[6];
};
