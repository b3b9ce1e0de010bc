/* SPDX-License-Identifier: Apache-2.0 */
/* make_fleet.c - see make_fleet.h. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <fleetkey/secret.h>
#include <fleetkey/wire.h>

#include "fleet.h"
#include "make_fleet.h"
#include "wire/sip.h"

#define KEYS_SIZE	 (2 * FK_KEY_SIZE_MAX) /* octets drawn for one UE: KEK and protection TEK */
#define FIRST_RSI	 1000
#define MNP		 1000  /* message number period, P25 sheet 3.9 */
#define KEK_SLN		 61440 /* where UKEKs customarily sit, P25 sheet 2.3 */
#define N_KEK_KEY_IDS	 16
#define FIRST_PTEK_KEY	 512
#define N_PTEK_KEY_IDS	 64
#define CBC_EVERY	 8 /* every eighth UE knows no CMAC */
#define ROW_FIXED_MAX	 512
#define NAME_LEN_MAX	 200
#define FILE_BUFFER_SIZE (1u << 20)

static const char *const areas[] = {"north", "east", "south", "west", "centre"};

/* A stream of key octets: AES-256 in counter mode under a hash of the seed. */
static EVP_CIPHER_CTX *key_stream_new(uint64_t seed)
{
	static const char label[] = "fleetsim fleet keys, version 1";
	static const uint8_t zero[16];
	uint8_t input[sizeof(label) + 8], key[EVP_MAX_MD_SIZE];
	struct fk_wire_writer w = fk_wire_writer(input, sizeof(input));
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned int key_size = 0;

	fk_wire_put_bytes(&w, label, sizeof(label));
	fk_wire_put_u64(&w, seed);
	if (ctx == NULL ||
	    EVP_Digest(input, sizeof(input), key, &key_size, EVP_sha256(), NULL) != 1 ||
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, key, zero) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	fk_wipe(key, sizeof(key));
	return ctx;
}

static bool key_stream_draw(EVP_CIPHER_CTX *ctx, uint8_t keys[static KEYS_SIZE])
{
	static const uint8_t zero[KEYS_SIZE];
	int n = 0;

	return EVP_EncryptUpdate(ctx, keys, &n, zero, KEYS_SIZE) == 1 && n == KEYS_SIZE;
}

static void put_hex(const uint8_t *octets, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[octets[i] >> 4];
		text[2 * i + 1] = digits[octets[i] & 15];
	}
	text[2 * size] = '\0';
}

/* The name of UE number i among names that ';' separates: they take turns. */
static struct fk_view nth_name(const char *names, uint32_t i)
{
	uint32_t n = 1;

	for (const char *at = names; *at != '\0'; at++)
		n += *at == ';';
	for (i %= n; i > 0; i--)
		names += strcspn(names, ";") + 1;
	return (struct fk_view){.at = names, .len = (uint32_t)strcspn(names, ";")};
}

static bool has_capabilities(const struct fk_make_fleet *spec)
{
	return spec->max_kmm != NULL || spec->max_keys != NULL || spec->keysets != NULL;
}

static bool write_capabilities(FILE *file, const struct fk_make_fleet *spec, uint32_t i)
{
	const char *const lists[] = {spec->max_kmm, spec->max_keys, spec->keysets};

	for (uint32_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		struct fk_view value = nth_name(lists[k] != NULL ? lists[k] : "", i);

		if (fprintf(file, ",%.*s", (int)value.len, value.at) < 0)
			return false;
	}
	return fputs(",none", file) >= 0;
}

