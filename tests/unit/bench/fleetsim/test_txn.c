/* SPDX-License-Identifier: Apache-2.0 */
/* test_txn.c - the server's client transactions and their timers. */
#include <string.h>

#include <criterion/criterion.h>

#include "txn.h"
#include "wire/sip.h"

#define T1	 500u
#define N_SLOTS	 8u
#define START_MS 100000u

static struct {
	uint32_t n;
	uint64_t at_ms[64];
	uint8_t payload[FK_SIM_DATAGRAM_MAX];
	uint16_t size;
} sent;

static uint64_t now_ms;
static struct fk_sim_counts counts;
static struct fk_txns *txns;
static const uint8_t id[16] = {1, 2, 3};
static struct fk_compose_context context = {.kmf_uri = "sip:kmf@mc.example",
					    .kmf_uri_size = 18,
					    .server_uri = "sip:mcdata@mc.example",
					    .server_uri_size = 21,
					    .sent_by = "192.0.2.20:5060"};

static bool send(void *arg, const struct fk_datagram *d)
{
	(void)arg;
	if (sent.n < 64)
		sent.at_ms[sent.n] = now_ms - START_MS;
	if (sent.n > 0) /* a retransmission has the same octets (RFC 3261 §17.1.2.2) */
		cr_assert(d->size == sent.size && memcmp(d->payload, sent.payload, d->size) == 0);
	memcpy(sent.payload, d->payload, d->size);
	sent.size = d->size;
	sent.n++;
	return true;
}

static void setup(void)
{
	struct fk_txns_spec spec = {.n_slots = N_SLOTS,
				    .t1_ms = T1,
				    .source = {{[10] = 0xff, 0xff, 192, 0, 2, 20}},
				    .outbox = {.send = send},
				    .counts = &counts,
				    .nonce_seed = 1};

	memset(&sent, 0, sizeof(sent));
	memset(&counts, 0, sizeof(counts));
	now_ms = START_MS;
	cr_assert_eq(fk_compose_prepare(&context), FK_OK);
	cr_assert_eq(fk_txns_new(&spec, now_ms, &txns), FK_OK);
}

static void teardown(void)
{
	fk_txns_free(txns);
}

TestSuite(txn, .init = setup, .fini = teardown);

static struct fk_compose notification(void)
{
	return (struct fk_compose){.context = &context,
				   .mcdata_id = "sip:ue7@mc.example",
				   .mcdata_id_size = 18,
				   .conversation_id = id,
				   .message_id = id,
				   .date_time_s = 1700000000};
}

static enum fk_err begin(struct fk_compose *c)
{
	static const struct fk_address kmf = {{[10] = 0xff, 0xff, 192, 0, 2, 10}};

	return fk_txn_begin(txns, c, &kmf, 5060, now_ms);
}

static void run_until(uint64_t end_ms)
{
	while (now_ms < START_MS + end_ms) {
		now_ms++;
		fk_txns_advance(txns, now_ms);
	}
}

/* spec: RFC 3261 §17.1.2.2 */
Test(txn, an_unanswered_request_leaves_eleven_times_and_is_given_up_after_64_t1)
{
	static const uint64_t expected[] = {0,	   500,	  1500,	 3500,	7500, 11500,
					    15500, 19500, 23500, 27500, 31500};
	struct fk_compose c = notification();

	cr_assert_eq(begin(&c), FK_OK);
	run_until(31999);
	cr_assert_eq(sent.n, 11);
	cr_assert_arr_eq(sent.at_ms, expected, sizeof(expected));
	cr_assert_eq(fk_txns_free_count(txns), N_SLOTS - 1);
	run_until(40000);
	cr_assert_eq(sent.n, 11);
	cr_assert_eq(counts.count[FK_SIM_TIMEOUTS], 1);
	cr_assert_eq(counts.count[FK_SIM_SENT_AGAIN], 10);
	cr_assert_eq(fk_txns_free_count(txns), N_SLOTS);
}

static bool is_full;

static bool has_room(void *arg)
{
	(void)arg;
	return !is_full;
}

Test(txn, repeats_wait_until_the_outbox_has_room_but_the_end_does_not)
{
	struct fk_txns_spec spec = {.n_slots = N_SLOTS,
				    .t1_ms = T1,
				    .outbox = {.send = send, .has_room = has_room},
				    .counts = &counts};
	struct fk_compose c = notification();

	fk_txns_free(txns);
	cr_assert_eq(fk_txns_new(&spec, now_ms, &txns), FK_OK);
	cr_assert_eq(begin(&c), FK_OK);
	is_full = true;
	run_until(700);
	cr_assert_eq(sent.n, 1);
	is_full = false;
	run_until(701);
	cr_assert_eq(sent.n, 2);
	run_until(1700);
	cr_assert_eq(sent.n, 2);
	run_until(1701); /* 2 * T1 after the repeat */
	cr_assert_eq(sent.n, 3);
	is_full = true;
	run_until(32000);
	cr_assert_eq(sent.n, 3);
	cr_assert_eq(counts.count[FK_SIM_TIMEOUTS], 1);
	cr_assert_eq(fk_txns_free_count(txns), N_SLOTS);
}

