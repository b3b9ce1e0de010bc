/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sds_job.h - what one rekey SDS is made of, and the plain C that makes it.
 *
 * The plain side is what a careful programmer writes without bulk crypto and templates: contexts of
 * OpenSSL that are kept, a key wrap loop of its own over EVP's AES-256-ECB, SHA-256 by its
 * low-level calls, snprintf for the text, and a checksum over the whole message. Its frames are the
 * octets of ours, which bench-sds checks before it measures.
 *
 * Threads: none. Memory: fk_sds_plain_new() allocates for the life of the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/keytable.h>
#include <fleetkey/kmm.h>
#include <fleetkey/sds.h>

#include "wire/net.h"

#define FK_SDS_KMF_URI "sip:kmf@lmr.mc.example"
#define FK_SDS_KMF_PSI "sip:kmf-psi@lmr.mc.example"
#define FK_SDS_SENT_BY "192.0.2.10:5070"
#define FK_SDS_KMF_RSI 9999998u
#define FK_SDS_EPOCH   7u

/* What all SDS of a campaign share. */
struct fk_sds_campaign {
	const uint8_t *tek;
	uint16_t key_id, sln;
	uint8_t keyset_id;
	uint8_t conversation_id[FK_SDS_ID_SIZE];
	uint32_t date_time_s;
	uint8_t token_key[32];
	struct fk_net_path path;
};

/* One UE's part. */
struct fk_sds_job {
	const struct fk_sds_campaign *campaign;
	const struct fk_ue_slot *ue;
	const char *uri;
	uint64_t token;
	uint32_t count;
	uint16_t message_number, ip_id;
	bool has_group_tek; /* MAC under one TEK of all, not under the UE's own */
	const uint8_t *group_tek;
};

/* The KMM without its MAC, behind its preamble; 'wrapped' may be filled in later, at the octets
 * before the MAC block. Returns the size of both. */
size_t fk_sds_encode_kmm(const struct fk_sds_job *job, const uint8_t *wrapped, uint8_t *payload,
			 size_t cap);

void fk_sds_call_id(const struct fk_sds_job *job, char *text);

struct fk_sds_plain; /* layout is private to sds_plain.c */

/* Ends the program if OpenSSL fails. */
struct fk_sds_plain *fk_sds_plain_new(const uint8_t token_key[static 32], bool is_low_level);
void fk_sds_plain_free(struct fk_sds_plain *plain);

/* Writes the whole frame; returns its size. 'cap' is at least 2048. */
size_t fk_sds_plain_build(struct fk_sds_plain *plain, const struct fk_sds_job *job, uint8_t *frame);
