/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message that fits a shape reads as it does in full, and one that could read otherwise fits
 * none.
 */
#include <malloc.h>

#include "../../../support/full_read.h"
#include "support.h"

#define CAP	    1500
#define PAYLOAD_TAG "SECRETSECRETSECR" /* of 16 octets, in payloads */

#ifdef SHAPES_NARROW
static struct fk_sip_shapes *new_narrow(void)
{
	struct fk_sip_shapes *shapes = fk_sip_shapes_new();

	cr_assert_not_null(shapes);
	fk_sip_shapes_narrow(shapes);
	return shapes;
}
#define fk_sip_shapes_new new_narrow
#endif

/* What differs from message to message. */
struct words {
	const char *branch, *from_tag, *to, *call_id, *cseq, *charging, *user, *signalling,
		*payload; /* or NULL */
	const char *content_type, *boundary;
};

static const struct words first_words = {
	.branch = "z9hG4bK0001abcd",
	.from_tag = "0a1b2c3d",
	.to = "<sip:kmf@lmr.mc.example>",
	.call_id = "f00dcafe@as1",
	.cseq = "17 MESSAGE",
	.charging = "icid-value=AB12cd",
	.user = "sip:ue0000017@mc.example",
	.signalling = "\x05signalling",
	.payload = "\x01" PAYLOAD_TAG,
	.content_type = "application/vnd.3gpp.mcdata-payload",
	.boundary = "b0",
};

static const struct words other_words = {
	.branch = "z9hG4bKZ9y8x7w6",
	.from_tag = "ffffffff",
	.to = "<sip:kmf@lmr.mc.example>",
	.call_id = "00000000@xyz",
	.cseq = "99 MESSAGE",
	.charging = "icid-value=000000",
	.user = "sip:ue9999999@mc.example",
	.signalling = "\x01\r\n \n\xff\x80gnal",
	.payload = "\x7f\r\n\r\n.-b\r\n.-\x01\xfe\xdc\xba\x98",
	.content_type = "application/vnd.3gpp.mcdata-payload",
	.boundary = "b0",
};

static size_t compose(const struct words *w, char *text)
{
	char body[CAP];
	int n, size;

	n = snprintf(body, sizeof(body),
		     "--%s\r\nContent-Type: application/vnd.3gpp.mcdata-info+xml\r\n\r\n"
		     "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
		     "<request-type>one-to-one-sds</request-type>"
		     "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>%s</mcdataURI>"
		     "</mcdata-calling-user-id></mcdata-Params></mcdatainfo>\r\n"
		     "--%s\r\nContent-Type: application/vnd.3gpp.mcdata-signalling\r\n\r\n%s\r\n",
		     w->boundary, w->user, w->boundary, w->signalling);
	if (w->payload != NULL)
		n += snprintf(body + n, sizeof(body) - (size_t)n,
			      "--%s\r\nContent-Type: %s\r\n\r\n%s\r\n", w->boundary,
			      w->content_type, w->payload);
	n += snprintf(body + n, sizeof(body) - (size_t)n, "--%s--\r\n", w->boundary);
	size = snprintf(text, CAP,
			"MESSAGE sip:kmf@lmr.mc.example SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=%s\r\n"
			"v: SIP/2.0/TCP ue.mc.example;branch=%s.0\r\n"
			"Max-Forwards: 69\r\nFrom: <sip:%s>;tag=%s\r\nTo: %s\r\n"
			"Call-ID: %s\r\nCSeq: %s\r\n"
			"P-Charging-Vector: %s;icid-generated-at=192.0.2.20\r\n"
			"Content-Type: multipart/mixed;boundary=b0\r\n"
			"Content-Length: %d\r\n\r\n%s",
			w->branch, w->branch, w->call_id, w->from_tag, w->to, w->call_id, w->cseq,
			w->charging, n, body);
	cr_assert_lt(size, CAP);
	return (size_t)size;
}

