/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sip_refusal.h"

#include <string.h>

#include "sip_text.h"

#define ALLOW "Allow: MESSAGE, OPTIONS\r\n"
#define ACCEPT                                                                     \
	"Accept: multipart/mixed, application/vnd.3gpp.mcdata-info+xml, "          \
	"application/resource-lists+xml, application/vnd.3gpp.mcdata-signalling, " \
	"application/vnd.3gpp.mcdata-payload\r\n"
#define ACCEPT_ENCODING "Accept-Encoding: identity\r\n"
#define UNSUPPORTED	"Unsupported: "

/* An empty Supported says that there is no extension: RFC 3261 §20.37. */
static const char capabilities[] = ALLOW ACCEPT ACCEPT_ENCODING "Accept-Language: en\r\n"
								"Supported:\r\n";

/* Methods are case-sensitive: RFC 3261 §7.1. */
static bool method_is(struct fk_view method, const char *name)
{
	return method.len == strlen(name) && memcmp(method.at, name, method.len) == 0;
}

/* Methods that the RFCs of SIP define and Fleetkey does not serve. */
static bool is_known_method(struct fk_view method)
{
	static const char *const known[] = {
		"INVITE", "BYE",  "CANCEL", "REGISTER", "SUBSCRIBE", "NOTIFY",
		"REFER",  "INFO", "UPDATE", "PRACK",	"PUBLISH",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (method_is(method, known[i]))
			return true;
	return false;
}

/* Schemes are compared without case: RFC 3261 §19.1.4. sips: would need TLS on every hop. */
static bool is_sip_uri(struct fk_view uri)
{
	return uri.len > 4 && fk_view_is(fk_view_part(uri, 0, 4), "sip:");
}

static bool is_encoded(const struct fk_sip_message *request)
{
	return request->content_encoding.len > 0 &&
	       !fk_view_is(request->content_encoding, "identity");
}

uint16_t fk_sip_refusal(const struct fk_sip_message *request, enum fk_err err)
{
	if (!request->can_answer)
		return 0;
	if (request->is_other_version)
		return 505;
	if (request->method == FK_SIP_OTHER && fk_view_is_token(request->method_text) &&
	    !is_known_method(request->method_text))
		return 501;
	if (err != FK_OK)
		return 400;
	if (request->method == FK_SIP_OTHER)
		return method_is(request->method_text, "CANCEL") ? 481 : 405;
	if (!is_sip_uri(request->request_uri))
		return 416;
	if (request->require.len > 0)
		return 420;
	return is_encoded(request) && request->method == FK_SIP_MESSAGE ? 415 : 0;
}

/* The extensions that were required, all of which are unknown. NULL if they are too many. */
static const char *write_unsupported(struct fk_view require,
				     char buf[static FK_SIP_ANSWER_HEADERS_MAX])
{
	size_t n = strlen(UNSUPPORTED);

	if (require.len > FK_SIP_ANSWER_HEADERS_MAX - n - strlen("\r\n") - 1)
		return NULL;
	memcpy(buf, UNSUPPORTED, n);
	for (uint32_t i = 0; i < require.len; i++)
		buf[n++] = fk_sip_is_space(require.at[i]) ? ' ' : require.at[i];
	memcpy(buf + n, "\r\n", sizeof("\r\n"));
	return buf;
}

const char *fk_sip_answer_headers(const struct fk_sip_message *request, uint16_t status,
				  char buf[static FK_SIP_ANSWER_HEADERS_MAX])
{
	if (status == 405 || status == 501)
		return ALLOW;
	if (status == 415)
		return is_encoded(request) ? ACCEPT_ENCODING : ACCEPT;
	if (status == 420 && request->require.len > 0)
		return write_unsupported(request->require, buf);
	return status / 100 == 2 && request->method == FK_SIP_OPTIONS ? capabilities : NULL;
}
