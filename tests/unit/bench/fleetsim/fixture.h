/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - a small fleet in a temporary file, and a KMF that writes KMMs for it.
 *
 * Threads: none. Memory: fixture_fini() frees everything.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/kmm.h>

#include "fleet.h"
#include "ossl.h"

#define KMF_RSI 9999999u
#define KEYSET	1
#define SLN	1
#define KEY_ID	0x4001
#define N_UES	16
#define N_TEKS	9 /* the most of one KMM */

struct fixture {
	char directory[64], path[96];
	struct fk_fleet fleet;
	struct fk_ossl *ossl;
	uint8_t tek[32];
	uint8_t further[N_TEKS - 1][32]; /* of commands with several keys */
};

void fixture_init(struct fixture *f);
void fixture_fini(struct fixture *f);

/* What a command is made of; fixture_rekey() and fixture_inventory() say the usual. */
struct command {
	uint16_t number, mac_key_id;
	const uint8_t *mac_key, *kek;
	uint16_t kek_key_id, key_id;
	uint8_t mac_format;
	uint8_t keyset_id;
	uint8_t format; /* of keyset and keys: 0 or FK_KMM_FORMAT_KEK */
	uint8_t n_keys; /* with SLNs and key IDs that count up from 'first_sln' and key_id */
	uint16_t first_sln;
};

struct command usual_command(const struct fixture *f, const struct fk_sim_ue *ue, uint16_t number);
size_t make_rekey(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		  uint8_t kmm[static FK_KMM_SIZE_MAX]);
size_t make_inventory(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		      uint8_t kmm[static FK_KMM_SIZE_MAX]);

/* RFC 3394 by OpenSSL's own name for it: another implementation than the one under test. */
void wrap_key(const uint8_t kek[static 32], const uint8_t key[static 32],
	      uint8_t wrapped[static 40]);
size_t make_changeover(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		       struct fk_kmm_changeover_pair pair, uint8_t kmm[static FK_KMM_SIZE_MAX]);
size_t make_delete_keyset(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
			  uint8_t keyset_id, uint8_t kmm[static FK_KMM_SIZE_MAX]);
size_t make_delete_key(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		       const struct fk_kmm_delete_key_list *list,
		       uint8_t kmm[static FK_KMM_SIZE_MAX]);
/* Its MAC is under c->mac_key, which should be 'ptek'. */
size_t make_hello(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		  uint8_t kmm[static FK_KMM_SIZE_MAX]);
size_t make_no_service(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		       uint8_t kmm[static FK_KMM_SIZE_MAX]);
size_t make_warm_start(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		       const uint8_t ptek[static 32], uint16_t ptek_key_id,
		       uint8_t kmm[static FK_KMM_SIZE_MAX]);
size_t make_zeroize(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		    uint8_t kmm[static FK_KMM_SIZE_MAX]);
