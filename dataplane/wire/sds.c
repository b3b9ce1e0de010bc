/* SPDX-License-Identifier: Apache-2.0 */
#include <fleetkey/sds.h>

#include <fleetkey/wire.h>

#define TYPE_MASK                                                                       \
	0x3f /* spec: TS 24.282 §15.2.2: bits 8 and 7 say how the message is protected \
	      */
#define TYPE_FLAGS 0xc0

#define DATE_TIME_SIZE	5				      /* octets */
#define HEAD_SIZE	(DATE_TIME_SIZE + 2 * FK_SDS_ID_SIZE) /* time, conversation, message */
#define DATE_TIME_MAX	((UINT64_C(1) << 40) - 1)
#define IE_LENGTH_MAX	0xffffu
#define APP_ID_SIZE_MAX (IE_LENGTH_MAX - 1) /* the length counts the content type octet */

/* Information element identifiers. spec: TS 24.282 Tables 15.1.2.1-1 and 15.1.4.1-1 */
enum {
	IEI_IN_REPLY_TO = 0x21,
	IEI_APPLICATION_ID = 0x22,
	IEI_SENDER_USER_ID = 0x51,
	IEI_METADATA = 0x53,
	IEI_PAYLOAD = 0x78,
	IEI_SECURITY_PARAMETERS = 0x7a, /* security parameters and payload: TS 24.282 §7.3 */
	IEI_EXTENDED_APP_ID = 0x7d,
	IEI_USER_LOCATION = 0x7e,
	IEI_DISPOSITION_REQUEST = 0x80, /* high half of one octet; the value is the low half */
};

/* One optional information element. */
struct ie {
	uint8_t iei;
	const uint8_t *value;
	size_t value_size;
};

/*
 * Reads the next IE, or steps over it, whatever it is: its format follows from its IEI. Returns
 * false at the end, or when the IE runs out of the input (then the cursor has failed).
 * spec: 3GPP sheet 4.2; for IEIs that the tables do not name TS 24.007 §11.2.4
 */
static bool next_ie(struct fk_wire_reader *r, struct ie *ret_ie)
{
	struct ie ie;

	if (fk_wire_left(r) == 0)
		return false;
	ie.iei = fk_wire_get_u8(r);
	if ((ie.iei & 0x80) != 0)
		ie.value_size = 0;
	else if (ie.iei == IEI_IN_REPLY_TO)
		ie.value_size = FK_SDS_ID_SIZE;
	else if (ie.iei == IEI_APPLICATION_ID)
		ie.value_size = 1;
	else if (ie.iei >= IEI_PAYLOAD || (ie.iei >= IEI_SENDER_USER_ID && ie.iei <= IEI_METADATA))
		ie.value_size = fk_wire_get_u16(r);
	else
		ie.value_size = fk_wire_get_u8(r);
	ie.value = fk_wire_get_bytes(r, ie.value_size);
	if (r->failed)
		return false;
	*ret_ie = ie;
	return true;
}

/* Reads the message type octet and compares it. */
static enum fk_err read_type(struct fk_wire_reader *r, uint8_t expected)
{
	uint8_t type = fk_wire_get_u8(r);

	if (r->failed)
		return FK_ETRUNC;
	if ((type & TYPE_MASK) != expected)
		return FK_EINVAL;
	/* Both protections change what follows the type octet, so neither can be read past. */
	return (type & TYPE_FLAGS) == 0 ? FK_OK : FK_EUNSUPPORTED;
}

/* What both messages about a message begin with. Read right into where it is wanted: what is put
 * together piece by piece and then copied as a whole waits for its pieces. */
static void head_get(const uint8_t *head, uint64_t *date_time_s,
		     uint8_t conversation_id[static FK_SDS_ID_SIZE],
		     uint8_t message_id[static FK_SDS_ID_SIZE])
{
	struct fk_wire_reader r = fk_wire_reader(head, DATE_TIME_SIZE);

	*date_time_s = fk_wire_get_uint(&r, DATE_TIME_SIZE);
	memcpy(conversation_id, head + DATE_TIME_SIZE, FK_SDS_ID_SIZE);
	memcpy(message_id, head + DATE_TIME_SIZE + FK_SDS_ID_SIZE, FK_SDS_ID_SIZE);
}

/* A TLV-E, unless it is absent. */
static void put_value(struct fk_wire_writer *w, uint8_t iei, struct fk_sds_value value)
{
	if (value.octets == NULL)
		return;
	fk_wire_put_u8(w, iei);
	fk_wire_put_u16(w, value.size);
	fk_wire_put_bytes(w, value.octets, value.size);
}

static bool options_fit(const struct fk_sds_options *o)
{
	return o->extended_app_id_type == FK_SDS_APP_ID_NONE ||
	       (o->extended_app_id_type <= FK_SDS_APP_ID_URI &&
		o->extended_app_id.size <= APP_ID_SIZE_MAX);
}

