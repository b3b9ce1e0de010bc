/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <fleetkey/sds.h>

#include "config/config.h"
#include "config/options.h"

#include "../support.h"

/* Parses; expects the error and every word (up to two) in its reason. */
static void expect_refusal(const char *yaml, enum fk_err wanted, const char *word,
			   const char *second)
{
	struct fk_config *config = NULL;
	struct fk_reason reason = {.text = ""};

	cr_expect_eq(fk_config_parse(yaml, strlen(yaml), &config, &reason), wanted, "%s -> %s",
		     yaml, reason.text);
	cr_expect_null(config);
	cr_expect_not_null(strstr(reason.text, word), "no '%s' in: %s", word, reason.text);
	cr_expect_not_null(strstr(reason.text, second), "no '%s' in: %s", second, reason.text);
}

Test(config, what_is_not_set_has_its_default)
{
	struct fk_config *config = test_config();

	cr_expect_eq(config->kmf.rsi, 9999999);
	cr_expect_str_eq(config->kmf.psi, "sip:kmf@example.org");
	cr_expect_eq(config->kmf.extended_app_id_type, FK_SDS_APP_ID_NONE);
	cr_expect_null(config->kmf.extended_app_id);
	cr_expect(!config->kmf.bare_kmm);
	cr_expect_null(config->link.dataplane_user);
	cr_expect_eq(config->link.lease_ms, 3000);
	cr_expect_eq(config->api.loopback_port, 0);
	cr_expect_eq(config->sip.t1_ms, 500);
	cr_expect_eq(config->sip.t2_ms, 4000);
	cr_expect_eq(config->campaign.window, 4096);
	cr_expect_eq(config->campaign.attempts_max, 5);
	cr_expect_eq(config->campaign.answer_timeout_ms, 10000);
	cr_expect_eq(config->campaign.retry_backoff_ms, 2000);
	cr_expect_eq(config->campaign.number_block, 8);
	cr_expect_eq(config->campaign.number_margin, 8);
	cr_expect_eq(config->campaign.answers_per_s, 1000);
	cr_expect_eq(config->n_next_hops, 2);
	cr_expect_eq(config->next_hops[0].port, 5060);
	cr_expect(fk_address_is_ipv4(&config->next_hops[0].address));
	cr_expect_eq(fk_address_ipv4(&config->next_hops[0].address), 0xc0000201);
	cr_expect_eq(config->next_hops[0].profile, FK_PROFILE_C);
	cr_expect_eq(config->next_hops[1].profile, FK_PROFILE_A);
	fk_config_free(config);
}

Test(config, a_next_hop_may_have_an_ipv6_address)
{
	static const char yaml[] = TEST_CONFIG_HEAD "campaign: {pace_per_s: 1}\n"
						    "next_hops:\n"
						    "  - name: six\n"
						    "    address: 2001:db8::20\n";
	static const struct fk_address expected = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x20}};
	struct fk_config *config;
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(fk_config_parse(yaml, strlen(yaml), &config, &reason), FK_OK, "%s",
		     reason.text);
	cr_expect(fk_address_equal(&config->next_hops[0].address, &expected));
	cr_expect_not(fk_address_is_ipv4(&config->next_hops[0].address));
	fk_config_free(config);
}

