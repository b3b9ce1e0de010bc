/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "campaign/campaign.h"
#include "campaign/lifecycle.h"
#include "campaign/refusal.h"

static struct fk_campaign example(void)
{
	struct fk_campaign c = {
		.id = 300,
		.state = FK_CAMPAIGN_HALTED,
		.kind = FK_KIND_CHANGEOVER,
		.keys_of = 299,
		.keyset_id = 2,
		.superseded_keyset_id = 1,
		.naming = FK_NAMED_BUT,
		.is_folded = true,
		.algorithm_id = 0x84,
		.slot = 44,
		.generation = 5,
		.n_keys = FK_CAMPAIGN_KEYS_MAX,
		.keys_per_kmm = {9, 0, 3},
		.halt = FK_HALT_NEXT_HOPS,
		.halt_status = 407,
		.waves = {.n = 2,
			  .items = {{.kind = FK_WAVE_PERCENT, .size = 10, .end = 4711},
				    {.kind = FK_WAVE_AREA, .area = "North"}}},
		.gate = FK_GATE_DEFAULT,
		.wave = 2,
		.history = {.n = 2,
			    .items = {{.began_at_ms = 1800000000126,
				       .ended_at_ms = 1800000000500,
				       .judged_at_ms = 1800000000499,
				       .verdict = FK_VERDICT_PASSED,
				       .tally = {.n = 7, .n_acked = 6, .n_living = 6},
				       .states = {[FK_DELIVERY_ACKED] = 6}},
				      {.began_at_ms = 1800000000500, .resumed_by = 1ull << 32}}},
		.n_excused = 5,
		.closing = true,
		.pace_per_s = 50000,
		.fleet_generation = 1ull << 40,
		.created_at_ms = 1800000000123,
		.planned_by = 1001,
		.approved_by = 1ull << 32,
		.stopped_by = 1003,
		.approved_at_ms = 1800000000124,
		.scheduled_at_ms = 1800000000125,
		.started_at_ms = 1800000000126,
		.plan_digest = UINT64_MAX,
		.n_planned = 77,
		.start_number = 9,
		.retry_of = 3,
		.superseded_by = 4,
		.settles = 6,
		.supersedes = true,
		.zone = "America/Argentina/Buenos_Aires",
		.glass = {.reason = "stolen; see \\1 = 7",
			  .ue_id = "ue1",
			  .note = "seen",
			  .reviewed_by = 1002,
			  .reviewed_at_ms = 1800000000127},
		.finished_at_ms = 0,
		.group = "alpha",
		.area = "north",
		.n_messages = 1ull << 33,
		.n_deliveries = 1200000,
		.n_held = 17,
		.n_proven = 3,
		.milestones_ms = {1, 2, FK_MILESTONE_NONE, FK_MILESTONE_NONE},
		.causes = "sip_404=12;no_answer=3",
	};

	for (uint32_t i = 0; i < FK_CAMPAIGN_KEYS_MAX; i++) {
		c.slns[i] = (uint16_t)(4095 - i);
		c.key_ids[i] = (uint16_t)(65535 - i);
	}
	c.keys_per_kmm[FK_NEXT_HOPS_MAX - 1] = 1;
	memset(c.conversation_id, 0, sizeof(c.conversation_id)); /* zeros are octets like others */
	c.conversation_id[3] = 0x40;
	c.states[FK_DELIVERY_ACKED] = 17;
	return c;
}

static enum fk_err decode(const struct fk_campaign_fields *fields, struct fk_campaign *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < fields->n; i++) {
		enum fk_err err =
			fk_campaign_decode_field(ret, fields->fields[i].name,
						 fields->fields[i].value, fields->fields[i].size);

		if (err != FK_OK)
			return err;
	}
	return fk_campaign_decode_done(ret);
}

Test(campaign, a_record_comes_back_as_it_was)
{
	struct fk_campaign c = example(), again;
	struct fk_campaign_fields fields;

	fk_campaign_encode(&c, &fields);
	cr_assert_eq(decode(&fields, &again), FK_OK);
	cr_assert_arr_eq(&c, &again, sizeof(c));
}

Test(campaign, of_an_older_record_nobody_knows_who_stopped_it)
{
	struct fk_campaign c = example(), again;
	struct fk_campaign_fields fields;

	fk_campaign_encode(&c, &fields);
	for (uint32_t i = 0; i < fields.n; i++) {
		if (strcmp(fields.fields[i].name, "stopped_by") == 0)
			fields.fields[i] = fields.fields[--fields.n];
	}
	cr_assert_eq(decode(&fields, &again), FK_OK);
	cr_expect_eq(again.stopped_by, FK_PRINCIPAL_NONE);
	cr_expect_eq(again.approved_by, c.approved_by);
}

