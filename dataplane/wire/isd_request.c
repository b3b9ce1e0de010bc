/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/isd_request.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <fleetkey/wire.h>

#include "isd.h"
#include "mcdata_info.h"

#define BOUNDARY_LEN_MAX 70  /* spec: RFC 2046 §5.1.1 */
#define INFO_SIZE_MAX	 512 /* octets of mcptt-info with the longest URI */
#define CONTENT_TYPE	 "Content-Type: "
#define ICSI		 "urn:urn-7:3gpp-service.ims.icsi.mcptt"
#define ICSI_ESCAPED	 "urn%3Aurn-7%3A3gpp-service.ims.icsi.mcptt"

static void put_text(struct fk_wire_writer *w, const char *text)
{
	fk_wire_put_bytes(w, text, strlen(text));
}

static void put_number(struct fk_wire_writer *w, size_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%zu", number);
	put_text(w, text);
}

/* Text between two others. */
static void put_within(struct fk_wire_writer *w, const char *before, const char *text,
		       const char *behind)
{
	put_text(w, before);
	put_text(w, text);
	put_text(w, behind);
}

static bool is_plain(const char *text)
{
	if (text == NULL || text[0] == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~' || strchr("\"<>\\", *text) != NULL)
			return false;
	return true;
}

static bool is_complete(const struct fk_isd_request *request)
{
	return is_plain(request->participating_psi) && is_plain(request->iwf_psi) &&
	       is_plain(request->transport) && is_plain(request->sent_by) &&
	       is_plain(request->branch) && is_plain(request->from_tag) &&
	       is_plain(request->call_id) && is_plain(request->boundary) &&
	       request->mc_service_id != NULL &&
	       strpbrk(request->boundary, "()/:;=?@,[]") == NULL &&
	       strlen(request->boundary) <= BOUNDARY_LEN_MAX;
}

/* True if the part has a line that begins like a delimiter. */
static bool has_delimiter(const char *boundary, const uint8_t *part, size_t size)
{
	char text[2 + 2 + BOUNDARY_LEN_MAX + 1];
	size_t len = (size_t)snprintf(text, sizeof(text), "\r\n--%s", boundary);

	/* Before the part stand the CRLF of its header, so its first line counts too. */
	return (size >= len - 2 && memcmp(part, text + 2, len - 2) == 0) ||
	       memmem(part, size, text, len) != NULL;
}

static void put_part(struct fk_wire_writer *w, const char *boundary, const char *content_type,
		     const uint8_t *part, size_t size)
{
	put_within(w, "--", boundary, "\r\n");
	put_within(w, CONTENT_TYPE, content_type, "\r\n\r\n");
	fk_wire_put_bytes(w, part, size);
	put_text(w, "\r\n");
}

static void put_body(struct fk_wire_writer *w, const char *boundary, const uint8_t *info,
		     size_t info_size, const uint8_t *isd, size_t isd_size)
{
	put_part(w, boundary, "application/vnd.3gpp.mcptt-info+xml", info, info_size);
	put_part(w, boundary, FK_ISD_TYPE, isd, isd_size);
	put_within(w, "--", boundary, "--\r\n");
}

/* Octets of the body, which Content-Length states before it. */
static size_t body_size(const char *boundary, size_t info_size, size_t isd_size)
{
	size_t len = strlen(boundary);

	return 2 * (2 + len + 2 + strlen(CONTENT_TYPE) + 4 + 2) +
	       strlen("application/vnd.3gpp.mcptt-info+xml") + strlen(FK_ISD_TYPE) + info_size +
	       isd_size + 2 + len + 4;
}

/* spec: TS 29.379 §14.1.1 steps 1 to 7 */
static void put_header(struct fk_wire_writer *w, const struct fk_isd_request *r, size_t size)
{
	put_within(w, "MESSAGE ", r->participating_psi, " SIP/2.0\r\n");
	put_within(w, "Via: SIP/2.0/", r->transport, " ");
	put_within(w, r->sent_by, ";branch=", r->branch);
	put_within(w, "\r\nMax-Forwards: 70\r\nFrom: <", r->iwf_psi, ">;tag=");
	put_within(w, r->from_tag, "\r\nTo: <", r->participating_psi);
	put_within(w, ">\r\nCall-ID: ", r->call_id, "\r\nCSeq: ");
	put_number(w, r->cseq_number);
	put_text(w, " MESSAGE\r\n"
		    "Accept-Contact: *;+g.3gpp.mcptt;require;explicit\r\n"
		    "Accept-Contact: *;+g.3gpp.icsi-ref=\"" ICSI_ESCAPED "\";require;explicit\r\n");
	put_within(w, "P-Asserted-Identity: <", r->iwf_psi, ">\r\n");
	put_text(w, "P-Asserted-Service: " ICSI "\r\n");
	put_within(w, "Content-Type: multipart/mixed;boundary=\"", r->boundary, "\"\r\n");
	put_text(w, "Content-Length: ");
	put_number(w, size);
	put_text(w, "\r\n\r\n");
}

enum fk_err fk_isd_request_build(const struct fk_isd_request *request, const uint8_t *isd,
				 size_t isd_size, uint8_t *buf, size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);
	uint8_t info[INFO_SIZE_MAX];
	size_t info_size;
	enum fk_err err;

	if (!is_complete(request))
		return FK_EINVAL;
	err = fk_mcptt_info_write(request->mc_service_id, info, sizeof(info), &info_size);
	if (err != FK_OK)
		return err;
	if (has_delimiter(request->boundary, info, info_size) ||
	    has_delimiter(request->boundary, isd, isd_size))
		return FK_EINVAL;
	put_header(&w, request, body_size(request->boundary, info_size, isd_size));
	put_body(&w, request->boundary, info, info_size, isd, isd_size);
	return fk_wire_done(&w, ret_size);
}
