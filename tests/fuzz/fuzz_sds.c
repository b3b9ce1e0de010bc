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
		again.extended_app_id_type == s.extended_app_id_type &&
		again.extended_app_id_size == s.extended_app_id_size &&
		memcmp(again.message_id, s.message_id, FK_SDS_ID_SIZE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_sds_notification notification;
	const uint8_t *payload;
	size_t payload_size;

	check_signalling(data, size);
	if (fk_sds_decode_data(data, size, &payload, &payload_size) == FK_OK)
		require(payload > data && payload_size <= (size_t)(data + size - payload));
	if (fk_sds_decode_notification(data, size, &notification) == FK_OK) {
		uint8_t buf[FK_SDS_NOTIFICATION_SIZE_MIN];
		size_t built;

		require(fk_sds_encode_notification(&notification, buf, sizeof(buf), &built) ==
			FK_OK);
		require(memcmp(buf, data, built) == 0);
	}
	return 0;
}
