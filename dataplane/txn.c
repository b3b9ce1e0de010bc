/* SPDX-License-Identifier: Apache-2.0 */
#include "txn.h"

void fk_txn_queue(struct fk_txn *txn, const struct fk_order *order, uint32_t epoch)
{
	txn->token = order->token;
	txn->date_time_s = order->date_time_s;
	txn->message_number = order->message_number;
	txn->what = order->what;
	txn->epoch = epoch;
	txn->count = (txn->count + 1) & 0xffffff;
	txn->phase = FK_TXN_QUEUED;
	txn->n_sent = 0;
	txn->end_at_us = 0;
}

static uint32_t timer_e_us(const struct fk_txn *txn, uint32_t t1_us, uint32_t t2_us)
{
	uint64_t span_us = t1_us;

	if (txn->phase == FK_TXN_PROCEEDING)
		return t2_us;
	for (uint8_t i = 1; i < txn->n_sent && span_us < t2_us; i++)
		span_us *= 2;
	return span_us < t2_us ? (uint32_t)span_us : t2_us;
}

uint64_t fk_txn_sent(struct fk_txn *txn, uint64_t now_us, uint32_t t1_us, uint32_t t2_us)
{
	uint64_t next_us;

	if (txn->phase == FK_TXN_QUEUED) {
		txn->phase = FK_TXN_CALLING;
		txn->end_at_us = now_us + 64 * (uint64_t)t1_us;
	}
	if (txn->n_sent < FK_TXN_SENT_MAX)
		txn->n_sent++;
	next_us = now_us + timer_e_us(txn, t1_us, t2_us);
	return next_us < txn->end_at_us ? next_us : txn->end_at_us;
}
