/* SPDX-License-Identifier: Apache-2.0 */
/* face.c - see face.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/keytable.h>

#include "face.h"
#include "wire/address.h"

#define PORT_MAX 65535

/* What a MESSAGE asks for: 3GPP sheet 3.1, 6.1. */
struct service {
	const char *icsi, *feature, *icsi_feature;
};

static const struct service sds = {
	"urn:urn-7:3gpp-service.ims.icsi.mcdata.sds", "+g.3gpp.mcdata.sds;require;explicit",
	"+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mcdata.sds\";require;explicit"};
static const struct service mcptt = {
	"urn:urn-7:3gpp-service.ims.icsi.mcptt", "+g.3gpp.mcptt;require;explicit",
	"+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mcptt\";require;explicit"};

static const struct service *service_of(const struct fk_face *face)
{
	return face->profile == FK_FACE_T2 ? &mcptt : &sds;
}

enum fk_err fk_face_prepare(struct fk_face *face, const char *kmf_uri,
			    const struct fk_address *address,
			    const struct fk_isd_layout *isd_layout)
{
	const char *at = strchr(kmf_uri, '@');
	bool is_t2 = face->profile == FK_FACE_T2;
	int n = snprintf(face->uri, sizeof(face->uri), "sip:%s%s%s%s", is_t2 ? "mcptt" : "mcdata",
			 face->name[0] == '\0' ? "" : "-", face->name,
			 at == NULL ? "@mc.invalid" : at);

	if (n < 0 || (size_t)n >= sizeof(face->uri))
		return FK_EFULL;
	face->compose.kmf_uri = kmf_uri;
	face->compose.kmf_uri_size = strlen(kmf_uri);
	face->compose.server_uri = face->uri;
	face->compose.server_uri_size = strlen(face->uri);
	face->compose.source_port = face->port;
	face->compose.isd_layout = is_t2 ? isd_layout : NULL;
	fk_address_format_host(address, face->port, face->compose.sent_by);
	return fk_compose_prepare(&face->compose);
}

bool fk_face_read_profile(const char *text, uint8_t *ret_profile)
{
	static const struct {
		const char *name;
		uint8_t profile;
	} profiles[] = {
		{"A", FK_PROFILE_A}, {"B", FK_PROFILE_B}, {"C", FK_PROFILE_C}, {"T2", FK_FACE_T2}};
	size_t len = strcspn(text, ",");

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strlen(profiles[i].name) != len || memcmp(text, profiles[i].name, len) != 0)
			continue;
		*ret_profile = profiles[i].profile;
		return true;
	}
	return false;
}

static bool read_refusal(const char *text, uint16_t *ret_refusal)
{
	static const uint16_t refusals[] = {401, 407, 503, FK_FACE_WARNING_141};
	unsigned long number = strtoul(text, NULL, 10);

	if (strlen(text) != 3)
		return false;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (number != refusals[i])
			continue;
		*ret_refusal = refusals[i];
		return true;
	}
	return false;
}

bool fk_face_read(const char *text, struct fk_face *ret_face)
{
	size_t name_len = strcspn(text, ",");
	const char *at = text + name_len;
	unsigned long port;
	char *end;

	if (name_len == 0 || name_len > FK_FACE_NAME_MAX || *at != ',')
		return false;
	port = strtoul(++at, &end, 10);
	if (at[0] < '0' || at[0] > '9' || *end != ',' || port < 1 || port > PORT_MAX ||
	    !fk_face_read_profile(end + 1, &ret_face->profile))
		return false;
	at = end + 1 + strcspn(end + 1, ",");
	ret_face->refusal = 0;
	if (*at != '\0' && (*at != ',' || !read_refusal(at + 1, &ret_face->refusal)))
		return false;
	memcpy(ret_face->name, text, name_len);
	ret_face->name[name_len] = '\0';
	ret_face->port = (uint16_t)port;
	return true;
}

/* What the header says about who calls and what for. */
struct claims {
	struct fk_view preferred_identity, asserted_identity;
	struct fk_view preferred_service, asserted_service;
	bool wants_service, wants_icsi;
};

static bool view_has(struct fk_view value, const char *text)
{
	return memmem(value.at, value.len, text, strlen(text)) != NULL;
}

static void claim(struct claims *claims, const struct service *service, struct fk_view name,
		  struct fk_view value)
{
	if (fk_view_is(name, "P-Preferred-Identity")) {
		claims->preferred_identity = value;
	} else if (fk_view_is(name, "P-Asserted-Identity")) {
		claims->asserted_identity = value;
	} else if (fk_view_is(name, "P-Preferred-Service")) {
		claims->preferred_service = value;
	} else if (fk_view_is(name, "P-Asserted-Service")) {
		claims->asserted_service = value;
	} else if (fk_view_is(name, "a") || fk_view_is(name, "Accept-Contact")) {
		claims->wants_service |= view_has(value, service->feature);
		claims->wants_icsi |= view_has(value, service->icsi_feature);
	}
}

