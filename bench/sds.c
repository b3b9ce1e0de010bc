/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many TSC cycles does one complete rekey SDS cost, from the UE's slot to the frame, and where
 * do they go? The stages of dataplane/build.c with the real libraries, against good plain C
 * (sds_job.h) in turns, over 1 k and 1 M distinct UEs, with a protection TEK of each UE's own and
 * with one TEK of a group.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "crypto/engine.h"
#include "crypto/token_tag.h"
#include "octets.h"
#include "sds_job.h"
#include "series.h"
#include "wire/sip_template.h"

#define BURST	     32
#define N_UES_1K     1024u
#define N_UES_1M     1048576u
#define URI_SIZE     32 /* octets of a slot for one URI; the URI is shorter */
#define FRAME_SIZE   2048
#define N_FRAMES     256 /* rotating, as a pool's buffers do */
#define BURSTS	     41	 /* of one sample, which is their median */
#define PLAIN_BURSTS 9
#define WRAPPED_SIZE 40

enum stage {
	STAGE_WRAP,
	STAGE_KMM,
	STAGE_MAC,
	STAGE_TOKEN,
	STAGE_FILL,
	STAGE_HEADERS,
	STAGE_TOTAL,
	STAGE_PLAIN_C,
	STAGE_LOW_LEVEL_C,
	N_STAGES,
};

static const char *const stage_names[N_STAGES] = {
	"wrap",	 "kmm",	    "mac",
	"token", "fill",    "headers_checksum",
	"total", "plain_c", "plain_c_low_level",
};

struct bench_case {
	const char *name;
	uint32_t n_ues;
	bool has_group_tek;
	uint32_t at; /* the next UE */
	struct fk_series series[N_STAGES];
};

static struct bench_case cases[] = {
	{.name = "own_tek/1k", .n_ues = N_UES_1K},
	{.name = "own_tek/1m", .n_ues = N_UES_1M},
	{.name = "group_tek/1k", .n_ues = N_UES_1K, .has_group_tek = true},
	{.name = "group_tek/1m", .n_ues = N_UES_1M, .has_group_tek = true},
};
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

struct lane {
	struct fk_sds_job job;
	size_t payload_size, size;
	uint16_t sum;
	uint8_t wrapped[WRAPPED_SIZE];
	uint8_t payload[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX];
	uint8_t message_id[FK_MESSAGE_ID_SIZE];
	char branch[FK_BRANCH_LEN], call_id[FK_CALL_ID_LEN], from_tag[FK_FROM_TAG_LEN];
	uint8_t *frame;
};

static struct fk_ue_slot *ues;
static char (*uris)[URI_SIZE];
static struct lane lanes[BURST];
static uint8_t frames[N_FRAMES][FRAME_SIZE] __attribute__((aligned(64)));
static uint8_t tek[32], group_tek[32];
static struct fk_sds_campaign campaign;
static struct fk_sip_template template;
static struct fk_crypto_scratch scratch;
static const struct fk_crypto_engine *engine;
static struct fk_token_key token_key;
static struct fk_sds_plain *plain, *low_level;

static void require(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "bench-sds: %s failed\n", what);
		exit(1);
	}
}

size_t fk_sds_encode_kmm(const struct fk_sds_job *job, const uint8_t *wrapped, uint8_t *payload,
			 size_t cap)
{
	static const struct fk_kmm_preamble preamble = {.algorithm_id = FK_ALGORITHM_CLEAR};
	const struct fk_kmm_header header = {
		.response_kind = FK_KMM_RESPONSE_IMMEDIATE,
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = job->ue->rsi,
		.source_rsi = FK_SDS_KMF_RSI,
		.message_number = job->message_number,
		.mac = {.algorithm_id = FK_ALGORITHM_AES_256,
			.key_id = job->has_group_tek ? 0x2222 : job->ue->ptek_key_id,
			.mac_format = FK_KMM_MAC_FORMAT_CMAC},
	};
	struct fk_kmm_rekey_command rekey;
	size_t size = 0;

	/* As in dataplane/build.c, only the key that is there is set. */
	rekey.decryption_algorithm_id = FK_ALGORITHM_AES_256;
	rekey.decryption_key_id = job->ue->kek_key_id;
	rekey.keyset_format = 0;
	rekey.keyset_id = job->campaign->keyset_id;
	rekey.algorithm_id = FK_ALGORITHM_AES_256;
	rekey.key_length = FK_KMM_WRAPPED_SIZE;
	rekey.n_keys = 1;
	rekey.keys[0] = (struct fk_kmm_key_item){
		.sln = job->campaign->sln, .key_id = job->campaign->key_id, .key = wrapped};
	require(fk_kmm_preamble_encode(&preamble, payload, cap) == FK_OK &&
			fk_kmm_encode_rekey_command(&header, &rekey, payload + FK_KMM_PREAMBLE_SIZE,
						    cap - FK_KMM_PREAMBLE_SIZE, &size) == FK_OK,
		"KMM");
	return FK_KMM_PREAMBLE_SIZE + size;
}

