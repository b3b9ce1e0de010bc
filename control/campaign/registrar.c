/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/registrar.h"

#include <stdlib.h>
#include <string.h>

#include <fleetkey/bulk.h>

#include "fleet/numbers.h"

#define NOBODY	  UINT32_MAX
#define LOOKS_MAX 256u /* at UEs whose turn it is not, in one poll */

enum phase {
	IDLE = 0,
	WRITING, /* its page is dirty */
	QUEUED,
	OPEN, /* ordered */
};

enum lack {
	LACKS_NOTHING = 0,
	LACKS_BY_CALLER, /* by who called alone */
	LACKS_BY_MAC,
};

struct answer {
	uint32_t next;	     /* in the queue */
	uint32_t date_s;     /* pinned, so that the octets stay the same */
	uint32_t ordered_ms; /* low bits */
	uint16_t number;
	uint8_t kind : 4;  /* enum fk_order_kind */
	uint8_t phase : 4; /* enum phase */
	uint8_t lacks_kek; /* enum lack: of the UE, whether it is answered or not */
};

struct fk_registrar {
	struct fk_registrar_options opt;
	struct answer *answers;
	uint32_t *dirty_pages; /* n_dirty of them */
	uint32_t *dirty_at;    /* by page: 1 + index in dirty_pages; 0: clean */
	uint32_t n_pages, n_dirty;
	uint32_t head, tail, n_queued, n_writing, n_open;
};

enum fk_err fk_registrar_new(const struct fk_registrar_options *options,
			     struct fk_registrar **ret_registrar)
{
	struct fk_registrar *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return FK_ENOMEM;
	r->opt = *options;
	r->n_pages = options->n_slots / FK_STORE_PAGE_UES;
	r->head = r->tail = NOBODY;
	r->answers = fk_bulk_calloc(options->n_slots + 1, sizeof(*r->answers));
	r->dirty_pages = calloc(r->n_pages + 1, sizeof(*r->dirty_pages));
	r->dirty_at = calloc(r->n_pages + 1, sizeof(*r->dirty_at));
	if (r->answers == NULL || r->dirty_pages == NULL || r->dirty_at == NULL) {
		fk_registrar_free(r);
		return FK_ENOMEM;
	}
	*ret_registrar = r;
	return FK_OK;
}

void fk_registrar_free(struct fk_registrar *r)
{
	if (r == NULL)
		return;
	free(r->answers);
	free(r->dirty_pages);
	free(r->dirty_at);
	free(r);
}

static void mark_dirty(struct fk_registrar *r, uint32_t ue_index)
{
	uint32_t page = ue_index / FK_STORE_PAGE_UES;

	if (r->dirty_at[page] != 0)
		return;
	r->dirty_pages[r->n_dirty++] = page;
	r->dirty_at[page] = r->n_dirty;
}

static void append(struct fk_registrar *r, uint32_t ue_index)
{
	r->answers[ue_index].next = NOBODY;
	r->answers[ue_index].phase = QUEUED;
	if (r->tail == NOBODY)
		r->head = ue_index;
	else
		r->answers[r->tail].next = ue_index;
	r->tail = ue_index;
	r->n_queued++;
}

static uint32_t take_first(struct fk_registrar *r)
{
	uint32_t ue_index = r->head;

	r->head = r->answers[ue_index].next;
	if (r->head == NOBODY)
		r->tail = NOBODY;
	r->n_queued--;
	return ue_index;
}

/* Reserves one number for an answer, in the half of the reach that answers may use. */
static bool take_number(struct fk_registrar *r, uint32_t ue_index, uint16_t *ret_number)
{
	struct fk_ue_numbers *numbers = &r->opt.numbers[ue_index];
	uint32_t reach = fk_numbers_reach(r->opt.ues[ue_index].mnp, r->opt.number_margin);
	uint16_t first = numbers->reserved_next;

	/* Only a UE that was never sent anything: its radio takes no number twice. */
	if (first == numbers->accepted)
		first++;
	if ((uint16_t)(first - numbers->accepted) > (reach + 1) / 2)
		return false;
	numbers->reserved_next = (uint16_t)(first + 1);
	*ret_number = first;
	return true;
}

