/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - fleetsim's subcommands and their options. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "hostile.h"
#include "make_fleet.h"
#include "sim.h"
#include "txn.h"
#include "wire/net.h"

static const char help[] =
	"fleetsim plays the other side of Fleetkey: an MCData server and its UEs.\n"
	"\n"
	"  fleetsim make-fleet --ues N --seed S --out FILE [options]\n"
	"    --ues N            UEs, 1..9000000\n"
	"    --seed S           decides the keys (default 1)\n"
	"    --out FILE         the fleet file, written with mode 0600\n"
	"    --next-hop NAME    column next_hop (default nh1)\n"
	"    --groups NAMES     column groups, separated by ';' (default alpha)\n"
	"    --domain DOMAIN    of the URIs (default mc.example)\n"
	"\n"
	"  fleetsim run --fleet FILE --ip ADDRESS[/PREFIX] [options] -- EAL ARGUMENTS\n"
	"    --fleet FILE       the fleet file, plain hex keys\n"
	"    --ip ADDRESS       IPv4 address of the MCData server\n"
	"    --sip-port PORT    UDP port of the server, 1..65535 (default 5060)\n"
	"    --kmf-port PORT    UDP port the KMF takes requests at (default 5060)\n"
	"    --kmf-uri URI      MCData ID of the KMF (default sip:kmf@mc.example)\n"
	"    --kmf-rsi RSI      RSI of the KMF, 1..16777214 (default 9999999)\n"
	"    --loss PERCENT     of datagrams lost in each direction, 0..100 (default 0)\n"
	"    --seed S           decides which (default 1)\n"
	"    --t1-ms MS         SIP timer T1, 10..4000 (default 500)\n"
	"    --hostile MODE     truncate, garbage, unknown-peer, forged, replay, bad-mac or all\n"
	"    --bare             no preamble in front of KMMs\n"
	"    --idle MODE        sleep or poll (default sleep)\n"
	"    --report FILE      JSON, written at the end\n"
	"    --book FILE        NDJSON: who holds which key, written at the end\n"
	"    --ready-file FILE  made when the port runs\n"
	"    --for SECONDS      end by itself, 1..1000000 (default: at SIGTERM or SIGINT)\n";

enum option_id {
	OPT_UES = 256,
	OPT_SEED,
	OPT_OUT,
	OPT_NEXT_HOP,
	OPT_GROUPS,
	OPT_DOMAIN,
	OPT_FLEET,
	OPT_IP,
	OPT_SIP_PORT,
	OPT_KMF_PORT,
	OPT_KMF_URI,
	OPT_KMF_RSI,
	OPT_LOSS,
	OPT_T1_MS,
	OPT_HOSTILE,
	OPT_BARE,
	OPT_IDLE,
	OPT_REPORT,
	OPT_BOOK,
	OPT_READY_FILE,
	OPT_FOR,
};

static bool complain(const char *option, const char *value, const char *range)
{
	fprintf(stderr, "fleetsim: --%s %s: %s\n", option, value, range);
	return false;
}

static bool get_number(const char *option, const char *text, uint64_t min, uint64_t max,
		       uint64_t *ret_value)
{
	char *end, range[64];
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || *end != '\0' || value < min ||
	    value > max) {
		snprintf(range, sizeof(range), "is no number in the range %llu..%llu",
			 (unsigned long long)min, (unsigned long long)max);
		return complain(option, text, range);
	}
	*ret_value = value;
	return true;
}

static bool get_percent(const char *option, const char *text, double *ret_value)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || *end != '\0' ||
	    !(value >= 0 && value <= 100))
		return complain(option, text, "is no number in the range 0..100");
	*ret_value = value;
	return true;
}

static bool get_ip(const char *text, uint32_t *ret_ipv4)
{
	char address[32];
	size_t len = strcspn(text, "/");
	uint64_t prefix = 24;

	if (len >= sizeof(address))
		return complain("ip", text, "is no IPv4 address");
	memcpy(address, text, len);
	address[len] = '\0';
	if (fk_ipv4_parse(address, ret_ipv4) != FK_OK)
		return complain("ip", text, "is no IPv4 address");
	/* The prefix is checked and then ignored: the server only ever answers. */
	return text[len] == '\0' || get_number("ip", text + len + 1, 1, 32, &prefix);
}