static size_t compose_response(const struct words *w, const char *to_tag, char *text)
{
	return (size_t)snprintf(text, CAP,
				"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=%s\r\n"
				"From: <sip:kmf@lmr.mc.example>;tag=%s\r\n"
				"To: <sip:mcdata@mc.example>;tag=%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
				"Content-Length: 0\r\n\r\n",
				w->branch, w->from_tag, to_tag, w->call_id, w->cseq);
}

/* Reads it in full and keeps its shape, whenever the last was kept. */
static void learn(struct fk_sip_shapes *shapes, const char *text, size_t size)
{
	uint8_t *octets = exact_copy(text, size);
	struct full_read full;

	cr_assert(full_read(octets, size, &full));
	for (uint32_t i = 0; i < FK_SIP_SHAPE_EVERY; i++)
		fk_sip_shapes_learn(shapes, octets, size, &full.message,
				    full.message.is_response ? NULL : &full.body);
	free(octets);
}

/* True if a shape fits; what it says is then what the full read says. */
static bool is_known(struct fk_sip_shapes *shapes, const char *text, size_t size)
{
	uint8_t *octets = exact_copy(text, size);
	struct fk_sip_message message;
	struct fk_sip_shape_body body;
	struct full_read full;
	bool is_known = fk_sip_shapes_read(shapes, octets, size, &message, &body);

	if (is_known) {
		cr_assert(full_read(octets, size, &full), "%.*s", (int)size, text);
		cr_assert(full_read_agrees(&full, &message, &body), "%.*s", (int)size, text);
	}
	free(octets);
	return is_known;
}

static struct fk_sip_shapes *shapes_of(const struct words *words)
{
	struct fk_sip_shapes *shapes = fk_sip_shapes_new();
	char text[CAP];

	cr_assert_not_null(shapes);
	learn(shapes, text, compose(words, text));
	return shapes;
}

static bool knows(struct fk_sip_shapes *shapes, const struct words *words)
{
	char text[CAP];

	return is_known(shapes, text, compose(words, text));
}

Test(sip_shape, knows_a_message_that_differs_where_it_has_to)
{
	struct fk_sip_shapes *shapes = shapes_of(&first_words);

	cr_expect(knows(shapes, &first_words));
	cr_expect(knows(shapes, &other_words));
	fk_sip_shapes_free(shapes);
}

Test(sip_shape, knows_a_disposition_which_has_no_payload)
{
	struct words words = first_words;
	struct fk_sip_shapes *shapes;

	words.payload = NULL;
	shapes = shapes_of(&words);
	words.signalling = other_words.signalling;
	cr_expect(knows(shapes, &words));
	cr_expect_not(knows(shapes, &first_words));
	fk_sip_shapes_free(shapes);
}

Test(sip_shape, knows_a_response)
{
	struct fk_sip_shapes *shapes = fk_sip_shapes_new();
	char text[CAP];
	size_t size = compose_response(&first_words, "aa11", text);

	learn(shapes, text, size);
	size = compose_response(&other_words, "zz99", text);
	cr_expect(is_known(shapes, text, size));
	text[strlen("SIP/2.0 ")] = '4';
	cr_expect_not(is_known(shapes, text, size), "another status");
	fk_sip_shapes_free(shapes);
}

