/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sds.c - whatever decodes is bounded, and what was decoded encodes to a body that decodes to
 * the same.
 */
#include <stdlib.h>
#include <string.h>

#include <fleetkey/sds.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_value(struct fk_sds_value a, struct fk_sds_value b)
{
	require((a.octets == NULL) == (b.octets == NULL) && a.size == b.size);
	require(a.octets == NULL || memcmp(a.octets, b.octets, a.size) == 0);
}

static void check_options(const struct fk_sds_options *a, const struct fk_sds_options *b)
{
	require(a->has_application_id == b->has_application_id &&
		a->application_id == b->application_id &&
		a->extended_app_id_type == b->extended_app_id_type);
	check_value(a->extended_app_id, b->extended_app_id);
	check_value(a->user_location, b->user_location);
	check_value(a->sender_mcdata_user_id, b->sender_mcdata_user_id);
	check_value(a->application_metadata_container, b->application_metadata_container);
}

static void check_signalling(const uint8_t *data, size_t size)
{
	static uint8_t buf[70000];
	struct fk_sds_signalling s, again;
	size_t built;

	if (fk_sds_decode_signalling(data, size, &s) != FK_OK)
		return;
	require(fk_sds_encode_signalling(&s, buf, sizeof(buf), &built) == FK_OK);
	require(built <= size);
	require(fk_sds_decode_signalling(buf, built, &again) == FK_OK);
	require(again.date_time_s == s.date_time_s &&
		again.disposition_request == s.disposition_request &&
		again.has_in_reply_to == s.has_in_reply_to &&
		memcmp(again.message_id, s.message_id, FK_SDS_ID_SIZE) == 0);
	check_options(&again.options, &s.options);
}

static void check_notification(const uint8_t *data, size_t size)
{
	static uint8_t buf[70000];
	struct fk_sds_notification n, again;
	size_t built;

	if (fk_sds_decode_notification(data, size, &n) != FK_OK)
		return;
	require(fk_sds_encode_notification(&n, buf, sizeof(buf), &built) == FK_OK);
	require(built <= size && memcmp(buf, data, FK_SDS_NOTIFICATION_SIZE_MIN) == 0);
	require(fk_sds_decode_notification(buf, built, &again) == FK_OK);
	check_options(&again.options, &n.options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *payload;
	size_t payload_size;

	check_signalling(data, size);
	if (fk_sds_decode_data(data, size, &payload, &payload_size) == FK_OK)
		require(payload > data && payload_size <= (size_t)(data + size - payload));
	check_notification(data, size);
	return 0;
}