Test(config, what_is_set_is_taken)
{
	static const char yaml[] =
		"kmf: {uri: 'sip:kmf@x', psi: 'sip:psi@x', rsi: 0xfffffe, bare_kmm: true,\n"
		"      extended_app_id_type: uri}\n"
		"store: {redis_socket: /r}\n"
		"keys: {root_key_file: /k}\n"
		"link: {socket: /l, lease_ms: 500}\n"
		"api: {socket: /a}\n"
		"sip: {t1_ms: 10, t2_ms: 60000, path_mtu: 1500, proxy_slack: 0}\n"
		"campaign: {pace_per_s: 10000000, number_margin: 0}\n"
		"next_hops: [{name: n, address: 10.0.0.1, port: 1, route: true, profile: B,\n"
		"             congestion_safe: true,\n"
		"             psi: 'sip:p@x'}]\n";
	struct fk_config *config = NULL;
	struct fk_reason reason;

	cr_assert_eq(fk_config_parse(yaml, strlen(yaml), &config, &reason), FK_OK, "%s",
		     reason.text);
	cr_expect_eq(config->kmf.rsi, 0xfffffe);
	cr_expect_str_eq(config->kmf.psi, "sip:psi@x");
	cr_expect_str_eq(config->kmf.extended_app_id, "sip:kmf@x");
	cr_expect(config->kmf.bare_kmm);
	cr_expect_eq(config->link.lease_ms, 500);
	cr_expect_eq(config->campaign.pace_per_s, 10000000);
	cr_expect(config->next_hops[0].route);
	cr_expect(config->next_hops[0].congestion_safe);
	cr_expect_eq(config->next_hops[0].port, 1);
	cr_expect_eq(config->next_hops[0].profile, FK_PROFILE_B);
	fk_config_free(config);
}

Test(config, unknown_keys_are_named)
{
	expect_refusal(TEST_CONFIG "sip: {t1_msec: 5}\n", FK_EFORMAT, "sip.t1_msec", "unknown");
	expect_refusal(TEST_CONFIG "spi: {}\n", FK_EFORMAT, "spi", "unknown");
	expect_refusal(TEST_CONFIG_HEAD "next_hops: [{nam: x}]\n", FK_EFORMAT, "nam", "unknown");
}

Test(config, a_key_that_stands_twice_is_refused)
{
	expect_refusal(TEST_CONFIG "kmf: {}\n", FK_EFORMAT, "kmf", "already");
}

Test(config, wrong_types_are_named)
{
	expect_refusal(TEST_CONFIG "sip: {t1_ms: fast}\n", FK_EINVAL, "sip.t1_ms", "\"fast\"");
	expect_refusal(TEST_CONFIG "sip: {t1_ms: -5}\n", FK_EINVAL, "sip.t1_ms", "10..10000");
	expect_refusal(TEST_CONFIG "sip: {t1_ms: 5.5}\n", FK_EINVAL, "sip.t1_ms", "10..10000");
	expect_refusal(TEST_CONFIG "sip: {t1_ms: }\n", FK_EINVAL, "sip.t1_ms", "10..10000");
	expect_refusal(TEST_CONFIG "sip: {t1_ms: [1]}\n", FK_EFORMAT, "sip.t1_ms", "line");
	expect_refusal(TEST_CONFIG "sip: 5\n", FK_EFORMAT, "sip", "line");
	expect_refusal("kmf: {bare_kmm: yes}\n", FK_EINVAL, "kmf.", "missing");
	expect_refusal("kmf: {uri: 'sip:a@b', bare_kmm: 1}\n", FK_EINVAL, "kmf.bare_kmm",
		       "true|false");
}

