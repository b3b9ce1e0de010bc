/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.c - see fleet.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <fleetkey/bulk.h>
#include <fleetkey/kmm.h>

#include "fleet.h"

#define COLUMNS	     21
#define COLUMNS_MIN  17 /* the optional ones stand behind */
#define NAME_LEN_MAX 255

enum column {
	UE_ID,
	MC_SERVICE_ID,
	MCDATA_ID,
	LMR_TYPE,
	RSI,
	NEXT_HOP,
	AREA,
	GROUPS,
	KEK_SLN,
	KEK_KEY_ID,
	KEK_ALG,
	KEK,
	PTEK_KEY_ID,
	PTEK_ALG,
	PTEK,
	MAC,
	MNP,
	MAX_KMM,
	MAX_KEYS,
	KEYSETS,
	OUTER,
};

static const char *const column_names[COLUMNS] = {
	"ue_id",  "mc_service_id", "mcdata_id",	 "lmr_type", "rsi",	 "next_hop",	"area",
	"groups", "kek_sln",	   "kek_key_id", "kek_alg",  "kek",	 "ptek_key_id", "ptek_alg",
	"ptek",	  "mac",	   "mnp",	 "max_kmm",  "max_keys", "keysets",	"outer",
};

/* What is wrong with a row. */
struct complaint {
	enum column column;
	const char *reason;
};

static bool complain(struct complaint *c, enum column column, const char *reason)
{
	c->column = column;
	c->reason = reason;
	return false;
}

/* Fields of columns that the file lacks are empty. */
static bool split(char *line, uint32_t n_columns, char *fields[static COLUMNS])
{
	static char none[1];
	uint32_t n = 0;

	for (uint32_t i = n_columns; i < COLUMNS; i++)
		fields[i] = none;
	for (char *at = line; n < n_columns; n++) {
		char *comma = strchr(at, ',');

		fields[n] = at;
		if (comma == NULL)
			return n == n_columns - 1;
		*comma = '\0';
		at = comma + 1;
	}
	return false; /* a comma after the last column */
}

