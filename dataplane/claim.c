/* SPDX-License-Identifier: Apache-2.0 */
#include "claim.h"

#include <string.h>

#include "wire/nd.h"
#include "worker.h"

void fk_claim_begin(struct fk_claim *claim)
{
	*claim = (struct fk_claim){.n_left = FK_CLAIM_TIMES};
}

static void send_frame(struct fk_worker *w, struct fk_frame *frame, enum fk_counter counter)
{
	fk_worker_count(w, counter);
	if (fk_worker_transmit(w, frame, NULL, 1) == 0)
		w->config.port.ops->free(w->config.port.self, frame, 1);
}

static bool take_frame(struct fk_worker *w, struct fk_frame *frame)
{
	if (w->config.port.ops->alloc(w->config.port.self, frame, 1) == 1)
		return true;
	fk_worker_count(w, FK_COUNTER_DEFER_NO_MBUF);
	return false;
}

/* Asks for its own address, so that nobody answers and everybody hears. */
static void say_ipv4(struct fk_worker *w, const struct fk_address *own)
{
	static const uint8_t nobody[FK_MAC_SIZE] = {0};
	struct fk_frame frame;

	if (!fk_address_is_set(own) || !take_frame(w, &frame))
		return;
	fk_net_build_arp(false, w->config.port.mac, fk_address_ipv4(own), nobody,
			 fk_address_ipv4(own), frame.octets);
	frame.size = FK_ARP_FRAME_SIZE;
	send_frame(w, &frame, FK_COUNTER_TX_ARP);
}

static void say_ipv6(struct fk_worker *w, const struct fk_address *own)
{
	static const struct fk_net_frame nobody_asked = {.kind = FK_NET_SOLICITATION};
	struct fk_frame frame;

	if (!fk_address_is_set(own) || !take_frame(w, &frame))
		return;
	fk_nd_build_advertisement(&nobody_asked, w->config.port.mac, own, frame.octets);
	frame.size = FK_ND_FRAME_SIZE;
	send_frame(w, &frame, FK_COUNTER_TX_ND);
}

void fk_claim_poll(struct fk_worker *w)
{
	struct fk_claim *claim = &w->claim;

	if (w->now_us < claim->at_us)
		return;
	if (!fk_worker_is_leased(w)) {
		claim->at_us = w->now_us + FK_CLAIM_LOOK_US;
		return;
	}
	if (claim->is_yielded)
		fk_claim_begin(claim);
	if (claim->n_left == 0) {
		claim->at_us = UINT64_MAX;
		return;
	}
	say_ipv4(w, &w->config.host.ipv4.address);
	say_ipv6(w, &w->config.host.ipv6.address);
	claim->n_left--;
	claim->at_us = claim->n_left > 0 ? w->now_us + FK_CLAIM_INTERVAL_US : UINT64_MAX;
}

static bool is_same(const uint8_t a[static FK_MAC_SIZE], const uint8_t b[static FK_MAC_SIZE])
{
	return memcmp(a, b, FK_MAC_SIZE) == 0;
}

void fk_claim_heard(struct fk_worker *w, const uint8_t mac[static FK_MAC_SIZE])
{
	struct fk_claim *claim = &w->claim;

	if (is_same(mac, w->config.port.mac))
		return;
	fk_worker_count(w, FK_COUNTER_RX_ADDRESS_CLAIMED);
	if (!fk_worker_is_leased(w)) {
		claim->is_yielded = true;
		claim->at_us = w->now_us + FK_CLAIM_LOOK_US;
	} else if (claim->n_left == 0 && w->now_us - claim->defended_at_us >= FK_CLAIM_DEFEND_US) {
		claim->defended_at_us = w->now_us;
		claim->n_left = 1;
		claim->at_us = w->now_us;
	}
}