Test(config, values_out_of_range_are_named_with_the_range)
{
	static const struct {
		const char *yaml, *name, *range;
	} cases[] = {
		{"sip: {t1_ms: 9}", "sip.t1_ms", "10..10000"},
		{"sip: {t1_ms: 10001}", "sip.t1_ms", "10..10000"},
		{"sip: {t2_ms: 60001}", "sip.t2_ms", "10..60000"},
		{"sip: {datagram_max: 499}", "sip.datagram_max", "500..65000"},
		{"sip: {path_mtu: 575}", "sip.path_mtu", "0 or 576..65535"},
		{"sip: {path_mtu: 1}", "sip.path_mtu", "0 or 576..65535"},
		{"sip: {proxy_slack: 1001}", "sip.proxy_slack", "0..1000"},
		{"sip: {t1_ms: 99999999999999999999}", "sip.t1_ms", "10..10000"},
		{"sip: {t1_ms: 4294967306}", "sip.t1_ms", "10..10000"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char yaml[1024];

		(void)snprintf(yaml, sizeof(yaml), "%s%s\n", TEST_CONFIG, cases[i].yaml);
		expect_refusal(yaml, FK_ERANGE, cases[i].name, cases[i].range);
	}
	expect_refusal(TEST_CONFIG_HEAD TEST_CONFIG_HOPS "campaign: {pace_per_s: 0}\n", FK_ERANGE,
		       "campaign.pace_per_s", "1..10000000");
	expect_refusal(TEST_CONFIG "sip: {t1_ms: 500, t2_ms: 400}\n", FK_ERANGE, "sip.t2_ms",
		       "sip.t1_ms");
	expect_refusal(TEST_CONFIG "sip: {datagram_max: 500, proxy_slack: 200}\n", FK_ERANGE,
		       "sip.proxy_slack", "400");
}

Test(config, a_pace_is_mandatory)
{
	expect_refusal(TEST_CONFIG_HEAD TEST_CONFIG_HOPS, FK_EINVAL, "campaign.pace_per_s",
		       "missing");
}

Test(config, next_hops_are_checked)
{
	static const char head[] = TEST_CONFIG_HEAD "campaign: {pace_per_s: 1}\nnext_hops: ";
	static const struct {
		const char *yaml, *word, *second;
		enum fk_err err;
	} cases[] = {
		{"[]", "next_hops", "1..64", FK_ERANGE},
		{"[{name: a, address: 192.0.2.300}]", "next_hops[0].address", "192.0.2.300",
		 FK_EINVAL},
		{"[{name: a, address: 0.0.0.0}]", "next_hops[0].address", "IPv4", FK_EINVAL},
		{"[{name: a, address: 224.0.0.1}]", "next_hops[0].address", "IPv4", FK_EINVAL},
		{"[{name: a, address: '::'}]", "next_hops[0].address", "IPv6", FK_EINVAL},
		{"[{name: a, address: '::1'}]", "next_hops[0].address", "IPv6", FK_EINVAL},
		{"[{name: a, address: 'fe80::1'}]", "next_hops[0].address", "IPv6", FK_EINVAL},
		{"[{name: a, address: 'ff02::1'}]", "next_hops[0].address", "IPv6", FK_EINVAL},
		{"[{name: a, address: '::ffff:192.0.2.1'}]", "next_hops[0].address", "IPv6",
		 FK_EINVAL},
		{"[{name: a, address: '2001:db8::20/64'}]", "next_hops[0].address", "/64",
		 FK_EINVAL},
		{"[{name: a b, address: 192.0.2.1}]", "next_hops[0].name", "letters", FK_EINVAL},
		{"[{address: 192.0.2.1}]", "next_hops[0].name", "missing", FK_EINVAL},
		{"[{name: a, address: 192.0.2.1, port: 0}]", "next_hops[0].port", "1..65535",
		 FK_ERANGE},
		{"[{name: a, address: 192.0.2.1, profile: D}]", "next_hops[0].profile", "A|B|C",
		 FK_EINVAL},
		{"[{name: a, address: 192.0.2.1, profile: A}]", "next_hops[0].psi", "missing",
		 FK_EINVAL},
		{"[{name: a, address: 192.0.2.1}, {name: a, address: 192.0.2.2}]",
		 "next_hops[1].name", "unique", FK_EINVAL},
		{"[{name: a, address: 192.0.2.1, psi: 'sip:a b'}]", "next_hops[0].psi", "SIP URI",
		 FK_EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char yaml[1024];

		(void)snprintf(yaml, sizeof(yaml), "%s%s\n", head, cases[i].yaml);
		expect_refusal(yaml, cases[i].err, cases[i].word, cases[i].second);
	}
}

Test(config, sixty_five_next_hops_are_too_many)
{
	char yaml[8192];
	size_t at = (size_t)snprintf(yaml, sizeof(yaml),
				     "%scampaign: {pace_per_s: 1}\nnext_hops:\n", TEST_CONFIG_HEAD);

	for (int i = 0; i < 65; i++)
		at += (size_t)snprintf(yaml + at, sizeof(yaml) - at,
				       "  - {name: n%d, address: 10.0.0.%d}\n", i, i + 1);
	expect_refusal(yaml, FK_ERANGE, "next_hops", "65");
}

#define REST_BUT_STORE                           \
	"kmf: {uri: 'sip:kmf@example.org'}\n"    \
	"keys: {root_key_file: /run/root.key}\n" \
	"link: {socket: /run/link.sock}\n"       \
	"api: {socket: /run/api.sock}\n"         \
	"campaign: {pace_per_s: 100}\n" TEST_CONFIG_HOPS

Test(config, sentinels_stand_in_place_of_the_socket)
{
	static const char yaml[] =
		REST_BUT_STORE "store:\n"
			       "  sentinels: [10.0.0.1:26379, '[2001:db8::1]:65535']\n"
			       "  master_name: fleetkey\n"
			       "  replicas: 1\n";
	struct fk_config *config = NULL;
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(fk_config_parse(yaml, strlen(yaml), &config, &reason), FK_OK, "%s",
		     reason.text);
	cr_expect_null(config->store.redis_socket);
	cr_expect_str_eq(config->store.master_name, "fleetkey");
	cr_assert_eq(config->store.n_sentinels, 2);
	cr_expect_str_eq(config->store.sentinels[0].host, "10.0.0.1");
	cr_expect_eq(config->store.sentinels[0].port, 26379);
	cr_expect_str_eq(config->store.sentinels[1].host, "2001:db8::1");
	cr_expect_eq(config->store.sentinels[1].port, 65535);
	fk_config_free(config);
}

Test(config, an_automatic_recovery_wants_a_witness)
{
	static const char yaml[] = REST_BUT_STORE
		"store: {redis_socket: /r, witness_file: /w}\nrecovery: {automatic: true}\n";
	struct fk_config *config = NULL;
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(fk_config_parse(yaml, strlen(yaml), &config, &reason), FK_OK, "%s",
		     reason.text);
	cr_expect(config->recovery.automatic);
	fk_config_free(config);
	cr_assert_eq(fk_config_parse(TEST_CONFIG, strlen(TEST_CONFIG), &config, &reason), FK_OK);
	cr_expect_not(config->recovery.automatic, "off by default");
	fk_config_free(config);
	expect_refusal(REST_BUT_STORE "store: {redis_socket: /r}\nrecovery: {automatic: true}\n",
		       FK_EINVAL, "recovery.automatic", "witness_file");
}

Test(config, the_break_glass_role_is_a_list_of_users)
{
	static const char yaml[] = TEST_CONFIG_HEAD
		"campaign: {pace_per_s: 1, break_glass_uids: [0, 4294967294]}\n" TEST_CONFIG_HOPS;
	static const char *const bad[] = {"-1", "4294967295", "4294967296", "root",
					  "1x", "''",	      "99999999999"};
	struct fk_config *config = NULL;
	struct fk_reason reason = {.text = ""};
	char text[1024];

	cr_assert_eq(fk_config_parse(yaml, strlen(yaml), &config, &reason), FK_OK, "%s",
		     reason.text);
	cr_assert_eq(config->campaign.n_break_glass_uids, 2);
	cr_expect_eq(config->campaign.break_glass_uids[0], 0);
	cr_expect_eq(config->campaign.break_glass_uids[1], 4294967294u);
	fk_config_free(config);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
			 TEST_CONFIG_HEAD
			 "campaign: {pace_per_s: 1, break_glass_uids: [7, %s]}\n" TEST_CONFIG_HOPS,
			 bad[i]);
		expect_refusal(text, FK_EINVAL, "campaign.break_glass_uids[1]", "uid");
	}
	expect_refusal(TEST_CONFIG_HEAD
		       "campaign: {pace_per_s: 1, break_glass_uids: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
		       "1,1,1]}\n" TEST_CONFIG_HOPS,
		       FK_ERANGE, "campaign.break_glass_uids", "1..16");
}

