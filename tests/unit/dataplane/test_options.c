/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/engine.h"
#include "options.h"

#define ARGS_MAX 16

static char text[512];

/* Parses the NULL-terminated list after the program's name. */
static enum fk_err parse(const char *const *list, struct fk_options *ret_options)
{
	static char *argv[ARGS_MAX];
	int argc = 0;

	argv[argc++] = (char *)(uintptr_t) "fleetkey-dp";
	for (; *list != NULL; list++) {
		cr_assert_lt(argc, ARGS_MAX);
		argv[argc++] = (char *)(uintptr_t)*list;
	}
	text[0] = '\0';
	return fk_options_parse(argc, argv, ret_options, text, sizeof(text));
}

#define PARSE(options, ...) parse((const char *const[]){__VA_ARGS__, NULL}, options)

/* Runs the program and returns its exit code; what it wrote to stderr is in 'text'. */
static int run(const char *const *list)
{
	int ends[2], status;
	ssize_t n, size = 0;
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		char *argv[ARGS_MAX] = {(char *)(uintptr_t) "fleetkey-dp"};

		for (int i = 1; i < ARGS_MAX - 1 && list[i - 1] != NULL; i++)
			argv[i] = (char *)(uintptr_t)list[i - 1];
		dup2(ends[1], STDERR_FILENO);
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		alarm(60);
		execv(FLEETKEY_DP, argv);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + size, sizeof(text) - 1 - (size_t)size)) > 0)
		size += n;
	text[size] = '\0';
	close(ends[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "it ended by a signal");
	return WEXITSTATUS(status);
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

Test(options, two_are_needed_and_the_others_have_defaults)
{
	struct fk_options o;

	cr_assert_eq(PARSE(&o, "--link", "/run/x", "--ip=192.0.2.10/24", "--", "-l", "0"), FK_OK,
		     "%s", text);
	cr_assert_str_eq(o.link, "/run/x");
	cr_assert_eq(fk_address_ipv4(&o.host.ipv4.address), 0xc000020a);
	cr_assert_eq(o.host.ipv4.prefix, 96 + 24);
	cr_assert_not(fk_address_is_set(&o.host.ipv6.address));
	cr_assert_eq(o.sip_port, 5060);
	cr_assert_eq(o.worker_port_base, 5070);
	cr_assert_eq(o.orphan_timeout_s, 30);
	cr_assert(o.idle_sleeps);
	cr_assert_null(o.engine);
	cr_assert_eq(o.n_eal_args, 2);
	cr_assert_str_eq(o.eal_args[0], "-l");
	cr_assert_eq(PARSE(&o, "--ip", "192.0.2.10/24"), FK_EINVAL);
	cr_assert_not_null(strstr(text, "--link"));
	cr_assert_eq(PARSE(&o, "--link", "/run/x"), FK_EINVAL);
	cr_assert_not_null(strstr(text, "--ip"));
}

Test(options, a_wrong_value_names_option_value_and_range)
{
	static const struct {
		const char *option, *value, *told;
	} rows[] = {
		{"--ip", "192.0.2.10", "ADDRESS/PREFIX"},
		{"--ip", "192.0.2.10/33", "1..32"},
		{"--ip", "192.0.2.256/24", "192.0.2.256"},
		{"--sip-port", "0", "1..65535"},
		{"--sip-port", "65536", "1..65535"},
		{"--sip-port", "5060x", "5060x"},
		{"--sip-port", "-1", "1..65535"},
		{"--worker-port-base", "65521", "1..65520"},
		{"--idle", "nap", "sleep|poll"},
		{"--orphan-timeout", "0", "1..86400"},
		{"--log-level", "loud", "LEVEL"},
		{"--gateway", "x", "ADDRESS"},
		{"--gateway", "2001:db8::1", "of IPv4"},
		{"--ip", "2001:db8::10/64", "of IPv4"},
		{"--ip6", "2001:db8::10", "ADDRESS/PREFIX"},
		{"--ip6", "2001:db8::10/129", "1..128"},
		{"--ip6", "2001:db8::10/0", "1..128"},
		{"--ip6", "2001:db8::1000g/64", "of IPv6"},
		{"--ip6", "192.0.2.10/24", "of IPv6"},
		{"--ip6", "::ffff:192.0.2.10/96", "of IPv6"},
		{"--ip6", "fe80::10/64", "of IPv6"},
		{"--ip6", "ff02::1/64", "of IPv6"},
		{"--ip6", "::/64", "of IPv6"},
		{"--gateway6", "192.0.2.1", "of IPv6"},
		{"--capture-frames", "", "--capture-frames"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fk_options o;

		cr_assert_neq(PARSE(&o, "--link", "/x", "--ip", "192.0.2.10/24", rows[i].option,
				    rows[i].value),
			      FK_OK, "%s %s", rows[i].option, rows[i].value);
		cr_assert_not_null(strstr(text, rows[i].option), "%s", text);
		cr_assert_not_null(strstr(text, rows[i].value), "%s", text);
		cr_assert_not_null(strstr(text, rows[i].told), "%s", text);
	}
}

Test(options, values_that_contradict_each_other_are_refused)
{
	struct fk_options o;

	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip", "192.0.2.10/24", "--sip-port", "5071"),
		     FK_EINVAL);
	cr_assert_not_null(strstr(text, "--worker-port-base"));
	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip", "192.0.2.10/24", "--gateway", "192.0.3.1"),
		     FK_EINVAL);
	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip", "192.0.2.10/24", "--capture-keys"),
		     FK_EINVAL);
	cr_assert_eq(PARSE(&o, "--help=yes"), FK_EINVAL);
	cr_assert_eq(PARSE(&o, "--nonsense"), FK_EINVAL);
	cr_assert_eq(PARSE(&o, "--link"), FK_EINVAL);
}

