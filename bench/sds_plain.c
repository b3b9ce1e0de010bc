/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evp.h"
#include "fleetsim/ossl.h"
#include "sds_job.h"

#define FRAME_CAP 2048
#define BODY_CAP  1400
#define BLOCK	  16
#define TAG_BITS  58

struct fk_sds_plain {
	EVP_CIPHER_CTX *wrap, *token;
	EVP_MAC_CTX *hmac, *cmac;
	struct fk_ossl *low_level; /* the MAC without EVP_MAC; NULL with it */
	uint8_t subkey1[BLOCK];
};

static EVP_CIPHER_CTX *ecb_new(const uint8_t key[static 32])
{
	EVP_CIPHER_CTX *ctx = fk_evp_cipher_new(EVP_aes_256_ecb());

	fk_evp_expect(EVP_EncryptInit_ex(ctx, NULL, NULL, key, NULL));
	return ctx;
}

static void ecb(EVP_CIPHER_CTX *ctx, uint8_t block[static BLOCK])
{
	fk_evp_expect(EVP_Cipher(ctx, block, block, BLOCK) == BLOCK);
}

struct fk_sds_plain *fk_sds_plain_new(const uint8_t token_key[static 32], bool is_low_level)
{
	struct fk_sds_plain *plain = calloc(1, sizeof(*plain));
	uint8_t carry = 0;

	fk_evp_expect(plain != NULL);
	fk_evp_expect(!is_low_level || fk_ossl_new(&plain->low_level) == FK_OK);
	plain->hmac = fk_evp_hmac_new();
	plain->cmac = fk_evp_cmac_new();
	plain->wrap = ecb_new(token_key);
	plain->token = ecb_new(token_key);
	/* spec: SP 800-38B §6.1: K1 of CMAC */
	ecb(plain->token, plain->subkey1);
	for (int i = BLOCK - 1; i >= 0; i--) {
		uint8_t next = plain->subkey1[i] >> 7;

		plain->subkey1[i] = (uint8_t)(plain->subkey1[i] << 1 | carry);
		carry = next;
	}
	if (carry != 0)
		plain->subkey1[BLOCK - 1] ^= 0x87;
	return plain;
}

void fk_sds_plain_free(struct fk_sds_plain *plain)
{
	EVP_CIPHER_CTX_free(plain->wrap);
	EVP_CIPHER_CTX_free(plain->token);
	EVP_MAC_CTX_free(plain->hmac);
	EVP_MAC_CTX_free(plain->cmac);
	fk_ossl_free(plain->low_level);
	free(plain);
}

static void mac(struct fk_sds_plain *plain, const uint8_t *tek, uint8_t *kmm, size_t size)
{
	if (plain->low_level == NULL)
		fk_evp_kmm_cmac(plain->hmac, plain->cmac, tek, kmm, size,
				kmm + size - FK_KMM_MAC_BLOCK_SIZE);
	else
		fk_evp_expect(fk_ossl_mac(plain->low_level, tek, kmm, size, FK_KMM_MAC_FORMAT_CMAC,
					  kmm + size - FK_KMM_MAC_BLOCK_SIZE) == FK_OK);
}

/* Leftmost 58 bits of the CMAC of one block: domain, token, epoch, count. Its third word is the
 * From-tag of a Message ID. */
static uint64_t token_tag(struct fk_sds_plain *plain, uint8_t domain, uint64_t token,
			  uint32_t epoch, uint32_t count, uint32_t *ret_mark)
{
	uint8_t block[BLOCK] = {domain};
	uint64_t tag = 0;

	for (int i = 0; i < 8; i++)
		block[1 + i] = (uint8_t)(token >> (56 - 8 * i));
	for (int i = 0; i < 4; i++)
		block[9 + i] = (uint8_t)(epoch >> (24 - 8 * i));
	for (int i = 0; i < 3; i++)
		block[13 + i] = (uint8_t)(count >> (16 - 8 * i));
	for (int i = 0; i < BLOCK; i++)
		block[i] ^= plain->subkey1[i];
	ecb(plain->token, block);
	for (int i = 0; i < 8; i++)
		tag = tag << 8 | block[i];
	*ret_mark = (uint32_t)block[8] << 24 | (uint32_t)block[9] << 16 | (uint32_t)block[10] << 8 |
		    block[11];
	return tag >> (64 - TAG_BITS);
}