Test(config, redis_is_behind_a_socket_or_behind_sentinels_with_all_that_they_need)
{
	static const struct {
		const char *store, *word, *second;
		enum fk_err err;
	} cases[] = {
		{"{}", "store.redis_socket", "one of redis_socket and sentinels", FK_EINVAL},
		{"{sentinels: [], master_name: m}", "store.redis_socket", "missing", FK_EINVAL},
		{"{redis_socket: /r, sentinels: [10.0.0.1:1], master_name: m, replicas: 1}",
		 "store.redis_socket", "both are given", FK_EINVAL},
		{"{sentinels: [10.0.0.1:1], replicas: 1}", "store.master_name", "missing",
		 FK_EINVAL},
		{"{redis_socket: /r, master_name: m}", "store.master_name",
		 "store.sentinels is not", FK_EINVAL},
		{"{sentinels: [10.0.0.1:1], master_name: m}", "store.replicas", "1 or more",
		 FK_EINVAL},
		{"{sentinels: [10.0.0.1:1], master_name: 'a b', replicas: 1}", "store.master_name",
		 "letters", FK_EINVAL},
		{"{sentinels: 10.0.0.1:1, master_name: m, replicas: 1}", "store.sentinels", "line",
		 FK_EFORMAT},
		{"{sentinels: [a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1], master_name: m,"
		 " replicas: 1}",
		 "store.sentinels", "1..9", FK_ERANGE},
	};
	static const char *const bad[] = {
		"",
		"10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:0",
		"10.0.0.1:65536",
		"10.0.0.1:1x",
		"10.0.0.1:-1",
		"redis-1.example:1",
		"::1:26379",
		"[::1]",
		"[::1]26379",
		"[10.0.0.1]:1",
		":1",
		"[]:1",
		"10.0.0.1:100000000000000000001",
		"[2001:0db8:0000:0000:0000:0000:0000:0000:0000:0001]:1",
	};
	char yaml[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(yaml, sizeof(yaml), "%sstore: %s\n", REST_BUT_STORE, cases[i].store);
		expect_refusal(yaml, cases[i].err, cases[i].word, cases[i].second);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(yaml, sizeof(yaml),
			       "%sstore: {sentinels: ['10.0.0.1:1', '%s'], master_name: m, "
			       "replicas: 1}\n",
			       REST_BUT_STORE, bad[i]);
		expect_refusal(yaml, FK_EINVAL, "store.sentinels[1]", "ADDRESS:PORT");
	}
}

