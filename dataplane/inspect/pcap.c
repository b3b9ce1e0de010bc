/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/pcap.h"

#include <fleetkey/wire.h>

#define FILE_HEADER_SIZE  24
#define MAGIC_US	  0xa1b2c3d4u
#define MAGIC_NS	  0xa1b23c4du
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_MASK	  0x0fffffffu /* above: whether a frame check sequence is there */

static uint32_t get_u32(const struct fk_pcap *pcap, struct fk_wire_reader *r)
{
	uint32_t value = fk_wire_get_u32(r);

	return pcap->is_swapped ? __builtin_bswap32(value) : value;
}

enum fk_err fk_pcap_open(const uint8_t *octets, size_t size, struct fk_pcap *ret_pcap)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_pcap pcap = {.start = octets, .end = octets + size};
	uint32_t magic = fk_wire_get_u32(&r), link_type;

	if (r.failed)
		return FK_ETRUNC;
	if (magic == __builtin_bswap32(MAGIC_US) || magic == __builtin_bswap32(MAGIC_NS)) {
		pcap.is_swapped = true;
		magic = __builtin_bswap32(magic);
	}
	if (magic != MAGIC_US && magic != MAGIC_NS)
		return FK_EFORMAT;
	pcap.is_nanoseconds = magic == MAGIC_NS;
	/* Version, time zone, accuracy and longest frame change nothing here. */
	(void)fk_wire_get_bytes(&r, FILE_HEADER_SIZE - 8);
	link_type = get_u32(&pcap, &r);
	if (r.failed)
		return FK_ETRUNC;
	if ((link_type & LINKTYPE_MASK) != LINKTYPE_ETHERNET)
		return FK_EUNSUPPORTED;
	pcap.at = octets + FILE_HEADER_SIZE;
	*ret_pcap = pcap;
	return FK_OK;
}

enum fk_err fk_pcap_next(struct fk_pcap *pcap, struct fk_pcap_frame *ret_frame)
{
	struct fk_wire_reader r = fk_wire_reader(pcap->at, (size_t)(pcap->end - pcap->at));
	struct fk_pcap_frame frame;
	uint32_t fraction;

	if (pcap->at == pcap->end)
		return FK_ENOTFOUND;
	frame.time_s = get_u32(pcap, &r);
	fraction = get_u32(pcap, &r);
	frame.size = get_u32(pcap, &r);
	frame.original_size = get_u32(pcap, &r);
	if (r.failed)
		return FK_ETRUNC;
	if (frame.size > FK_PCAP_FRAME_MAX || fraction >= 1000000000u)
		return FK_EFORMAT;
	frame.time_ns = pcap->is_nanoseconds ? fraction : fraction % 1000000u * 1000u;
	frame.octets = fk_wire_get_bytes(&r, frame.size);
	if (frame.octets == NULL)
		return FK_ETRUNC;
	frame.offset = (size_t)(frame.octets - pcap->start);
	pcap->at = frame.octets + frame.size;
	*ret_frame = frame;
	return FK_OK;
}