/* spec: TS 24.282 Table 15.1.2.1-1, from behind the disposition request */
static void put_options(struct fk_wire_writer *w, const struct fk_sds_options *o)
{
	if (o->extended_app_id_type != FK_SDS_APP_ID_NONE) {
		fk_wire_put_u8(w, IEI_EXTENDED_APP_ID);
		fk_wire_put_u16(w, (uint16_t)(1 + o->extended_app_id.size));
		fk_wire_put_u8(w, o->extended_app_id_type);
		fk_wire_put_bytes(w, o->extended_app_id.octets, o->extended_app_id.size);
	}
	put_value(w, IEI_USER_LOCATION, o->user_location);
	put_value(w, IEI_SENDER_USER_ID, o->sender_mcdata_user_id);
	put_value(w, IEI_METADATA, o->application_metadata_container);
}

static void put_application_id(struct fk_wire_writer *w, const struct fk_sds_options *o)
{
	if (!o->has_application_id)
		return;
	fk_wire_put_u8(w, IEI_APPLICATION_ID);
	fk_wire_put_u8(w, o->application_id);
}

enum fk_err fk_sds_encode_signalling(const struct fk_sds_signalling *signalling, uint8_t *buf,
				     size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);

	if (signalling->date_time_s > DATE_TIME_MAX ||
	    signalling->disposition_request > FK_SDS_REQUEST_DELIVERY_AND_READ ||
	    !options_fit(&signalling->options))
		return FK_EINVAL;

	/* spec: TS 24.282 Table 15.1.2.1-1 */
	fk_wire_put_u8(&w, FK_SDS_SIGNALLING_PAYLOAD);
	fk_wire_put_uint(&w, signalling->date_time_s, DATE_TIME_SIZE);
	fk_wire_put_bytes(&w, signalling->conversation_id, FK_SDS_ID_SIZE);
	fk_wire_put_bytes(&w, signalling->message_id, FK_SDS_ID_SIZE);
	if (signalling->has_in_reply_to) {
		fk_wire_put_u8(&w, IEI_IN_REPLY_TO);
		fk_wire_put_bytes(&w, signalling->in_reply_to, FK_SDS_ID_SIZE);
	}
	put_application_id(&w, &signalling->options);
	if (signalling->disposition_request != FK_SDS_REQUEST_NONE)
		fk_wire_put_u8(&w, IEI_DISPOSITION_REQUEST | signalling->disposition_request);
	put_options(&w, &signalling->options);
	return fk_wire_done(&w, ret_size);
}

static void take_value(const struct ie *ie, struct fk_sds_value *value)
{
	if (value->octets == NULL)
		*value = (struct fk_sds_value){ie->value, (uint16_t)ie->value_size};
}

static void take_extended_app_id(const struct ie *ie, struct fk_sds_options *options)
{
	if (options->extended_app_id_type != FK_SDS_APP_ID_NONE || ie->value_size == 0 ||
	    ie->value[0] < FK_SDS_APP_ID_TEXT || ie->value[0] > FK_SDS_APP_ID_URI)
		return;
	options->extended_app_id_type = ie->value[0];
	options->extended_app_id.octets = ie->value + 1;
	options->extended_app_id.size = (uint16_t)(ie->value_size - 1);
}

/* Of an IE that comes twice the first counts. Values that the standard reserves are treated as if
 * the IE were absent. */
static void take_option(const struct ie *ie, struct fk_sds_options *options)
{
	switch (ie->iei) {
	case IEI_APPLICATION_ID:
		if (!options->has_application_id)
			options->application_id = ie->value[0];
		options->has_application_id = true;
		break;
	case IEI_EXTENDED_APP_ID:
		take_extended_app_id(ie, options);
		break;
	case IEI_USER_LOCATION:
		take_value(ie, &options->user_location);
		break;
	case IEI_SENDER_USER_ID:
		take_value(ie, &options->sender_mcdata_user_id);
		break;
	case IEI_METADATA:
		take_value(ie, &options->application_metadata_container);
		break;
	}
}

/* The IEs of an SDS SIGNALLING PAYLOAD; borrows. */
struct signalling_ies {
	const uint8_t *in_reply_to; /* NULL: absent */
	uint8_t disposition_request;
	struct fk_sds_options options;
};

static void take_signalling_ie(const struct ie *ie, struct signalling_ies *found)
{
	uint8_t low = ie->iei & 0x0f;

	if (ie->iei == IEI_IN_REPLY_TO && found->in_reply_to == NULL)
		found->in_reply_to = ie->value;
	else if ((ie->iei & 0xf0) == IEI_DISPOSITION_REQUEST &&
		 found->disposition_request == FK_SDS_REQUEST_NONE &&
		 low <= FK_SDS_REQUEST_DELIVERY_AND_READ)
		found->disposition_request = low;
	else
		take_option(ie, &found->options);
}