static void message_id(struct fk_sds_plain *plain, uint64_t token, uint8_t id[static BLOCK],
		       uint32_t *ret_mark)
{
	uint64_t tag = token_tag(plain, 1, token, 0, 0, ret_mark);
	uint64_t high = (token & ~0xffffull) | 0x4000 | (token >> 4 & 0xfff);
	uint64_t low = 2ull << 62 | (token & 0xf) << TAG_BITS | tag;

	for (int i = 0; i < 8; i++) {
		id[i] = (uint8_t)(high >> (56 - 8 * i));
		id[8 + i] = (uint8_t)(low >> (56 - 8 * i));
	}
}

static size_t put_part(char *at, size_t cap, const char *type, const uint8_t *octets, size_t size)
{
	size_t n = (size_t)snprintf(at, cap, "--k\r\nContent-Type:application/%s\r\n\r\n", type);

	memcpy(at + n, octets, size);
	memcpy(at + n + size, "\r\n", 2);
	return n + size + 2;
}

static size_t put_body(const struct fk_sds_job *job, const uint8_t id[static BLOCK],
		       const uint8_t *payload, size_t payload_size, char *body, size_t cap)
{
	struct fk_sds_signalling signalling = {
		.date_time_s = job->campaign->date_time_s,
		.disposition_request = FK_SDS_REQUEST_DELIVERY,
		.options.extended_app_id_type = FK_SDS_APP_ID_URI,
		.options.extended_app_id = {(const uint8_t *)FK_SDS_KMF_URI,
					    sizeof(FK_SDS_KMF_URI) - 1},
	};
	uint8_t octets[512];
	char info[512];
	size_t size = 0, n;

	n = (size_t)snprintf(info, sizeof(info),
			     "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
			     "<request-type>one-to-one-sds</request-type>"
			     "<mcdata-request-uri type=\"Normal\"><mcdataURI>%s</mcdataURI>"
			     "</mcdata-request-uri><mcdata-calling-user-id type=\"Normal\">"
			     "<mcdataURI>%s</mcdataURI></mcdata-calling-user-id>"
			     "</mcdata-Params></mcdatainfo>",
			     job->uri, FK_SDS_KMF_URI);
	size += put_part(body, cap, "vnd.3gpp.mcdata-info+xml", (const uint8_t *)info, n);
	memcpy(signalling.conversation_id, job->campaign->conversation_id, FK_SDS_ID_SIZE);
	memcpy(signalling.message_id, id, FK_SDS_ID_SIZE);
	fk_evp_expect(fk_sds_encode_signalling(&signalling, octets, sizeof(octets), &n) == FK_OK);
	size += put_part(body + size, cap - size, "vnd.3gpp.mcdata-signalling", octets, n);
	fk_evp_expect(fk_sds_encode_data(FK_SDS_CONTENT_BINARY, payload, payload_size, octets,
					 sizeof(octets), &n) == FK_OK);
	size += put_part(body + size, cap - size, "vnd.3gpp.mcdata-payload", octets, n);
	memcpy(body + size, "--k--", 5);
	return size + 5;
}

static size_t put_message(struct fk_sds_plain *plain, const struct fk_sds_job *job,
			  uint32_t from_tag, const char *body, size_t body_size, char *message,
			  size_t cap)
{
	char call_id[23] = "";
	uint32_t unused;
	size_t n;

	fk_sds_call_id(job, call_id);
	n = (size_t)snprintf(
		message, cap,
		"MESSAGE %s SIP/2.0\r\n"
		"v:SIP/2.0/UDP %s;branch=z9hG4bK%016llx%08x%06x%015llx\r\n"
		"Max-Forwards:70\r\nf:<%s>;tag=%08x\r\nt:<%s>\r\ni:%s\r\nCSeq:1 MESSAGE\r\n"
		"a:*;+g.3gpp.mcdata.sds;require;explicit,*;+g.3gpp.icsi-ref="
		"\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.mcdata.sds\";require;explicit\r\n"
		"P-Asserted-Service:urn:urn-7:3gpp-service.ims.icsi.mcdata.sds\r\n"
		"P-Asserted-Identity:<%s>\r\nc:multipart/mixed;boundary=k\r\nl:%04zu\r\n\r\n",
		job->uri, FK_SDS_SENT_BY, (unsigned long long)job->token, FK_SDS_EPOCH, job->count,
		(unsigned long long)token_tag(plain, 2, job->token, FK_SDS_EPOCH, job->count,
					      &unused)
			<< 2,
		FK_SDS_KMF_URI, from_tag, job->uri, call_id, FK_SDS_KMF_PSI, body_size);
	memcpy(message + n, body, body_size);
	return n + body_size;
}

