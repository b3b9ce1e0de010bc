/* SPDX-License-Identifier: Apache-2.0 */
#include <fleetkey/kmm.h>

#include "kmm_frame.h"

/* spec: P25 sheet 1.1: octets that the length field does not count, and its smallest value */
#define LENGTH_EXCLUDED 3
#define LENGTH_MIN	7

#define RSI_MAX 0xffffffu

/* spec: P25 sheet 1.2, message format octet */
#define FORMAT_KIND_SHIFT     6
#define FORMAT_KIND_MAX	      FK_KMM_RESPONSE_IMMEDIATE
#define FORMAT_NUMBER_MASK    0x30
#define FORMAT_NUMBER_PRESENT 0x20
#define FORMAT_MAC_MASK	      0x0c
#define FORMAT_MAC_ENHANCED   0x08
#define FORMAT_MAC_DES	      0x0c
#define FORMAT_DONE	      0x01

/* spec: P25 sheet 1.3, MAC format octet: version bit, and the D bit that receivers ignore */
#define MAC_FORMAT_VERSION 0x01
#define MAC_FORMAT_D	   0x40

static bool mac_format_is_known(uint8_t mac_format)
{
	return mac_format == FK_KMM_MAC_FORMAT_CBC || mac_format == FK_KMM_MAC_FORMAT_CMAC;
}

enum fk_err fk_kmm_frame_begin(const struct fk_kmm_header *header, uint8_t message_id, uint8_t *buf,
			       size_t cap, struct fk_wire_writer *ret_writer)
{
	struct fk_wire_writer w =
		fk_wire_writer(buf, cap < FK_KMM_SIZE_MAX ? cap : FK_KMM_SIZE_MAX);
	struct fk_wire_writer part;
	uint8_t format;

	if (header->destination_rsi > RSI_MAX || header->source_rsi > RSI_MAX)
		return FK_EINVAL;
	if (header->response_kind > FORMAT_KIND_MAX)
		return FK_EINVAL;
	if (header->has_mac && !mac_format_is_known(header->mac.mac_format))
		return FK_EINVAL;

	format = (uint8_t)(header->response_kind << FORMAT_KIND_SHIFT);
	if (header->has_message_number)
		format |= FORMAT_NUMBER_PRESENT;
	if (header->has_mac)
		format |= FORMAT_MAC_ENHANCED;

	/* spec: P25 sheet 1.1, KMM header */
	if (!fk_wire_part(&w, FK_KMM_HEADER_SIZE, &part))
		return FK_EFULL;
	fk_wire_put_u8(&part, message_id);
	fk_wire_put_u16(&part, 0); /* message length: known at the end */
	fk_wire_put_u8(&part, format);
	fk_wire_put_u24(&part, header->destination_rsi);
	fk_wire_put_u24(&part, header->source_rsi);
	if (header->has_message_number)
		fk_wire_put_u16(&w, header->message_number);
	*ret_writer = w;
	return FK_OK;
}

enum fk_err fk_kmm_frame_end(const struct fk_kmm_header *header, struct fk_wire_writer *w,
			     size_t *ret_size)
{
	struct fk_wire_writer part, length;
	size_t size;
	enum fk_err err;

	if (header->has_mac && fk_wire_part(w, FK_KMM_MAC_BLOCK_SIZE, &part)) {
		/* spec: P25 sheet 1.3, MAC block */
		fk_wire_put_u64(&part, 0); /* the MAC itself */
		fk_wire_put_u8(&part, FK_KMM_MAC_SIZE);
		fk_wire_put_u8(&part, header->mac.algorithm_id);
		fk_wire_put_u16(&part, header->mac.key_id);
		fk_wire_put_u8(&part, header->mac.mac_format);
	}
	err = fk_wire_done(w, &size);
	if (err != FK_OK)
		return err;
	length = fk_wire_writer(w->start + 1, sizeof(uint16_t));
	fk_wire_put_u16(&length, (uint16_t)(size - LENGTH_EXCLUDED));
	*ret_size = size;
	return FK_OK;
}

/* Takes the message format octet apart. spec: P25 sheet 1.2 */
static enum fk_err read_format(uint8_t format, struct fk_kmm_header *header)
{
	uint8_t number = format & FORMAT_NUMBER_MASK, mac = format & FORMAT_MAC_MASK;

	header->response_kind = format >> FORMAT_KIND_SHIFT;
	header->has_message_number = number == FORMAT_NUMBER_PRESENT;
	header->has_mac = mac == FORMAT_MAC_ENHANCED;
	header->done = (format & FORMAT_DONE) != 0;
	if (header->response_kind > FORMAT_KIND_MAX)
		return FK_EFORMAT;
	if (number != 0 && !header->has_message_number)
		return FK_EFORMAT;
	if (mac == FORMAT_MAC_DES)
		return FK_EUNSUPPORTED;
	if (mac != 0 && !header->has_mac)
		return FK_EFORMAT;
	return FK_OK;
}

/* Reads the 13 octets at the end of a frame. spec: P25 sheet 1.3 */
static enum fk_err read_mac(const uint8_t *octets, struct fk_kmm_mac *ret_mac)
{
	struct fk_wire_reader r = fk_wire_reader(octets, FK_KMM_MAC_BLOCK_SIZE);
	uint8_t mac_length, mac_format;