Test(config, the_extended_app_id_fits_its_type)
{
	expect_refusal(TEST_CONFIG_HOPS "campaign: {pace_per_s: 1}\nstore: {redis_socket: /r}\n"
					"keys: {root_key_file: /k}\nlink: {socket: /l}\n"
					"api: {socket: /a}\n"
					"kmf: {uri: 'sip:a@b', extended_app_id_type: text}\n",
		       FK_EINVAL, "kmf.extended_app_id", "missing");
	expect_refusal(TEST_CONFIG_HOPS "campaign: {pace_per_s: 1}\nstore: {redis_socket: /r}\n"
					"keys: {root_key_file: /k}\nlink: {socket: /l}\n"
					"api: {socket: /a}\n"
					"kmf: {uri: 'sip:a@b', extended_app_id: x}\n",
		       FK_EINVAL, "kmf.extended_app_id", "none");
}

Test(config, a_loopback_port_needs_a_token_file_that_nobody_else_reads)
{
	char folder[64], path[96], yaml[1024];
	static const char rest[] = "kmf: {uri: 'sip:kmf@example.org'}\nstore: {redis_socket: /r}\n"
				   "keys: {root_key_file: /k}\nlink: {socket: /l}\ncampaign: "
				   "{pace_per_s: 1}\n" TEST_CONFIG_HOPS;
	struct fk_config *config = NULL;

	test_make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/token", folder);
	(void)snprintf(yaml, sizeof(yaml), "%sapi: {socket: /a, loopback_port: 80}\n", rest);
	expect_refusal(yaml, FK_EINVAL, "api.token_file", "missing");
	(void)snprintf(yaml, sizeof(yaml),
		       "%sapi: {socket: /a, loopback_port: 80, token_file: %s}\n", rest, path);
	expect_refusal(yaml, FK_EINVAL, "api.token_file", "No such file");
	test_write_file(path, "token", 5, 0640);
	expect_refusal(yaml, FK_EINVAL, "api.token_file", "0600");
	test_write_file(path, "token", 5, 0600);
	cr_expect_eq(fk_config_parse(yaml, strlen(yaml), &config, NULL), FK_OK);
	fk_config_free(config);
	unlink(path);
	rmdir(folder);
}

