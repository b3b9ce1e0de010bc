/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does one answer of a UE cost from the frame to the verified KMM? A NOTIFICATION and a
 * Rekey-Ack as an MCData server sends them, in long and in compact header form, stage by stage:
 * Ethernet to UDP with its checksum, SIP, body parts, mcdata-info, SDS (and KMM), authentication,
 * and the 200 that goes back. 'shape' is what stands in for SIP, parts and mcdata-info once one
 * such message was read in full; 'total' is without it, 'total_by_shape' with it. Every stage runs
 * over a whole burst, as the worker does it; every frame differs in its identifiers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include <fleetkey/kmm.h>
#include <fleetkey/sds.h>

#include "crypto/engine.h"
#include "crypto/token_tag.h"
#include "series.h"
#include "wire/mcdata_info.h"
#include "wire/net.h"
#include "wire/sip.h"
#include "wire/sip_shape.h"

#define BURST	     32
#define N_FRAMES     256 /* of one case: they stay in the second-level cache */
#define FRAME_SIZE   1536
#define BODY_SIZE    900
#define PARTS_MAX    8
#define KMF_URI	     "sip:kmf@lmr.mc.example"
#define SERVER_URI   "sip:mcdata@mcdata.example"
#define KMF_RSI	     9999998u
#define ANSWER_CAP   1024
#define N_CASES	     4
#define INFO_TYPE    "application/vnd.3gpp.mcdata-info+xml"
#define SIGNAL_TYPE  "application/vnd.3gpp.mcdata-signalling"
#define PAYLOAD_TYPE "application/vnd.3gpp.mcdata-payload"

enum stage {
	STAGE_NET,
	STAGE_SIP,
	STAGE_SPLIT,
	STAGE_INFO,
	STAGE_SDS,
	STAGE_VERIFY,
	STAGE_ANSWER,
	STAGE_SHAPE,
	STAGE_PARSE, /* net, sip, split and info: what the budget of the wire library is about */
	STAGE_TOTAL,
	STAGE_TOTAL_BY_SHAPE,
	N_STAGES,
};

static const char *const stage_names[N_STAGES] = {
	"net",
	"sip",
	"split",
	"mcdata_info",
	"sds",
	"verify",
	"answer",
	"shape",
	"net_to_mcdata_info",
	"total",
	"total_by_shape",
};

struct form {
	const char *via, *from, *to, *call_id, *content_type, *content_length, *separator;
};

static const struct form long_form = {"Via",	      "From",		"To", "Call-ID",
				      "Content-Type", "Content-Length", ": "};
static const struct form compact_form = {"v", "f", "t", "i", "c", "l", ":"};

struct bench_case {
	const char *name;
	bool is_ack;
	const struct form *form;
	struct fk_series series[N_STAGES];
};

static struct bench_case cases[N_CASES] = {
	{.name = "notification", .form = &long_form},
	{.name = "rekey_ack", .is_ack = true, .form = &long_form},
	{.name = "notification_compact", .form = &compact_form},
	{.name = "rekey_ack_compact", .is_ack = true, .form = &compact_form},
};

struct frame {
	size_t size;
	uint8_t octets[FRAME_SIZE];
};

/* One frame on its way through the stages. */
struct lane {
	struct fk_net_frame net;
	struct fk_sip_message sip;
	struct fk_sip_part parts[PARTS_MAX];
	uint32_t n_parts;
	const struct fk_sip_part *info, *signalling, *payload;
	struct fk_mcdata_info mcdata_info;
	uint8_t message_id[FK_MESSAGE_ID_SIZE];
	struct fk_kmm_frame kmm;
	struct fk_kmm_rekey_ack ack;
	uint8_t answer[ANSWER_CAP];
	struct fk_sip_message shaped;
	struct fk_sip_shape_body shaped_body;
};

static struct frame frames[N_CASES][N_FRAMES];
static struct lane lanes[BURST];
static struct fk_crypto_scratch scratch;
static const struct fk_crypto_engine *engine;
static struct fk_token_key token_key;
static uint8_t teks[N_FRAMES][32];
static struct fk_sip_shapes *shapes;

static void die(const char *what)
{
	fprintf(stderr, "bench-parse: %s failed\n", what);
	exit(1);
}

static void require(bool holds, const char *what)
{
	if (!holds)
		die(what);
}

