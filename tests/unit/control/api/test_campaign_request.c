/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "api/campaign_request.h"

static enum fk_err parse(const char *body, struct fk_campaign_request *request, char *field,
			 struct fk_reason *reason)
{
	return fk_campaign_request_parse(body, strlen(body), request, field, reason);
}

Test(campaign_request, absent_members_get_their_defaults)
{
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason;

	cr_assert_eq(parse("{\"kind\":\"rekey\"}", &r, field, &reason), FK_OK);
	cr_assert_str_eq(r.group, "");
	cr_assert_eq(r.n_keys, 0); /* the group's plan says which */
	cr_assert_eq(r.keyset_id, 0);
	cr_assert_eq(r.pace_per_s, 0);
	cr_assert(r.closing);
}

Test(campaign_request, all_members_are_taken)
{
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason;

	cr_assert_eq(parse("{\"kind\":\"rekey\",\"group\":\"alpha\",\"sln\":4095,\"keyset_id\":16,"
			   "\"pace_per_s\":10000000,\"closing\":false}",
			   &r, field, &reason),
		     FK_OK);
	cr_assert_str_eq(r.group, "alpha");
	cr_assert_eq(r.n_keys, 1);
	cr_assert_eq(r.slns[0], 4095);
	cr_assert_eq(r.keyset_id, 16);
	cr_assert_eq(r.pace_per_s, 10000000);
	cr_assert_not(r.closing);
}

Test(campaign_request, only_what_gives_traffic_keys_replaces_active_ones)
{
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason;

	cr_assert_eq(parse("{\"kind\":\"rekey\",\"replaces_active\":true}", &r, field, &reason),
		     FK_OK);
	cr_assert(r.replaces_active);
	cr_assert_not(r.supersedes);
	cr_assert_eq(parse("{\"kind\":\"rekey-and-changeover\",\"replaces_active\":true}", &r,
			   field, &reason),
		     FK_OK);
	cr_assert_eq(
		parse("{\"kind\":\"changeover\",\"replaces_active\":true}", &r, field, &reason),
		FK_EINVAL);
	cr_assert_str_eq(field, "replaces_active");
}

Test(campaign_request, waves_and_gate_are_taken)
{
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason;

	cr_assert_eq(parse("{\"kind\":\"rekey\"}", &r, field, &reason), FK_OK);
	cr_expect_eq(r.waves.n, 0);
	cr_expect_eq(r.gate.min_acked_percent, 95);
	cr_expect_eq(r.gate.failed_limit, 0);
	cr_assert_eq(parse("{\"kind\":\"rekey\",\"waves\":[{\"count\":100},{\"percent\":7},"
			   "{\"area\":\"North\"}],\"gate\":{\"failed_limit\":3,\"life_s\":9}}",
			   &r, field, &reason),
		     FK_OK);
	cr_assert_eq(r.waves.n, 3);
	cr_expect_eq(r.waves.items[0].kind, FK_WAVE_COUNT);
	cr_expect_eq(r.waves.items[0].size, 100);
	cr_expect_eq(r.waves.items[1].kind, FK_WAVE_PERCENT);
	cr_expect_eq(r.waves.items[1].size, 7);
	cr_expect_str_eq(r.waves.items[2].area, "North");
	cr_expect_eq(r.gate.failed_limit, 3);
	cr_expect_eq(r.gate.life_s, 9);
	cr_expect_eq(r.gate.min_acked_percent, 95, "what is not said stays");
}

Test(campaign_request, a_break_glass_wants_its_reason)
{
	static const char *const bad[] = {"\"\"", "1", "true", "null", "\"a\\nb\"", "\"a\\\"b\""};
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE], body[400], text[FK_NOTE_SIZE + 1];
	struct fk_reason reason;

	cr_assert_eq(parse("{\"kind\":\"zeroize\"}", &r, field, &reason), FK_OK);
	cr_expect_str_eq(r.break_glass, "");
	cr_assert_eq(parse("{\"kind\":\"zeroize\",\"break_glass\":\"stolen\"}", &r, field, &reason),
		     FK_OK);
	cr_expect_str_eq(r.break_glass, "stolen");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(body, sizeof(body), "{\"kind\":\"zeroize\",\"break_glass\":%s}", bad[i]);
		cr_expect_eq(parse(body, &r, field, &reason), FK_EINVAL, "%s", bad[i]);
		cr_expect_str_eq(field, "break_glass");
	}
	for (size_t size = FK_NOTE_SIZE - 1; size <= FK_NOTE_SIZE; size++) {
		memset(text, 'x', size);
		text[size] = '\0';
		snprintf(body, sizeof(body), "{\"kind\":\"zeroize\",\"break_glass\":\"%s\"}", text);
		cr_expect_eq(parse(body, &r, field, &reason),
			     size < FK_NOTE_SIZE ? FK_OK : FK_ERANGE);
	}
}

