/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.h - what stands in front of the innermost packet of a captured frame.
 *
 * VLAN tags, MPLS labels, PPPoE, IP in IP, GRE and VXLAN are taken off without being judged: sums
 * of outer headers are not verified. Other tunnels stay: who counts frames names them.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <jansson.h> /* lint: allow a tool, no part of fleetkey-dp */
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_LAYERS_MAX 32 /* of one frame; deeper ones stay */

#define FK_ETHERTYPE_IPV4 0x0800
#define FK_ETHERTYPE_IPV6 0x86dd

/* Where a walk through a frame stands: so many octets in, with what this EtherType says behind. */
struct fk_layers {
	size_t at;
	uint16_t ethertype;
};

/*
 * Takes off all layers that stand at 'layers', which becomes the place behind them. Tags go into
 * "vlan_ids" of 'json', the names of others into "tunnels", outermost first.
 * Returns FK_OK; FK_ETRUNC if the frame ends within a tag, a label or PPPoE's header.
 */
FK_MUST_USE enum fk_err fk_layers_take_off(const uint8_t *octets, size_t size, json_t *json,
					   struct fk_layers *layers);