static void note_inbound(struct fk_registrar *r, uint32_t ue_index, uint16_t inbound)
{
	r->opt.numbers[ue_index].inbound = inbound;
	r->opt.numbers[ue_index].inbound_known = 1;
	mark_dirty(r, ue_index);
}

static bool begin_answer(struct fk_registrar *r, uint32_t ue_index, enum fk_order_kind kind,
			 uint32_t date_s)
{
	struct answer *answer = &r->answers[ue_index];
	uint16_t number;

	if (answer->phase != IDLE || !take_number(r, ue_index, &number))
		return false;
	answer->number = number;
	answer->date_s = date_s;
	answer->kind = kind & 15;
	answer->phase = WRITING;
	r->n_writing++;
	return true;
}

bool fk_registrar_take(struct fk_registrar *r, uint32_t ue_index, enum fk_presence presence,
		       uint16_t inbound, uint32_t date_s)
{
	note_inbound(r, ue_index, inbound);
	r->opt.numbers[ue_index].presence = (uint8_t)presence & 15;
	return begin_answer(r, ue_index,
			    presence == FK_PRESENCE_DEREGISTERED ? FK_ORDER_DEREGISTERED
								 : FK_ORDER_REGISTERED,
			    date_s);
}

bool fk_registrar_refuse(struct fk_registrar *r, uint32_t ue_index, uint16_t inbound,
			 uint32_t date_s)
{
	note_inbound(r, ue_index, inbound);
	return begin_answer(r, ue_index, FK_ORDER_NO_SERVICE, date_s);
}

bool fk_registrar_note_kek(struct fk_registrar *r, uint32_t ue_index, bool is_lacking,
			   bool is_authentic)
{
	uint8_t said = is_authentic ? LACKS_BY_MAC : LACKS_BY_CALLER;
	struct answer *answer = &r->answers[ue_index];

	if (said < answer->lacks_kek)
		return false;
	if (!is_lacking)
		said = LACKS_NOTHING;
	if (said == answer->lacks_kek)
		return false;
	answer->lacks_kek = said;
	return is_lacking;
}

bool fk_registrar_lacks_kek(const struct fk_registrar *r, uint32_t ue_index)
{
	return ue_index < r->opt.n_slots && r->answers[ue_index].lacks_kek == LACKS_BY_MAC;
}

bool fk_registrar_note_there(struct fk_registrar *r, uint32_t ue_index, uint16_t inbound)
{
	if (r->opt.numbers[ue_index].presence != FK_PRESENCE_DEREGISTERED)
		return false;
	note_inbound(r, ue_index, inbound);
	r->opt.numbers[ue_index].presence = FK_PRESENCE_REGISTERED;
	return true;
}

uint32_t fk_registrar_n_dirty(const struct fk_registrar *r)
{
	return r->n_dirty;
}

uint32_t fk_registrar_list_dirty(const struct fk_registrar *r, uint32_t *ret_pages, uint32_t max)
{
	uint32_t n = r->n_dirty < max ? r->n_dirty : max;

	memcpy(ret_pages, r->dirty_pages, n * sizeof(*ret_pages));
	return n;
}

void fk_registrar_page_durable(struct fk_registrar *r, uint32_t page)
{
	uint32_t last;

	if (r->dirty_at[page] == 0)
		return;
	last = r->dirty_pages[--r->n_dirty];
	r->dirty_pages[r->dirty_at[page] - 1] = last;
	r->dirty_at[last] = r->dirty_at[page];
	r->dirty_at[page] = 0;
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		uint32_t ue_index = page * FK_STORE_PAGE_UES + i;

		if (r->answers[ue_index].phase != WRITING)
			continue;
		r->n_writing--;
		append(r, ue_index);
	}
}