/* RFC 1071 as most write it. */
static uint16_t checksum(const uint8_t *octets, size_t size, uint32_t sum)
{
	for (; size > 1; octets += 2, size -= 2)
		sum += (uint32_t)octets[0] << 8 | octets[1];
	if (size > 0)
		sum += (uint32_t)octets[0] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_u16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_headers(const struct fk_net_path *path, uint8_t *frame, size_t size, uint16_t ip_id)
{
	uint8_t *ip = frame + FK_ETH_HEADER_SIZE, *udp = ip + FK_IPV4_HEADER_SIZE;
	uint32_t source = fk_address_ipv4(&path->source);
	uint32_t destination = fk_address_ipv4(&path->destination);
	uint16_t sum;

	memcpy(frame, path->destination_mac, FK_MAC_SIZE);
	memcpy(frame + FK_MAC_SIZE, path->source_mac, FK_MAC_SIZE);
	put_u16(frame + 12, 0x0800);
	memset(ip, 0, FK_IPV4_HEADER_SIZE);
	ip[0] = 0x45;
	put_u16(ip + 2, (uint32_t)(size + FK_UDP_HEADER_SIZE + FK_IPV4_HEADER_SIZE));
	put_u16(ip + 4, ip_id);
	put_u16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = 17;
	put_u16(ip + 12, source >> 16);
	put_u16(ip + 14, source);
	put_u16(ip + 16, destination >> 16);
	put_u16(ip + 18, destination);
	put_u16(ip + 10, checksum(ip, FK_IPV4_HEADER_SIZE, 0));
	put_u16(udp, path->source_port);
	put_u16(udp + 2, path->destination_port);
	put_u16(udp + 4, (uint32_t)(size + FK_UDP_HEADER_SIZE));
	put_u16(udp + 6, 0);
	/* The pseudo header: both addresses, the protocol and the size. */
	sum = checksum(udp, size + FK_UDP_HEADER_SIZE,
		       (source >> 16) + (source & 0xffff) + (destination >> 16) +
			       (destination & 0xffff) + 17 + (uint32_t)(size + FK_UDP_HEADER_SIZE));
	put_u16(udp + 6, sum == 0 ? 0xffff : sum);
}

size_t fk_sds_plain_build(struct fk_sds_plain *plain, const struct fk_sds_job *job, uint8_t *frame)
{
	uint8_t wrapped[40], id[BLOCK], payload[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX];
	char body[BODY_CAP];
	size_t size, body_size;
	uint32_t from_tag;

	fk_evp_wrap_by_ecb(plain->wrap, job->ue->kek, job->campaign->tek, wrapped);
	size = fk_sds_encode_kmm(job, wrapped, payload, sizeof(payload));
	mac(plain, job->has_group_tek ? job->group_tek : job->ue->ptek,
	    payload + FK_KMM_PREAMBLE_SIZE, size - FK_KMM_PREAMBLE_SIZE);
	message_id(plain, job->token, id, &from_tag);
	body_size = put_body(job, id, payload, size, body, sizeof(body));
	size = put_message(plain, job, from_tag, body, body_size,
			   (char *)frame + FK_UDP_FRAME_OVERHEAD,
			   FRAME_CAP - FK_UDP_FRAME_OVERHEAD);
	put_headers(&job->campaign->path, frame, size, job->ip_id);
	return FK_UDP_FRAME_OVERHEAD + size;
}
