/* SPDX-License-Identifier: Apache-2.0 */
#include "neigh.h"

#include <string.h>

void fk_neigh_init(struct fk_neigh *neigh, uint32_t own_ipv4,
		   const uint8_t own_mac[static FK_MAC_SIZE])
{
	memset(neigh, 0, sizeof(*neigh));
	neigh->own_ipv4 = own_ipv4;
	memcpy(neigh->own_mac, own_mac, FK_MAC_SIZE);
}

static struct fk_neigh_entry *find(struct fk_neigh *neigh, uint32_t ipv4)
{
	for (uint8_t i = 0; i < neigh->n; i++) {
		if (neigh->entries[i].ipv4 == ipv4)
			return &neigh->entries[i];
	}
	return NULL;
}

uint8_t fk_neigh_add(struct fk_neigh *neigh, uint32_t ipv4)
{
	struct fk_neigh_entry *entry = find(neigh, ipv4);

	if (entry != NULL)
		return (uint8_t)(entry - neigh->entries);
	if (neigh->n == FK_NEIGHS_MAX)
		return FK_NEIGH_NONE;
	entry = &neigh->entries[neigh->n];
	memset(entry, 0, sizeof(*entry));
	entry->ipv4 = ipv4;
	neigh->poll_at_us = 0;
	return neigh->n++;
}

void fk_neigh_learn(struct fk_neigh *neigh, const struct fk_net_frame *arp, uint64_t now_us)
{
	struct fk_neigh_entry *entry = find(neigh, arp->source_ipv4);

	/* A group address cannot be a neighbour's own. */
	if (entry == NULL || (arp->source_mac[0] & 1) != 0)
		return;
	memcpy(entry->mac, arp->source_mac, FK_MAC_SIZE);
	entry->is_resolved = true;
	entry->n_probes = 0;
	entry->probe_at_us = now_us + FK_NEIGH_REFRESH_US;
}

/* How long to wait for the answer to the request that was just booked. */
static uint32_t patience_us(const struct fk_neigh_entry *entry)
{
	static const uint32_t first_us[] = {20000, 50000, 100000, 200000, 500000};

	if (entry->is_resolved || entry->n_probes > sizeof(first_us) / sizeof(first_us[0]))
		return FK_NEIGH_RETRY_US;
	return first_us[entry->n_probes - 1];
}

uint8_t fk_neigh_next_probe(struct fk_neigh *neigh, uint64_t now_us)
{
	uint64_t next_us = now_us + FK_NEIGH_POLL_MAX_US;

	if (now_us < neigh->poll_at_us)
		return FK_NEIGH_NONE;
	for (uint8_t i = 0; i < neigh->n; i++) {
		struct fk_neigh_entry *entry = &neigh->entries[i];

		if (now_us < entry->probe_at_us) {
			if (entry->probe_at_us < next_us)
				next_us = entry->probe_at_us;
			continue;
		}
		if (entry->n_probes >= FK_NEIGH_PROBES_MAX)
			entry->is_resolved = false;
		if (entry->n_probes < UINT8_MAX)
			entry->n_probes++;
		entry->probe_at_us = now_us + patience_us(entry);
		return i;
	}
	neigh->poll_at_us = next_us;
	return FK_NEIGH_NONE;
}