static bool get_uri(const char *option, const char *text)
{
	if (strncmp(text, "sip:", 4) != 0 || strlen(text) > 200 ||
	    strpbrk(text, " \t\r\n<>\"'&\\;,") != NULL)
		return complain(option, text, "is no plain SIP URI of at most 200 characters");
	return true;
}

static int make_fleet_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"ues", required_argument, NULL, OPT_UES},
		{"seed", required_argument, NULL, OPT_SEED},
		{"out", required_argument, NULL, OPT_OUT},
		{"next-hop", required_argument, NULL, OPT_NEXT_HOP},
		{"groups", required_argument, NULL, OPT_GROUPS},
		{"domain", required_argument, NULL, OPT_DOMAIN},
		{0},
	};
	struct fk_make_fleet spec = {
		.seed = 1, .next_hop = "nh1", .groups = "alpha", .domain = "mc.example"};
	uint64_t number = 0;
	bool ok = true;
	int c;
	enum fk_err err;

	while (ok && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case OPT_UES:
			ok = get_number("ues", optarg, 1, FK_MAKE_FLEET_UES_MAX, &number);
			spec.n_ues = (uint32_t)number;
			break;
		case OPT_SEED:
			ok = get_number("seed", optarg, 0, UINT64_MAX, &spec.seed);
			break;
		case OPT_OUT:
			spec.path = optarg;
			break;
		case OPT_NEXT_HOP:
			spec.next_hop = optarg;
			break;
		case OPT_GROUPS:
			spec.groups = optarg;
			break;
		case OPT_DOMAIN:
			spec.domain = optarg;
			break;
		default:
			return FK_EXIT_USAGE; /* getopt has said what is wrong */
		}
	}
	if (!ok)
		return FK_EXIT_USAGE;
	if (optind != argc || spec.n_ues == 0 || spec.path == NULL) {
		fprintf(stderr, "fleetsim: make-fleet needs --ues and --out, and nothing else "
				"without a name; see fleetsim --help\n");
		return FK_EXIT_USAGE;
	}
	err = fk_make_fleet(&spec);
	if (err == FK_EINVAL) {
		fprintf(stderr, "fleetsim: --next-hop, --groups or --domain: only letters, digits "
				"and . _ - (groups: and ;), at most 200\n");
		return FK_EXIT_USAGE;
	}
	if (err != FK_OK) {
		fprintf(stderr, "fleetsim: --out %s: %s\n", spec.path, strerror(errno));
		return FK_EXIT_FAILED;
	}
	return FK_EXIT_DONE;
}

static bool read_run_number(struct fk_sim_options *o, int c)
{
	uint64_t number = 0;
	bool ok;

	switch (c) {
	case OPT_SIP_PORT:
		ok = get_number("sip-port", optarg, 1, 65535, &number);
		o->sip_port = (uint16_t)number;
		return ok;
	case OPT_KMF_PORT:
		ok = get_number("kmf-port", optarg, 1, 65535, &number);
		o->kmf_port = (uint16_t)number;
		return ok;
	case OPT_KMF_RSI:
		ok = get_number("kmf-rsi", optarg, 1, 0xfffffe, &number);
		o->kmf_rsi = (uint32_t)number;
		return ok;
	case OPT_SEED:
		return get_number("seed", optarg, 0, UINT64_MAX, &o->seed);
	case OPT_T1_MS:
		ok = get_number("t1-ms", optarg, 10, FK_TXN_T2_MS, &number);
		o->t1_ms = (uint32_t)number;
		return ok;
	case OPT_FOR:
		ok = get_number("for", optarg, 1, 1000000, &number);
		o->for_s = (uint32_t)number;
		return ok;
	default:
		return false;
	}
}

