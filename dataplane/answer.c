/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <string.h>

#include "crypto/token_tag.h"
#include "octets.h"
#include "tag_hash.h"
#include "wire/sip_refusal.h"

#define HASH_PART_MAX 128 /* octets of Call-ID, From-tag and branch that are hashed, each */

bool fk_answers_reserve(struct fk_answers *answers, struct fk_worker *w, uint32_t n)
{
	const struct fk_port *port = &w->config.port;

	if (port->ops->alloc(port->self, answers->frames, n) == n) {
		answers->n_reserved = n;
		return true;
	}
	fk_worker_add(w, FK_COUNTER_DEFER_NO_MBUF, n);
	return false;
}

/* Parts end with a zero octet, so that neighbours cannot trade octets. */
static size_t put_part(uint8_t *at, struct fk_view view)
{
	size_t len = view.len < HASH_PART_MAX ? view.len : HASH_PART_MAX;

	fk_octets_copy(at, view.at, len);
	at[len] = 0;
	return len + 1;
}

/* A branch with the cookie is one transaction's alone. spec: RFC 3261 §8.1.1.7 */
static bool is_unique(struct fk_view branch)
{
	const size_t len = strlen(FK_BRANCH_COOKIE);

	return branch.len > len && branch.len < HASH_PART_MAX &&
	       memcmp(branch.at, FK_BRANCH_COOKIE, len) == 0;
}

/* A repeat of the request gets the same To-tag. spec: RFC 3261 §8.2.6.2 */
static void to_tag(const struct fk_worker *w, const struct fk_sip_message *request,
		   char text[static FK_TAG_HEX_LEN + 1])
{
	uint8_t octets[1 + 3 * (HASH_PART_MAX + 1)]; /* as far as they are written */
	size_t size = 1;

	octets[0] = 'T';
	size += put_part(octets + size, request->via_branch);
	if (!is_unique(request->via_branch)) {
		size += put_part(octets + size, request->from_tag);
		size += put_part(octets + size, request->call_id);
	}
	fk_tag_format(fk_tag_hash(w->table->header.to_tag_key, octets, size), text);
	text[FK_TAG_HEX_LEN] = '\0';
}

/* spec: RFC 3581 §4: to where it came from if rport asks for that */
static const struct fk_net_path *path_to(struct fk_net_path *path, const struct fk_worker *w,
					 const struct fk_net_frame *net,
					 const struct fk_sip_message *request)
{
	uint16_t port =
		request->via_rport ? net->source_port : fk_sip_sent_by_port(request->via_sent_by);

	if (path->source_port != net->destination_port || path->destination_port != port ||
	    !fk_address_equal(&path->source, &net->destination) ||
	    !fk_address_equal(&path->destination, &net->source)) {
		*path = fk_net_path_make(&net->destination, &net->source, net->destination_port,
					 port);
		memcpy(path->source_mac, w->config.port.mac, FK_MAC_SIZE);
	}
	memcpy(path->destination_mac, net->source_mac, FK_MAC_SIZE);
	return path;
}

void fk_answers_add_sip(struct fk_answers *answers, struct fk_worker *w,
			const struct fk_net_frame *net, const struct fk_sip_message *request,
			uint16_t status)
{
	const struct fk_net_path *path = path_to(&answers->path, w, net, request);
	struct fk_frame *frame = &answers->frames[answers->n];
	char tag[FK_TAG_HEX_LEN + 1], headers[FK_SIP_ANSWER_HEADERS_MAX];
	size_t size;

	to_tag(w, request, tag);
	if (fk_sip_build_response(request, status, tag, &net->source, net->source_port,
				  fk_sip_answer_headers(request, status, headers),
				  frame->octets + path->overhead, frame->cap - path->overhead,
				  &size) != FK_OK) {
		/* Only a request of nothing but Vias makes a response that does not fit. */
		fk_worker_count(w, FK_COUNTER_TX_RESPONSE_TOO_LARGE);
		w->config.port.ops->free(w->config.port.self, frame, 1);
		*frame = answers->frames[--answers->n_reserved];
		return;
	}
	frame->size = (uint16_t)fk_net_finish_udp(path, frame->octets, (uint16_t)size, w->ip_id++);
	fk_worker_count(w, FK_COUNTER_TX_RESPONSES);
	answers->n++;
}

