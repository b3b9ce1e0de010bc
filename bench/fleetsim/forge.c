/* SPDX-License-Identifier: Apache-2.0 */
/* forge.c - see forge.h. spec: P25 sheet 1.1-1.3 for the places of all fields */
#include <string.h>

#include <fleetkey/wire.h>

#include "forge.h"

#define LENGTH_OFFSET	   1
#define FORMAT_OFFSET	   3
#define DESTINATION_OFFSET 4
#define SOURCE_OFFSET	   7
#define NUMBERED_SIZE	   (FK_KMM_HEADER_SIZE + 2)
#define KEY_ID_FROM_END	   3 /* key ID 2, MAC format 1 */
#define MAC_TYPE_BITS	   0x0c

enum fk_err fk_forge_copy(const uint8_t *kmm, size_t size, struct fk_forged *ret_forged)
{
	if (size > sizeof(ret_forged->octets) || size < NUMBERED_SIZE + FK_KMM_MAC_BLOCK_SIZE)
		return FK_EINVAL;
	memcpy(ret_forged->octets, kmm, size);
	ret_forged->size = size;
	return FK_OK;
}

static void flip(struct fk_forged *f, size_t offset, size_t size, uint32_t bit)
{
	bit %= (uint32_t)size * 8;
	f->octets[offset + bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

void fk_forge_flip_mac(struct fk_forged *f, uint32_t bit)
{
	flip(f, f->size - FK_KMM_MAC_BLOCK_SIZE, FK_KMM_MAC_SIZE, bit);
}

void fk_forge_flip_body(struct fk_forged *f, uint32_t bit)
{
	flip(f, FK_KMM_HEADER_SIZE, f->size - FK_KMM_HEADER_SIZE - FK_KMM_MAC_BLOCK_SIZE, bit);
}

static void put(struct fk_forged *f, size_t offset, uint32_t value, size_t size)
{
	struct fk_wire_writer w = fk_wire_writer(f->octets + offset, size);

	if (size == 3)
		fk_wire_put_u24(&w, value);
	else
		fk_wire_put_u16(&w, (uint16_t)value);
}

void fk_forge_source(struct fk_forged *f, uint32_t rsi)
{
	put(f, SOURCE_OFFSET, rsi, 3);
}

void fk_forge_destination(struct fk_forged *f, uint32_t rsi)
{
	put(f, DESTINATION_OFFSET, rsi, 3);
}

void fk_forge_key_id(struct fk_forged *f, uint16_t key_id)
{
	put(f, f->size - KEY_ID_FROM_END, key_id, 2);
}

uint16_t fk_forge_mac_key_id(const struct fk_forged *f)
{
	struct fk_wire_reader r = fk_wire_reader(f->octets + f->size - KEY_ID_FROM_END, 2);

	return fk_wire_get_u16(&r);
}

void fk_forge_strip_mac(struct fk_forged *f)
{
	f->size -= FK_KMM_MAC_BLOCK_SIZE;
	f->octets[FORMAT_OFFSET] &= (uint8_t)~MAC_TYPE_BITS;
	put(f, LENGTH_OFFSET, (uint32_t)(f->size - FORMAT_OFFSET), 2);
}

enum fk_err fk_forge_sign(struct fk_forged *f, struct fk_ossl *ossl,
			  const uint8_t tek[static FK_OSSL_KEY_SIZE])
{
	uint8_t *mac = f->octets + f->size - FK_KMM_MAC_BLOCK_SIZE;

	return fk_ossl_mac(ossl, tek, f->octets, f->size, f->octets[f->size - 1], mac);
}