	memcpy(ret_mac->mac, fk_wire_get_bytes(&r, FK_KMM_MAC_SIZE), FK_KMM_MAC_SIZE);
	mac_length = fk_wire_get_u8(&r);
	ret_mac->algorithm_id = fk_wire_get_u8(&r);
	ret_mac->key_id = fk_wire_get_u16(&r);
	mac_format = fk_wire_get_u8(&r);
	if (mac_length != FK_KMM_MAC_SIZE)
		return FK_EFORMAT;
	/* A bit that nobody has described could mean another way to compute the MAC. */
	if ((mac_format & ~(MAC_FORMAT_D | MAC_FORMAT_VERSION)) != 0)
		return FK_EUNSUPPORTED;
	ret_mac->mac_format = (uint8_t)(mac_format | MAC_FORMAT_D);
	return FK_OK;
}

enum fk_err fk_kmm_decode(const uint8_t *octets, size_t size, struct fk_kmm_frame *ret_frame)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_kmm_header header = {0};
	size_t frame_size, body_at, body_end;
	uint8_t format;
	enum fk_err err;

	/* spec: P25 sheet 1.1, KMM header */
	header.message_id = fk_wire_get_u8(&r);
	header.message_length = fk_wire_get_u16(&r);
	format = fk_wire_get_u8(&r);
	header.destination_rsi = fk_wire_get_u24(&r);
	header.source_rsi = fk_wire_get_u24(&r);
	if (r.failed)
		return FK_ETRUNC;
	frame_size = header.message_length + (size_t)LENGTH_EXCLUDED;
	if (header.message_length < LENGTH_MIN || frame_size > FK_KMM_SIZE_MAX) {
		/* A length that no KMM has and that the octets do not bear out: cut, or nonsense.
		 */
		return frame_size > size ? FK_ETRUNC : FK_EFORMAT;
	}
	if (frame_size > size)
		return FK_ETRUNC;

	err = read_format(format, &header);
	if (err != FK_OK)
		return err;
	body_at = FK_KMM_HEADER_SIZE + (header.has_message_number ? 2u : 0u);
	body_end = frame_size;
	if (header.has_mac) {
		if (body_at + FK_KMM_MAC_BLOCK_SIZE > frame_size)
			return FK_EFORMAT;
		body_end -= FK_KMM_MAC_BLOCK_SIZE;
		err = read_mac(octets + body_end, &header.mac);
		if (err != FK_OK)
			return err;
	}
	if (body_at > body_end)
		return FK_EFORMAT;
	if (header.has_message_number)
		header.message_number = fk_wire_get_u16(&r);

	/* Field by field: what is put together piece by piece and then copied as a whole waits for
	 * its pieces. */
	ret_frame->header.message_id = header.message_id;
	ret_frame->header.message_length = header.message_length;
	ret_frame->header.response_kind = header.response_kind;
	ret_frame->header.has_message_number = header.has_message_number;
	ret_frame->header.has_mac = header.has_mac;
	ret_frame->header.done = header.done;
	ret_frame->header.destination_rsi = header.destination_rsi;
	ret_frame->header.source_rsi = header.source_rsi;
	ret_frame->header.message_number = header.message_number;
	ret_frame->header.mac = header.mac;
	ret_frame->octets = octets;
	ret_frame->size = (uint16_t)frame_size;
	ret_frame->body = octets + body_at;
	ret_frame->body_size = (uint16_t)(body_end - body_at);
	return FK_OK;
}

/* spec: P25 sheet 3.7 transport B: three reserved bits, then the version */
#define PREAMBLE_VERSION_MASK 0x1f

enum fk_err fk_kmm_preamble_encode(const struct fk_kmm_preamble *preamble, uint8_t *buf, size_t cap)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap), part;

	if (preamble->version != 0 || preamble->mfid != 0)
		return FK_EINVAL;
	if (!fk_wire_part(&w, FK_KMM_PREAMBLE_SIZE, &part))
		return FK_EFULL;
	fk_wire_put_u8(&part, preamble->version);
	fk_wire_put_u8(&part, preamble->mfid);
	fk_wire_put_u8(&part, preamble->algorithm_id);
	fk_wire_put_u16(&part, preamble->key_id);
	fk_wire_put_bytes(&part, preamble->message_indicator, sizeof(preamble->message_indicator));
	return FK_OK;
}

enum fk_err fk_kmm_preamble_decode(const uint8_t *octets, size_t size,
				   struct fk_kmm_preamble *ret_preamble)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_kmm_preamble preamble;
	const uint8_t *indicator;

	preamble.version = fk_wire_get_u8(&r) & PREAMBLE_VERSION_MASK;
	preamble.mfid = fk_wire_get_u8(&r);
	preamble.algorithm_id = fk_wire_get_u8(&r);
	preamble.key_id = fk_wire_get_u16(&r);
	indicator = fk_wire_get_bytes(&r, sizeof(preamble.message_indicator));
	if (indicator == NULL)
		return FK_ETRUNC;
	memcpy(preamble.message_indicator, indicator, sizeof(preamble.message_indicator));
	if (preamble.version != 0 || preamble.mfid != 0)
		return FK_EUNSUPPORTED;
	*ret_preamble = preamble;
	return FK_OK;
}
