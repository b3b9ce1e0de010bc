/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/pcap.h"

#include <string.h>

#include <fleetkey/wire.h>

#define FILE_HEADER_SIZE 24
#define MAGIC_US	 0xa1b2c3d4u
#define MAGIC_NS	 0xa1b23c4du
#define LINKTYPE_MASK	 0x03ffffffu /* above: whether a frame check sequence is there */

static uint32_t get_u32(const struct fk_pcap *pcap, struct fk_wire_reader *r)
{
	uint32_t value = fk_wire_get_u32(r);

	return pcap->is_swapped ? __builtin_bswap32(value) : value;
}

static bool find_link(uint32_t link_type, enum fk_pcap_link *ret_link)
{
	static const struct {
		uint32_t link_type;
		enum fk_pcap_link link;
	} links[] = {
		{1, FK_PCAP_ETHERNET}, {113, FK_PCAP_SLL}, {276, FK_PCAP_SLL2},
		{101, FK_PCAP_IP},     {228, FK_PCAP_IP},  {229, FK_PCAP_IP},
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (links[i].link_type != (link_type & LINKTYPE_MASK))
			continue;
		*ret_link = links[i].link;
		return true;
	}
	return false;
}

bool fk_pcap_is_pcapng(const uint8_t *octets, size_t size)
{
	return size >= 4 && memcmp(octets, "\x0a\x0d\x0d\x0a", 4) == 0;
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
	if (!find_link(link_type, &pcap.link))
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
	frame.link = pcap->link;
	frame.octets = fk_wire_get_bytes(&r, frame.size);
	if (frame.octets == NULL)
		return FK_ETRUNC;
	frame.offset = (size_t)(frame.octets - pcap->start);
	pcap->at = frame.octets + frame.size;
	*ret_frame = frame;
	return FK_OK;
}
