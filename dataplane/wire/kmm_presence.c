/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmm_presence.c - the bodies of messages by which a UE says that it is there, or that it lacks a
 * key, and of what it is answered.
 */
#include <string.h>

#include <fleetkey/kmm.h>

#include "kmm_frame.h"

/* spec: P25 sheet 2.5, decryption instruction format */
#define INSTRUCTION_PLAIN 0x00

enum fk_err fk_kmm_encode_hello(const struct fk_kmm_header *header, uint8_t flag, uint8_t *buf,
				size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if (flag > FK_HELLO_REKEY_NO_UKEK)
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, FK_KMM_HELLO, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Hello */
	fk_wire_put_u8(&w, flag);
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_hello(const struct fk_kmm_frame *frame, uint8_t *ret_flag)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	uint8_t flag;
	enum fk_err err;

	if (frame->header.message_id != FK_KMM_HELLO)
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Hello */
	flag = fk_wire_get_u8(&r);
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	if (flag > FK_HELLO_REKEY_NO_UKEK)
		return FK_EUNSUPPORTED;
	*ret_flag = flag;
	return FK_OK;
}

static bool is_registration(uint8_t message_id)
{
	return message_id == FK_KMM_REGISTRATION_COMMAND ||
	       message_id == FK_KMM_DEREGISTRATION_COMMAND;
}

enum fk_err fk_kmm_encode_registration(const struct fk_kmm_header *header,
				       enum fk_kmm_message_id message_id, uint8_t body_format,
				       uint32_t kmf_rsi, uint8_t *buf, size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if (!is_registration((uint8_t)message_id) || (body_format & FK_KMM_BODY_HAS_KEY) != 0 ||
	    kmf_rsi > 0xffffff)
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, (uint8_t)message_id, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Registration-Command, Deregistration-Command */
	fk_wire_put_u8(&w, body_format);
	fk_wire_put_u24(&w, kmf_rsi);
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_registration(const struct fk_kmm_frame *frame, uint8_t *ret_body_format,
				       uint32_t *ret_kmf_rsi)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	uint8_t body_format;
	uint32_t kmf_rsi;
	enum fk_err err;

	if (!is_registration(frame->header.message_id))
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Registration-Command, Deregistration-Command */
	body_format = fk_wire_get_u8(&r);
	kmf_rsi = fk_wire_get_u24(&r);
	if (!r.failed && (body_format & FK_KMM_BODY_HAS_KEY) != 0)
		return FK_EUNSUPPORTED; /* the layout of what follows is not confirmed */
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	*ret_body_format = body_format;
	*ret_kmf_rsi = kmf_rsi;
	return FK_OK;
}

static bool is_registration_response(uint8_t message_id)
{
	return message_id == FK_KMM_REGISTRATION_RESPONSE ||
	       message_id == FK_KMM_DEREGISTRATION_RESPONSE;
}

enum fk_err fk_kmm_encode_registration_response(const struct fk_kmm_header *header,
						enum fk_kmm_message_id message_id, uint8_t status,
						uint8_t *buf, size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if (!is_registration_response((uint8_t)message_id))
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, (uint8_t)message_id, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5: responses: status 1 */
	fk_wire_put_u8(&w, status);
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_registration_response(const struct fk_kmm_frame *frame,
						uint8_t *ret_status)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	uint8_t status;
	enum fk_err err;

	if (!is_registration_response(frame->header.message_id))
		return FK_EINVAL;

	/* spec: P25 sheet 1.5: responses: status 1 */
	status = fk_wire_get_u8(&r);
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	*ret_status = status;
	return FK_OK;
}

enum fk_err fk_kmm_encode_warm_start(const struct fk_kmm_header *header,
				     const struct fk_kmm_warm_start *warm_start, uint8_t *buf,
				     size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err = fk_kmm_frame_begin(header, FK_KMM_WARM_START_COMMAND, buf, cap, &w);

	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Key block (inferred), 2.4 Key item */
	fk_wire_put_u8(&w, INSTRUCTION_PLAIN);
	fk_wire_put_u8(&w, warm_start->decryption_algorithm_id);
	fk_wire_put_u16(&w, warm_start->decryption_key_id);
	fk_wire_put_u8(&w, warm_start->algorithm_id);
	fk_wire_put_u8(&w, FK_KMM_WRAPPED_SIZE);
	fk_wire_put_u8(&w, 0); /* key format: a TEK without a name */
	fk_wire_put_u16(&w, warm_start->sln);
	fk_wire_put_u16(&w, warm_start->key_id);
	fk_wire_put_bytes(&w, warm_start->key, FK_KMM_WRAPPED_SIZE);
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_warm_start(const struct fk_kmm_frame *frame,
				     struct fk_kmm_warm_start *ret_warm_start)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_warm_start start;
	uint8_t instruction, key_length, key_format;
	enum fk_err err;

	if (frame->header.message_id != FK_KMM_WARM_START_COMMAND)
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Key block (inferred), 2.4 Key item */
	instruction = fk_wire_get_u8(&r);
	start.decryption_algorithm_id = fk_wire_get_u8(&r);
	start.decryption_key_id = fk_wire_get_u16(&r);
	start.algorithm_id = fk_wire_get_u8(&r);
	key_length = fk_wire_get_u8(&r);
	key_format = fk_wire_get_u8(&r);
	start.sln = fk_wire_get_u16(&r);
	start.key_id = fk_wire_get_u16(&r);
	if (!r.failed && (instruction != INSTRUCTION_PLAIN || key_format != 0 ||
			  key_length != FK_KMM_WRAPPED_SIZE))
		return FK_EUNSUPPORTED;
	start.key = fk_wire_get_bytes(&r, FK_KMM_WRAPPED_SIZE);
	err = fk_kmm_body_end(&r);
	if (err == FK_OK)
		*ret_warm_start = start;
	return err;
}

enum fk_err fk_kmm_encode_unable(const struct fk_kmm_header *header,
				 const struct fk_kmm_unable *unable, uint8_t *buf, size_t cap,
				 size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if ((unable->body_format & FK_KMM_BODY_HAS_KEY) != 0)
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, FK_KMM_UNABLE_TO_DECRYPT_RESPONSE, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Unable-to-Decrypt-Response (inferred) */
	fk_wire_put_u8(&w, unable->body_format);
	fk_wire_put_u8(&w, unable->mfid);
	fk_wire_put_u8(&w, unable->algorithm_id);
	fk_wire_put_u16(&w, unable->key_id);
	fk_wire_put_u8(&w, unable->status);
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_unable(const struct fk_kmm_frame *frame, struct fk_kmm_unable *ret_unable)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_unable unable;
	enum fk_err err;

	if (frame->header.message_id != FK_KMM_UNABLE_TO_DECRYPT_RESPONSE)
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Unable-to-Decrypt-Response (inferred) */
	unable.body_format = fk_wire_get_u8(&r);
	unable.mfid = fk_wire_get_u8(&r);
	unable.algorithm_id = fk_wire_get_u8(&r);
	unable.key_id = fk_wire_get_u16(&r);
	unable.status = fk_wire_get_u8(&r);
	if (!r.failed && (unable.body_format & FK_KMM_BODY_HAS_KEY) != 0)
		return FK_EUNSUPPORTED;
	err = fk_kmm_body_end(&r);
	if (err == FK_OK)
		*ret_unable = unable;
	return err;
}