Test(sip_shape, does_not_know_what_would_read_otherwise)
{
	struct fk_sip_shapes *shapes = shapes_of(&first_words);
	struct words w;

#define EXPECT_UNKNOWN(field, value)                            \
	do {                                                    \
		w = other_words;                                \
		w.field = value;                                \
		cr_expect_not(knows(shapes, &w), #field value); \
	} while (0)

	EXPECT_UNKNOWN(branch, "z9hG4bKZ9y8;7w6"); /* ends there */
	EXPECT_UNKNOWN(branch, "z9hG4bKZ9y8x7w");  /* another size */
	EXPECT_UNKNOWN(from_tag, "fffff\r\nf");	   /* another line */
	EXPECT_UNKNOWN(from_tag, "fff,ffff");	   /* no token */
	EXPECT_UNKNOWN(to, "<sip:kmf@lmr.mc.exampl>>");
	EXPECT_UNKNOWN(to, "<sip:kmf@lmr.mc.exa>;tag=a");
	EXPECT_UNKNOWN(call_id, "0000 000@xyz");
	EXPECT_UNKNOWN(cseq, "9x MESSAGE"); /* no number */
	EXPECT_UNKNOWN(cseq, "99 MESSAGF"); /* another method */
	EXPECT_UNKNOWN(charging, "icid-value=00\r000");
	EXPECT_UNKNOWN(user, "sip:ue999&999@mc.example");
	EXPECT_UNKNOWN(user, "sip:ue999<999@mc.example");
	EXPECT_UNKNOWN(signalling, "\x01\r\n--b0\r\nal");
	EXPECT_UNKNOWN(signalling, "\x01signal\r\n--");
	EXPECT_UNKNOWN(signalling, "\x01\r\n-\n\xff\x80gnal"); /* might be one: too near */
	EXPECT_UNKNOWN(signalling, "--b0--\r\n\r\nal");
	EXPECT_UNKNOWN(payload, "\x01\r\n--b0--ECRETSECR");
	EXPECT_UNKNOWN(payload, "--b0\r\nECRETSECRET");
	EXPECT_UNKNOWN(content_type, "application/vnd.3gpp.mcdata-payloae");
	EXPECT_UNKNOWN(boundary, "b1"); /* other than in the header */
	fk_sip_shapes_free(shapes);
}

/* Each octet in turn becomes each of those that mean something to a parser, a letter and a digit.
 */
Test(sip_shape, says_what_the_full_read_says_whatever_octet_is_changed)
{
	static const char others[] = "\r\n\t \"<>;:,=-&/@.%+_~azAZkmv059\0\x7f\x80\xff";
	struct fk_sip_shapes *shapes = shapes_of(&first_words);
	char text[CAP];
	size_t size = compose(&other_words, text);
	uint32_t n_known = 0, n = 0;

	for (size_t i = 0; i < size; i++) {
		char before = text[i];

		for (size_t k = 0; k < sizeof(others); k++, n++) {
			text[i] = others[k];
			n_known += is_known(shapes, text, size);
		}
		text[i] = before;
	}
	cr_expect_gt(n_known, n / 20);
	cr_expect_lt(n_known, n / 2);
	fk_sip_shapes_free(shapes);
}

/* Several octets, any of them, and then pieces of another message. */
Test(sip_shape, says_what_the_full_read_says_of_random_changes, .timeout = 120)
{
	struct fk_sip_shapes *shapes = shapes_of(&first_words);
	char text[CAP], from[CAP], to[CAP];
	size_t size = compose(&other_words, to), at, n;
	uint32_t random = 1, n_known = 0;

	cr_assert_eq(compose(&first_words, from), size);
	for (uint32_t round = 0; round < 200000; round++) {
		memcpy(text, from, size);
		for (uint32_t k = next_random(&random) % 4; k > 0; k--)
			text[next_random(&random) % size] = (char)next_random(&random);
		at = next_random(&random) % size;
		n = next_random(&random) % (size - at);
		memcpy(text + at, to + at, n);
		if (next_random(&random) % 4 == 0)
			memmove(text + at, text + next_random(&random) % (size - n), n);
		n_known += is_known(shapes, text, size);
	}
	cr_expect_gt(n_known, 20000);
	fk_sip_shapes_free(shapes);
}

Test(sip_shape, keeps_no_shape_of_what_is_not_of_the_usual_form)
{
	struct words words = first_words;
	struct fk_sip_shapes *shapes;

	words.user = "sip:ue&#49;17@mc.example"; /* a reference, which the XML reader resolves */
	shapes = shapes_of(&words);
	cr_expect_not(knows(shapes, &words));
	fk_sip_shapes_free(shapes);

	words = first_words;
	words.payload = ""; /* a part without octets is not a part that is missing */
	shapes = shapes_of(&words);
	cr_expect_not(knows(shapes, &words));
	fk_sip_shapes_free(shapes);

	words = first_words;
	words.cseq = "1234567890 MESSAGE"; /* its digits could say more than 2^31 */
	shapes = shapes_of(&words);
	cr_expect_not(knows(shapes, &words));
	fk_sip_shapes_free(shapes);
}

/* Names of a size: users of so many digits. */
static size_t compose_sized(uint32_t n_digits, uint32_t seed, char *text)
{
	struct words words = first_words;
	char user[CAP];
	size_t n = (size_t)snprintf(user, sizeof(user), "sip:ue");

	for (uint32_t i = 0; i < n_digits; i++)
		user[n++] = (char)('0' + (seed + i) % 10);
	strcpy(user + n, "@mc.example");
	words.user = user;
	return compose(&words, text);
}

Test(sip_shape, makes_room_by_what_is_not_used)
{
	struct fk_sip_shapes *shapes = fk_sip_shapes_new();
	char text[CAP];

	for (uint32_t n = 0; n < 3 * FK_SIP_SHAPES; n++) {
		learn(shapes, text, compose_sized(1 + n, n, text));
		cr_assert(is_known(shapes, text, compose_sized(1, n, text)), "used all along: %u",
			  n);
	}
	cr_expect(is_known(shapes, text, compose_sized(3 * FK_SIP_SHAPES, 7, text)));
	cr_expect_not(is_known(shapes, text, compose_sized(FK_SIP_SHAPES, 0, text)));
	fk_sip_shapes_free(shapes);
}

Test(sip_shape, keeps_several_of_one_size)
{
	struct words words = first_words;
	struct fk_sip_shapes *shapes = shapes_of(&words);
	char text[CAP];

	words.to = "<sip:kmf-lmr.mc.example>";
	learn(shapes, text, compose(&words, text));
	words.to = "<sip:kmf@lmr-mc.example>";
	learn(shapes, text, compose(&words, text));
	words = other_words;
	for (int i = 0; i < 3; i++) {
		static const char *const tos[] = {"<sip:kmf-lmr.mc.example>",
						  "<sip:kmf@lmr-mc.example>",
						  "<sip:kmf@lmr.mc.example>"};

		words.to = tos[i];
		cr_expect(knows(shapes, &words), "%s", tos[i]);
	}
	fk_sip_shapes_free(shapes);
}

Test(sip_shape, keeps_one_of_many_that_fit_none)
{
	struct fk_sip_shapes *shapes = fk_sip_shapes_new();
	struct full_read full;
	uint32_t n_known = 0;
	char text[CAP];

	for (uint32_t n = 1; n <= 2 * FK_SIP_SHAPE_EVERY; n++) {
		size_t size = compose_sized(n, n, text);

		cr_assert(full_read((const uint8_t *)text, size, &full));
		fk_sip_shapes_learn(shapes, (const uint8_t *)text, size, &full.message, &full.body);
		n_known += is_known(shapes, text, size);
	}
	cr_expect_eq(n_known, 2);
	fk_sip_shapes_free(shapes);
}

Test(sip_shape, keeps_no_octet_of_a_payload)
{
	struct fk_sip_shapes *shapes = shapes_of(&first_words);
	size_t size = malloc_usable_size(shapes);

	cr_assert(knows(shapes, &first_words));
	cr_expect_not_null(memmem(shapes, size, first_words.user, strlen(first_words.user)));
	cr_expect_null(memmem(shapes, size, PAYLOAD_TAG, strlen(PAYLOAD_TAG)));
	cr_expect_null(memmem(shapes, size, first_words.signalling, strlen("\x05signalling")));
	fk_sip_shapes_free(shapes);
}

Test(sip_shape, takes_messages_of_any_size)
{
	struct fk_sip_shapes *shapes = shapes_of(&first_words);
	struct fk_sip_message message;
	struct fk_sip_shape_body body;
	uint8_t *octets = calloc(1, UINT16_MAX + 1);

	for (size_t size = 0; size <= UINT16_MAX + 1; size++)
		cr_assert_not(fk_sip_shapes_read(shapes, octets, size, &message, &body));
	free(octets);
	fk_sip_shapes_free(shapes);
}