Test(campaign, a_ckek_is_in_the_keyset_of_keks_and_no_tek_is)
{
	struct fk_campaign c = example(), again;
	struct fk_campaign_fields fields;

	c.kind = FK_KIND_REKEY;
	c.keys_of = 0;
	fk_campaign_encode(&c, &fields);
	cr_expect_eq(decode(&fields, &again), FK_OK);
	cr_expect_not(fk_campaign_has_ckek(&again));
	c.kind = FK_KIND_CKEK;
	fk_campaign_encode(&c, &fields);
	cr_expect_eq(decode(&fields, &again), FK_EFORMAT);
	c.keyset_id = FK_KMM_KEYSET_KEKS;
	fk_campaign_encode(&c, &fields);
	cr_expect_eq(decode(&fields, &again), FK_OK);
	cr_expect(fk_campaign_has_ckek(&again));
	c.kind = FK_KIND_REKEY;
	fk_campaign_encode(&c, &fields);
	cr_expect_eq(decode(&fields, &again), FK_EFORMAT);
}

Test(campaign, only_a_kind_without_keys_may_have_none)
{
	struct fk_campaign c = example(), again;
	struct fk_campaign_fields fields;

	c.n_keys = 0;
	memset(c.slns, 0, sizeof(c.slns));
	memset(c.key_ids, 0, sizeof(c.key_ids));
	fk_campaign_encode(&c, &fields);
	cr_expect_eq(decode(&fields, &again), FK_EFORMAT);
	c.kind = FK_KIND_INVENTORY;
	fk_campaign_encode(&c, &fields);
	cr_assert_eq(decode(&fields, &again), FK_OK);
	cr_expect_eq(again.n_keys, 0);
}

Test(campaign, unknown_fields_are_ignored)
{
	struct fk_campaign c = {0};

	cr_assert_eq(fk_campaign_decode_field(&c, "colour", "blue", 4), FK_OK);
}

Test(campaign, damaged_lists_of_keys_are_refused)
{
	static const char *const bad[] = {
		"",	"1,",	",1",
		"1,,2", "1 ,2", "65536",
		"1;2",	"x",	"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
	struct fk_campaign c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = (struct fk_campaign){.id = 0};
		cr_expect_eq(fk_campaign_decode_field(&c, "slns", bad[i], strlen(bad[i])),
			     FK_EFORMAT, "%s", bad[i]);
	}
	c = (struct fk_campaign){.id = 0};
	cr_expect_eq(fk_campaign_decode_field(&c, "slns", "1,2", 3), FK_OK);
	cr_expect_eq(fk_campaign_decode_field(&c, "key_ids", "7", 1), FK_EFORMAT);
	cr_expect_eq(fk_campaign_decode_field(&c, "key_ids", "7,8", 3), FK_OK);
	cr_expect_eq(fk_campaign_decode_field(&c, "keys_per_kmm", "9a", 2), FK_EFORMAT);
	cr_expect_eq(fk_campaign_decode_field(&c, "keys_per_kmm", "90", 2), FK_OK);
	cr_expect_eq(c.keys_per_kmm[0], 9);
}

Test(campaign, a_record_without_keys_is_refused)
{
	struct fk_campaign c = example();

	c.n_keys = 0;
	cr_expect_eq(fk_campaign_decode_done(&c), FK_EFORMAT);
	c.n_keys = 1;
	cr_expect_eq(fk_campaign_decode_done(&c), FK_OK);
	c.key_ids[0] = 0;
	cr_expect_eq(fk_campaign_decode_done(&c), FK_EFORMAT);
}

Test(campaign, a_damaged_number_is_refused)
{
	struct fk_campaign c = {0};

	cr_assert_eq(fk_campaign_decode_field(&c, "slot", "256", 3), FK_EFORMAT);
	cr_assert_eq(fk_campaign_decode_field(&c, "slot", "-1", 2), FK_EFORMAT);
	cr_assert_eq(fk_campaign_decode_field(&c, "slot", "12x", 3), FK_EFORMAT);
	cr_assert_eq(fk_campaign_decode_field(&c, "slot", "", 0), FK_EFORMAT);
	cr_assert_eq(fk_campaign_decode_field(&c, "created_at_ms", "18446744073709551616", 20),
		     FK_EFORMAT);
	cr_assert_eq(fk_campaign_decode_field(&c, "closing", "2", 1), FK_EFORMAT);
	cr_assert_eq(fk_campaign_decode_field(&c, "closing", "1", 1), FK_OK);
	cr_assert_eq(fk_campaign_decode_field(&c, "conversation_id", "short", 5), FK_EFORMAT);
	cr_assert_eq(
		fk_campaign_decode_field(&c, "group", "0123456789012345678901234567890123", 34),
		FK_EFORMAT);
}