/* Answers to one UE have tokens that differ, also after a restart: they follow from the number. */
static void make_order(const struct fk_registrar *r, uint32_t ue_index, struct fk_order *ret_order)
{
	const struct answer *answer = &r->answers[ue_index];
	struct fk_token token = {
		.campaign_slot = FK_ANSWER_SLOT,
		.campaign_generation = FK_ANSWER_GENERATION,
		.step = (uint8_t)(answer->number >> 8 & FK_STEP_MAX),
		.ue_index = ue_index,
		.ue_generation = r->opt.ues[ue_index].ue_generation,
		.attempt = (uint8_t)answer->number,
	};

	*ret_order = (struct fk_order){
		.token = fk_token_pack(&token),
		.date_time_s = answer->date_s,
		.message_number = answer->number,
		.kind = answer->kind & 15,
		.mac_key = FK_MAC_KEY_PTEK,
	};
}

uint32_t fk_registrar_poll(struct fk_registrar *r, uint64_t now_ms, fk_registrar_turn_fn turn,
			   void *ctx, struct fk_order *ret_orders, uint32_t max)
{
	uint32_t n_looks = r->n_queued < LOOKS_MAX ? r->n_queued : LOOKS_MAX, n = 0;

	for (; n_looks > 0 && n < max && r->n_open < r->opt.window; n_looks--) {
		uint32_t ue_index = take_first(r);

		if (!turn(ctx, ue_index)) {
			append(r, ue_index);
			continue;
		}
		r->answers[ue_index].phase = OPEN;
		r->answers[ue_index].ordered_ms = (uint32_t)now_ms;
		r->n_open++;
		make_order(r, ue_index, &ret_orders[n++]);
	}
	return n;
}

bool fk_registrar_is_open(const struct fk_registrar *r, uint32_t ue_index)
{
	return r->n_open > 0 && ue_index < r->opt.n_slots && r->answers[ue_index].phase == OPEN;
}

static void close_answer(struct fk_registrar *r, uint32_t ue_index)
{
	r->answers[ue_index].phase = IDLE;
	r->n_open--;
}

bool fk_registrar_apply(struct fk_registrar *r, uint32_t ue_index, const struct fk_ue_state *state,
			bool *ret_accepted)
{
	struct fk_order order;

	if (!fk_registrar_is_open(r, ue_index))
		return false;
	make_order(r, ue_index, &order);
	if (state->token != order.token || state->outcome == FK_OUTCOME_NONE)
		return false;
	close_answer(r, ue_index);
	*ret_accepted = state->outcome == FK_OUTCOME_ACCEPTED;
	return true;
}

bool fk_registrar_expire(struct fk_registrar *r, uint64_t now_ms, uint64_t limit_ms, uint32_t *at,
			 uint32_t *ret_ue_index)
{
	for (; r->n_open > 0 && *at < r->opt.n_slots; (*at)++) {
		const struct answer *answer = &r->answers[*at];

		if (answer->phase != OPEN || (uint32_t)now_ms - answer->ordered_ms <= limit_ms)
			continue;
		close_answer(r, *at);
		*ret_ue_index = *at;
		return true;
	}
	*at = 0;
	return false;
}

void fk_registrar_queue_open(struct fk_registrar *r)
{
	for (uint32_t i = 0; r->n_open > 0 && i < r->opt.n_slots; i++) {
		if (r->answers[i].phase != OPEN)
			continue;
		r->n_open--;
		append(r, i);
	}
}

uint32_t fk_registrar_n_busy(const struct fk_registrar *r)
{
	return r->n_queued + r->n_writing + r->n_open;
}

bool fk_registrar_is_busy(const struct fk_registrar *r, uint32_t ue_index)
{
	return ue_index < r->opt.n_slots && r->answers[ue_index].phase != IDLE;
}