Test(config, an_unknown_dataplane_user_is_refused)
{
	expect_refusal("kmf: {uri: 'sip:kmf@example.org'}\nstore: {redis_socket: /r}\n"
		       "keys: {root_key_file: /k}\napi: {socket: /a}\n"
		       "link: {socket: /l, dataplane_user: no-such-user-here}\n"
		       "campaign: {pace_per_s: 1}\n" TEST_CONFIG_HOPS,
		       FK_EINVAL, "link.dataplane_user", "no-such-user-here");
}

Test(config, what_is_no_yaml_or_no_file_is_refused)
{
	char folder[64], path[96];
	struct fk_config *config = NULL;
	struct fk_reason reason = {.text = ""};

	test_make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/bad.yaml", folder);
	test_write_file(path, "a: [\n", 5, 0600);
	cr_expect_eq(fk_config_load(path, &config, &reason), FK_EFORMAT);
	cr_expect_not_null(strstr(reason.text, "line"));
	test_write_file(path, "", 0, 0600);
	cr_expect_eq(fk_config_load(path, &config, &reason), FK_EFORMAT);
	unlink(path);
	cr_expect_eq(fk_config_load(path, &config, &reason), FK_EIO);
	cr_expect_not_null(strstr(reason.text, "No such file"));
	rmdir(folder);
}

Test(config, an_alias_cannot_multiply_a_document)
{
	expect_refusal("kmf: &a {uri: 'sip:a@b'}\nstore: *a\n", FK_EFORMAT, "lias", "");
}

/* spec: RFC 3261 §18.1.1 */
Test(config, a_message_stays_below_the_path_mtu_and_its_slack)
{
	struct fk_config *config = test_config();

	cr_expect_eq(fk_config_max_datagram(config), 1300 - 150);
	config->sip.path_mtu = 1400;
	cr_expect_eq(fk_config_max_datagram(config), 1400 - 200 - 150);
	config->sip.path_mtu = 9000;
	cr_expect_eq(fk_config_max_datagram(config), 1300 - 150);
	config->sip.datagram_max = 65000;
	cr_expect_eq(fk_config_max_datagram(config), 9000 - 200 - 150);
	fk_config_free(config);
}

/* spec: RFC 3261 §18.1.1 */
Test(config, a_message_above_1300_octets_needs_a_known_path_mtu)
{
	static const char *const fine[] = {
		TEST_CONFIG "sip: {datagram_max: 1300}\n",
		TEST_CONFIG "sip: {datagram_max: 1301, path_mtu: 1500}\n",
		TEST_CONFIG "sip: {datagram_max: 65000, path_mtu: 700, proxy_slack: 0}\n",
	};
	static const uint16_t sizes[] = {1300 - 150, 1300 - 150, 700 - 200};

	expect_refusal(TEST_CONFIG "sip: {datagram_max: 1301}\n", FK_ERANGE,
		       "sip.datagram_max: 1301", "above 1300 while the path MTU is unknown");
	expect_refusal(TEST_CONFIG "sip: {datagram_max: 65000, path_mtu: 0}\n", FK_ERANGE,
		       "sip.datagram_max: 65000", "sip.path_mtu is 0");
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		struct fk_config *config = NULL;
		struct fk_reason reason = {.text = ""};

		cr_assert_eq(fk_config_parse(fine[i], strlen(fine[i]), &config, &reason), FK_OK,
			     "%s -> %s", fine[i], reason.text);
		cr_expect_eq(fk_config_max_datagram(config), sizes[i], "%s", fine[i]);
		fk_config_free(config);
	}
}

Test(config, next_hops_are_found_by_name)
{
	struct fk_config *config = test_config();

	cr_expect_eq(fk_config_find_next_hop(config, "hop-b"), 1);
	cr_expect_eq(fk_config_find_next_hop(config, "hop-c"), -1);
	cr_expect_eq(fk_config_find_next_hop(config, ""), -1);
	fk_config_free(config);
}

