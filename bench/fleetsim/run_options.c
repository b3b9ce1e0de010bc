/* SPDX-License-Identifier: Apache-2.0 */
/* run_options.c - see run_options.h. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "hostile.h"
#include "run_options.h"
#include "txn.h"

#define PAIR_MAX 32 /* characters of the first half of a pair */

const char fk_run_options_help[] =
	"\n"
	"  fleetsim run --fleet FILE --ip ADDRESS[/PREFIX] [options] -- EAL ARGUMENTS\n"
	"    --fleet FILE       the fleet file, plain hex keys\n"
	"    --ip ADDRESS       address of the MCData server, IPv4 or IPv6\n"
	"    --sip-port PORT    UDP port of the server, 1..65535 (default 5060)\n"
	"    --profile P        who the server is to the KMF: A, its participating function; B, "
	"the\n"
	"                       controlling one; C, the one of the UEs (default C); T2: carrier "
	"T2\n"
	"    --isd-layout FILE  how Interworking Security Data, carrier T2, is laid out\n"
	"    --next-hop NAME,PORT,PROFILE[,REFUSAL]  a server of its own for the UEs of a next "
	"hop,\n"
	"                       instead of --sip-port and --profile; it refuses all with 401, 407\n"
	"                       or, as 404, with Warning 141, or with 503 for a while; may be\n"
	"                       repeated, up to 8\n"
	"    --kmf-port PORT    UDP port the KMF takes requests at (default 5060)\n"
	"    --kmf-uri URI      MCData ID of the KMF (default sip:kmf@mc.example)\n"
	"    --kmf-rsi RSI      RSI of the KMF, 1..16777214 (default 9999999)\n"
	"    --t1-ms MS         SIP timer T1, 10..4000 (default 500)\n"
	"    --bare             no preamble in front of KMMs\n"
	"    --idle MODE        sleep or poll (default sleep)\n"
	"    --report FILE      JSON, written at the end\n"
	"    --book FILE        NDJSON: who holds which key, written at the end\n"
	"    --refusals FILE    NDJSON: who will never hold it and why, written at the end\n"
	"    --ready-file FILE  made when the port runs\n"
	"    --capture FILE     pcap: every UDP datagram that comes from the KMF, before its "
	"weather,\n"
	"                       with the wrapped keys in it; whole when fleetsim has ended\n"
	"    --capture-frames N  the first N of them, 1..100000000 (default 200000)\n"
	"    --keys N           who holds fewer traffic keys counts as holding none in the "
	"report,\n"
	"                       1..32 (default 1)\n"
	"    --for SECONDS      end by itself, 1..1000000 (default: at SIGTERM or SIGINT)\n"
	"    --seed S           decides all that follows (default 1)\n"
	"\n"
	"    weather, PERCENT of the datagrams, 0..100 (default 0), each way; with -rx (as in\n"
	"    --loss-rx) of those from the KMF, with -tx of those to the KMF\n"
	"    --loss PERCENT     are lost\n"
	"    --repeat PERCENT   arrive twice\n"
	"    --reorder PERCENT  are overtaken by the next one\n"
	"    --delay-ms MEAN[,JITTER]  a way takes MEAN +- JITTER milliseconds, 0..10000\n"
	"\n"
	"    UEs, PERCENT of them, 0..100 (default 0)\n"
	"    --refuse-404 PERCENT   are not known to the server\n"
	"    --refuse-480 PERCENT   of each one's new requests are refused with 480\n"
	"    --refuse-503 PERCENT   of each one's new requests are refused with 503\n"
	"    --retry-after S        said with 503, 0..86400 (default 0: not said)\n"
	"    --overload S           a --next-hop with 503 refuses until S seconds after its first\n"
	"                           request, 0..86400 (default 0: for ever)\n"
	"    --offline PERCENT      hear nothing: half of them 480, half 202 and silence\n"
	"    --offline-back S       and come back S seconds after the first request, 0..86400\n"
	"                           (default 0: never)\n"
	"    --leave S              and hear until S seconds after it, 0..86400 (default 0)\n"
	"    --hello                say so to the KMF when they are back, once\n"
	"    --hello-flag N         with flag N, 0..2 (default 0), or each: by their place in the\n"
	"                           fleet file 0, 1, 2, 0 and so on; those with 2 have no KEK\n"
	"    --register             instead, register until that is answered, and deregister\n"
	"                           2 seconds before they leave\n"
	"    --bad-mac PERCENT      send an answer with a broken MAC ahead of each answer\n"
	"    --replay PERCENT       send each answer twice, in two transactions\n"
	"    --forged-member PERCENT  have another member of the group answer in their name, "
	"first\n"
	"    --status-percent PERCENT:CODE[:SLN]  refuse keys with status CODE, 1..255; with\n"
	"                           SLN, 1..4095, only the key of that SLN\n"
	"    --zeroize-mute PERCENT  obey a Zeroize-Command without an answer\n"
	"    --no-ptek PERCENT      have lost their protection TEK, and say so\n"
	"    --small-window PERCENT[:N]  take numbers up to N ahead, 0..32767 (default 0)\n"
	"\n"
	"    lies, single datagrams that are never lost\n"
	"    --hostile MODE     truncate, garbage, unknown-peer, forged, replay, bad-mac or all\n"
	"    --insider UE_ID    a radio in the wrong hands: with the traffic key of its active "
	"keyset\n"
	"                       it gives commands to all who hold that key, and answers in their "
	"name\n"
	"    --lies N           false acknowledgements in all, 0..1000000000 (default 0)\n";

