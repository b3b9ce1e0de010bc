/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/wave_history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBERS_MAX (FK_WAVE_NUMBERS + FK_DELIVERY_STATES)

/* The record of a wave that has begun; those before it that nobody wrote are there then, too. */
static struct fk_wave_record *take(struct fk_wave_history *history, uint32_t wave)
{
	if (wave >= FK_WAVE_RECORDS_MAX)
		wave = FK_WAVE_RECORDS_MAX - 1;
	if (history->n <= wave)
		history->n = (uint8_t)(wave + 1);
	return &history->items[wave];
}

void fk_wave_history_begin(struct fk_wave_history *history, uint32_t wave, uint64_t now_ms)
{
	if (wave > 0)
		take(history, wave - 1)->ended_at_ms = now_ms;
	take(history, wave)->began_at_ms = now_ms;
}

void fk_wave_history_judge(struct fk_wave_history *history, uint32_t wave, enum fk_halt halt,
			   const struct fk_wave_tally *tally, uint32_t n_failed, uint64_t now_ms)
{
	struct fk_wave_record *r = take(history, wave);

	r->verdict = halt == FK_HALT_NONE ? FK_VERDICT_PASSED : FK_VERDICT_SHUT;
	r->halt = (uint8_t)halt;
	r->judged_at_ms = now_ms;
	r->tally = *tally;
	r->n_failed = n_failed;
}

void fk_wave_history_resume(struct fk_wave_history *history, uint32_t wave, enum fk_halt halt,
			    uint64_t principal, uint64_t now_ms)
{
	struct fk_wave_record *r = take(history, wave);

	r->n_resumed++;
	r->resumed_halt = (uint8_t)halt;
	r->resumed_by = principal;
	r->resumed_at_ms = now_ms;
}

/* All numbers of a record, in the order in which they are stored. Append, never reorder. */
static void to_numbers(const struct fk_wave_record *r, uint64_t ret_numbers[static NUMBERS_MAX])
{
	const uint64_t numbers[FK_WAVE_NUMBERS] = {
		r->began_at_ms,	   r->ended_at_ms,   r->judged_at_ms,	r->verdict,
		r->halt,	   r->resumed_halt,  r->n_failed,	r->n_resumed,
		r->resumed_by,	   r->resumed_at_ms, r->tally.n,	r->tally.n_unsent,
		r->tally.n_final,  r->tally.n_acked, r->tally.n_living, r->tally.n_open,
		r->tally.n_offline};

	memcpy(ret_numbers, numbers, sizeof(numbers));
	for (uint32_t i = 0; i < FK_DELIVERY_STATES; i++)
		ret_numbers[FK_WAVE_NUMBERS + i] = r->states[i];
}

void fk_wave_history_format(const struct fk_wave_history *history,
			    char ret_text[static FK_WAVE_HISTORY_TEXT_SIZE])
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (uint32_t i = 0; i < history->n && i < FK_WAVE_RECORDS_MAX; i++) {
		uint64_t numbers[NUMBERS_MAX];

		to_numbers(&history->items[i], numbers);
		for (uint32_t k = 0; k < NUMBERS_MAX && at < FK_WAVE_HISTORY_TEXT_SIZE; k++)
			at += (size_t)snprintf(ret_text + at, FK_WAVE_HISTORY_TEXT_SIZE - at,
					       "%" PRIu64 "%c", numbers[k],
					       k + 1 < NUMBERS_MAX ? ',' : ';');
	}
}

static enum fk_err from_numbers(const uint64_t *numbers, uint32_t n, struct fk_wave_record *ret_r)
{
	struct fk_wave_record r = {.began_at_ms = numbers[0]};

	for (uint32_t i = 6; i < n; i++) {
		/* Who, and when, is longer than a count. */
		if (i != 8 && i != 9 && numbers[i] > UINT32_MAX)
			return FK_EFORMAT;
	}
	if (n < FK_WAVE_NUMBERS || numbers[3] >= FK_VERDICTS || numbers[4] >= FK_HALTS ||
	    numbers[5] >= FK_HALTS)
		return FK_EFORMAT;
	r.ended_at_ms = numbers[1];
	r.judged_at_ms = numbers[2];
	r.verdict = (uint8_t)numbers[3];
	r.halt = (uint8_t)numbers[4];
	r.resumed_halt = (uint8_t)numbers[5];
	r.n_failed = (uint32_t)numbers[6];
	r.n_resumed = (uint32_t)numbers[7];
	r.resumed_by = numbers[8];
	r.resumed_at_ms = numbers[9];
	r.tally = (struct fk_wave_tally){
		.n = (uint32_t)numbers[10],
		.n_unsent = (uint32_t)numbers[11],
		.n_final = (uint32_t)numbers[12],
		.n_acked = (uint32_t)numbers[13],
		.n_living = (uint32_t)numbers[14],
		.n_open = (uint32_t)numbers[15],
		.n_offline = (uint32_t)numbers[16],
	};
	for (uint32_t i = FK_WAVE_NUMBERS; i < n; i++)
		r.states[i - FK_WAVE_NUMBERS] = (uint32_t)numbers[i];
	*ret_r = r;
	return FK_OK;
}

/* A number of at most 64 bits; moves '*at' behind it. */
static enum fk_err take_number(const char **at, const char *end, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *p = *at;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return FK_EFORMAT;
		number = number * 10 + digit;
	}
	if (p == *at)
		return FK_EFORMAT;
	*at = p;
	*ret_number = number;
	return FK_OK;
}

static enum fk_err take_record(const char **at, const char *end, struct fk_wave_record *ret_r)
{
	uint64_t numbers[NUMBERS_MAX] = {0};
	uint32_t n = 0;

	for (;;) {
		if (n == NUMBERS_MAX || take_number(at, end, &numbers[n]) != FK_OK || *at == end)
			return FK_EFORMAT;
		n++;
		if (**at == ';')
			break;
		if (**at != ',')
			return FK_EFORMAT;
		*at += 1;
	}
	*at += 1;
	return from_numbers(numbers, n, ret_r);
}

enum fk_err fk_wave_history_parse(const char *text, size_t size,
				  struct fk_wave_history *ret_history)
{
	struct fk_wave_history history = {.n = 0};
	const char *end = text + size;
	enum fk_err err = FK_OK;

	while (err == FK_OK && text < end) {
		if (history.n == FK_WAVE_RECORDS_MAX)
			return FK_EFORMAT;
		err = take_record(&text, end, &history.items[history.n]);
		history.n++;
	}
	if (err == FK_OK)
		*ret_history = history;
	return err;
}