Test(campaign_request, every_kind_is_known_by_its_name)
{
	static const char *const kinds[] = {"rekey",	 "changeover", "rekey-and-changeover",
					    "inventory", "delete-key", "delete-keyset",
					    "zeroize",	 "warm-start", "hello"};
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE], body[120];
	struct fk_reason reason;

	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		(void)snprintf(body, sizeof(body), "{\"kind\":\"%s\",\"supersedes\":false}",
			       kinds[i]);
		cr_assert_eq(parse(body, &r, field, &reason), FK_OK);
		cr_expect_str_eq(fk_kind(r.kind)->label, kinds[i]);
	}
	cr_assert_eq(parse("{\"kind\":\"changeover\",\"keys_of\":4000000000,\"keyset_id\":2,"
			   "\"superseded_keyset_id\":3}",
			   &r, field, &reason),
		     FK_OK);
	cr_expect_eq(r.keys_of, 4000000000u);
	cr_expect_eq(r.superseded_keyset_id, 3);
}

Test(campaign_request, what_means_nothing_for_the_kind_is_refused)
{
	static const struct {
		const char *member, *value, *takers; /* kinds, each with a blank around it */
	} rows[] = {
		{"sln", "7", " rekey rekey-and-changeover ckek "},
		{"slns", "[7,8]", " rekey rekey-and-changeover ckek "},
		{"keys_of", "1", " changeover inventory delete-key "},
		{"keyset_id", "2",
		 " rekey rekey-and-changeover ckek changeover inventory delete-key delete-keyset "},
		{"superseded_keyset_id", "2", " changeover rekey-and-changeover "},
		{"supersedes", "true", " rekey rekey-and-changeover ckek "},
	};
	char field[FK_FIELD_NAME_SIZE], body[120], word[40];
	struct fk_campaign_request r;
	struct fk_reason reason;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint8_t kind = 0; kind < UINT8_MAX; kind++) {
			bool is_taken;

			if (fk_kind(kind) == NULL)
				continue;
			(void)snprintf(word, sizeof(word), " %s ", fk_kind(kind)->label);
			is_taken = strstr(rows[i].takers, word) != NULL;
			(void)snprintf(body, sizeof(body), "{\"%s\":%s,\"kind\":\"%s\"}",
				       rows[i].member, rows[i].value, fk_kind(kind)->label);
			cr_assert_eq(parse(body, &r, field, &reason), is_taken ? FK_OK : FK_EINVAL,
				     "%s", body);
			cr_expect_str_eq(field, is_taken ? "" : rows[i].member);
		}
	}
}

Test(campaign_request, an_area_names_its_ues_beside_those_that_are_named)
{
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason;

	cr_assert_eq(parse("{\"kind\":\"rekey\",\"area\":\"north\",\"group\":\"alpha\"}", &r, field,
			   &reason),
		     FK_OK);
	cr_expect_str_eq(r.members.area, "north");
	cr_expect_str_eq(r.group, "alpha");
	cr_expect_eq(r.members.naming, FK_NAMED_ONLY);
}

Test(campaign_request, a_list_of_slns_asks_for_one_key_each)
{
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason;

	cr_assert_eq(parse("{\"kind\":\"rekey\",\"slns\":[1,2,4095]}", &r, field, &reason), FK_OK);
	cr_assert_eq(r.n_keys, 3);
	cr_assert_eq(r.slns[0], 1);
	cr_assert_eq(r.slns[1], 2);
	cr_assert_eq(r.slns[2], 4095);
}

struct bad {
	char body[120];
	char field[16];
	enum fk_err err;
};