void fk_sds_call_id(const struct fk_sds_job *job, char *text)
{
	fk_hex_put(text, job->token, 16);
	fk_hex_put(text + 16, job->count ^ FK_SDS_EPOCH << 12, 6);
}

static void fleet_make(void)
{
	ues = aligned_alloc(128, N_UES_1M * sizeof(*ues));
	uris = aligned_alloc(64, (size_t)N_UES_1M * URI_SIZE);
	require(ues != NULL && uris != NULL, "memory for the fleet");
	memset(ues, 0, N_UES_1M * sizeof(*ues));
	for (uint32_t i = 0; i < N_UES_1M; i++) {
		uint64_t *words = (uint64_t *)(void *)&ues[i];

		for (int w = 0; w < 8; w++) /* KEK and protection TEK */
			words[w] = (i + 1) * 0x9e3779b97f4a7c15ull ^ (uint64_t)w << 56;
		ues[i].rsi = i + 1;
		ues[i].kek_key_id = 0x1111;
		ues[i].ptek_key_id = 0x1234;
		ues[i].ptek_algorithm_id = FK_ALGORITHM_AES_256;
		ues[i].mcdata_id_size =
			(uint8_t)snprintf(uris[i], URI_SIZE, "sip:ue%07u@mcdata.example", i);
	}
}

static void campaign_make(void)
{
	const struct fk_sip_template_spec spec = {
		.profile = FK_PROFILE_C,
		.sent_by = FK_SDS_SENT_BY,
		.kmf_uri = FK_SDS_KMF_URI,
		.kmf_psi = FK_SDS_KMF_PSI,
		.disposition_request = FK_SDS_REQUEST_DELIVERY,
		.extended_app_id_type = FK_SDS_APP_ID_URI,
		.extended_app_id = (const uint8_t *)FK_SDS_KMF_URI,
		.extended_app_id_size = sizeof(FK_SDS_KMF_URI) - 1,
	};
	const struct fk_address own = fk_address_of_ipv4(0xc000020a);
	const struct fk_address peer = fk_address_of_ipv4(0xc0000214);

	memset(tek, 0x5a, sizeof(tek));
	memset(group_tek, 0xc3, sizeof(group_tek));
	campaign = (struct fk_sds_campaign){
		.tek = tek,
		.key_id = 0x4321,
		.sln = 1,
		.keyset_id = 2,
		.date_time_s = 1700000000,
		.path = fk_net_path_make(&own, &peer, 5070, 5060),
	};
	memcpy(campaign.path.source_mac, "\2\0\0\0\0\1", FK_MAC_SIZE);
	memcpy(campaign.path.destination_mac, "\2\0\0\0\0\2", FK_MAC_SIZE);
	memset(campaign.conversation_id, 0x77, sizeof(campaign.conversation_id));
	memset(campaign.token_key, 0x11, sizeof(campaign.token_key));
	require(fk_sip_template_build(&spec, &template) == FK_OK, "template");
	fk_token_key_init(&token_key, engine, &scratch, campaign.token_key);
	plain = fk_sds_plain_new(campaign.token_key, false);
	low_level = fk_sds_plain_new(campaign.token_key, true);
}

/* The next burst of jobs; what comes after it is on its way from memory meanwhile. */
static void take_jobs(struct bench_case *c)
{
	static uint32_t n_taken;

	for (uint32_t i = 0; i < BURST; i++, c->at = (c->at + 1) % c->n_ues) {
		uint32_t later = (c->at + 2 * BURST) % c->n_ues;

		lanes[i].job = (struct fk_sds_job){
			.campaign = &campaign,
			.ue = &ues[c->at],
			.uri = uris[c->at],
			.token = 0x0100100000000000ull + ((uint64_t)c->at << 16),
			.count = n_taken / N_FRAMES & 0xffffff,
			.message_number = (uint16_t)n_taken,
			.ip_id = (uint16_t)n_taken,
			.has_group_tek = c->has_group_tek,
			.group_tek = group_tek,
		};
		lanes[i].frame = frames[n_taken++ % N_FRAMES];
		__builtin_prefetch(&ues[later]);
		__builtin_prefetch((const uint8_t *)&ues[later] + 64);
		__builtin_prefetch(uris[later]);
	}
}