static size_t encode_ack(uint32_t i, uint8_t *buf, size_t cap)
{
	const struct fk_kmm_header header = {
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = KMF_RSI,
		.source_rsi = i + 1,
		.message_number = (uint16_t)i,
		.mac = {.algorithm_id = FK_ALGORITHM_AES_256,
			.key_id = 0x1234,
			.mac_format = FK_KMM_MAC_FORMAT_CMAC},
	};
	const struct fk_kmm_rekey_ack ack = {
		.acknowledged_message_id = FK_KMM_REKEY_COMMAND,
		.n_statuses = 1,
		.statuses = {{.algorithm_id = FK_ALGORITHM_AES_256, .key_id = 0x2345}},
	};
	static const struct fk_kmm_preamble preamble = {.algorithm_id = FK_ALGORITHM_CLEAR};
	uint8_t kmm[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX];
	struct fk_mac_lane mac = {.tek = teks[i],
				  .frame = kmm + FK_KMM_PREAMBLE_SIZE,
				  .mac_format = FK_KMM_MAC_FORMAT_CMAC};
	size_t size, out;

	require(fk_kmm_preamble_encode(&preamble, kmm, sizeof(kmm)) == FK_OK, "preamble");
	require(fk_kmm_encode_rekey_ack(&header, &ack, kmm + FK_KMM_PREAMBLE_SIZE,
					sizeof(kmm) - FK_KMM_PREAMBLE_SIZE, &size) == FK_OK,
		"Rekey-Ack");
	mac.frame_size = (uint16_t)size;
	engine->mac(&scratch, &mac, 1);
	memcpy(kmm + FK_KMM_PREAMBLE_SIZE + size - FK_KMM_MAC_BLOCK_SIZE, mac.mac, FK_KMM_MAC_SIZE);
	require(fk_sds_encode_data(FK_SDS_CONTENT_BINARY, kmm, FK_KMM_PREAMBLE_SIZE + size, buf,
				   cap, &out) == FK_OK,
		"DATA PAYLOAD");
	return out;
}

static size_t encode_signalling(uint32_t i, bool is_ack, uint8_t *buf, size_t cap)
{
	struct fk_sds_notification note = {.disposition = FK_SDS_DELIVERED,
					   .date_time_s = 1700000000 + i};
	struct fk_sds_signalling signalling = {.date_time_s = 1700000000 + i,
					       .has_in_reply_to = true};
	uint64_t token = 0x0100100000010000u + ((uint64_t)i << 16);
	uint8_t id[1][FK_MESSAGE_ID_SIZE];
	size_t size;

	fk_message_id_make(&token_key, &token, id, NULL, 1);
	memcpy(note.message_id, id, FK_MESSAGE_ID_SIZE);
	memcpy(signalling.in_reply_to, id, FK_MESSAGE_ID_SIZE);
	memcpy(signalling.message_id, &i, sizeof(i));
	require((is_ack ? fk_sds_encode_signalling(&signalling, buf, cap, &size)
			: fk_sds_encode_notification(&note, buf, cap, &size)) == FK_OK,
		"signalling");
	return size;
}

static size_t put_part(uint8_t *at, const struct form *form, const char *type, const void *octets,
		       size_t size)
{
	size_t n = (size_t)sprintf((char *)at, "--Fk9bOuNd\r\nContent-Type%s%s\r\n\r\n",
				   form->separator, type);

	memcpy(at + n, octets, size);
	memcpy(at + n + size, "\r\n", 2);
	return n + size + 2;
}

static size_t compose_body(const struct bench_case *c, uint32_t i, uint8_t body[static BODY_SIZE])
{
	uint8_t signalling[128], data[256];
	char info[600];
	size_t n, size = 0;

	n = (size_t)snprintf(info, sizeof(info),
			     "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
			     "<request-type>one-to-one-sds</request-type>"
			     "<mcdata-request-uri type=\"Normal\"><mcdataURI>" KMF_URI
			     "</mcdataURI></mcdata-request-uri>"
			     "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>"
			     "sip:ue%07u@mcdata.example</mcdataURI></mcdata-calling-user-id>"
			     "</mcdata-Params></mcdatainfo>",
			     i);
	size += put_part(body + size, c->form, INFO_TYPE, info, n);
	n = encode_signalling(i, c->is_ack, signalling, sizeof(signalling));
	size += put_part(body + size, c->form, SIGNAL_TYPE, signalling, n);
	if (c->is_ack) {
		n = encode_ack(i, data, sizeof(data));
		size += put_part(body + size, c->form, PAYLOAD_TYPE, data, n);
	}
	return size + (size_t)sprintf((char *)body + size, "--Fk9bOuNd--\r\n");
}

