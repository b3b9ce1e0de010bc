/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sip.c - views stay inside the datagram, and an answer to what can be answered is SIP that
 * our own parser accepts.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/sip_refusal.h"

#define PARTS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_answer(const struct fk_sip_message *m, size_t size)
{
	const struct fk_address source = fk_address_of_ipv4(0xc0000214);
	static uint8_t buf[1 << 20];
	struct fk_sip_message answer;
	size_t built;

	require(fk_sip_build_response(m, 400, "t1", &source, 5060, NULL, buf, sizeof(buf),
				      &built) == FK_OK);
	require(built < size + 400 + 40 * m->n_vias);
	/* The answer to a request that is well-formed is; one that repeats a bad header is not. */
	if (fk_sip_parse(buf, built, &answer) != FK_OK)
		require(m->error != NULL);
	require(answer.is_response && answer.status == 400 && answer.n_vias == m->n_vias);
}

/* What is refused can be answered, with headers that are whole lines. */
static void check_refusal(const struct fk_sip_message *m, enum fk_err err)
{
	char buf[FK_SIP_ANSWER_HEADERS_MAX];
	uint16_t status = fk_sip_refusal(m, err);
	const char *headers;
	size_t len;

	require(status == 0 || (status >= 400 && status <= 699 && m->can_answer));
	headers = fk_sip_answer_headers(m, status != 0 ? status : 200, buf);
	if (headers == NULL)
		return;
	len = strlen(headers);
	require(len >= 2 && memcmp(headers + len - 2, "\r\n", 2) == 0);
	require(strstr(headers, "\r\n\r\n") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_sip_part parts[PARTS_MAX];
	struct fk_sip_message m;
	enum fk_err err = fk_sip_parse(data, size, &m);
	uint32_t n;

	require((err == FK_OK) == (m.error == NULL));
	if (m.can_answer)
		check_answer(&m, size);
	check_refusal(&m, err);
	if (err != FK_OK)
		return 0;
	require(m.body + m.body_size <= data + size);
	if (fk_sip_split_body(&m, parts, PARTS_MAX, &n) != FK_OK)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		require(parts[i].octets >= m.body &&
			parts[i].octets + parts[i].size <= m.body + m.body_size);
	return 0;
}