/* spec: RFC 3428 §8 */
Test(config, one_at_a_time_follows_from_the_profile_unless_the_way_is_congestion_safe)
{
	const struct {
		uint8_t profile;
		bool congestion_safe, one_at_a_time;
	} cases[] = {
		{FK_PROFILE_A, false, true},  {FK_PROFILE_A, true, false},
		{FK_PROFILE_B, false, true},  {FK_PROFILE_B, true, false},
		{FK_PROFILE_C, false, false}, {FK_PROFILE_C, true, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_config_next_hop hop = {.profile = cases[i].profile,
						 .congestion_safe = cases[i].congestion_safe};

		cr_expect_eq(fk_config_next_hop_is_one_at_a_time(&hop), cases[i].one_at_a_time);
		hop.carrier = FK_CARRIER_T2;
		cr_expect_eq(fk_config_next_hop_is_one_at_a_time(&hop), !cases[i].congestion_safe);
	}
}

/* Writes a layout and a configuration that names it, and loads that. */
static enum fk_err load_with_layout(const char *layout, const char *hop,
				    struct fk_config **ret_config, struct fk_reason *reason)
{
	char folder[64], layout_path[96], config_path[96], yaml[1024];
	enum fk_err err;

	test_make_folder(folder);
	(void)snprintf(layout_path, sizeof(layout_path), "%s/layout", folder);
	(void)snprintf(config_path, sizeof(config_path), "%s/config", folder);
	(void)snprintf(yaml, sizeof(yaml),
		       TEST_CONFIG_HEAD "campaign: {pace_per_s: 1}\n"
					"isd: {layout_file: %s}\nnext_hops:\n  - {%s}\n",
		       layout_path, hop);
	if (layout != NULL)
		test_write_file(layout_path, layout, strlen(layout), 0644);
	test_write_file(config_path, yaml, strlen(yaml), 0644);
	err = fk_config_load(config_path, ret_config, reason);
	(void)unlink(config_path);
	(void)unlink(layout_path);
	(void)rmdir(folder);
	return err;
}

#define T2_HOP "name: n, address: 192.0.2.1, carrier: T2, psi: 'sip:mcptt@example.org'"

Test(config, a_next_hop_of_t2_comes_with_the_layout_that_its_file_holds)
{
	static const char layout[] = "lmr_type V p25=2\npayload LV content_type=1\n";
	struct fk_config *config = NULL;
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(load_with_layout(layout, T2_HOP, &config, &reason), FK_OK, "%s", reason.text);
	cr_expect_eq(config->next_hops[0].carrier, FK_CARRIER_T2);
	cr_assert_eq(config->isd.layout_size, strlen(layout));
	cr_expect_arr_eq(config->isd.layout, layout, strlen(layout));
	cr_expect_eq(fk_config_max_payload(config, &config->next_hops[0]), 254);
	config->next_hops[0].max_payload_size_sds_cplane_bytes = 100;
	cr_expect_eq(fk_config_max_payload(config, &config->next_hops[0]), 100);
	config->next_hops[0].max_payload_size_sds_cplane_bytes = 300;
	cr_expect_eq(fk_config_max_payload(config, &config->next_hops[0]), 254);
	config->next_hops[0].carrier = FK_CARRIER_T1;
	cr_expect_eq(fk_config_max_payload(config, &config->next_hops[0]), 300);
	fk_config_free(config);
}

Test(config, a_bad_layout_is_refused_with_file_line_field_and_reason)
{
	static const struct {
		const char *layout;
		enum fk_err err;
		const char *words[3];
	} cases[] = {
		{NULL, FK_EIO, {"isd.layout_file: /", "/layout: ", "No such file"}},
		{"", FK_EFORMAT, {"/layout: ", "line 0: ", "payload: is not there"}},
		{"lmr_type V p25=2\npayload LW\n",
		 FK_EFORMAT,
		 {"/layout: ", "line 2: ", "payload: "}},
		{"payload LV\n", FK_EINVAL, {"/layout: ", "lmr_type: ", "p25="}},
		{"lmr_type V tetra=2\npayload LV\n",
		 FK_EINVAL,
		 {"/layout: ", "lmr_type: ", "p25="}},
	};
	static char large[4098];

	memset(large, '\n', sizeof(large) - 1);
	for (size_t i = 0; i <= sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_large = i == sizeof(cases) / sizeof(cases[0]);
		struct fk_config *config = NULL;
		struct fk_reason reason = {.text = ""};

		cr_expect_eq(load_with_layout(is_large ? large : cases[i].layout, T2_HOP, &config,
					      &reason),
			     is_large ? FK_ERANGE : cases[i].err, "%zu: %s", i, reason.text);
		cr_expect_null(config);
		for (size_t k = 0; !is_large && k < 3; k++)
			cr_expect_not_null(strstr(reason.text, cases[i].words[k]), "%zu: %s", i,
					   reason.text);
	}
}

Test(config, t2_needs_a_layout_and_a_psi_and_has_no_profile)
{
	expect_refusal(TEST_CONFIG_HEAD "campaign: {pace_per_s: 1}\nnext_hops: [{" T2_HOP "}]\n",
		       FK_EINVAL, "isd.layout_file", "missing");
	expect_refusal(TEST_CONFIG_HEAD "campaign: {pace_per_s: 1}\nisd: {layout_file: /x}\n"
					"next_hops: [{name: n, address: 192.0.2.1, carrier: T2}]\n",
		       FK_EINVAL, "next_hops[0].psi", "T2");
	expect_refusal(TEST_CONFIG_HEAD "campaign: {pace_per_s: 1}\nisd: {layout_file: /x}\n"
					"next_hops: [{" T2_HOP ", profile: A}]\n",
		       FK_EINVAL, "next_hops[0].profile", "T2");
	expect_refusal(TEST_CONFIG_HEAD "campaign: {pace_per_s: 1}\n"
					"next_hops: [{name: n, address: 192.0.2.1, carrier: T3}]\n",
		       FK_EINVAL, "next_hops[0].carrier", "T1|T2");
}

Test(config, the_help_names_every_option)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fk_config_print_help(out);
	(void)fclose(out);
#define X(section, name, kind, default_text, min, max, unit, help) \
	cr_expect_not_null(strstr(text, #section "." #name));
#define L(section, name, max, form, help) cr_expect_not_null(strstr(text, #section "." #name));
#define S(section, list, lists)		  list(X) lists(L)
	FK_SECTIONS(S)
#undef S
#undef L
#undef X
	cr_expect_not_null(strstr(text, "next_hops[].address"));
	cr_expect_not_null(strstr(text, "next_hops[].congestion_safe"));
	free(text);
}

static char *read_sample(void)
{
	static char text[65536];
	FILE *file = fopen(FK_SAMPLE_CONFIG, "re");

	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return text;
}

Test(config, the_sample_file_loads)
{
	struct fk_config *config = NULL;
	struct fk_reason reason = {.text = ""};
	enum fk_err err = fk_config_load(FK_SAMPLE_CONFIG, &config, &reason);

	cr_assert_eq(err, FK_OK, "%s", reason.text);
	cr_expect_eq(config->campaign.pace_per_s, 100);
	cr_expect_eq(config->n_next_hops, 1);
	fk_config_free(config);
}

/* Every option stands there; one that is commented out shows the default of the table. */
Test(config, the_sample_file_shows_every_option_and_its_default)
{
	const char *text = read_sample();

#define X(section, name, kind, default_text, min, max, unit, help)                               \
	do {                                                                                     \
		const char *value = default_text;                                                \
		char line[128];                                                                  \
                                                                                                 \
		(void)snprintf(line, sizeof(line), "%s" #name ": %s", value != NULL ? "# " : "", \
			       value != NULL ? value : "");                                      \
		cr_expect_not_null(strstr(text, line), "sample lacks '%s'", line);               \
	} while (0);
#define L(section, name, max, form, help) \
	cr_expect_not_null(strstr(text, "# " #name ": ["), "sample lacks '" #name "'");
#define S(section, list, lists) list(X) lists(L)
	FK_SECTIONS(S)
#undef S
#undef L
	FK_OPTIONS_NEXT_HOP(X)
#undef X
}