static bool get_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value)
{
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, text[1] == 'x' ? 16 : 10);
	if (errno != 0 || *end != '\0' || value < min || value > max)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static bool get_key(const char *text, uint8_t key[static FK_KEY_SIZE_MAX])
{
	if (strlen(text) != 2 * FK_KEY_SIZE_MAX)
		return false;
	for (uint32_t i = 0; i < FK_KEY_SIZE_MAX; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool is_aes_256(const char *text)
{
	return strcmp(text, "AES-256") == 0 || strcmp(text, "0x84") == 0;
}

static bool get_keys(char *fields[static COLUMNS], struct fk_sim_ue *ue, struct complaint *c)
{
	uint32_t number;

	if (!get_number(fields[KEK_SLN], 61440, 65535, &number))
		return complain(c, KEK_SLN, "is no number from 61440 to 65535");
	if (!get_number(fields[KEK_KEY_ID], 0, 65535, &number))
		return complain(c, KEK_KEY_ID, "is no number from 0 to 65535");
	ue->kek_key_id = (uint16_t)number;
	if (!is_aes_256(fields[KEK_ALG]))
		return complain(c, KEK_ALG, "is not AES-256");
	ue->kek_algorithm_id = FK_ALGORITHM_AES_256;
	if (!get_key(fields[KEK], ue->kek))
		return complain(c, KEK, "is not 64 hex digits");
	if (fields[PTEK][0] == '\0' && fields[PTEK_ALG][0] == '\0' &&
	    fields[PTEK_KEY_ID][0] == '\0')
		return true; /* a UE without a protection TEK */
	if (!get_number(fields[PTEK_KEY_ID], 0, 65535, &number))
		return complain(c, PTEK_KEY_ID, "is no number from 0 to 65535");
	ue->ptek_key_id = (uint16_t)number;
	if (!is_aes_256(fields[PTEK_ALG]))
		return complain(c, PTEK_ALG, "is not AES-256");
	ue->ptek_algorithm_id = FK_ALGORITHM_AES_256;
	if (!get_key(fields[PTEK], ue->ptek))
		return complain(c, PTEK, "is not 64 hex digits");
	return true;
}

/* Appends to the text area. */
static bool put_text(struct fk_fleet *fleet, const char *text, size_t size, uint32_t *ret_offset)
{
	if (fleet->text_cap - fleet->text_size < size) {
		size_t cap = fleet->text_cap * 2 + (1u << 20);
		char *grown = cap > UINT32_MAX ? NULL : fk_bulk_realloc(fleet->text, cap);

		if (grown == NULL)
			return false;
		fleet->text = grown;
		fleet->text_cap = cap;
	}
	memcpy(fleet->text + fleet->text_size, text, size);
	*ret_offset = (uint32_t)fleet->text_size;
	fleet->text_size += size;
	return true;
}

static bool put_groups(struct fk_fleet *fleet, const char *field, uint16_t *ret_groups)
{
	uint32_t i = fleet->n_group_fields;

	while (i > 0 && strcmp(fleet->group_fields[i - 1], field) != 0)
		i--;
	if (i == 0) {
		if (fleet->n_group_fields == FK_FLEET_GROUP_FIELDS_MAX)
			return false;
		fleet->group_fields[fleet->n_group_fields] = strdup(field);
		if (fleet->group_fields[fleet->n_group_fields] == NULL)
			return false;
		i = ++fleet->n_group_fields;
	}
	*ret_groups = (uint16_t)(i - 1);
	return true;
}

static bool put_next_hop(struct fk_fleet *fleet, const char *field, uint8_t *ret_next_hop)
{
	size_t len = strlen(field);
	uint32_t i = 0;

	while (i < fleet->n_next_hops && strcmp(fleet->next_hops[i], field) != 0)
		i++;
	if (i == FK_FLEET_NEXT_HOPS_MAX || len > FK_FLEET_NEXT_HOP_LEN_MAX)
		return false;
	if (i == fleet->n_next_hops)
		memcpy(fleet->next_hops[fleet->n_next_hops++], field, len + 1);
	*ret_next_hop = (uint8_t)i;
	return true;
}

/* Names go into SIP, XML and JSON as they are. */
static bool get_name(const char *text, size_t max, uint8_t *ret_size)
{
	size_t len = strlen(text);

	if (len == 0 || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("\"'<>&\\", text[i]) != NULL)
			return false;
	*ret_size = (uint8_t)len;
	return true;
}

/* An empty field is 0: any. */
static bool get_limit(const char *text, uint32_t max, uint32_t *ret_value)
{
	*ret_value = 0;
	return text[0] == '\0' || get_number(text, 1, max, ret_value);
}

static bool get_capability(char *fields[static COLUMNS], struct fk_sim_ue *ue, struct complaint *c)
{
	uint32_t number;

	if (!get_limit(fields[MAX_KMM], 65535, &number))
		return complain(c, MAX_KMM, "is no number from 1 to 65535");
	ue->max_kmm = (uint16_t)number;
	if (!get_limit(fields[MAX_KEYS], 255, &number))
		return complain(c, MAX_KEYS, "is no number from 1 to 255");
	ue->max_keys = (uint8_t)number;
	if (!get_limit(fields[KEYSETS], 16, &number))
		return complain(c, KEYSETS, "is no number from 1 to 16");
	ue->keysets = (uint8_t)number;
	return true;
}

/* The column that has the name which the UE's server knows. */
static enum column name_column(const struct fk_fleet *fleet, const char *next_hop)
{
	for (const char *const *hop = fleet->mcptt_hops; hop != NULL && *hop != NULL; hop++)
		if ((*hop)[0] == '\0' || strcmp(*hop, next_hop) == 0)
			return MC_SERVICE_ID;
	return MCDATA_ID;
}

static bool read_row(struct fk_fleet *fleet, char *line, struct fk_sim_ue *ue, struct complaint *c)
{
	char *fields[COLUMNS];
	enum column name;
	uint32_t number;

	if (!split(line, fleet->n_columns, fields))
		return complain(c, fleet->n_columns - 1, "row has not the columns of the header");
	if (!get_name(fields[UE_ID], 64, &ue->ue_id_size))
		return complain(c, UE_ID,
				"is empty, longer than 64 characters, or has one that cannot be");
	name = name_column(fleet, fields[NEXT_HOP]);
	if (!get_name(fields[name], NAME_LEN_MAX, &ue->mcdata_id_size) ||
	    strncmp(fields[name], "sip:", 4) != 0)
		return complain(c, name, "is no SIP URI of at most 255 characters");
	if (strcmp(fields[LMR_TYPE], "P25") != 0)
		return complain(c, LMR_TYPE, "is not P25");
	if (!get_number(fields[RSI], 1, 9999999, &ue->rsi))
		return complain(c, RSI, "is no number from 1 to 9999999");
	if (!get_keys(fields, ue, c))
		return false;
	if (strcmp(fields[MAC], "cmac") != 0 && strcmp(fields[MAC], "cbc") != 0)
		return complain(c, MAC, "is neither cmac nor cbc");
	ue->knows_cbc = strcmp(fields[MAC], "cbc") == 0;
	if (!get_number(fields[MNP], 1, 32767, &number))
		return complain(c, MNP, "is no number from 1 to 32767");
	ue->mnp = (uint16_t)number;
	if (!get_capability(fields, ue, c))
		return false;
	ue->newest_key = FK_SIM_NO_KEY;
	if (!put_next_hop(fleet, fields[NEXT_HOP], &ue->next_hop))
		return complain(c, NEXT_HOP, "is too long, or one different value too many");
	if (!put_groups(fleet, fields[GROUPS], &ue->groups))
		return complain(c, GROUPS, "has too many different values");
	if (!put_text(fleet, fields[UE_ID], ue->ue_id_size, &ue->ue_id_offset) ||
	    !put_text(fleet, fields[name], ue->mcdata_id_size, &ue->mcdata_id_offset))
		return complain(c, UE_ID, "does not fit into memory");
	return true;
}

/* Doubles the room for UEs. The old mapping is wiped before it goes. */
static bool grow(struct fk_fleet *fleet)
{
	uint32_t cap = fleet->cap == 0 ? 4096 : fleet->cap * 2;
	struct fk_sim_ue *ues;

	if (fleet->cap == 0)
		ues = mmap(NULL, (size_t)cap * sizeof(*ues), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else /* moves the pages themselves: no second copy of the keys */
		ues = mremap(fleet->ues, (size_t)fleet->cap * sizeof(*ues),
			     (size_t)cap * sizeof(*ues), MREMAP_MAYMOVE);
	if (ues == MAP_FAILED)
		return false;
	fleet->ues = ues;
	fleet->cap = cap;
	(void)madvise(ues, (size_t)cap * sizeof(*ues), MADV_DONTDUMP); /* costs a dump only */
	(void)fk_bulk_hint(ues, (uint64_t)cap * sizeof(*ues));
	return true;
}

static enum fk_err index_build(struct fk_fleet *fleet, uint32_t *ret_twice)
{
	uint32_t size = 16;

	while (size < 2 * fleet->n_ues)
		size *= 2;
	fleet->index = fk_bulk_calloc(size, sizeof(*fleet->index));
	if (fleet->index == NULL)
		return FK_ENOMEM;
	fleet->index_mask = size - 1;
	for (uint32_t i = 0; i < fleet->n_ues; i++) {
		const struct fk_sim_ue *ue = &fleet->ues[i];
		const char *mcdata_id = fk_fleet_mcdata_id(fleet, ue);
		uint32_t at = (uint32_t)fk_sim_hash(mcdata_id, ue->mcdata_id_size);

		if (fk_fleet_find(fleet, mcdata_id, ue->mcdata_id_size) != NULL) {
			*ret_twice = i;
			return FK_EEXIST;
		}
		while (fleet->index[at & fleet->index_mask] != 0)
			at++;
		fleet->index[at & fleet->index_mask] = i + 1;
	}
	return FK_OK;
}

struct fk_sim_ue *fk_fleet_find(const struct fk_fleet *fleet, const char *mcdata_id, size_t size)
{
	uint32_t at = (uint32_t)fk_sim_hash(mcdata_id, size), entry;

	while ((entry = fleet->index[at & fleet->index_mask]) != 0) {
		struct fk_sim_ue *ue = &fleet->ues[entry - 1];

		if (ue->mcdata_id_size == size &&
		    memcmp(fk_fleet_mcdata_id(fleet, ue), mcdata_id, size) == 0)
			return ue;
		at++;
	}
	return NULL;
}

static enum fk_err read_rows(FILE *file, struct fk_fleet *fleet, char *text, size_t text_cap)
{
	char *line = NULL;
	size_t line_cap = 0;
	uint32_t line_number = 1;
	enum fk_err err = FK_OK;
	ssize_t len = getline(&line, &line_cap, file);

	fleet->n_columns = COLUMNS_MIN;
	if (len >= 0 && strcmp(line, FK_FLEET_HEADER FK_FLEET_HEADER_MORE "\n") == 0) {
		fleet->n_columns = COLUMNS;
	} else if (len < 0 || strcmp(line, FK_FLEET_HEADER "\n") != 0) {
		snprintf(text, text_cap, "line 1: the header is not the one of a fleet file");
		err = FK_EFORMAT;
	}
	while (err == FK_OK && (len = getline(&line, &line_cap, file)) > 0) {
		struct complaint c = {UE_ID, ""};

		line_number++;
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (fleet->n_ues == fleet->cap && !grow(fleet)) {
			snprintf(text, text_cap, "line %u: out of memory", line_number);
			err = FK_ENOMEM;
		} else if (!read_row(fleet, line, &fleet->ues[fleet->n_ues], &c)) {
			snprintf(text, text_cap, "line %u: %s: %s", line_number,
				 column_names[c.column], c.reason);
			err = FK_EFORMAT;
		} else {
			fleet->n_ues++;
		}
	}
	if (line != NULL)
		fk_wipe(line, line_cap); /* it held keys */
	free(line);
	return err;
}

enum fk_err fk_fleet_load(const char *path, const char *const *mcptt_hops,
			  struct fk_fleet *ret_fleet, char *ret_text, size_t text_cap)
{
	struct fk_fleet fleet = {.mcptt_hops = mcptt_hops};
	FILE *file = fopen(path, "re");
	uint32_t twice = 0;
	enum fk_err err;

	if (file == NULL) {
		snprintf(ret_text, text_cap, "cannot be opened: %s", strerror(errno));
		return FK_EIO;
	}
	fleet.group_fields = calloc(FK_FLEET_GROUP_FIELDS_MAX, sizeof(*fleet.group_fields));
	err = fleet.group_fields == NULL ? FK_ENOMEM : read_rows(file, &fleet, ret_text, text_cap);
	if (err == FK_OK && ferror(file)) {
		snprintf(ret_text, text_cap, "cannot be read: %s", strerror(errno));
		err = FK_EIO;
	}
	fclose(file);
	if (err == FK_OK && fleet.n_ues == 0) {
		snprintf(ret_text, text_cap, "line 2: the file names no UE");
		err = FK_EFORMAT;
	}
	if (err == FK_OK) {
		err = index_build(&fleet, &twice);
		if (err == FK_EEXIST)
			snprintf(ret_text, text_cap,
				 "line %u: mcdata_id or mc_service_id: was used by an earlier row",
				 twice + 2);
	}
	if (err != FK_OK) {
		fk_fleet_free(&fleet);
		return err;
	}
	*ret_fleet = fleet;
	return FK_OK;
}

void fk_fleet_free(struct fk_fleet *fleet)
{
	if (fleet->ues != NULL) {
		/* The row after the last may hold keys too, if it was refused half way. */
		uint32_t n_used = fleet->n_ues < fleet->cap ? fleet->n_ues + 1 : fleet->cap;

		for (uint32_t i = 0; i < fleet->n_ues; i++)
			fk_sim_ue_fini(&fleet->ues[i]);
		fk_wipe(fleet->ues, (size_t)n_used * sizeof(*fleet->ues));
		munmap(fleet->ues, (size_t)fleet->cap * sizeof(*fleet->ues));
	}
	for (uint32_t i = 0; i < fleet->n_group_fields; i++)
		free(fleet->group_fields[i]);
	free(fleet->group_fields);
	free(fleet->text);
	free(fleet->index);
	memset(fleet, 0, sizeof(*fleet));
}