static bool read_run_option(struct fk_sim_options *o, int c)
{
	switch (c) {
	case OPT_FLEET:
		o->fleet_path = optarg;
		return true;
	case OPT_IP:
		return get_ip(optarg, &o->ipv4);
	case OPT_KMF_URI:
		o->kmf_uri = optarg;
		return get_uri("kmf-uri", optarg);
	case OPT_LOSS:
		return get_percent("loss", optarg, &o->loss_percent);
	case OPT_HOSTILE:
		return fk_hostile_read_mode(optarg, &o->hostile_kinds) ||
		       complain("hostile", optarg,
				"is none of truncate, garbage, unknown-peer, forged, replay, "
				"bad-mac, all");
	case OPT_BARE:
		o->bare_kmm = true;
		return true;
	case OPT_IDLE:
		o->idle_poll = strcmp(optarg, "poll") == 0;
		return o->idle_poll || strcmp(optarg, "sleep") == 0 ||
		       complain("idle", optarg, "is neither sleep nor poll");
	case OPT_REPORT:
		o->report_path = optarg;
		return true;
	case OPT_BOOK:
		o->book_path = optarg;
		return true;
	case OPT_READY_FILE:
		o->ready_path = optarg;
		return true;
	default:
		return read_run_number(o, c);
	}
}

static int run_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"fleet", required_argument, NULL, OPT_FLEET},
		{"ip", required_argument, NULL, OPT_IP},
		{"sip-port", required_argument, NULL, OPT_SIP_PORT},
		{"kmf-port", required_argument, NULL, OPT_KMF_PORT},
		{"kmf-uri", required_argument, NULL, OPT_KMF_URI},
		{"kmf-rsi", required_argument, NULL, OPT_KMF_RSI},
		{"loss", required_argument, NULL, OPT_LOSS},
		{"seed", required_argument, NULL, OPT_SEED},
		{"t1-ms", required_argument, NULL, OPT_T1_MS},
		{"hostile", required_argument, NULL, OPT_HOSTILE},
		{"bare", no_argument, NULL, OPT_BARE},
		{"idle", required_argument, NULL, OPT_IDLE},
		{"report", required_argument, NULL, OPT_REPORT},
		{"book", required_argument, NULL, OPT_BOOK},
		{"ready-file", required_argument, NULL, OPT_READY_FILE},
		{"for", required_argument, NULL, OPT_FOR},
		{0},
	};
	struct fk_sim_options o = {
		.sip_port = 5060,
		.kmf_port = 5060,
		.kmf_uri = "sip:kmf@mc.example",
		.kmf_rsi = 9999999,
		.seed = 1,
		.t1_ms = 500,
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1)
		if (c == '?' || !read_run_option(&o, c))
			return FK_EXIT_USAGE;
	if (o.fleet_path == NULL || o.ipv4 == 0 || strcmp(argv[optind - 1], "--") != 0) {
		fprintf(stderr,
			"fleetsim: run needs --fleet, --ip and EAL arguments behind \"--\"; "
			"see fleetsim --help\n");
		return FK_EXIT_USAGE;
	}
	argv[optind - 1] = argv[0]; /* EAL wants a program name in front */
	o.eal_argc = argc - optind + 1;
	o.eal_argv = argv + optind - 1;
	return fk_sim_run(&o);
}

int main(int argc, char **argv)
{
	static char name[] = "fleetsim";

	if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return FK_EXIT_DONE;
	}
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		printf("fleetsim %s\n", FK_VERSION);
		return FK_EXIT_DONE;
	}
	if (argc < 2 || (strcmp(argv[1], "make-fleet") != 0 && strcmp(argv[1], "run") != 0)) {
		fprintf(stderr,
			"fleetsim: %s: is neither make-fleet nor run; see fleetsim --help\n",
			argc < 2 ? "no subcommand" : argv[1]);
		return FK_EXIT_USAGE;
	}
	/* getopt takes the subcommand for the program's name. */
	bool is_run = strcmp(argv[1], "run") == 0;

	argv[1] = name;
	return is_run ? run_main(argc - 1, argv + 1) : make_fleet_main(argc - 1, argv + 1);
}