static void respond(const struct fk_compose *c, uint16_t status)
{
	char branch[FK_SIM_BRANCH_LEN];

	fk_compose_branch(c->slot, c->nonce, branch);
	fk_txn_respond(txns, branch, sizeof(branch), status, now_ms);
}

Test(txn, a_final_response_ends_the_repeats)
{
	struct fk_compose c = notification();

	cr_assert_eq(begin(&c), FK_OK);
	run_until(600);
	respond(&c, 200);
	run_until(40000);
	cr_assert_eq(sent.n, 2);
	cr_assert_eq(counts.count[FK_SIM_RESPONSES], 1);
	cr_assert_eq(counts.count[FK_SIM_TIMEOUTS], 0);
	respond(&c, 200);
	cr_assert_eq(counts.count[FK_SIM_RESPONSES_STRAY], 1);
}

Test(txn, a_refusal_ends_it_too_and_is_counted)
{
	struct fk_compose c = notification();

	cr_assert_eq(begin(&c), FK_OK);
	respond(&c, 403);
	cr_assert_eq(counts.count[FK_SIM_RESPONSES_REFUSED], 1);
	cr_assert_eq(fk_txns_free_count(txns), N_SLOTS);
}

Test(txn, a_provisional_response_slows_the_repeats_down_to_t2)
{
	struct fk_compose c = notification();

	cr_assert_eq(begin(&c), FK_OK);
	run_until(100);
	respond(&c, 100);
	run_until(4099);
	cr_assert_eq(sent.n, 1);
	run_until(4100);
	cr_assert_eq(sent.n, 2);
}

Test(txn, forged_branches_end_nothing)
{
	struct fk_compose c = notification(), forged;
	char branch[FK_SIM_BRANCH_LEN];

	cr_assert_eq(begin(&c), FK_OK);
	forged = c;
	forged.nonce ^= 1;
	respond(&forged, 200);
	forged = c;
	forged.slot = FK_TXN_HOSTILE;
	respond(&forged, 200);
	fk_compose_branch(c.slot, c.nonce, branch);
	fk_txn_respond(txns, branch, sizeof(branch) - 1, 200, now_ms);
	branch[8] = 'X';
	fk_txn_respond(txns, branch, sizeof(branch), 200, now_ms);
	cr_assert_eq(counts.count[FK_SIM_RESPONSES_STRAY], 4);
	cr_assert_eq(fk_txns_free_count(txns), N_SLOTS - 1);
}

Test(txn, no_more_transactions_than_slots)
{
	struct fk_compose c = notification();

	for (uint32_t i = 0; i < N_SLOTS; i++) {
		sent.n = 0;
		cr_assert_eq(begin(&c), FK_OK);
	}
	cr_assert_eq(begin(&c), FK_EFULL);
	cr_assert_eq(fk_txns_free_count(txns), 0);
}

Test(txn, a_long_pause_of_the_worker_loses_no_timer)
{
	struct fk_compose c = notification();

	cr_assert_eq(begin(&c), FK_OK);
	now_ms += 100000;
	fk_txns_advance(txns, now_ms);
	cr_assert_eq(counts.count[FK_SIM_TIMEOUTS], 1);
	cr_assert_eq(fk_txns_free_count(txns), N_SLOTS);
}

/* spec: 3GPP sheet 4.6, RFC 3261 §7.3.3 */
Test(txn, both_forms_are_sip_that_parses_and_fit_into_1300_octets)
{
	for (int is_compact = 0; is_compact < 2; is_compact++) {
		struct fk_compose c = notification();
		struct fk_sip_message sip;
		struct fk_sip_part parts[4];
		uint32_t n = 0;
		uint8_t kmm[48] = {0x1d};

		c.is_compact = is_compact != 0;
		c.kmm = kmm;
		c.kmm_size = sizeof(kmm);
		c.in_reply_to = id;
		sent.n = 0;
		cr_assert_eq(begin(&c), FK_OK);
		cr_assert_leq(sent.size, 1300);
		cr_assert_eq(memmem(sent.payload, sent.size, "\r\nVia: ", 7) == NULL, is_compact);
		cr_assert_eq(fk_sip_parse(sent.payload, sent.size, &sip), FK_OK, "%s", sip.error);
		cr_assert_eq(sip.method, FK_SIP_MESSAGE);
		cr_assert_eq(sip.body + sip.body_size, sent.payload + sent.size);
		cr_assert_eq(fk_sip_split_body(&sip, parts, 4, &n), FK_OK);
		cr_assert_eq(n, 3);
	}
}

Test(txn, a_boundary_never_occurs_in_a_binary_part)
{
	struct fk_compose c = notification();
	uint8_t kmm[48] = "\r\n--fs7q\r\n--gs7q--";
	struct fk_sip_message sip;
	struct fk_sip_part parts[4];
	uint32_t n = 0;

	c.kmm = kmm;
	c.kmm_size = sizeof(kmm);
	c.in_reply_to = id;
	cr_assert_eq(begin(&c), FK_OK);
	cr_assert_eq(fk_sip_parse(sent.payload, sent.size, &sip), FK_OK);
	cr_assert_eq(fk_sip_split_body(&sip, parts, 4, &n), FK_OK);
	cr_assert_eq(n, 3);
}