enum run_option {
	OPT_FLEET = 256,
	OPT_IP,
	OPT_SIP_PORT,
	OPT_PROFILE,
	OPT_ISD_LAYOUT,
	OPT_NEXT_HOP,
	OPT_KMF_PORT,
	OPT_KMF_URI,
	OPT_KMF_RSI,
	OPT_SEED,
	OPT_T1_MS,
	OPT_HOSTILE,
	OPT_LIES,
	OPT_INSIDER,
	OPT_KEYS,
	OPT_BARE,
	OPT_HELLO,
	OPT_HELLO_FLAG,
	OPT_REGISTER,
	OPT_LEAVE,
	OPT_IDLE,
	OPT_REPORT,
	OPT_BOOK,
	OPT_REFUSALS,
	OPT_READY_FILE,
	OPT_CAPTURE,
	OPT_CAPTURE_FRAMES,
	OPT_FOR,
	/* Of each three the first is for both ways. */
	OPT_LOSS,
	OPT_LOSS_RX,
	OPT_LOSS_TX,
	OPT_REPEAT,
	OPT_REPEAT_RX,
	OPT_REPEAT_TX,
	OPT_REORDER,
	OPT_REORDER_RX,
	OPT_REORDER_TX,
	OPT_DELAY_MS,
	OPT_DELAY_MS_RX,
	OPT_DELAY_MS_TX,
	OPT_RETRY_AFTER,
	OPT_OVERLOAD,
	OPT_OFFLINE_BACK,
	OPT_STATUS_PERCENT,
	OPT_SMALL_WINDOW,
	OPT_TRAITS, /* and one for each trait that needs nothing but its share */
};