static void run_wrap(void)
{
	struct fk_wrap_lane wraps[BURST];

	for (uint32_t i = 0; i < BURST; i++)
		wraps[i] = (struct fk_wrap_lane){
			.kek = lanes[i].job.ue->kek, .key = tek, .wrapped = lanes[i].wrapped};
	engine->wrap(&scratch, FK_WRAP_256_UNDER_256, wraps, BURST);
}

static void run_kmm(void)
{
	for (uint32_t i = 0; i < BURST; i++)
		lanes[i].payload_size =
			fk_sds_encode_kmm(&lanes[i].job, lanes[i].wrapped, lanes[i].payload,
					  sizeof(lanes[i].payload));
}

static void run_mac(void)
{
	struct fk_mac_lane macs[BURST];

	for (uint32_t i = 0; i < BURST; i++)
		macs[i] = (struct fk_mac_lane){
			.tek = lanes[i].job.has_group_tek ? group_tek : lanes[i].job.ue->ptek,
			.frame = lanes[i].payload + FK_KMM_PREAMBLE_SIZE,
			.frame_size = (uint16_t)(lanes[i].payload_size - FK_KMM_PREAMBLE_SIZE),
			.mac_format = FK_KMM_MAC_FORMAT_CMAC,
		};
	engine->mac(&scratch, macs, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		memcpy(lanes[i].payload + lanes[i].payload_size - FK_KMM_MAC_BLOCK_SIZE,
		       macs[i].mac, FK_KMM_MAC_SIZE);
}

static void run_token(void)
{
	uint64_t tokens[BURST];
	struct fk_branch branches[BURST];
	uint8_t ids[BURST][FK_MESSAGE_ID_SIZE];
	uint32_t marks[BURST];
	char texts[BURST][FK_BRANCH_LEN];

	for (uint32_t i = 0; i < BURST; i++) {
		tokens[i] = lanes[i].job.token;
		branches[i] = (struct fk_branch){.token = lanes[i].job.token,
						 .epoch = FK_SDS_EPOCH,
						 .count = lanes[i].job.count};
	}
	fk_message_id_make(&token_key, tokens, ids, marks, BURST);
	fk_branch_make(&token_key, branches, texts, BURST);
	for (uint32_t i = 0; i < BURST; i++) {
		memcpy(lanes[i].message_id, ids[i], sizeof(ids[i]));
		memcpy(lanes[i].branch, texts[i], sizeof(texts[i]));
		fk_sds_call_id(&lanes[i].job, lanes[i].call_id);
		fk_hex_put(lanes[i].from_tag, marks[i], FK_FROM_TAG_LEN);
	}
}

static void run_fill(void)
{
	for (uint32_t i = 0; i < BURST; i++) {
		struct lane *l = &lanes[i];
		const struct fk_sip_fill fill = {
			.mcdata_id = l->job.uri,
			.mcdata_id_size = l->job.ue->mcdata_id_size,
			.branch = l->branch,
			.call_id = l->call_id,
			.from_tag = l->from_tag,
			.date_time_s = campaign.date_time_s,
			.conversation_id = campaign.conversation_id,
			.message_id = l->message_id,
			.payload = l->payload,
			.payload_size = (uint16_t)l->payload_size,
		};

		l->size =
			fk_sip_template_fill_sum(&template, &fill, l->frame + FK_UDP_FRAME_OVERHEAD,
						 FRAME_SIZE - FK_UDP_FRAME_OVERHEAD, NULL, &l->sum);
		require(l->size > 0, "fill");
	}
}

static void run_headers(void)
{
	for (uint32_t i = 0; i < BURST; i++)
		lanes[i].size = fk_net_finish_udp_sum(&campaign.path, lanes[i].frame,
						      (uint16_t)lanes[i].size, lanes[i].job.ip_id,
						      lanes[i].sum);
}

/* Builds one burst; cycles of each stage in 'ret_spent'. */
static void run_ours(struct bench_case *c, uint64_t ret_spent[static STAGE_TOTAL + 1])
{
	static void (*const stages[])(void) = {run_wrap,  run_kmm,  run_mac,
					       run_token, run_fill, run_headers};
	uint64_t start = __rdtsc(), at = start, now;

	take_jobs(c);
	for (uint32_t s = 0; s < STAGE_TOTAL; s++) {
		stages[s]();
		now = __rdtsc();
		ret_spent[s] = now - at; /* taking the jobs counts as part of the wrap */
		at = now;
	}
	ret_spent[STAGE_TOTAL] = at - start;
}

static double run_plain(struct bench_case *c, struct fk_sds_plain *with)
{
	uint64_t start = __rdtsc();

	take_jobs(c);
	for (uint32_t i = 0; i < BURST; i++)
		lanes[i].size = fk_sds_plain_build(with, &lanes[i].job, lanes[i].frame);
	return (double)(__rdtsc() - start) / BURST;
}

/* A sample is the median burst of some: one that an interrupt hit says nothing about the code. */
static void sample(struct bench_case *c)
{
	static struct fk_series bursts[N_STAGES];

	memset(bursts, 0, sizeof(bursts));
	for (uint32_t i = 0; i < BURSTS; i++) {
		uint64_t spent[STAGE_TOTAL + 1];

		run_ours(c, spent);
		for (uint32_t s = 0; s <= STAGE_TOTAL; s++)
			fk_series_add(&bursts[s], (double)spent[s] / BURST);
	}
	for (uint32_t i = 0; i < PLAIN_BURSTS; i++) {
		fk_series_add(&bursts[STAGE_PLAIN_C], run_plain(c, plain));
		fk_series_add(&bursts[STAGE_LOW_LEVEL_C], run_plain(c, low_level));
	}
	for (uint32_t s = 0; s < N_STAGES; s++)
		fk_series_add(&c->series[s], fk_series_spread(&bursts[s]).median);
}

/* What is compared must be the same work: every octet of a burst's frames. */
static void compare(struct bench_case *c)
{
	static uint8_t frame[FRAME_SIZE];
	uint64_t spent[STAGE_TOTAL + 1];

	run_ours(c, spent);
	for (uint32_t i = 0; i < 2 * BURST; i++) {
		const struct lane *l = &lanes[i / 2];
		size_t size = fk_sds_plain_build(i % 2 == 0 ? plain : low_level, &l->job, frame);

		require(size == l->size && memcmp(frame, l->frame, size) == 0,
			"comparing our frames with those of plain C");
	}
}

static double ratio(const struct bench_case *c, enum stage plain_c)
{
	return fk_series_ratio(&c->series[plain_c], &c->series[STAGE_TOTAL]);
}

/* The first two are the budget's: 1 M UEs, each with a protection TEK. */
static json_t *ratios_make(void)
{
	json_t *ratios = json_object();
	char name[64];

	json_object_set_new(ratios, "sds_vs_plain_c", json_real(ratio(&cases[1], STAGE_PLAIN_C)));
	json_object_set_new(ratios, "sds_vs_plain_c_low_level",
			    json_real(ratio(&cases[1], STAGE_LOW_LEVEL_C)));
	for (uint32_t i = 0; i < N_CASES; i++) {
		snprintf(name, sizeof(name), "sds_vs_plain_c/%s", cases[i].name);
		json_object_set_new(ratios, name, json_real(ratio(&cases[i], STAGE_PLAIN_C)));
	}
	return ratios;
}

static void report_print(const struct fk_series *all)
{
	printf("engine %s, %zu octets a frame\n", engine->name, lanes[0].size);
	fk_series_print("one rekey SDS, cycles", all, N_CASES * N_STAGES);
	printf("%-44s %10s %10s\n", "against plain C", "contexts", "low level");
	for (uint32_t i = 0; i < N_CASES; i++)
		printf("%-44s %8.1f x %8.1f x\n", cases[i].name, ratio(&cases[i], STAGE_PLAIN_C),
		       ratio(&cases[i], STAGE_LOW_LEVEL_C));
}

static void measure(struct fk_series *ret_all)
{
	for (uint32_t i = 0; i < N_CASES; i++) {
		compare(&cases[i]);
		sample(&cases[i]); /* to warm up */
		for (uint32_t s = 0; s < N_STAGES; s++)
			cases[i].series[s].n = 0;
	}
	for (uint32_t run = 0; run < FK_SERIES_RUNS; run++)
		for (uint32_t i = 0; i < N_CASES; i++)
			sample(&cases[i]);
	for (uint32_t i = 0; i < N_CASES * N_STAGES; i++) {
		const struct bench_case *c = &cases[i / N_STAGES];

		ret_all[i] = c->series[i % N_STAGES];
		fk_series_name(&ret_all[i], "%s/%s", c->name, stage_names[i % N_STAGES]);
	}
}

int main(int argc, char **argv)
{
	const char *json_path = fk_series_options(argc, argv);
	static struct fk_series all[N_CASES * N_STAGES];
	bool ok = true;

	require(fk_engine_select(NULL, &scratch, &engine) == FK_OK, "self-test of the engine");
	fleet_make();
	campaign_make();
	measure(all);
	report_print(all);
	if (json_path != NULL)
		ok = fk_series_report(json_path, "sds", "cycles/sds", all, N_CASES * N_STAGES,
				      ratios_make());
	fk_sds_plain_free(plain);
	fk_sds_plain_free(low_level);
	fk_token_key_wipe(&token_key);
	free(ues);
	free(uris);
	return ok ? 0 : 1;
}