static bool write_row(FILE *file, const struct fk_make_fleet *spec, uint32_t i,
		      const uint8_t keys[static KEYS_SIZE])
{
	char kek[2 * FK_KEY_SIZE_MAX + 1], ptek[2 * FK_KEY_SIZE_MAX + 1];
	struct fk_view next_hop = nth_name(spec->next_hop, i);
	uint32_t number = i + 1;
	bool ok;

	put_hex(keys, FK_KEY_SIZE_MAX, kek);
	put_hex(keys + FK_KEY_SIZE_MAX, FK_KEY_SIZE_MAX, ptek);
	ok = fprintf(file,
		     "ue%07u,sip:ue%07u@mcptt.%s,sip:ue%07u@%s,P25,%u,%.*s,%s,%s,%u,%u,AES-256,%s,%"
		     "u,"
		     "AES-256,%s,%s,%u",
		     number, number, spec->domain, number, spec->domain, FIRST_RSI + i,
		     (int)next_hop.len, next_hop.at, areas[i % (sizeof(areas) / sizeof(areas[0]))],
		     spec->groups, KEK_SLN, 1 + i % N_KEK_KEY_IDS, kek,
		     FIRST_PTEK_KEY + i % N_PTEK_KEY_IDS, ptek,
		     i % CBC_EVERY == CBC_EVERY - 1 ? "cbc" : "cmac", MNP) > 0;
	fk_wipe(kek, sizeof(kek));
	fk_wipe(ptek, sizeof(ptek));
	if (ok && has_capabilities(spec))
		ok = write_capabilities(file, spec, i);
	return ok && fputc('\n', file) != EOF;
}

static bool write_rows(FILE *file, const struct fk_make_fleet *spec)
{
	EVP_CIPHER_CTX *stream = key_stream_new(spec->seed);
	uint8_t keys[KEYS_SIZE];
	bool ok = stream != NULL && fprintf(file, "%s%s\n", FK_FLEET_HEADER,
					    has_capabilities(spec) ? FK_FLEET_HEADER_MORE : "") > 0;

	for (uint32_t i = 0; i < spec->n_ues && ok; i++)
		ok = key_stream_draw(stream, keys) && write_row(file, spec, i, keys);
	fk_wipe(keys, sizeof(keys));
	EVP_CIPHER_CTX_free(stream);
	return ok;
}

static bool is_name(const char *text, const char *also)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && strchr("._-", text[i]) == NULL &&
		    strchr(also, text[i]) == NULL)
			return false;
	return len <= NAME_LEN_MAX;
}

/* Names with ';' between them, none of them empty. */
static bool is_name_list(const char *text)
{
	size_t len = strlen(text);

	return is_name(text, ";") && len > 0 && text[0] != ';' && text[len - 1] != ';' &&
	       strstr(text, ";;") == NULL;
}

static bool is_number_list(const char *text)
{
	return text == NULL ||
	       (strspn(text, "0123456789;") == strlen(text) && strlen(text) <= NAME_LEN_MAX);
}

static enum fk_err write_file(const struct fk_make_fleet *spec, const char *temporary)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *buffer = malloc(FILE_BUFFER_SIZE);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool ok = file != NULL && buffer != NULL && fchmod(fd, 0600) == 0;

	if (ok) {
		setvbuf(file, buffer, _IOFBF, FILE_BUFFER_SIZE);
		ok = write_rows(file, spec);
	}
	if (file != NULL)
		ok = fclose(file) == 0 && ok;
	else if (fd >= 0)
		close(fd);
	if (buffer != NULL)
		fk_wipe(buffer, FILE_BUFFER_SIZE); /* it held keys */
	free(buffer);
	return ok ? FK_OK : FK_EIO;
}

enum fk_err fk_make_fleet(const struct fk_make_fleet *spec)
{
	char temporary[PATH_MAX];
	int saved;

	if (spec->n_ues < 1 || spec->n_ues > FK_MAKE_FLEET_UES_MAX)
		return FK_ERANGE;
	if (!is_name_list(spec->next_hop) || !is_name(spec->groups, ";") ||
	    spec->domain[0] == '\0' || !is_name(spec->domain, "") ||
	    !is_number_list(spec->max_kmm) || !is_number_list(spec->max_keys) ||
	    !is_number_list(spec->keysets))
		return FK_EINVAL;
	if (snprintf(temporary, sizeof(temporary), "%s.tmp", spec->path) >=
	    (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return FK_EIO;
	}

	enum fk_err err = write_file(spec, temporary);

	if (err == FK_OK && rename(temporary, spec->path) != 0)
		err = FK_EIO;
	if (err != FK_OK) {
		saved = errno;
		unlink(temporary);
		errno = saved;
	}
	return err;
}
