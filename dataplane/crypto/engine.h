/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - bulk AES for many UEs at a time, behind one table.
 *
 * One key wrap is a chain of 24 dependent AES blocks, so one UE cannot fill the AES unit. An engine
 * walks many UEs through their chains in step: one lane, one UE, one key. Engines differ in the
 * instructions they use and agree in every octet; fk_engine_select() takes the fastest that this
 * CPU has and that passes its known-answer self-test in every lane.
 *
 * Threads: engines hold no state between calls; any thread may call them, each with its own
 * scratch. "ipsec_mb" has a manager for each thread, which ends with it.
 * Memory:  struct fk_crypto_scratch (caller's, per thread, locked memory) holds expanded keys;
 * every call wipes what it left there, on the stack and in registers. Nothing here allocates but
 * fk_engine_open().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/kmm.h>

#define FK_CRYPTO_BURST_MAX 64 /* lanes in one call; shorter and odd bursts are fine */

/* Sizes in a burst of key wraps, the same in all its lanes. Whether a key may be wrapped under a
 * weaker one is policy and not decided here. spec: RFC 3394 §2; P25 sheet 3.2 */
enum fk_wrap_shape {
	FK_WRAP_256_UNDER_256, /* a 256-bit key under an AES-256 KEK: 40 octets wrapped */
	FK_WRAP_128_UNDER_128, /* a 128-bit key under an AES-128 KEK: 24 octets wrapped */
	FK_WRAP_128_UNDER_256,
	FK_WRAP_256_UNDER_128,
	FK_N_WRAP_SHAPES,
};

/* One key wrap. spec: RFC 3394 §2.2.1 */
struct fk_wrap_lane {
	const uint8_t *kek; /* 32 or 16 octets, by the shape */
	const uint8_t *key; /* 32 or 16 octets; lanes may share one key */
	uint8_t *wrapped;   /* 8 octets more than the key; may overlap it if no other lane has it */
};

/* One unwrap. 'ok' is 1 if the initial value was right; otherwise 'key' is all zeros. */
struct fk_unwrap_lane {
	const uint8_t *kek;	/* 32 or 16 octets, by the shape */
	const uint8_t *wrapped; /* 8 octets more than the key */
	uint8_t *key;		/* 32 or 16 octets; may overlap 'wrapped' as above */
	uint8_t ok;
};

/*
 * One KMM MAC. The MAC key is derived from 'tek' (CMAC: HMAC-SHA-256 in counter mode over the
 * frame's first octets; CBC-MAC: AES key wrap of the TEK under itself with the length as initial
 * value), then runs over the frame without its 8 MAC octets. spec: P25 sheet 3.3-3.5
 */
struct fk_mac_lane {
	const uint8_t *tek;	      /* 32 octets; lanes may share one */
	const uint8_t *frame;	      /* whole KMM, length field final, MAC block present */
	uint16_t frame_size;	      /* octets: 23..FK_KMM_SIZE_MAX */
	uint8_t mac_format;	      /* FK_KMM_MAC_FORMAT_CBC or _CMAC */
	uint8_t mac[FK_KMM_MAC_SIZE]; /* out */
};

/* The outer layer of one KMM: AES-256 OFB, the same both ways. spec: P25 sheet 3.7 */
struct fk_outer_lane {
	const uint8_t *key; /* 32 octets; lanes may share one */
	const uint8_t
		*mi;	 /* message indicator, 9 octets; never the same for two messages of a key */
	uint8_t *octets; /* encrypted or decrypted in place */
	uint16_t size;	 /* octets: 0..FK_KMM_SIZE_MAX */
};

/* Scratch of one thread; layout is private to the engines. */
struct fk_crypto_scratch {
	uint8_t octets[49152];
} __attribute__((aligned(64)));

struct fk_crypto_engine {
	const char *name; /* "vaes512", "vaes", "aesni", "ipsec_mb", "scalar" */
	uint32_t n_lanes; /* UEs that one step serves; bursts of a multiple waste nothing */
	int (*is_supported)(void); /* 1 if this CPU can run it */
	/* Makes the calling thread ready; NULL if there is nothing to do. See fk_engine_open(). */
	enum fk_err (*open)(void);
	/* 'n' lanes, 0..FK_CRYPTO_BURST_MAX. */
	void (*wrap)(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
		     const struct fk_wrap_lane *lanes, uint32_t n);
	void (*unwrap)(struct fk_crypto_scratch *scratch, enum fk_wrap_shape shape,
		       struct fk_unwrap_lane *lanes, uint32_t n);
	void (*mac)(struct fk_crypto_scratch *scratch, struct fk_mac_lane *lanes, uint32_t n);
	void (*outer)(struct fk_crypto_scratch *scratch, const struct fk_outer_lane *lanes,
		      uint32_t n);
	/* 'n' single blocks under one AES-256 key, ECB: for token tags. In place is allowed. */
	void (*ecb)(struct fk_crypto_scratch *scratch, const uint8_t key[static 32],
		    const uint8_t (*in)[16], uint8_t (*out)[16], uint32_t n);
};

/* All engines of this build, fastest first, NULL-terminated. The last is the portable one. */
extern const struct fk_crypto_engine *const fk_crypto_engines[];

/*
 * Picks an engine: the one named 'name', or with NULL the first that this CPU supports; runs
 * its self-test. Returns FK_OK; FK_ENOTFOUND (no such name); FK_EUNSUPPORTED (this CPU lacks it);
 * FK_ESELFTEST (then 'ret_engine' is written too, so that the caller can name the culprit);
 * FK_ENOMEM as fk_engine_open(), which it calls.
 */
FK_MUST_USE enum fk_err fk_engine_select(const char *name, struct fk_crypto_scratch *scratch,
					 const struct fk_crypto_engine **ret_engine);

/*
 * Makes the calling thread ready to use 'engine', so that its first burst need not: "ipsec_mb" maps
 * 220 KiB, others nothing. May be called again. Returns FK_OK or FK_ENOMEM. A burst in a thread
 * that was not made ready does it itself, and ends the process if there is no memory.
 */
FK_MUST_USE enum fk_err fk_engine_open(const struct fk_crypto_engine *engine);

/* Known answers for every lane and every burst size of one engine. FK_OK or FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_engine_self_test(const struct fk_crypto_engine *engine,
					    struct fk_crypto_scratch *scratch);
