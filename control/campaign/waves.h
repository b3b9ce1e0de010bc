/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waves.h - a campaign in parts, with a gate behind each of them.
 *
 * Waves are named by a number of UEs, by a percentage of those that are served, or by an area; what
 * no wave takes is the last one. A UE belongs to the first wave that takes it: what is asked for by
 * number takes the first ones by ue_index, which are spread over the fleet as the shards are.
 *
 * A gate is judged when every delivery of its wave has ended, or life_s after the last of them was
 * sent first. Only the living count for it: UEs that gave an answer of their own, or whose message
 * was delivered. The others are offline, and have a limit of their own.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"

#define FK_WAVES_MAX 16 /* that are named */
/* Characters of fk_waves_format(). */
#define FK_WAVES_TEXT_SIZE (FK_WAVES_MAX * (FK_NAME_SIZE_MAX + 16))

/* Values are stored: append, never reorder. */
enum fk_wave_kind {
	FK_WAVE_COUNT = 1,
	FK_WAVE_PERCENT = 2,
	FK_WAVE_AREA = 3,
};

struct fk_wave {
	uint32_t size; /* COUNT: UEs; PERCENT: of those that are served */
	/* COUNT, PERCENT: it takes UEs below this ue_index; found when the campaign begins. */
	uint32_t end;
	char area[FK_NAME_SIZE_MAX + 1];
	uint8_t kind; /* enum fk_wave_kind */
};

struct fk_waves {
	struct fk_wave items[FK_WAVES_MAX];
	uint8_t n;
};

/* The record's text for the waves, without spaces: "count=100:4711;area=5:North". */
void fk_waves_format(const struct fk_waves *waves, char ret_text[static FK_WAVES_TEXT_SIZE]);
/* The way back. FK_OK, or FK_EFORMAT if it is not such a text: then nothing is written. */
FK_MUST_USE enum fk_err fk_waves_parse(const char *text, size_t size, struct fk_waves *ret_waves);

/*
 * The first of the first 'n' waves that takes a UE; 'n' if none does. 'area_ids' are those of the
 * waves' areas in the fleet, by wave.
 */
uint32_t fk_waves_find(const struct fk_waves *waves, const int32_t area_ids[static FK_WAVES_MAX],
		       uint32_t n, uint32_t ue_index, uint32_t area_id);

/* What has to be so before the next wave begins. Percentages are whole. */
struct fk_gate {
	uint32_t failed_limit;	     /* so many failures halt the campaign at once; 0: no number */
	uint32_t min_sample;	     /* living UEs of the wave, or all of it if it is smaller */
	uint32_t life_s;	     /* how long a UE is waited for before it counts as offline */
	uint8_t min_acked_percent;   /* of the living */
	uint8_t max_offline_percent; /* of the wave */
};

#define FK_GATE_DEFAULT                                                                            \
	{                                                                                          \
		.min_sample = 10, .life_s = 60, .min_acked_percent = 95, .max_offline_percent = 50 \
	}

/* Where the wave in force stands. Those that are left out by status or rule do not count. */
struct fk_wave_tally {
	uint32_t n;
	uint32_t n_unsent;  /* no KMM was ordered yet */
	uint32_t n_final;   /* have ended */
	uint32_t n_acked;   /* have ended well */
	uint32_t n_living;  /* those of them included */
	uint32_t n_open;    /* living, and not ended */
	uint32_t n_offline; /* sent to, without a sign of life so far, nor refused by the system */
};

enum fk_gate_state {
	FK_GATE_SENDING,  /* deliveries of the wave are still to be sent for the first time */
	FK_GATE_SETTLING, /* waits for what is open */
	FK_GATE_PASSED,
	FK_GATE_SHUT, /* the campaign halts */
};

/* Why a campaign is halted. Values are stored: append, never reorder. */
#define FK_HALT_MAP(X)                                                                        \
	X(FK_HALT_NONE, "")                                                                   \
	X(FK_HALT_NEXT_HOPS, "next_hops") /* all that is left waits for those; see status */  \
	X(FK_HALT_OPERATOR, "operator")                                                       \
	X(FK_HALT_ACKED, "gate_acked")		/* too few of the living have acknowledged */ \
	X(FK_HALT_SAMPLE, "gate_sample")	/* too few are living */                      \
	X(FK_HALT_OFFLINE, "gate_offline")	/* too many are not */                        \
	X(FK_HALT_FAILED, "gate_failed")	/* failed_limit */                            \
	X(FK_HALT_LOCAL, "local")		/* at the dataplane, past control */          \
	X(FK_HALT_PLAN_CHANGED, "plan_changed") /* before its start: plan it again */

enum fk_halt {
#define X(name, label) name,
	FK_HALT_MAP(X)
#undef X
	FK_HALTS
};

/* "gate_acked", ...; "" for NONE, "unknown" if there is no such reason. */
const char *fk_halt_label(uint8_t halt);
/* "sending", ... */
const char *fk_gate_state_label(enum fk_gate_state state);

/* What the gate says of its wave; 'has_waited' once life_s are over since the last first send.
 * '*ret_halt' is why it is shut. */
enum fk_gate_state fk_gate_judge(const struct fk_gate *gate, const struct fk_wave_tally *tally,
				 bool has_waited, enum fk_halt *ret_halt);
