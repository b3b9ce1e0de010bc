/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sds.h - MCData SDS binary bodies: SDS SIGNALLING PAYLOAD, DATA PAYLOAD and SDS NOTIFICATION.
 *
 * spec: TS 24.282 clause 15, as stated in the project's 3GPP sheet, section 4. Encoders write
 * optional IEs in table order; decoders accept any order, skip unknown IEs by their format and
 * refuse lengths that run past the input.
 *
 * Threads: everything here is pure. Memory: decoders borrow from the input; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

/* Message types (TS 24.282 §15.2.2). Bit 0x40 marks a protected message, bit 0x80 a signed one. */
#define FK_SDS_SIGNALLING_PAYLOAD 0x01
#define FK_SDS_DATA_PAYLOAD	  0x03
#define FK_SDS_NOTIFICATION	  0x05
#define FK_SDS_PROTECTED	  0x40

enum fk_sds_disposition_request { /* TS 24.282 §15.2.3; 0: the IE is absent */
	FK_SDS_REQUEST_NONE = 0,
	FK_SDS_REQUEST_DELIVERY = 1,
	FK_SDS_REQUEST_READ = 2,
	FK_SDS_REQUEST_DELIVERY_AND_READ = 3,
};

enum fk_sds_disposition { /* SDS disposition notification type */
	FK_SDS_UNDELIVERED = 1,
	FK_SDS_DELIVERED = 2,
	FK_SDS_READ = 3,
	FK_SDS_DELIVERED_AND_READ = 4,
	FK_SDS_PREVENTED = 5,
};

enum fk_sds_app_id_type { /* content type of the Extended application ID; 0: the IE is absent */
	FK_SDS_APP_ID_NONE = 0,
	FK_SDS_APP_ID_TEXT = 1,
	FK_SDS_APP_ID_URI = 2,
};

#define FK_SDS_CONTENT_BINARY	     0x02 /* payload content type (TS 24.282 Table 15.2.13-2) */
#define FK_SDS_ID_SIZE		     16	  /* octets of a Conversation ID or Message ID: a UUID */
#define FK_SDS_SIGNALLING_SIZE_MIN   38
#define FK_SDS_NOTIFICATION_SIZE_MIN 39
#define FK_SDS_DATA_OVERHEAD	     6 /* octets that a DATA PAYLOAD with one Payload IE adds */

/* The value of an IE; NULL if it is absent. Borrowed. */
struct fk_sds_value {
	const uint8_t *octets;
	uint16_t size;
};

/* Optional IEs that SDS SIGNALLING PAYLOAD and SDS NOTIFICATION share. */
struct fk_sds_options {
	bool has_application_id;
	uint8_t application_id;
	uint8_t extended_app_id_type;	     /* enum fk_sds_app_id_type */
	struct fk_sds_value extended_app_id; /* without the content type; counts if that is set */
	struct fk_sds_value user_location, sender_mcdata_user_id, application_metadata_container;
};

struct fk_sds_signalling {
	uint64_t date_time_s; /* seconds since 1970; 40 bits on the wire */
	uint8_t conversation_id[FK_SDS_ID_SIZE];
	uint8_t message_id[FK_SDS_ID_SIZE];
	bool has_in_reply_to;
	uint8_t in_reply_to[FK_SDS_ID_SIZE];
	uint8_t disposition_request; /* enum fk_sds_disposition_request */
	struct fk_sds_options options;
};

struct fk_sds_notification {
	uint8_t disposition; /* enum fk_sds_disposition */
	uint64_t date_time_s;
	uint8_t conversation_id[FK_SDS_ID_SIZE];
	uint8_t message_id[FK_SDS_ID_SIZE];
	struct fk_sds_options options;
};

/*
 * Encode one body into 'buf' of 'cap' octets.
 * Return FK_OK and the size; FK_EFULL; FK_EINVAL if a value does not fit its field.
 * spec: TS 24.282 §15.1.2, §15.1.4, §15.1.5
 */
FK_MUST_USE enum fk_err fk_sds_encode_signalling(const struct fk_sds_signalling *signalling,
						 uint8_t *buf, size_t cap, size_t *ret_size);
FK_MUST_USE enum fk_err fk_sds_encode_data(uint8_t content_type, const uint8_t *payload,
					   size_t payload_size, uint8_t *buf, size_t cap,
					   size_t *ret_size);
FK_MUST_USE enum fk_err fk_sds_encode_notification(const struct fk_sds_notification *notification,
						   uint8_t *buf, size_t cap, size_t *ret_size);

/*
 * Decode one body. Return FK_OK; FK_EINVAL if it is another message type; FK_EUNSUPPORTED if it is
 * protected or signed (the value 0x43 is a protected DATA PAYLOAD); FK_ETRUNC or FK_EFORMAT.
 */
FK_MUST_USE enum fk_err fk_sds_decode_signalling(const uint8_t *octets, size_t size,
						 struct fk_sds_signalling *ret_signalling);
/* Gives the first Payload IE of content type BINARY; FK_ENOTFOUND if there is none. Borrows. */
FK_MUST_USE enum fk_err fk_sds_decode_data(const uint8_t *octets, size_t size,
					   const uint8_t **ret_payload, size_t *ret_payload_size);
FK_MUST_USE enum fk_err fk_sds_decode_notification(const uint8_t *octets, size_t size,
						   struct fk_sds_notification *ret_notification);