static void compose(const struct bench_case *c, uint32_t i, struct frame *frame)
{
	const struct fk_address peer = fk_address_of_ipv4(0xc0000214);
	const struct fk_address own = fk_address_of_ipv4(0xc000020a);
	struct fk_net_path path = fk_net_path_make(&peer, &own, 5060, 5060);
	const struct form *f = c->form;
	uint8_t body[BODY_SIZE];
	size_t body_size = compose_body(c, i, body), size;
	uint64_t id = (i + 1) * 0x9e3779b97f4a7c15u;

	size = (size_t)snprintf(
		(char *)frame->octets + FK_UDP_FRAME_OVERHEAD, FRAME_SIZE - FK_UDP_FRAME_OVERHEAD,
		"MESSAGE " KMF_URI " SIP/2.0\r\n"
		"%s%sSIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK%08x%016llx\r\n"
		"Max-Forwards%s70\r\n"
		"%s%s<" SERVER_URI ">;tag=%08x\r\n"
		"%s%s<" KMF_URI ">\r\n"
		"%s%s%016llx\r\n"
		"CSeq%s1 MESSAGE\r\n"
		"%s%s*;+g.3gpp.mcdata.sds;require;explicit,*;+g.3gpp.icsi-ref="
		"\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.mcdata.sds\";require;explicit\r\n"
		"P-Asserted-Identity%s<" SERVER_URI ">\r\n"
		"P-Asserted-Service%surn:urn-7:3gpp-service.ims.icsi.mcdata.sds\r\n"
		"%s%smultipart/mixed;boundary=Fk9bOuNd\r\n"
		"%s%s%zu\r\n\r\n",
		f->via, f->separator, i, (unsigned long long)id, f->separator, f->from,
		f->separator, (unsigned)id, f->to, f->separator, f->call_id, f->separator,
		(unsigned long long)id, f->separator, f == &long_form ? "Accept-Contact" : "a",
		f->separator, f->separator, f->separator, f->content_type, f->separator,
		f->content_length, f->separator, body_size);
	require(FK_UDP_FRAME_OVERHEAD + size + body_size <= FRAME_SIZE, "room for a frame");
	memcpy(frame->octets + FK_UDP_FRAME_OVERHEAD + size, body, body_size);
	frame->size =
		fk_net_finish_udp(&path, frame->octets, (uint16_t)(size + body_size), (uint16_t)i);
}

static void run_net(const struct frame *f, uint32_t first)
{
	for (uint32_t i = 0; i < BURST; i++)
		require(fk_net_parse(f[first + i].octets, f[first + i].size, &lanes[i].net) ==
				FK_OK,
			"net");
}

static void run_sip(void)
{
	for (uint32_t i = 0; i < BURST; i++)
		require(fk_sip_parse(lanes[i].net.payload, lanes[i].net.payload_size,
				     &lanes[i].sip) == FK_OK,
			"sip");
}

static void run_split(void)
{
	for (uint32_t i = 0; i < BURST; i++) {
		struct lane *l = &lanes[i];

		require(fk_sip_split_body(&l->sip, l->parts, PARTS_MAX, &l->n_parts) == FK_OK,
			"split");
		l->info = l->signalling = l->payload = NULL;
		for (uint32_t p = 0; p < l->n_parts; p++) {
			if (fk_view_is(l->parts[p].content_type, INFO_TYPE))
				l->info = &l->parts[p];
			else if (fk_view_is(l->parts[p].content_type, SIGNAL_TYPE))
				l->signalling = &l->parts[p];
			else if (fk_view_is(l->parts[p].content_type, PAYLOAD_TYPE))
				l->payload = &l->parts[p];
		}
		require(l->info != NULL && l->signalling != NULL, "parts");
	}
}

static void run_info(void)
{
	for (uint32_t i = 0; i < BURST; i++)
		require(fk_mcdata_info_parse(lanes[i].info->octets, lanes[i].info->size,
					     &lanes[i].mcdata_info) == FK_OK,
			"mcdata-info");
}