static const struct option options[] = {
	{"fleet", required_argument, NULL, OPT_FLEET},
	{"ip", required_argument, NULL, OPT_IP},
	{"sip-port", required_argument, NULL, OPT_SIP_PORT},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"isd-layout", required_argument, NULL, OPT_ISD_LAYOUT},
	{"next-hop", required_argument, NULL, OPT_NEXT_HOP},
	{"kmf-port", required_argument, NULL, OPT_KMF_PORT},
	{"kmf-uri", required_argument, NULL, OPT_KMF_URI},
	{"kmf-rsi", required_argument, NULL, OPT_KMF_RSI},
	{"seed", required_argument, NULL, OPT_SEED},
	{"t1-ms", required_argument, NULL, OPT_T1_MS},
	{"hostile", required_argument, NULL, OPT_HOSTILE},
	{"lies", required_argument, NULL, OPT_LIES},
	{"insider", required_argument, NULL, OPT_INSIDER},
	{"keys", required_argument, NULL, OPT_KEYS},
	{"bare", no_argument, NULL, OPT_BARE},
	{"hello", no_argument, NULL, OPT_HELLO},
	{"hello-flag", required_argument, NULL, OPT_HELLO_FLAG},
	{"register", no_argument, NULL, OPT_REGISTER},
	{"leave", required_argument, NULL, OPT_LEAVE},
	{"idle", required_argument, NULL, OPT_IDLE},
	{"report", required_argument, NULL, OPT_REPORT},
	{"book", required_argument, NULL, OPT_BOOK},
	{"refusals", required_argument, NULL, OPT_REFUSALS},
	{"ready-file", required_argument, NULL, OPT_READY_FILE},
	{"capture", required_argument, NULL, OPT_CAPTURE},
	{"capture-frames", required_argument, NULL, OPT_CAPTURE_FRAMES},
	{"for", required_argument, NULL, OPT_FOR},
	{"loss", required_argument, NULL, OPT_LOSS},
	{"loss-rx", required_argument, NULL, OPT_LOSS_RX},
	{"loss-tx", required_argument, NULL, OPT_LOSS_TX},
	{"repeat", required_argument, NULL, OPT_REPEAT},
	{"repeat-rx", required_argument, NULL, OPT_REPEAT_RX},
	{"repeat-tx", required_argument, NULL, OPT_REPEAT_TX},
	{"reorder", required_argument, NULL, OPT_REORDER},
	{"reorder-rx", required_argument, NULL, OPT_REORDER_RX},
	{"reorder-tx", required_argument, NULL, OPT_REORDER_TX},
	{"delay-ms", required_argument, NULL, OPT_DELAY_MS},
	{"delay-ms-rx", required_argument, NULL, OPT_DELAY_MS_RX},
	{"delay-ms-tx", required_argument, NULL, OPT_DELAY_MS_TX},
	{"retry-after", required_argument, NULL, OPT_RETRY_AFTER},
	{"overload", required_argument, NULL, OPT_OVERLOAD},
	{"offline-back", required_argument, NULL, OPT_OFFLINE_BACK},
	{"status-percent", required_argument, NULL, OPT_STATUS_PERCENT},
	{"small-window", required_argument, NULL, OPT_SMALL_WINDOW},
	{"refuse-404", required_argument, NULL, OPT_TRAITS + FK_TRAIT_REFUSE_404},
	{"refuse-480", required_argument, NULL, OPT_TRAITS + FK_TRAIT_REFUSE_480},
	{"refuse-503", required_argument, NULL, OPT_TRAITS + FK_TRAIT_REFUSE_503},
	{"offline", required_argument, NULL, OPT_TRAITS + FK_TRAIT_OFFLINE},
	{"bad-mac", required_argument, NULL, OPT_TRAITS + FK_TRAIT_BAD_MAC},
	{"replay", required_argument, NULL, OPT_TRAITS + FK_TRAIT_REPLAY},
	{"forged-member", required_argument, NULL, OPT_TRAITS + FK_TRAIT_FORGED_MEMBER},
	{"zeroize-mute", required_argument, NULL, OPT_TRAITS + FK_TRAIT_ZEROIZE_MUTE},
	{"no-ptek", required_argument, NULL, OPT_TRAITS + FK_TRAIT_NO_PTEK},
	{0},
};

static const char *name_of(int c)
{
	const struct option *o = options;

	while (o->name != NULL && o->val != c)
		o++;
	return o->name;
}

static bool read_number(struct fk_sim_options *o, int c, const char *text)
{
	uint64_t min = 1, max = 65535, number = 0;
	bool ok;

	if (c == OPT_KMF_RSI) {
		max = 0xfffffe;
	} else if (c == OPT_T1_MS) {
		min = 10;
		max = FK_TXN_T2_MS;
	} else if (c == OPT_FOR) {
		max = 1000000;
	} else if (c == OPT_CAPTURE_FRAMES) {
		max = 100000000;
	} else if (c == OPT_RETRY_AFTER || c == OPT_OVERLOAD || c == OPT_OFFLINE_BACK ||
		   c == OPT_LEAVE) {
		min = 0;
		max = 86400;
	} else if (c == OPT_LIES) {
		min = 0;
		max = 1000000000;
	} else if (c == OPT_KEYS) {
		max = FK_SIM_KEYS_MAX;
	} else if (c == OPT_SEED) {
		min = 0;
		max = UINT64_MAX;
	}
	ok = fk_argument_number(name_of(c), text, min, max, &number);
	switch (c) {
	case OPT_SIP_PORT:
		o->sip_port = (uint16_t)number;
		break;
	case OPT_KMF_PORT:
		o->kmf_port = (uint16_t)number;
		break;
	case OPT_KMF_RSI:
		o->kmf_rsi = (uint32_t)number;
		break;
	case OPT_T1_MS:
		o->t1_ms = (uint32_t)number;
		break;
	case OPT_CAPTURE_FRAMES:
		o->n_captured_max = number;
		break;
	case OPT_FOR:
		o->for_s = (uint32_t)number;
		break;
	case OPT_OVERLOAD:
		o->traits.overload_s = (uint32_t)number;
		break;
	case OPT_RETRY_AFTER:
		o->traits.retry_after_s = (uint32_t)number;
		break;
	case OPT_OFFLINE_BACK:
		o->traits.offline_back_s = (uint32_t)number;
		break;
	case OPT_LEAVE:
		o->traits.leave_s = (uint32_t)number;
		break;
	case OPT_LIES:
		o->n_lies = number;
		break;
	case OPT_KEYS:
		o->n_keys = (uint32_t)number;
		break;
	case OPT_SEED:
		o->seed = number;
		break;
	default:
		return false;
	}
	return ok;
}

