/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h - one run of the simulated side: EAL, port, worker loop, verdict.
 *
 * Threads: fk_sim_run() uses the calling thread as EAL's main lcore, which waits for signals, and
 * one worker lcore, which does everything else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/address.h>

#include "face.h"
#include "traits.h"
#include "weather.h"

#define FK_EXIT_DONE   0 /* exit codes of all programs, design section 9 */
#define FK_EXIT_FAILED 1
#define FK_EXIT_USAGE  2

struct fk_sim_options {
	const char *fleet_path;
	struct fk_address address;
	uint16_t sip_port, kmf_port;
	uint8_t profile; /* of the one server, without faces: enum fk_sip_profile or FK_FACE_T2 */
	struct fk_face faces[FK_FACES_MAX]; /* name, port, profile and refusal */
	uint32_t n_faces;
	struct fk_isd_layout isd_layout; /* of carrier T2 */
	const char *kmf_uri;
	uint32_t kmf_rsi;
	uint64_t seed; /* of the next two */
	struct fk_weather_spec weather;
	struct fk_traits_spec traits;
	const char *report_path, *book_path, *refusals_path, *ready_path; /* NULL: not written */
	const char *capture_path;					  /* NULL: none */
	uint64_t n_captured_max;					  /* frames */
	uint32_t t1_ms;
	uint32_t hostile_kinds;
	uint64_t n_lies;
	const char *insider; /* ue_id; NULL: none */
	uint32_t n_keys;     /* traffic keys that a UE should hold in the end */
	uint32_t for_s;	     /* 0: until a signal */
	bool bare_kmm;
	bool idle_poll;
	int eal_argc; /* program name and what stood behind "--" */
	char **eal_argv;
};

/* Runs until SIGTERM, SIGINT or 'for_s', writes report and book; returns the exit code. */
int fk_sim_run(const struct fk_sim_options *options);
