/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support.h - what the unit tests of control share: temporary folders, a configuration, a keyring.
 */
#pragma once

#include <stddef.h>

#include "config/config.h"
#include "keys/keyring.h"
#include "keys/root.h"

#define TEST_CONFIG_HEAD                           \
	"kmf: {uri: 'sip:kmf@example.org'}\n"      \
	"store: {redis_socket: /run/redis.sock}\n" \
	"keys: {root_key_file: /run/root.key}\n"   \
	"link: {socket: /run/link.sock}\n"         \
	"api: {socket: /run/api.sock}\n"
#define TEST_CONFIG_HOPS                          \
	"next_hops:\n"                            \
	"  - {name: hop-a, address: 192.0.2.1}\n" \
	"  - {name: hop-b, address: 192.0.2.2, profile: A, psi: 'sip:psi@example.org'}\n"
#define TEST_CONFIG TEST_CONFIG_HEAD "campaign: {pace_per_s: 100}\n" TEST_CONFIG_HOPS

/* A new temporary folder; the test removes what it puts there and then the folder. */
void test_make_folder(char ret_path[static 64]);
/* Writes a file with that mode. */
void test_write_file(const char *path, const void *octets, size_t size, unsigned mode);
/* TEST_CONFIG, loaded. */
struct fk_config *test_config(void);
/* A root of 32 times that octet. */
struct fk_root *test_root(unsigned char octet);
/* A keyring; 'id' fills the KMF id. In one process the same id gives the same keys. */
struct fk_keyring *test_keyring(unsigned char id);
