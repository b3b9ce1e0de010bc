/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many TSC cycles does the simulated fleet spend on one exchange with a UE: a command, its 202,
 * DELIVERED, the answer, and the two responses to those? The server as it stands behind the port,
 * against MESSAGEs as the dataplane writes them, over many distinct UEs; half of the exchanges are
 * rekeys and half the closing ones. Making the commands is not counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#include <openssl/evp.h>

#include "../series.h"
#include "make_fleet.h"
#include "server.h"
#include "wire/sip.h"
#include "wire/sip_template.h"
#include "wire/xml.h"

#define BURST	    32	    /* exchanges; half of them are rekeys */
#define BURSTS	    61	    /* of one sample, which is their median */
#define N_UES	    131072u /* or what $FK_BENCH_UES says */
#define LAG	    1024u   /* UEs rekeyed before a closing exchange follows */
#define KMF_RSI	    9999999u
#define KEY_ID	    0x4001
#define KMF_PORT    5070
#define FRAME_SIZE  2048
#define N_FRAMES    4096 /* rotating, as a pool's buffers do */
#define N_DATAGRAMS 3	 /* of one exchange, each way */

struct datagram {
	uint8_t octets[FRAME_SIZE];
	size_t size;
};

static const struct fk_address kmf = {{[10] = 0xff, 0xff, 192, 0, 2, 10}};
static const struct fk_address own = {{[10] = 0xff, 0xff, 192, 0, 2, 20}};
static struct fk_fleet fleet;
static struct fk_sim_counts counts;
static struct fk_ossl *kmf_ossl;
static struct fk_radio radio;
static struct fk_hostile hostile;
static struct fk_insider insider;
static struct fk_lies lies;
static struct fk_traits traits;
static struct fk_server server;
static struct fk_face face;
static struct fk_txns *txns;
static struct fk_sip_template template;
static struct datagram requests[BURST], responses[BURST * N_DATAGRAMS];
static uint8_t frames[N_FRAMES][FRAME_SIZE] __attribute__((aligned(64)));
static size_t sizes[N_FRAMES];
static uint32_t n_ues = N_UES, n_sent, at_ue;
static uint64_t n_commands;
static uint8_t tek[32];

static void require(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "bench-fleet: %s failed\n", what);
		exit(1);
	}
}

/* What the port does with a datagram, down to the ring. */
static bool send_frame(void *arg, const struct fk_datagram *d)
{
	uint8_t *frame = frames[n_sent % N_FRAMES];
	struct fk_net_path path =
		fk_net_path_make(&d->source, &d->destination, d->source_port, d->destination_port);

	(void)arg;
	memcpy(frame + path.overhead, d->payload, d->size);
	sizes[n_sent % N_FRAMES] =
		fk_net_finish_udp(&path, frame, d->size, (uint16_t)n_sent) - path.overhead;
	n_sent++;
	return true;
}

static bool has_room(void *arg)
{
	(void)arg;
	return true;
}

static void fleet_make(void)
{
	char path[] = "/tmp/fleetkey-bench-fleet-XXXXXX", text[256] = "";
	int fd = mkstemp(path);
	struct fk_make_fleet spec = {.n_ues = n_ues,
				     .seed = 5,
				     .path = path,
				     .next_hop = "nh1",
				     .groups = "alpha",
				     .domain = "mc.example"};

	require(fd >= 0 && close(fd) == 0 && fk_make_fleet(&spec) == FK_OK, "making a fleet");
	require(fk_fleet_load(path, NULL, &fleet, text, sizeof(text)) == FK_OK, text);
	unlink(path);
	/* All with a CMAC, so that bursts are alike. */
	for (uint32_t i = 0; i < n_ues; i++)
		fleet.ues[i].knows_cbc = false;
}

static void server_make(void)
{
	struct fk_outbox outbox = {.send = send_frame, .has_room = has_room};
	struct fk_txns_spec txns_spec = {.n_slots = 65536,
					 .t1_ms = 500,
					 .source = own,
					 .outbox = outbox,
					 .counts = &counts,
					 .nonce_seed = 1};
	struct fk_sip_template_spec spec = {.carrier = FK_CARRIER_T1,
					    .profile = FK_PROFILE_C,
					    .sent_by = "192.0.2.10:5070",
					    .psi = "sip:mcdata@mc.example",
					    .kmf_uri = "sip:kmf@mc.example",
					    .kmf_psi = "sip:kmf@mc.example",
					    .disposition_request = FK_SDS_REQUEST_DELIVERY};

	face = (struct fk_face){.port = 5060, .profile = FK_PROFILE_C};
	radio = (struct fk_radio){.counts = &counts, .traits = &traits, .kmf_rsi = KMF_RSI};
	require(fk_face_prepare(&face, "sip:kmf@mc.example", &own, NULL) == FK_OK &&
			fk_ossl_new(&kmf_ossl) == FK_OK && fk_ossl_new(&radio.ossl) == FK_OK &&
			fk_txns_new(&txns_spec, 1000, &txns) == FK_OK &&
			fk_sip_template_build(&spec, &template) == FK_OK,
		"making a server");
	server = (struct fk_server){.fleet = &fleet,
				    .radio = &radio,
				    .txns = txns,
				    .hostile = &hostile,
				    .insider = &insider,
				    .lies = &lies,
				    .traits = &traits,
				    .counts = &counts,
				    .outbox = outbox,
				    .address = own,
				    .faces = &face,
				    .n_faces = 1,
				    .kmf_port = KMF_PORT,
				    .now_ms = 1000,
				    .date_time_s = 1700000000};
}