ParameterizedTestParameters(campaign_request, what_is_wrong_is_named)
{
	static struct bad bad[] = {
		{"", "", FK_EFORMAT},
		{"[]", "", FK_EFORMAT},
		{"{\"kind\":\"rekey\"", "", FK_EFORMAT},
		{"{\"kind\":\"rekey\"} x", "", FK_EFORMAT},
		{"{\"kind\":\"rekey\",\"sln\":1,\"sln\":2}", "", FK_EFORMAT},
		{"{}", "kind", FK_EINVAL},
		{"{\"kind\":\"forget\"}", "kind", FK_EINVAL},
		{"{\"kind\":7}", "kind", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"colour\":1}", "colour", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"sln\":0}", "sln", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"sln\":4096}", "sln", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"sln\":65537}", "sln", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"sln\":\"1\"}", "sln", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"sln\":1.5}", "sln", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"sln\":null}", "sln", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"slns\":[]}", "slns", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"slns\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}",
		 "slns", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"slns\":5}", "slns", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"slns\":[5,\"6\"]}", "slns", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"slns\":[5,0]}", "slns", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"slns\":[4096]}", "slns", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"slns\":[5,6,5]}", "slns", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"sln\":5,\"slns\":[6]}", "slns", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"keyset_id\":0}", "keyset_id", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"keyset_id\":17}", "keyset_id", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"keyset_id\":257}", "keyset_id", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"pace_per_s\":0}", "pace_per_s", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"pace_per_s\":10000001}", "pace_per_s", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"closing\":1}", "closing", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"waves\":{}}", "waves", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"waves\":[]}", "waves", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"waves\":[{}]}", "waves", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"waves\":[{\"count\":0}]}", "waves", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"waves\":[{\"count\":\"1\"}]}", "waves", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"waves\":[{\"percent\":101}]}", "waves", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"waves\":[{\"area\":\"\"}]}", "waves", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"waves\":[{\"area\":\"a\",\"count\":1}]}", "waves",
		 FK_EINVAL},
		{"{\"kind\":\"rekey\",\"gate\":[]}", "gate", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"gate\":{\"life\":1}}", "gate", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"gate\":{\"life_s\":-1}}", "gate", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"gate\":{\"min_acked_percent\":101}}", "gate", FK_ERANGE},
		{"{\"kind\":\"rekey\",\"area\":\"\"}", "area", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"area\":[]}", "area", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"area\":\"012345678901234567890123456789012\"}", "area",
		 FK_ERANGE},
		{"{\"kind\":\"rekey\",\"except_ue_ids\":[\"a\"],\"area\":\"north\"}", "area",
		 FK_EINVAL},
		{"{\"kind\":\"rekey\",\"group\":5}", "group", FK_EINVAL},
		{"{\"kind\":\"rekey\",\"group\":\"0123456789012345678901234567890123\"}", "group",
		 FK_ERANGE},
	};

	return cr_make_param_array(struct bad, bad, sizeof(bad) / sizeof(bad[0]));
}

ParameterizedTest(struct bad *b, campaign_request, what_is_wrong_is_named)
{
	struct fk_campaign_request r, untouched;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason = {{0}};

	memset(&r, 0x5a, sizeof(r));
	memcpy(&untouched, &r, sizeof(r));
	cr_assert_eq(parse(b->body, &r, field, &reason), b->err, "%s", b->body);
	cr_assert_str_eq(field, b->field);
	cr_assert_neq(reason.text[0], '\0');
	cr_assert_arr_eq(&r, &untouched, sizeof(r));
}

Test(campaign_request, ues_are_named_by_id_or_by_status_or_left_out)
{
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason;

	cr_assert_eq(parse("{\"kind\":\"zeroize\",\"ue_ids\":[\"ue1\",\"ue2\"],"
			   "\"status\":\"lost\"}",
			   &r, field, &reason),
		     FK_OK);
	cr_expect_eq(r.members.naming, FK_NAMED_ONLY);
	cr_assert_eq(r.members.n_ue_ids, 2);
	cr_expect_str_eq(r.members.ue_ids[1], "ue2");
	cr_expect_eq(r.members.of_statuses, FK_ADMIT(FK_UE_LOST));
	fk_campaign_request_fini(&r);
	cr_assert_eq(parse("{\"kind\":\"rekey\",\"except_ue_ids\":[\"ue1\"]}", &r, field, &reason),
		     FK_OK);
	cr_expect_eq(r.members.naming, FK_NAMED_BUT);
	fk_campaign_request_fini(&r);
}

Test(campaign_request, names_that_contradict_each_other_or_name_nobody_are_refused)
{
	static const char *const bad[][2] = {
		{"{\"kind\":\"rekey\",\"ue_ids\":[\"a\"],\"except_ue_ids\":[\"b\"]}",
		 "except_ue_ids"},
		{"{\"kind\":\"rekey\",\"except_ue_ids\":[\"b\"],\"status\":\"lost\"}", "status"},
		{"{\"kind\":\"rekey\",\"status\":\"active\"}", "status"},
		{"{\"kind\":\"rekey\",\"ue_ids\":[]}", "ue_ids"},
		{"{\"kind\":\"rekey\",\"ue_ids\":[7]}", "ue_ids"},
	};
	struct fk_campaign_request r;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason;

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_neq(parse(bad[i][0], &r, field, &reason), FK_OK, "%s", bad[i][0]);
		cr_expect_str_eq(field, bad[i][1]);
	}
}