static bool read_delay(const char *name, const char *text, uint32_t *ret_mean_ms,
		       uint32_t *ret_jitter_ms)
{
	uint64_t mean = 0, jitter = 0;
	char first[PAIR_MAX];
	const char *second;

	if (!fk_argument_pair(name, text, ',', first, sizeof(first), &second) ||
	    !fk_argument_number(name, first, 0, FK_WEATHER_DELAY_MAX_MS, &mean) ||
	    (second != NULL && !fk_argument_number(name, second, 0, mean, &jitter)))
		return false;
	*ret_mean_ms = (uint32_t)mean;
	*ret_jitter_ms = (uint32_t)jitter;
	return true;
}

/* One of the options from 'first', which is for both ways. */
static bool is_of_way(int c, int first, int way)
{
	return c == first || c == first + 1 + way;
}

static bool read_weather_of(struct fk_weather_spec *w, int c, const char *text, int way)
{
	static_assert(OPT_LOSS_RX == OPT_LOSS + 1 + FK_WAY_RX, "ways in this order");
	bool ok = true;

	if (is_of_way(c, OPT_LOSS, way))
		ok = fk_argument_percent(name_of(c), text, &w->loss_percent[way]);
	else if (is_of_way(c, OPT_REPEAT, way))
		ok = fk_argument_percent(name_of(c), text, &w->repeat_percent[way]);
	else if (is_of_way(c, OPT_REORDER, way))
		ok = fk_argument_percent(name_of(c), text, &w->reorder_percent[way]);
	else if (is_of_way(c, OPT_DELAY_MS, way))
		ok = read_delay(name_of(c), text, &w->delay_ms[way], &w->jitter_ms[way]);
	return ok;
}

static bool read_status(struct fk_traits_spec *traits, const char *text)
{
	uint64_t status = 0, sln = 0;
	char first[PAIR_MAX], code[PAIR_MAX];
	const char *second, *third;

	if (!fk_argument_pair("status-percent", text, ':', first, sizeof(first), &second))
		return false;
	if (second == NULL)
		return fk_argument_complain("status-percent", text, "is not PERCENT:CODE[:SLN]");
	if (!fk_argument_pair("status-percent", second, ':', code, sizeof(code), &third) ||
	    !fk_argument_percent("status-percent", first, &traits->percent[FK_TRAIT_STATUS]) ||
	    !fk_argument_number("status-percent", code, 1, 255, &status) ||
	    (third != NULL && !fk_argument_number("status-percent", third, 1, 4095, &sln)))
		return false;
	traits->status = (uint8_t)status;
	traits->status_sln = (uint16_t)sln;
	return true;
}

static bool read_hello_flag(struct fk_traits_spec *traits, const char *text)
{
	uint64_t flag = FK_HELLO_FLAGS;

	if (strcmp(text, "each") != 0 &&
	    !fk_argument_number("hello-flag", text, 0, FK_HELLO_FLAGS - 1, &flag))
		return false;
	traits->hello_flag = (uint8_t)flag;
	return true;
}

static bool read_window(struct fk_traits_spec *traits, const char *text)
{
	uint64_t window = 0;
	char first[PAIR_MAX];
	const char *second;

	if (!fk_argument_pair("small-window", text, ':', first, sizeof(first), &second) ||
	    !fk_argument_percent("small-window", first, &traits->percent[FK_TRAIT_SMALL_WINDOW]) ||
	    (second != NULL && !fk_argument_number("small-window", second, 0, 32767, &window)))
		return false;
	traits->window = (uint16_t)window;
	return true;
}

static bool read_value(struct fk_sim_options *o, int c, const char *text)
{
	if (c >= OPT_LOSS && c <= OPT_DELAY_MS_TX)
		return read_weather_of(&o->weather, c, text, FK_WAY_RX) &&
		       read_weather_of(&o->weather, c, text, FK_WAY_TX);
	switch (c) {
	case OPT_STATUS_PERCENT:
		return read_status(&o->traits, text);
	case OPT_SMALL_WINDOW:
		return read_window(&o->traits, text);
	case OPT_HELLO_FLAG:
		return read_hello_flag(&o->traits, text);
	default:
		if (c >= OPT_TRAITS && c < OPT_TRAITS + FK_TRAITS)
			return fk_argument_percent(name_of(c), text,
						   &o->traits.percent[c - OPT_TRAITS]);
		return read_number(o, c, text);
	}
}

