/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what the operator set, checked once, before anything starts.
 *
 * One table (options.h) has a row for each option: name, kind, default, range, unit, help. The YAML
 * schema, the range checks, the help and the sample file in deploy/ come from it. An unknown key, a
 * wrong type or a value out of range fails with the option's name, the value and its range.
 *
 * Threads: a loaded configuration is read-only. Memory: text is owned by the configuration.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fleetkey/address.h>
#include <fleetkey/err.h>
#include <fleetkey/keytable.h>

#include "reason.h"
#include "store/address.h"

#define FK_CONFIG_NAME_SIZE_MAX 32 /* characters of a next hop's name */

struct fk_config_next_hop {
	char *name; /* unique; what the fleet file's column next_hop says */
	struct fk_address address;
	uint16_t port;
	uint8_t carrier;      /* enum fk_carrier */
	uint8_t profile;      /* enum fk_sip_profile, of carrier T1 */
	bool route;	      /* send a Route header that names the next hop */
	char *psi;	      /* Request-URI for profiles A and B and for T2; NULL for C */
	bool congestion_safe; /* the operator says so of the way to its Request-URI */
	uint16_t max_payload_size_sds_cplane_bytes; /* preamble and KMM; 0: no limit */
};

struct fk_config {
	struct {
		uint32_t rsi;
		char *uri;
		char *psi;		      /* never NULL: default is the URI */
		uint8_t extended_app_id_type; /* enum fk_sds_app_id_type */
		char *extended_app_id;	      /* NULL when the type is none */
		bool bare_kmm;
	} kmf;
	struct {
		uint32_t transport_limit; /* octets of one KMM */
		bool inferred_layouts;	  /* KMMs may be sent whose layouts are */
	} kmm;
	struct {
		char *redis_socket; /* NULL: behind sentinels */
		struct fk_store_address *sentinels;
		uint32_t n_sentinels;
		char *master_name;  /* NULL without them */
		char *witness_file; /* NULL: none */
		uint32_t wait_s;    /* for Redis, at a start */
		uint32_t rosters;
		uint32_t replicas, replica_timeout_ms;
	} store;
	struct {
		bool automatic;
	} recovery;
	struct {
		char *root_key_file; /* NULL: root_key was given */
		char *root_key;	     /* never NULL: "file:" and root_key_file, if that was given */
		uint32_t tek_cryptoperiod_s; /* 0: not limited */
		uint32_t ckek_cryptoperiod_s, kek_cryptoperiod_s, ptek_cryptoperiod_s;
		char *pkcs11_module; /* NULL: none */
	} keys;
	struct {
		char *socket;
		char *dataplane_user; /* NULL: the user that this process runs as */
		uint32_t lease_ms;
	} link;
	struct {
		char *name; /* NULL: what the host calls itself */
	} node;
	struct {
		char *socket;
		char *socket_group;	/* NULL: none */
		uint32_t loopback_port; /* 0: no TCP listener */
		char *token_file;	/* NULL unless loopback_port is set */
	} api;
	struct {
		uint32_t t1_ms, t2_ms;
		uint32_t datagram_max; /* octets */
		uint32_t path_mtu;     /* octets; 0: unknown */
		uint32_t proxy_slack; /* octets kept free for the Via and Record-Route of proxies */
	} sip;
	struct {
		uint32_t pace_per_s;
		uint8_t approval;	    /* enum fk_approval */
		uint32_t *break_glass_uids; /* see campaign/break_glass.h */
		uint32_t n_break_glass_uids;
		uint32_t expire_after_s;
		uint32_t window; /* open deliveries */
		uint32_t attempts_max;
		uint32_t answer_timeout_ms, retry_backoff_ms;
		uint32_t number_block, number_margin;
		uint32_t answers_per_s;
	} campaign;
	struct {		      /* Interworking Security Data, carrier T2 */
		char *layout_file;    /* NULL: no next hop has that carrier */
		char *layout;	      /* its text, checked; not terminated */
		uint16_t layout_size; /* octets */
		uint16_t payload_max; /* octets that the layout can count */
	} isd;
	struct fk_config_next_hop *next_hops;
	uint32_t n_next_hops; /* 1..FK_NEXT_HOPS_MAX */
};

/*
 * Reads and checks the file, and the layout that it names. On FK_OK the caller owns '*ret_config'
 * and ends it with fk_config_free(). Returns FK_EIO if the file cannot be read; FK_EFORMAT if it is
 * not YAML, or has an unknown key or a wrong type; FK_ERANGE or FK_EINVAL if a value is out of
 * range or missing; FK_ENOMEM. 'reason' then names the option, the value and what is allowed; the
 * caller adds the path.
 */
FK_MUST_USE enum fk_err fk_config_load(const char *path, struct fk_config **ret_config,
				       struct fk_reason *reason);

/* The same for 'size' octets of YAML in memory, but the layout that isd.layout_file names is left
 * unread. */
FK_MUST_USE enum fk_err fk_config_parse(const char *yaml, size_t size,
					struct fk_config **ret_config, struct fk_reason *reason);

void fk_config_free(struct fk_config *config);

/* Writes one block for each option: name, kind, range, unit, default and help. */
void fk_config_print_help(FILE *out);

/*
 * True if no more than one MESSAGE may be open to this next hop: all UEs share its Request-URI, as
 * in profiles A and B and in T2, and the way there is not known to be congestion-safe.
 * spec: RFC 3428 §8
 */
bool fk_config_next_hop_is_one_at_a_time(const struct fk_config_next_hop *next_hop);

/* Octets that preamble and KMM may take on the way to this next hop; 0: no limit but that of the
 * message. The layout of carrier T2 may be one that counts a payload in one octet. */
uint16_t fk_config_max_payload(const struct fk_config *config,
			       const struct fk_config_next_hop *next_hop);

/* Index of the next hop with that name, or -1. */
int32_t fk_config_find_next_hop(const struct fk_config *config, const char *name);

/*
 * Octets that one SIP message may take on UDP: the smaller of datagram_max, which is 1300 at most
 * while the path MTU is unknown, and, when it is known, path_mtu - 200; less the slack for proxies.
 * spec: RFC 3261 §18.1.1
 */
uint16_t fk_config_max_datagram(const struct fk_config *config);