enum fk_err fk_sds_decode_signalling(const uint8_t *octets, size_t size,
				     struct fk_sds_signalling *ret_signalling)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct signalling_ies found = {0};
	struct ie ie;
	const uint8_t *head;
	enum fk_err err = read_type(&r, FK_SDS_SIGNALLING_PAYLOAD);

	if (err != FK_OK)
		return err;

	/* spec: TS 24.282 Table 15.1.2.1-1 */
	head = fk_wire_get_bytes(&r, HEAD_SIZE);
	while (next_ie(&r, &ie))
		take_signalling_ie(&ie, &found);
	if (r.failed)
		return FK_ETRUNC;
	head_get(head, &ret_signalling->date_time_s, ret_signalling->conversation_id,
		 ret_signalling->message_id);
	ret_signalling->has_in_reply_to = found.in_reply_to != NULL;
	if (found.in_reply_to != NULL)
		memcpy(ret_signalling->in_reply_to, found.in_reply_to, FK_SDS_ID_SIZE);
	else
		memset(ret_signalling->in_reply_to, 0, FK_SDS_ID_SIZE);
	ret_signalling->disposition_request = found.disposition_request;
	ret_signalling->options = found.options;
	return FK_OK;
}

enum fk_err fk_sds_encode_data(uint8_t content_type, const uint8_t *payload, size_t payload_size,
			       uint8_t *buf, size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);

	if (payload_size > IE_LENGTH_MAX - 1)
		return FK_EINVAL;

	/* spec: TS 24.282 Table 15.1.4.1-1, one Payload IE */
	fk_wire_put_u8(&w, FK_SDS_DATA_PAYLOAD);
	fk_wire_put_u8(&w, 1); /* number of payloads */
	fk_wire_put_u8(&w, IEI_PAYLOAD);
	fk_wire_put_u16(&w, (uint16_t)(1 + payload_size));
	fk_wire_put_u8(&w, content_type);
	fk_wire_put_bytes(&w, payload, payload_size);
	return fk_wire_done(&w, ret_size);
}

enum fk_err fk_sds_decode_data(const uint8_t *octets, size_t size, const uint8_t **ret_payload,
			       size_t *ret_payload_size)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct ie ie, found = {0};
	size_t n_payloads = 0, n_announced;
	enum fk_err err = read_type(&r, FK_SDS_DATA_PAYLOAD);

	if (err != FK_OK)
		return err;

	/* spec: TS 24.282 Table 15.1.4.1-1 */
	n_announced = fk_wire_get_u8(&r);
	while (next_ie(&r, &ie)) {
		if (ie.iei == IEI_SECURITY_PARAMETERS)
			return FK_EUNSUPPORTED;
		if (ie.iei != IEI_PAYLOAD)
			continue;
		if (ie.value_size == 0)
			return FK_EFORMAT; /* no content type */
		n_payloads++;
		if (found.value == NULL && ie.value[0] == FK_SDS_CONTENT_BINARY)
			found = ie;
	}
	if (r.failed)
		return FK_ETRUNC;
	if (n_payloads != n_announced)
		return FK_EFORMAT;
	if (found.value == NULL)
		return FK_ENOTFOUND;
	*ret_payload = found.value + 1;
	*ret_payload_size = found.value_size - 1;
	return FK_OK;
}

enum fk_err fk_sds_encode_notification(const struct fk_sds_notification *notification, uint8_t *buf,
				       size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);

	if (notification->disposition < FK_SDS_UNDELIVERED ||
	    notification->disposition > FK_SDS_PREVENTED ||
	    notification->date_time_s > DATE_TIME_MAX || !options_fit(&notification->options))
		return FK_EINVAL;

	/* spec: TS 24.282 §15.1.5 */
	fk_wire_put_u8(&w, FK_SDS_NOTIFICATION);
	fk_wire_put_u8(&w, notification->disposition);
	fk_wire_put_uint(&w, notification->date_time_s, DATE_TIME_SIZE);
	fk_wire_put_bytes(&w, notification->conversation_id, FK_SDS_ID_SIZE);
	fk_wire_put_bytes(&w, notification->message_id, FK_SDS_ID_SIZE);
	put_application_id(&w, &notification->options);
	put_options(&w, &notification->options);
	return fk_wire_done(&w, ret_size);
}

enum fk_err fk_sds_decode_notification(const uint8_t *octets, size_t size,
				       struct fk_sds_notification *ret_notification)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_sds_options options = {0};
	struct ie ie;
	const uint8_t *head;
	uint8_t disposition;
	enum fk_err err = read_type(&r, FK_SDS_NOTIFICATION);

	if (err != FK_OK)
		return err;

	/* spec: TS 24.282 §15.1.5 */
	disposition = fk_wire_get_u8(&r);
	head = fk_wire_get_bytes(&r, HEAD_SIZE);
	while (next_ie(&r, &ie))
		take_option(&ie, &options);
	if (r.failed)
		return FK_ETRUNC;
	if (disposition < FK_SDS_UNDELIVERED || disposition > FK_SDS_PREVENTED)
		return FK_EFORMAT;
	ret_notification->disposition = disposition;
	head_get(head, &ret_notification->date_time_s, ret_notification->conversation_id,
		 ret_notification->message_id);
	ret_notification->options = options;
	return FK_OK;
}
