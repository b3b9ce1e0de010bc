/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - what the tests of dataplane/crypto share: engines of this CPU, vectors, random
 * octets that repeat from run to run, memory that ends at a guard page, and OpenSSL as the second
 * opinion.
 *
 * Threads: tests have one. Memory: what is allocated lives until the test's process ends.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/engine.h"

#define LANES_MAX FK_CRYPTO_BURST_MAX

/* The engines that this CPU can run, fastest first, NULL-terminated. */
const struct fk_crypto_engine *const *test_engines(void);
struct fk_crypto_scratch *test_scratch(void);

/* The "cases" of tests/vectors/<name>; ends the test if there are none. */
json_t *vectors_load(const char *name);
/* Octets of a hex string member; returns how many, ends the test if it is no such member. */
size_t vector_hex(const json_t *test_case, const char *member, uint8_t *buf, size_t cap);
const char *vector_text(const json_t *test_case, const char *member);
int vector_is_valid(const json_t *test_case);

/* A fixed stream: every run of a test sees the same octets. */
void random_fill(uint64_t *seed, void *buf, size_t size);
uint32_t random_below(uint64_t *seed, uint32_t limit);

/* 'size' octets whose last one stands before an unmapped page, or whose first one behind one. */
enum guard_side {
	GUARD_BEHIND,
	GUARD_BEFORE
};
uint8_t *guarded_new(size_t size, enum guard_side side);
/* The same memory, from now on read-only or writable again. */
void guarded_set_read_only(uint8_t *octets, int read_only);

/* The shape of these sizes, FK_N_WRAP_SHAPES if no engine serves it; and its name in messages. */
enum fk_wrap_shape shape_of(size_t kek_size, size_t key_size);
const char *shape_name(enum fk_wrap_shape shape);

/* OpenSSL's answers. */
void openssl_wrap(const uint8_t kek[32], const uint8_t key[32], uint8_t wrapped[40]);
void openssl_wrap_any(const uint8_t *kek, size_t kek_size, const uint8_t *key, size_t key_size,
		      uint8_t *wrapped); /* 16 or 32 octets each */
int openssl_unwrap(const uint8_t kek[32], const uint8_t wrapped[40], uint8_t key[32]);
int openssl_unwrap_any(const uint8_t *kek, size_t kek_size, const uint8_t *wrapped,
		       size_t wrapped_size, uint8_t *key);
void openssl_ecb(const uint8_t key[32], const uint8_t in[16], uint8_t out[16]);
/* OFB whose first block of keystream is thrown away; 'size' up to FK_KMM_SIZE_MAX. */
void openssl_ofb_skip(const uint8_t key[32], const uint8_t iv[16], const uint8_t *in, size_t size,
		      uint8_t *out);
void openssl_mac(const uint8_t tek[32], const uint8_t *frame, size_t size, uint8_t mac_format,
		 uint8_t mac[8]);
void openssl_mac_key(const uint8_t tek[32], const uint8_t *frame, size_t size, uint8_t mac_format,
		     uint8_t key[32]);