static struct fk_view trim(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	return (struct fk_view){.at = at, .len = (uint32_t)(end - at)};
}

/* The lines between the start line and the body; the parser has found them to be well formed. */
static struct claims read_claims(const struct service *service,
				 const struct fk_sip_message *message, const uint8_t *octets)
{
	const char *end = (const char *)message->body;
	const char *line = memchr(octets, '\n', (size_t)(end - (const char *)octets));
	struct claims claims = {.wants_service = false};

	while (line != NULL && ++line < end) {
		const char *eol = memchr(line, '\n', (size_t)(end - line));
		const char *colon = memchr(line, ':', (size_t)((eol != NULL ? eol : end) - line));

		if (colon != NULL && (line[0] == 'P' || line[0] == 'p' || (line[0] | 0x20) == 'a'))
			claim(&claims, service, trim(line, colon),
			      trim(colon + 1, eol != NULL ? eol : end));
		line = eol;
	}
	return claims;
}

/* True for "<uri>" and for "uri". */
static bool names_uri(struct fk_view value, const char *uri, size_t size)
{
	if (value.len == size + 2 && value.at[0] == '<' && value.at[size + 1] == '>')
		return memcmp(value.at + 1, uri, size) == 0;
	return value.len == size && memcmp(value.at, uri, size) == 0;
}

/* The server's own URI, or, where it stands in for the UE's client, the UE's. */
static bool is_addressed(const struct fk_face *face, const struct fk_sip_message *message,
			 const struct fk_inspected *x)
{
	struct fk_view uri = message->request_uri;

	if (face->profile == FK_PROFILE_C)
		return names_uri(uri, x->target, x->target_size);
	return names_uri(uri, face->uri, face->compose.server_uri_size);
}

/* A client says who it would be; inside the trust domain the identity is asserted, and the
 * server has to know that of a client. */
static bool is_known(const struct fk_face *face, const struct claims *claims)
{
	struct fk_view asserted = claims->asserted_identity;

	if (face->profile != FK_PROFILE_A)
		return asserted.len > 0 && claims->preferred_identity.len == 0;
	if (asserted.len == 0)
		asserted = claims->preferred_identity;
	return names_uri(asserted, face->compose.kmf_uri, face->compose.kmf_uri_size);
}

static bool asks_for_service(const struct fk_face *face, const struct claims *claims)
{
	struct fk_view asserted = claims->asserted_service, preferred = claims->preferred_service;

	if (face->profile == FK_PROFILE_A && asserted.len == 0)
		asserted = preferred;
	else if (preferred.len != 0)
		return false;
	return fk_view_is(asserted, service_of(face)->icsi) && claims->wants_service &&
	       claims->wants_icsi;
}

/* A participating function adds the calling user, and an IWF is none; everybody else is told. */
static bool calling_user_is_right(const struct fk_face *face, const struct fk_mcdata_info *info)
{
	if (face->profile == FK_PROFILE_A || face->profile == FK_FACE_T2)
		return info->calling_user_id_size == 0;
	return info->calling_user_id_size == face->compose.kmf_uri_size &&
	       memcmp(info->calling_user_id, face->compose.kmf_uri, info->calling_user_id_size) ==
		       0;
}

enum fk_sim_malformed fk_face_check(const struct fk_face *face,
				    const struct fk_sip_message *message, const uint8_t *octets,
				    const struct fk_inspected *x)
{
	bool has_lists = face->profile != FK_PROFILE_C && face->profile != FK_FACE_T2;
	struct claims claims = read_claims(service_of(face), message, octets);

	if (x->has_resource_lists != has_lists)
		return has_lists ? FK_SIM_MALFORMED_TARGET : FK_SIM_MALFORMED_RESOURCE_LISTS;
	if (has_lists && x->n_entries != 1)
		return FK_SIM_MALFORMED_TARGET;
	if ((x->info.request_uri_size != 0) == has_lists)
		return FK_SIM_MALFORMED_TARGET;
	if (!is_addressed(face, message, x))
		return FK_SIM_MALFORMED_REQUEST_URI;
	if (!is_known(face, &claims))
		return FK_SIM_MALFORMED_IDENTITY;
	if (!asks_for_service(face, &claims))
		return FK_SIM_MALFORMED_SERVICE;
	return calling_user_is_right(face, &x->info) ? FK_SIM_WELL_FORMED
						     : FK_SIM_MALFORMED_CALLING_USER;
}