Test(options, either_family_is_enough_and_both_may_be_given)
{
	static const struct fk_address six = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x10}};
	struct fk_options o;

	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip6", "2001:DB8:0::0:10/64"), FK_OK, "%s", text);
	cr_assert(fk_address_equal(&o.host.ipv6.address, &six));
	cr_assert_eq(o.host.ipv6.prefix, 64);
	cr_assert_not(fk_address_is_set(&o.host.ipv4.address));
	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip6", "2001:db8::10/64", "--ip", "192.0.2.10/24"),
		     FK_OK);
	cr_assert(fk_address_is_set(&o.host.ipv4.address));
	cr_assert_eq(PARSE(&o, "--link", "/x"), FK_EINVAL);
	cr_assert_not_null(strstr(text, "--ip6"));
}

Test(options, a_router_is_a_neighbour_of_an_address_that_was_given)
{
	struct fk_options o;

	cr_assert_eq(
		PARSE(&o, "--link", "/x", "--ip6", "2001:db8::10/64", "--gateway6", "2001:db8::1"),
		FK_OK, "%s", text);
	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip6", "2001:db8::10/64", "--gateway6", "fe80::1"),
		     FK_OK, "%s", text);
	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip6", "2001:db8::10/64", "--gateway6",
			   "2001:db8:1::1"),
		     FK_EINVAL);
	cr_assert_not_null(strstr(text, "--gateway6"));
	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip", "192.0.2.10/24", "--gateway6", "fe80::1"),
		     FK_EINVAL);
	cr_assert_not_null(strstr(text, "--gateway6"));
	cr_assert_eq(
		PARSE(&o, "--link", "/x", "--ip6", "2001:db8::10/64", "--gateway", "192.0.2.1"),
		FK_EINVAL);
	cr_assert_not_null(strstr(text, "--gateway:"));
}

Test(options, an_unknown_engine_is_refused_and_the_known_ones_are_named)
{
	struct fk_options o;

	cr_assert_eq(PARSE(&o, "--link", "/x", "--ip", "192.0.2.10/24", "--engine", "enigma"),
		     FK_EINVAL);
	cr_assert_not_null(strstr(text, "--engine"));
	cr_assert_not_null(strstr(text, "enigma"));
	for (size_t i = 0; fk_crypto_engines[i] != NULL; i++) {
		const char *name = fk_crypto_engines[i]->name;

		cr_assert_not_null(strstr(text, name));
	}
	for (size_t i = 0; fk_crypto_engines[i] != NULL; i++)
		cr_assert_eq(PARSE(&o, "--link", "/x", "--ip", "192.0.2.10/24", "--engine",
				   fk_crypto_engines[i]->name),
			     FK_OK);
}

Test(options, a_socket_path_that_no_socket_can_have_is_refused)
{
	struct fk_options o;
	char path[110];

	memset(path, 'a', sizeof(path));
	path[107] = '\0';
	cr_assert_eq(PARSE(&o, "--link", path, "--ip", "192.0.2.10/24"), FK_OK, "%s", text);
	path[107] = 'a';
	path[108] = '\0';
	cr_assert_eq(PARSE(&o, "--link", path, "--ip", "192.0.2.10/24"), FK_ERANGE);
	cr_assert_not_null(strstr(text, "--link"));
	cr_assert_not_null(strstr(text, "1..107"));
}

Test(options, the_program_ends_with_2_when_it_is_used_wrongly, .timeout = 120)
{
	char path[200];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(RUN("--link", "/x", "--ip", "192.0.2.10/24", "--engine", "enigma"), 2);
	cr_assert_not_null(strstr(text, "scalar"), "%s", text);
	cr_assert_eq(RUN("--link", path, "--ip", "192.0.2.10/24"), 2);
	cr_assert_eq(RUN("--link", "/x", "--ip", "192.0.2.10/24", "--", "--no-such-eal-option"), 2);
	cr_assert_not_null(strstr(text, "no-such-eal-option"), "%s", text);
	cr_assert_eq(RUN("--link", "/x", "--ip", "192.0.2.10/24", "--", "--vdev=what_is_this"), 2,
		     "%s", text);
	cr_assert_eq(RUN("--help"), 0);
	cr_assert_eq(RUN("--version"), 0);
}