static void decode_ack(struct lane *l)
{
	struct fk_sds_signalling signalling;
	struct fk_kmm_preamble preamble;
	const uint8_t *at;
	size_t size;

	require(fk_sds_decode_signalling(l->signalling->octets, l->signalling->size, &signalling) ==
				FK_OK &&
			fk_sds_decode_data(l->payload->octets, l->payload->size, &at, &size) ==
				FK_OK &&
			fk_kmm_preamble_decode(at, size, &preamble) == FK_OK &&
			fk_kmm_decode(at + FK_KMM_PREAMBLE_SIZE, size - FK_KMM_PREAMBLE_SIZE,
				      &l->kmm) == FK_OK &&
			fk_kmm_decode_rekey_ack(&l->kmm, &l->ack) == FK_OK,
		"sds");
	memcpy(l->message_id, signalling.in_reply_to, sizeof(l->message_id));
}

static void decode_notification(struct lane *l)
{
	struct fk_sds_notification note;

	require(fk_sds_decode_notification(l->signalling->octets, l->signalling->size, &note) ==
			FK_OK,
		"notification");
	memcpy(l->message_id, note.message_id, sizeof(l->message_id));
}

static void run_sds(bool is_ack)
{
	for (uint32_t i = 0; i < BURST; i++) {
		if (is_ack)
			decode_ack(&lanes[i]);
		else
			decode_notification(&lanes[i]);
	}
}