static void wrap(const struct fk_sim_ue *ue, uint8_t wrapped[static FK_OSSL_WRAPPED_SIZE])
{
	static EVP_CIPHER_CTX *ctx;
	int n = 0;

	if (ctx == NULL) {
		ctx = EVP_CIPHER_CTX_new();
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
		require(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, NULL, NULL) == 1, "wrap");
	}
	require(EVP_EncryptInit_ex(ctx, NULL, NULL, ue->kek, NULL) == 1 &&
			EVP_EncryptUpdate(ctx, wrapped, &n, tek, sizeof(tek)) == 1 &&
			n == FK_OSSL_WRAPPED_SIZE,
		"wrap");
}

static size_t write_kmm(const struct fk_sim_ue *ue, bool is_rekey, uint8_t *kmm)
{
	const struct fk_kmm_header header = {
		.response_kind = FK_KMM_RESPONSE_IMMEDIATE,
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = ue->rsi,
		.source_rsi = KMF_RSI,
		.message_number = (uint16_t)(ue->inbound_number + 1),
		.mac = {.algorithm_id = FK_ALGORITHM_AES_256,
			.key_id = is_rekey ? ue->ptek_key_id : KEY_ID,
			.mac_format = FK_KMM_MAC_FORMAT_CMAC},
	};
	uint8_t wrapped[FK_OSSL_WRAPPED_SIZE];
	struct fk_kmm_rekey_command rekey = {.decryption_algorithm_id = FK_ALGORITHM_AES_256,
					     .decryption_key_id = ue->kek_key_id,
					     .keyset_id = 1,
					     .algorithm_id = FK_ALGORITHM_AES_256,
					     .key_length = sizeof(wrapped),
					     .n_keys = 1};
	size_t size = 0;

	if (is_rekey)
		wrap(ue, wrapped);
	rekey.keys[0] = (struct fk_kmm_key_item){.sln = 1, .key_id = KEY_ID, .key = wrapped};
	require((is_rekey
			 ? fk_kmm_encode_rekey_command(&header, &rekey, kmm, FK_KMM_SIZE_MAX, &size)
			 : fk_kmm_encode_inventory_command(&header, FK_INVENTORY_ACTIVE_KEY_IDS,
							   kmm, FK_KMM_SIZE_MAX, &size)) == FK_OK &&
			fk_ossl_mac(kmf_ossl, is_rekey ? ue->ptek : tek, kmm, size,
				    FK_KMM_MAC_FORMAT_CMAC,
				    kmm + size - FK_KMM_MAC_BLOCK_SIZE) == FK_OK,
		"KMM");
	return size;
}

static void write_request(uint32_t ue_index, bool is_rekey, struct datagram *ret_request)
{
	static const struct fk_kmm_preamble preamble = {.algorithm_id = FK_ALGORITHM_CLEAR};
	static const uint8_t conversation_id[16] = {0xc0, [6] = 0x40, [8] = 0x80, [15] = 1};
	static const uint8_t message_id[16] = {0xa0, [6] = 0x40, [8] = 0x80, [15] = 2};
	const struct fk_sim_ue *ue = &fleet.ues[ue_index % n_ues];
	uint8_t payload[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX];
	char branch[FK_BRANCH_LEN], call_id[FK_CALL_ID_LEN];
	struct fk_sip_fill fill = {.mcdata_id = fk_fleet_mcdata_id(&fleet, ue),
				   .mcdata_id_size = ue->mcdata_id_size,
				   .branch = branch,
				   .call_id = call_id,
				   .from_tag = "01234567",
				   .date_time_s = 1700000000,
				   .conversation_id = conversation_id,
				   .message_id = message_id,
				   .payload = payload};
	char digits[24];

	snprintf(digits, sizeof(digits), "%022llx", (unsigned long long)++n_commands);
	memset(branch, '0', sizeof(branch));
	memcpy(branch, FK_BRANCH_COOKIE, strlen(FK_BRANCH_COOKIE));
	memcpy(branch + sizeof(branch) - 16, digits + 6, 16);
	memcpy(call_id, digits, sizeof(call_id));
	require(fk_kmm_preamble_encode(&preamble, payload, sizeof(payload)) == FK_OK, "preamble");
	fill.payload_size = (uint16_t)(FK_KMM_PREAMBLE_SIZE +
				       write_kmm(ue, is_rekey, payload + FK_KMM_PREAMBLE_SIZE));
	ret_request->size = fk_sip_template_fill(&template, &fill, ret_request->octets,
						 sizeof(ret_request->octets), NULL);
	require(ret_request->size > 0, "request");
}