static bool read_next_hop(struct fk_sim_options *o, const char *text)
{
	struct fk_face *face = &o->faces[o->n_faces];

	if (o->n_faces == FK_FACES_MAX)
		return fk_argument_complain("next-hop", text, "is one more than 8");
	if (!fk_face_read(text, face))
		return fk_argument_complain("next-hop", text, "is not NAME,PORT,PROFILE[,REFUSAL]");
	for (uint32_t i = 0; i < o->n_faces; i++)
		if (o->faces[i].port == face->port)
			return fk_argument_complain("next-hop", text, "has a port that is used");
	o->n_faces++;
	return true;
}

static bool read_option(struct fk_sim_options *o, int c, const char *text)
{
	switch (c) {
	case OPT_FLEET:
		o->fleet_path = text;
		return true;
	case OPT_IP:
		return fk_argument_ip(text, &o->address);
	case OPT_KMF_URI:
		o->kmf_uri = text;
		return fk_argument_uri("kmf-uri", text);
	case OPT_NEXT_HOP:
		return read_next_hop(o, text);
	case OPT_PROFILE:
		return fk_face_read_profile(text, &o->profile) ||
		       fk_argument_complain("profile", text, "is none of A, B, C, T2");
	case OPT_ISD_LAYOUT:
		return fk_argument_isd_layout(text, &o->isd_layout);
	case OPT_HOSTILE:
		return fk_hostile_read_mode(text, &o->hostile_kinds) ||
		       fk_argument_complain("hostile", text,
					    "is none of truncate, garbage, unknown-peer, forged, "
					    "replay, bad-mac, all");
	case OPT_INSIDER:
		o->insider = text;
		return true;
	case OPT_HELLO:
		o->traits.says_hello = true;
		return true;
	case OPT_REGISTER:
		o->traits.registers = true;
		return true;
	case OPT_BARE:
		o->bare_kmm = true;
		return true;
	case OPT_IDLE:
		o->idle_poll = strcmp(text, "poll") == 0;
		return o->idle_poll || strcmp(text, "sleep") == 0 ||
		       fk_argument_complain("idle", text, "is neither sleep nor poll");
	case OPT_REPORT:
		o->report_path = text;
		return true;
	case OPT_BOOK:
		o->book_path = text;
		return true;
	case OPT_REFUSALS:
		o->refusals_path = text;
		return true;
	case OPT_READY_FILE:
		o->ready_path = text;
		return true;
	case OPT_CAPTURE:
		o->capture_path = text;
		return true;
	default:
		return read_value(o, c, text);
	}
}

/* A server of carrier T2 needs a layout: there is none built in. */
static bool has_layouts(const struct fk_sim_options *o)
{
	bool needs_one = o->n_faces == 0 && o->profile == FK_FACE_T2;

	for (uint32_t i = 0; i < o->n_faces; i++)
		needs_one |= o->faces[i].profile == FK_FACE_T2;
	if (!needs_one || o->isd_layout.n_fields > 0)
		return true;
	fprintf(stderr, "fleetsim: carrier T2 needs --isd-layout\n");
	return false;
}

bool fk_run_options_read(int argc, char **argv, struct fk_sim_options *ret_options)
{
	struct fk_sim_options o = {
		.sip_port = 5060,
		.kmf_port = 5060,
		.kmf_uri = "sip:kmf@mc.example",
		.kmf_rsi = 9999999,
		.seed = 1,
		.t1_ms = 500,
		.n_keys = 1,
		.n_captured_max = 200000,
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1)
		if (c == '?' || !read_option(&o, c, optarg))
			return false;
	if (o.fleet_path == NULL || !fk_address_is_set(&o.address) ||
	    strcmp(argv[optind - 1], "--") != 0) {
		fprintf(stderr,
			"fleetsim: run needs --fleet, --ip and EAL arguments behind \"--\"; "
			"see fleetsim --help\n");
		return false;
	}
	if (!has_layouts(&o))
		return false;
	argv[optind - 1] = argv[0]; /* EAL wants a program name in front */
	o.eal_argc = argc - optind + 1;
	o.eal_argv = argv + optind - 1;
	*ret_options = o;
	return true;
}
