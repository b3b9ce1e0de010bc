/* SPDX-License-Identifier: Apache-2.0 */
#include "neigh.h"

#include <string.h>

void fk_neigh_init(struct fk_neigh *neigh)
{
	memset(neigh, 0, sizeof(*neigh));
}

static struct fk_neigh_entry *find(struct fk_neigh *neigh, const struct fk_address *address)
{
	for (uint8_t i = 0; i < neigh->n; i++) {
		if (fk_address_equal(&neigh->entries[i].address, address))
			return &neigh->entries[i];
	}
	return NULL;
}

uint8_t fk_neigh_add(struct fk_neigh *neigh, const struct fk_address *address)
{
	struct fk_neigh_entry *entry = find(neigh, address);

	if (entry != NULL)
		return (uint8_t)(entry - neigh->entries);
	if (neigh->n == FK_NEIGHS_MAX)
		return FK_NEIGH_NONE;
	entry = &neigh->entries[neigh->n];
	memset(entry, 0, sizeof(*entry));
	entry->address = *address;
	neigh->poll_at_us = 0;
	return neigh->n++;
}

static void resolve(struct fk_neigh_entry *entry, const uint8_t mac[static FK_MAC_SIZE],
		    uint64_t now_us)
{
	/* A group address cannot be a neighbour's own. */
	if ((mac[0] & 1) != 0)
		return;
	memcpy(entry->mac, mac, FK_MAC_SIZE);
	entry->is_resolved = true;
	entry->n_probes = 0;
	entry->heard_at_us = now_us;
	entry->probe_at_us = now_us + FK_NEIGH_REFRESH_US;
}

void fk_neigh_learn(struct fk_neigh *neigh, const struct fk_net_frame *arp, uint64_t now_us)
{
	struct fk_neigh_entry *entry = find(neigh, &arp->source);

	if (entry != NULL)
		resolve(entry, arp->source_mac, now_us);
}

static bool is_same(const uint8_t a[static FK_MAC_SIZE], const uint8_t b[static FK_MAC_SIZE])
{
	return memcmp(a, b, FK_MAC_SIZE) == 0;
}

/* spec: RFC 4861 §7.2.5, but that nothing is taken from what comes unasked */
void fk_neigh_advertised(struct fk_neigh *neigh, const struct fk_nd *nd, uint64_t now_us)
{
	struct fk_neigh_entry *entry = find(neigh, &nd->target);
	bool is_news;

	if (entry == NULL || !nd->has_mac)
		return;
	is_news = !entry->is_resolved || !is_same(entry->mac, nd->mac);
	if (nd->is_solicited && entry->n_probes > 0) {
		/* One that does not override speaks for somebody else, as a proxy does. */
		if (nd->is_override || !entry->is_resolved || !is_news)
			resolve(entry, nd->mac, now_us);
	} else if (entry->n_probes == 0 && is_news) {
		entry->probe_at_us = entry->heard_at_us + FK_NEIGH_RETRY_US;
		neigh->poll_at_us = 0;
	}
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
