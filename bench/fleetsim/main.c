/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - fleetsim's subcommands and their options. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "make_fleet.h"
#include "run_options.h"
#include "sim.h"

static const char help[] =
	"fleetsim plays the other side of Fleetkey: an MCData server and its UEs.\n"
	"\n"
	"  fleetsim make-fleet --ues N --seed S --out FILE [options]\n"
	"    --ues N            UEs, 1..9000000\n"
	"    --seed S           decides the keys (default 1)\n"
	"    --out FILE         the fleet file, written with mode 0600\n"
	"    --next-hop NAMES   column next_hop (default nh1); UEs take turns among names that "
	"';'\n"
	"                       separates\n"
	"    --groups NAMES     column groups, separated by ';' (default alpha)\n"
	"    --domain DOMAIN    of the URIs (default mc.example)\n"
	"    --max-kmm LIST     column max_kmm: numbers, or nothing, that ';' separates and UEs "
	"take\n"
	"                       turns among, as in '170;' for every other one\n"
	"    --max-keys LIST    column max_keys\n"
	"    --keysets LIST     column keysets\n"
	"\n";

enum option_id {
	OPT_UES = 256,
	OPT_SEED,
	OPT_OUT,
	OPT_NEXT_HOP,
	OPT_GROUPS,
	OPT_DOMAIN,
	OPT_MAX_KMM,
	OPT_MAX_KEYS,
	OPT_KEYSETS,
};

static int make_fleet_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"ues", required_argument, NULL, OPT_UES},
		{"seed", required_argument, NULL, OPT_SEED},
		{"out", required_argument, NULL, OPT_OUT},
		{"next-hop", required_argument, NULL, OPT_NEXT_HOP},
		{"groups", required_argument, NULL, OPT_GROUPS},
		{"domain", required_argument, NULL, OPT_DOMAIN},
		{"max-kmm", required_argument, NULL, OPT_MAX_KMM},
		{"max-keys", required_argument, NULL, OPT_MAX_KEYS},
		{"keysets", required_argument, NULL, OPT_KEYSETS},
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
			ok = fk_argument_number("ues", optarg, 1, FK_MAKE_FLEET_UES_MAX, &number);
			spec.n_ues = (uint32_t)number;
			break;
		case OPT_SEED:
			ok = fk_argument_number("seed", optarg, 0, UINT64_MAX, &spec.seed);
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
		case OPT_MAX_KMM:
			spec.max_kmm = optarg;
			break;
		case OPT_MAX_KEYS:
			spec.max_keys = optarg;
			break;
		case OPT_KEYSETS:
			spec.keysets = optarg;
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
		fprintf(stderr,
			"fleetsim: --next-hop, --groups or --domain: only letters, digits "
			"and . _ - (not domain: and ;), at most 200; --max-kmm, --max-keys or "
			"--keysets: only numbers and ;\n");
		return FK_EXIT_USAGE;
	}
	if (err != FK_OK) {
		fprintf(stderr, "fleetsim: --out %s: %s\n", spec.path, strerror(errno));
		return FK_EXIT_FAILED;
	}
	return FK_EXIT_DONE;
}

static int run_main(int argc, char **argv)
{
	struct fk_sim_options options;

	return fk_run_options_read(argc, argv, &options) ? fk_sim_run(&options) : FK_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static char name[] = "fleetsim";

	if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		fputs(fk_run_options_help, stdout);
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