Test(campaign, a_record_without_its_essentials_is_refused)
{
	struct fk_campaign c = example();

	cr_assert_eq(fk_campaign_decode_done(&c), FK_OK);
	c.naming = FK_NAMED_BUT + 1;
	cr_assert_eq(fk_campaign_decode_done(&c), FK_EFORMAT);
	c.naming = FK_NAMED_BUT;
	c.id = 0;
	cr_assert_eq(fk_campaign_decode_done(&c), FK_EFORMAT);
	c = example();
	c.generation = 0;
	cr_assert_eq(fk_campaign_decode_done(&c), FK_EFORMAT);
	c = example();
	c.slot = FK_CAMPAIGN_SLOTS;
	cr_assert_eq(fk_campaign_decode_done(&c), FK_EFORMAT);
	c = example();
	c.state = 200;
	cr_assert_eq(fk_campaign_decode_done(&c), FK_EFORMAT);
}

Test(campaign, a_milestone_rounds_up)
{
	cr_assert_eq(fk_milestone_need(1000, 0), 500);
	cr_assert_eq(fk_milestone_need(1000, 2), 999);
	cr_assert_eq(fk_milestone_need(1001, 2), 1000);
	cr_assert_eq(fk_milestone_need(10, 1), 10);
	cr_assert_eq(fk_milestone_need(1200000, 3), 1200000);
	cr_assert_eq(fk_milestone_need(0, 0), 1);
}

Test(campaign, causes_are_counted_most_frequent_first)
{
	struct fk_cause_count causes[FK_CAMPAIGN_CAUSES_MAX], again[FK_CAMPAIGN_CAUSES_MAX];
	struct fk_delivery d[6] = {
		{.state = FK_DELIVERY_REFUSED, .cause = FK_CAUSE_SIP, .cause_detail = 404},
		{.state = FK_DELIVERY_UNREACHABLE, .cause = FK_CAUSE_NO_ANSWER},
		{.state = FK_DELIVERY_UNREACHABLE, .cause = FK_CAUSE_NO_ANSWER},
		{.state = FK_DELIVERY_ACKED},
		{.state = FK_DELIVERY_WAITING, .cause = FK_CAUSE_SIP, .cause_detail = 503},
		{.state = FK_DELIVERY_NONE},
	};
	char text[200];

	cr_assert_eq(fk_causes_count(d, 6, causes), 2);
	cr_assert_str_eq(causes[0].text, "no_answer");
	cr_assert_eq(causes[0].n, 2);
	cr_assert_str_eq(causes[1].text, "sip_404");
	fk_causes_format(causes, 2, text, sizeof(text));
	cr_assert_str_eq(text, "no_answer=2;sip_404=1");
	cr_assert_eq(fk_causes_parse(text, again), 2);
	cr_assert_str_eq(again[1].text, "sip_404");
	cr_assert_eq(again[1].n, 1);
	cr_assert_eq(fk_causes_parse("", again), 0);
}

Test(campaign, more_causes_than_the_report_holds_are_other)
{
	static struct fk_delivery d[200];
	struct fk_cause_count causes[FK_CAMPAIGN_CAUSES_MAX];
	uint32_t n, sum = 0;

	for (uint32_t i = 0; i < 200; i++)
		d[i] = (struct fk_delivery){.state = FK_DELIVERY_REFUSED,
					    .cause = FK_CAUSE_SIP,
					    .cause_detail = (uint16_t)(400 + i)};
	n = fk_causes_count(d, 200, causes);
	cr_assert_eq(n, FK_CAMPAIGN_CAUSES_MAX);
	for (uint32_t i = 0; i < n; i++)
		sum += causes[i].n;
	cr_assert_eq(sum, 200);
	cr_assert_str_eq(causes[n - 1].text, "other");
}

Test(refusal, the_delay_doubles_up_to_a_bound_and_is_never_below_retry_after)
{
	cr_assert_eq(fk_retry_delay_ms(2000, 1, 0), 2000);
	cr_assert_eq(fk_retry_delay_ms(2000, 3, 0), 8000);
	cr_assert_eq(fk_retry_delay_ms(2000, 1, 30), 30000);
	cr_assert_eq(fk_retry_delay_ms(2000, 3, 1), 8000);
	cr_assert_eq(fk_retry_delay_ms(3600000, 100, 0), FK_RETRY_BACKOFF_MAX_MS);
	cr_assert_eq(fk_retry_delay_ms(3600000, 100, 3601), 3601000);
	cr_assert_eq(fk_retry_delay_ms(10, 1, UINT32_MAX), UINT32_MAX * 1000ull);
}

Test(refusal, only_401_407_and_warning_141_halt)
{
	for (uint16_t status = 300; status < 700; status++)
		cr_assert_eq(fk_refusal_class(status, 0) == FK_REFUSAL_HALT,
			     status == 401 || status == 407);
	for (uint16_t warning = 1; warning < 300; warning++)
		cr_assert_eq(fk_refusal_class(404, warning) == FK_REFUSAL_HALT, warning == 141);
	cr_assert_eq(fk_refusal_detail(404, 0), 404);
	cr_assert_eq(fk_refusal_detail(403, 203), 403);
	cr_assert_eq(fk_refusal_detail(404, 141), 141);
}
