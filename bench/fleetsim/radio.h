/* SPDX-License-Identifier: Apache-2.0 */
/*
 * radio.h - what a P25 radio does with a KMM: checks it, obeys it, answers it.
 *
 * Order of the checks (P25 sheet 3.6, 3.9): destination RSI, MAC under the key that the MAC block
 * names, message number, then the command. A KMM whose MAC does not verify gets no answer: it may
 * come from anybody. Nor does one that is authenticated by a traffic key, unless it only asks
 * (Inventory-Command): it may come from any member of the group, and a radio that has a protection
 * TEK takes commands under that alone. A number outside the window gets a Negative-Acknowledgment
 * 07.
 *
 * Threads: a radio context belongs to the worker. Memory: storing a third key of a UE allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "counts.h"
#include "ossl.h"
#include "traits.h"
#include "ue.h"

struct fk_radio {
	struct fk_ossl *ossl;
	struct fk_sim_counts *counts;
	struct fk_traits *traits; /* NULL: nothing is wrong with any UE */
	uint32_t kmf_rsi;
	bool is_forged; /* what comes is not the KMF's: its numbers do not count as the KMF's */
};

/* An answer KMM, MAC included; size 0: the radio stays silent. */
struct fk_radio_answer {
	uint8_t octets[FK_SIM_ANSWER_SIZE_MAX];
	size_t size;
};

/*
 * Gives 'size' octets of KMM to the UE's radio and writes what it answers. A KMM that was the last
 * one accepted gets the same answer again, octet for octet.
 * Returns FK_SIM_WELL_FORMED, or why the octets are no KMM for this UE.
 */
enum fk_sim_malformed fk_radio_receive(struct fk_radio *radio, struct fk_sim_ue *ue,
				       const uint8_t *kmm, size_t size,
				       struct fk_radio_answer *ret_answer);

/* What the radio says without being asked, under its own key: a Hello with that flag, Registration-
 * or Deregistration-Command. Who has lost that key says Hello without a MAC and a number; anything
 * else is left unsaid then, and 'ret_said' has size 0. */
void fk_radio_say(struct fk_radio *radio, struct fk_sim_ue *ue, uint8_t message_id,
		  uint8_t hello_flag, struct fk_radio_answer *ret_said);
