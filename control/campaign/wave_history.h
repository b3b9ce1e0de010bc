/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wave_history.h - what each wave of a campaign came to: when it began and ended, where its
 * deliveries stand, what its gate said and by which figures, and who let the campaign go on.
 *
 * It is part of the campaign's record, so it is as durable as the wave in force is: the record that
 * says that a wave has begun says how the one before it ended. A wave has ended when the next one
 * begins, and the last one with the campaign; deliveries of it may end later, and their states here
 * follow them to their end. Of several times that a campaign is resumed within one wave the last is
 * kept, and how many there were, so the size of it has a bound.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "campaign/ledger.h"
#include "campaign/waves.h"

#define FK_WAVE_RECORDS_MAX (FK_WAVES_MAX + 1) /* those that are named, and the rest */

/* What the gate behind a wave has said last. Values are stored: append, never reorder. */
enum fk_verdict {
	FK_VERDICT_NONE = 0, /* it was not judged, or there is none */
	FK_VERDICT_PASSED = 1,
	FK_VERDICT_SHUT = 2,
	FK_VERDICTS
};

struct fk_wave_record {
	uint64_t began_at_ms, ended_at_ms; /* since 1970; 0: not yet, or nobody knows any more */
	/* Of the verdict: what it was, why, and the figures that it was given by. */
	uint64_t judged_at_ms;
	uint8_t verdict;      /* enum fk_verdict */
	uint8_t halt;	      /* enum fk_halt; SHUT only */
	uint8_t resumed_halt; /* why the campaign had halted; FK_HALT_NONE: a pause */
	struct fk_wave_tally tally;
	uint32_t n_failed; /* of the whole campaign, those included that were excused */
	/* When the campaign was resumed in this wave, for the last time. */
	uint32_t n_resumed;
	uint64_t resumed_by, resumed_at_ms; /* 1 + uid, 0: nobody that is known */
	uint32_t states[FK_DELIVERY_STATES];
};

struct fk_wave_history {
	struct fk_wave_record items[FK_WAVE_RECORDS_MAX];
	uint8_t n; /* waves that have begun */
};

/* A wave begins, and the one before it ends. */
void fk_wave_history_begin(struct fk_wave_history *history, uint32_t wave, uint64_t now_ms);
/* Its gate has passed or is shut, for the reason 'halt'. */
void fk_wave_history_judge(struct fk_wave_history *history, uint32_t wave, enum fk_halt halt,
			   const struct fk_wave_tally *tally, uint32_t n_failed, uint64_t now_ms);
/* The campaign goes on, which had stopped for the reason 'halt' in that wave. */
void fk_wave_history_resume(struct fk_wave_history *history, uint32_t wave, enum fk_halt halt,
			    uint64_t principal, uint64_t now_ms);

/*
 * The record's text for it: numbers with ',' between them, each wave with ';' behind it. The way
 * back: FK_OK; FK_EFORMAT if it is not such a text, and then nothing is written. A wave may have
 * fewer states than there are now.
 */
#define FK_WAVE_NUMBERS 17u /* of a wave, before its states */
#define FK_WAVE_HISTORY_TEXT_SIZE \
	(FK_WAVE_RECORDS_MAX * (FK_WAVE_NUMBERS + FK_DELIVERY_STATES) * 21 + 1)
void fk_wave_history_format(const struct fk_wave_history *history,
			    char ret_text[static FK_WAVE_HISTORY_TEXT_SIZE]);
FK_MUST_USE enum fk_err fk_wave_history_parse(const char *text, size_t size,
					      struct fk_wave_history *ret_history);
