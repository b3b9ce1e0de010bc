/* SPDX-License-Identifier: Apache-2.0 */
#include "timers.h"

#include "record.h"

/* Ends an attempt without an answer; tries again later while control cannot be told. */
static void give_up(struct fk_worker *w, struct fk_txn *txn)
{
	bool accepted = txn->phase == FK_TXN_ACCEPTED;

	if (!fk_record_has_room(w)) {
		fk_worker_arm(w, txn, w->now_us + FK_RECORD_RETRY_US);
		return;
	}
	fk_worker_count(w, accepted ? FK_COUNTER_ANSWER_TIMEOUT : FK_COUNTER_TIMEOUT_F);
	fk_record_outcome(w, fk_token_unpack(txn->token).ue_index,
			  accepted ? FK_OUTCOME_NO_ANSWER : FK_OUTCOME_TIMEOUT, 0, 0);
	fk_worker_close(w, txn);
}

uint32_t fk_timers_poll(struct fk_worker *w)
{
	struct fk_node *nodes[FK_WORKER_BURST];
	uint32_t n = fk_wheel_expire(&w->wheel, w->now_us, nodes, FK_WORKER_BURST);

	for (uint32_t i = 0; i < n; i++) {
		struct fk_txn *txn = (struct fk_txn *)nodes[i];

		if (txn->phase != FK_TXN_QUEUED && w->now_us >= txn->end_at_us)
			give_up(w, txn);
		else if (txn->phase == FK_TXN_ACCEPTED)
			fk_worker_arm(w, txn, txn->end_at_us);
		else
			fk_worker_enqueue(w, txn, false);
	}
	return n;
}