/* A disposition is authentic by its Message ID, a KMM by its MAC; it names a Message ID too. */
static void run_verify(bool is_ack, uint32_t first)
{
	struct fk_token_claim claims[BURST], *pointers[BURST];
	struct fk_mac_lane macs[BURST];

	for (uint32_t i = 0; i < BURST; i++) {
		fk_message_id_read(lanes[i].message_id, &claims[i]);
		pointers[i] = &claims[i];
	}
	fk_token_claims_check(&token_key, pointers, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		require(claims[i].is_authentic, "token");
	if (!is_ack)
		return;
	for (uint32_t i = 0; i < BURST; i++)
		macs[i] = (struct fk_mac_lane){.tek = teks[first + i],
					       .frame = lanes[i].kmm.octets,
					       .frame_size = lanes[i].kmm.size,
					       .mac_format = lanes[i].kmm.header.mac.mac_format};
	engine->mac(&scratch, macs, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		require(memcmp(macs[i].mac,
			       lanes[i].kmm.octets + lanes[i].kmm.size - FK_KMM_MAC_BLOCK_SIZE,
			       FK_KMM_MAC_SIZE) == 0,
			"MAC");
}

static void run_answer(void)
{
	static const uint8_t own_mac[FK_MAC_SIZE] = {2, 0, 0, 0, 0, 1};

	for (uint32_t i = 0; i < BURST; i++) {
		struct lane *l = &lanes[i];
		struct fk_net_path path =
			fk_net_path_make(&l->net.destination, &l->net.source,
					 l->net.destination_port, l->net.source_port);
		size_t size;

		memcpy(path.source_mac, own_mac, FK_MAC_SIZE);
		memcpy(path.destination_mac, l->net.source_mac, FK_MAC_SIZE);
		require(fk_sip_build_response(
				&l->sip, 200, "0123456789abcdef", &l->net.source,
				l->net.source_port, NULL, l->answer + FK_UDP_FRAME_OVERHEAD,
				sizeof(l->answer) - FK_UDP_FRAME_OVERHEAD, &size) == FK_OK &&
				fk_net_finish_udp(&path, l->answer, (uint16_t)size, 1) > 0,
			"answer");
	}
}

static void run_shape(void)
{
	for (uint32_t i = 0; i < BURST; i++)
		require(fk_sip_shapes_read(shapes, lanes[i].net.payload, lanes[i].net.payload_size,
					   &lanes[i].shaped, &lanes[i].shaped_body),
			"shape");
}

static struct fk_view view_of(const struct fk_sip_part *part)
{
	if (part == NULL)
		return (struct fk_view){0};
	return (struct fk_view){.at = (const char *)part->octets, .len = part->size};
}

/* From the first frame. */
static void learn(const struct frame *f)
{
	struct lane *l = &lanes[0];
	struct fk_sip_shape_body body;

	run_net(f, 0);
	run_sip();
	run_split();
	body = (struct fk_sip_shape_body){
		.info = view_of(l->info),
		.signalling = view_of(l->signalling),
		.payload = view_of(l->payload),
	};
	for (uint32_t i = 0; i < FK_SIP_SHAPE_EVERY; i++)
		fk_sip_shapes_learn(shapes, l->net.payload, l->net.payload_size, &l->sip, &body);
}

/* One pass of a burst through the stages; cycles of each in 'ret_spent'. */
static void run_burst(const struct bench_case *c, const struct frame *f, uint32_t first,
		      uint64_t ret_spent[static N_STAGES])
{
	uint64_t at[STAGE_PARSE + 1];

	at[STAGE_NET] = __rdtsc();
	run_net(f, first);
	at[STAGE_SIP] = __rdtsc();
	run_sip();
	at[STAGE_SPLIT] = __rdtsc();
	run_split();
	at[STAGE_INFO] = __rdtsc();
	run_info();
	at[STAGE_SDS] = __rdtsc();
	run_sds(c->is_ack);
	at[STAGE_VERIFY] = __rdtsc();
	run_verify(c->is_ack, first);
	at[STAGE_ANSWER] = __rdtsc();
	run_answer();
	at[STAGE_SHAPE] = __rdtsc();
	run_shape();
	at[STAGE_PARSE] = __rdtsc();
	for (uint32_t s = 0; s < STAGE_PARSE; s++)
		ret_spent[s] = at[s + 1] - at[s];
	ret_spent[STAGE_PARSE] = at[STAGE_SDS] - at[STAGE_NET];
	ret_spent[STAGE_TOTAL] = at[STAGE_SHAPE] - at[STAGE_NET];
	ret_spent[STAGE_TOTAL_BY_SHAPE] =
		at[STAGE_PARSE] - at[STAGE_SDS] + at[STAGE_SIP] - at[STAGE_NET];
}

/* A sample is the median burst of some: one that an interrupt hit says nothing about the code. */
static void sample(struct bench_case *c, const struct frame *f)
{
	struct fk_series bursts[N_STAGES] = {0};

	for (uint32_t i = 0; i < FK_SERIES_RUNS; i++) {
		uint64_t spent[N_STAGES];

		run_burst(c, f, i * BURST % N_FRAMES, spent);
		for (uint32_t s = 0; s < N_STAGES; s++)
			fk_series_add(&bursts[s], (double)spent[s] / BURST);
	}
	for (uint32_t s = 0; s < N_STAGES; s++)
		fk_series_add(&c->series[s], fk_series_spread(&bursts[s]).median);
}

static void warm_up(void)
{
	for (uint32_t i = 0; i < N_CASES; i++) {
		learn(frames[i]);
		sample(&cases[i], frames[i]);
		for (uint32_t s = 0; s < N_STAGES; s++)
			cases[i].series[s].n = 0;
	}
}

int main(int argc, char **argv)
{
	const char *json_path = fk_series_options(argc, argv);
	static struct fk_series all[N_CASES * N_STAGES];

	if (fk_engine_select(NULL, &scratch, &engine) != FK_OK)
		die("self-test of the engine");
	srandom(1);
	for (size_t i = 0; i < sizeof(teks); i++)
		((uint8_t *)teks)[i] = (uint8_t)random();
	shapes = fk_sip_shapes_new();
	require(shapes != NULL, "memory for shapes");
	fk_token_key_init(&token_key, engine, &scratch, teks[0]);
	for (uint32_t i = 0; i < N_CASES; i++)
		for (uint32_t j = 0; j < N_FRAMES; j++)
			compose(&cases[i], j, &frames[i][j]);
	warm_up();
	for (uint32_t run = 0; run < FK_SERIES_RUNS; run++)
		for (uint32_t i = 0; i < N_CASES; i++)
			sample(&cases[i], frames[i]);
	for (uint32_t i = 0; i < N_CASES; i++) {
		for (uint32_t s = 0; s < N_STAGES; s++) {
			all[i * N_STAGES + s] = cases[i].series[s];
			fk_series_name(&all[i * N_STAGES + s], "%s/%s", cases[i].name,
				       stage_names[s]);
		}
	}
	fk_series_print("receive, cycles/answer", all, N_CASES * N_STAGES);
	fk_sip_shapes_free(shapes);
	fk_token_key_wipe(&token_key);
	if (json_path == NULL)
		return 0;
	return fk_series_report(json_path, "parse", "cycles/answer", all, N_CASES * N_STAGES,
				json_object())
		       ? 0
		       : 1;
}