static struct fk_net_frame frame_of(const struct datagram *d)
{
	return (struct fk_net_frame){.kind = FK_NET_UDP,
				     .source = kmf,
				     .destination = own,
				     .source_port = KMF_PORT,
				     .destination_port = 5060,
				     .payload = d->octets,
				     .payload_size = (uint16_t)d->size};
}

/* What is measured. */
static __attribute__((noinline, noclone)) void deliver(const struct datagram *datagrams, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct fk_net_frame frame = frame_of(&datagrams[i]);

		fk_server_receive(&server, &frame);
	}
}

static uint32_t write_responses(uint32_t from)
{
	uint32_t n = 0;

	for (uint32_t i = from; i != n_sent; i++) {
		const uint8_t *octets = frames[i % N_FRAMES] + FK_UDP_FRAME_OVERHEAD;
		struct fk_sip_message sip;

		require(fk_sip_parse(octets, sizes[i % N_FRAMES], &sip) == FK_OK, "parsing");
		if (sip.is_response)
			continue;
		require(fk_sip_build_response(&sip, 200, "0123456789abcdef", &own, 5060, NULL,
					      responses[n].octets, FRAME_SIZE,
					      &responses[n].size) == FK_OK,
			"response");
		n++;
	}
	return n;
}

static void run(uint64_t ret_spent[static 3])
{
	uint32_t from = n_sent, n;
	uint64_t start;

	for (uint32_t i = 0; i < BURST / 2; i++) {
		write_request(at_ue + LAG + i, true, &requests[i]);
		write_request(at_ue + i, false, &requests[BURST / 2 + i]);
	}
	at_ue += BURST / 2;
	start = __rdtsc();
	deliver(requests, BURST / 2);
	ret_spent[0] = __rdtsc() - start;
	start = __rdtsc();
	deliver(requests + BURST / 2, BURST / 2);
	ret_spent[1] = __rdtsc() - start;
	n = write_responses(from);
	require(n == BURST * 2, "an exchange");
	start = __rdtsc();
	deliver(responses, n);
	ret_spent[2] = __rdtsc() - start;
}

static void warm_up(void)
{
	struct datagram request;

	for (uint32_t i = 0; i < LAG; i++) {
		write_request(i, true, &request);
		uint32_t from = n_sent;

		deliver(&request, 1);
		deliver(responses, write_responses(from));
	}
}

int main(int argc, char **argv)
{
	static struct fk_series all[4];
	static const char *const names[] = {"rekey", "closing", "responses", "exchange"};
	const char *path = fk_series_options(argc, argv);

	if (getenv("FK_BENCH_UES") != NULL)
		n_ues = (uint32_t)strtoul(getenv("FK_BENCH_UES"), NULL, 10);
	memset(tek, 0x42, sizeof(tek));
	fk_xml_init();
	fleet_make();
	server_make();
	warm_up();
	for (uint32_t s = 0; s < 4; s++)
		fk_series_name(&all[s], "%s", names[s]);
	for (uint32_t r = 0; r < FK_SERIES_RUNS; r++) {
		static struct fk_series bursts[4];

		memset(bursts, 0, sizeof(bursts));
		for (uint32_t b = 0; b < FK_SERIES_RUNS; b++) {
			uint64_t spent[3];

			run(spent);
			fk_series_add(&bursts[0], (double)spent[0] / (BURST / 2));
			fk_series_add(&bursts[1], (double)spent[1] / (BURST / 2));
			fk_series_add(&bursts[2], (double)spent[2] / BURST);
			fk_series_add(&bursts[3], (double)(spent[0] + spent[1] + spent[2]) / BURST);
		}
		for (uint32_t s = 0; s < 4; s++)
			fk_series_add(&all[s], fk_series_spread(&bursts[s]).median);
	}
	require(counts.count[FK_SIM_BAD_MAC] == 0 && counts.count[FK_SIM_BAD_WRAP] == 0 &&
			counts.count[FK_SIM_COMMANDS] == n_commands &&
			counts.count[FK_SIM_RESPONSES] == 2 * n_commands,
		"counting");
	fk_series_print("one exchange of the fleet, cycles", all, 4);
	if (path != NULL && !fk_series_report(path, "bench-fleet", "cycles", all, 4, json_object()))
		return 1;
	fk_txns_free(txns);
	fk_ossl_free(radio.ossl);
	fk_ossl_free(kmf_ossl);
	fk_fleet_free(&fleet);
	return 0;
}