void fk_answers_add_arp(struct fk_answers *answers, struct fk_worker *w,
			const struct fk_net_frame *request)
{
	struct fk_frame *frame = &answers->frames[answers->n];

	fk_net_build_arp(true, w->config.port.mac, fk_address_ipv4(&w->config.host.ipv4.address),
			 request->source_mac, fk_address_ipv4(&request->source), frame->octets);
	frame->size = FK_ARP_FRAME_SIZE;
	fk_worker_count(w, FK_COUNTER_TX_ARP);
	answers->n++;
}

void fk_answers_add_advertisement(struct fk_answers *answers, struct fk_worker *w,
				  const struct fk_net_frame *solicitation,
				  const struct fk_address *target)
{
	struct fk_frame *frame = &answers->frames[answers->n];

	fk_nd_build_advertisement(solicitation, w->config.port.mac, target, frame->octets);
	frame->size = FK_ND_FRAME_SIZE;
	fk_worker_count(w, FK_COUNTER_TX_ND);
	answers->n++;
}

bool fk_answers_send(struct fk_answers *answers, struct fk_worker *w)
{
	const struct fk_port *port = &w->config.port;
	struct fk_frame *frames = answers->frames + answers->first;
	uint32_t n = answers->n - answers->first, n_left;

	if (n == 0)
		return true;
	n_left = fk_worker_transmit(w, frames, NULL, n);
	if (!answers->is_waiting || n_left > 0)
		answers->waiting_at_us = w->now_us;
	answers->is_waiting = true;
	answers->first += n_left;
	if (n_left < n) {
		if (w->now_us - answers->waiting_at_us < FK_ANSWERS_WAIT_US)
			return false;
		fk_worker_add(w, FK_COUNTER_TX_ANSWER_DROPPED, n - n_left);
		port->ops->free(port->self, frames + n_left, n - n_left);
	}
	answers->first = answers->n = 0;
	answers->is_waiting = false;
	return true;
}

void fk_answer_echo(struct fk_worker *w, struct fk_frame *frame)
{
	fk_worker_count(w, FK_COUNTER_TX_ICMP);
	if (fk_worker_transmit(w, frame, NULL, 1) == 0)
		return; /* freed with the rest of the burst */
	frame->octets = NULL;
}

/* We have an address of the neighbour's family, else it would not be in the table. */
static void build_probe(const struct fk_worker *w, const struct fk_address *target,
			struct fk_frame *frame)
{
	static const uint8_t anybody[FK_MAC_SIZE] = {0};
	const struct fk_address *own = fk_host_source(&w->config.host, target);

	if (fk_address_is_ipv4(target)) {
		fk_net_build_arp(false, w->config.port.mac, fk_address_ipv4(own), anybody,
				 fk_address_ipv4(target), frame->octets);
		frame->size = FK_ARP_FRAME_SIZE;
	} else {
		fk_nd_build_solicitation(w->config.port.mac, own, target, frame->octets);
		frame->size = FK_ND_FRAME_SIZE;
	}
}

void fk_answer_probe(struct fk_worker *w, const struct fk_neigh_entry *entry)
{
	const struct fk_port *port = &w->config.port;
	struct fk_frame frame;

	if (port->ops->alloc(port->self, &frame, 1) == 0) {
		fk_worker_count(w, FK_COUNTER_DEFER_NO_MBUF);
		return;
	}
	build_probe(w, &entry->address, &frame);
	fk_worker_count(w,
			fk_address_is_ipv4(&entry->address) ? FK_COUNTER_TX_ARP : FK_COUNTER_TX_ND);
	if (fk_worker_transmit(w, &frame, NULL, 1) == 0)
		port->ops->free(port->self, &frame, 1);
}
