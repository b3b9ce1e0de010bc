/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/columns.h"

#include <string.h>

#include <fleetkey/hex_digit.h>
#include <fleetkey/keytable.h>
#include <fleetkey/secret.h>

#include "config/uri.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static const char *const column_names[] = {
#define X(column, name) #name,
	FK_COLUMN_MAP(X)
#undef X
};

const char *fk_column_name(enum fk_column column)
{
	return (unsigned)column < FK_COLUMNS ? column_names[column] : "";
}

int fk_column_find(const char *name)
{
	for (int i = 0; i < FK_COLUMNS; i++) {
		if (strcmp(column_names[i], name) == 0)
			return i;
	}
	return -1;
}

/* One row being read: the first complaint of a column counts. */
struct parse {
	struct fk_csv_field *const *fields;
	const struct fk_row_rules *rules;
	fk_row_error_fn complain;
	void *ctx;
	struct fk_fleet_row *row;
	bool failed;
};

static void refuse(struct parse *parse, enum fk_column column, const char *reason)
{
	parse->failed = true;
	parse->complain(parse->ctx, column, reason);
}

static struct fk_row_text text_of(const struct parse *parse, enum fk_column column)
{
	return (struct fk_row_text){parse->fields[column]->text, parse->fields[column]->len};
}

bool fk_is_name(const char *text, size_t len, size_t max)
{
	if (len == 0 || len > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0' || strchr(NAME_CHARACTERS, text[i]) == NULL)
			return false;
	}
	return true;
}

/* Decimal, or hexadecimal after 0x where 'hex' allows it; no sign, no blank. */
static bool parse_number(const char *text, size_t len, bool hex, uint32_t *ret_value)
{
	uint32_t base = 10, value = 0;
	size_t i = 0;

	if (hex && len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		i = 2;
	}
	if (len == i || len > 10)
		return false;
	for (; i < len; i++) {
		uint32_t digit;

		if (text[i] >= '0' && text[i] <= '9')
			digit = (uint32_t)(text[i] - '0');
		else if (base == 16 && text[i] >= 'a' && text[i] <= 'f')
			digit = (uint32_t)(text[i] - 'a') + 10;
		else if (base == 16 && text[i] >= 'A' && text[i] <= 'F')
			digit = (uint32_t)(text[i] - 'A') + 10;
		else
			return false;
		if (value > (UINT32_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret_value = value;
	return true;
}

static uint32_t take_number(struct parse *parse, enum fk_column column, bool hex, uint32_t min,
			    uint32_t max, const char *reason)
{
	struct fk_row_text text = text_of(parse, column);
	uint32_t value = 0;

	if (!parse_number(text.at, text.len, hex, &value) || value < min || value > max) {
		refuse(parse, column, reason);
		return min;
	}
	return value;
}

static void take_uri(struct parse *parse, enum fk_column column, struct fk_row_text *ret_text)
{
	const char *refusal;

	*ret_text = text_of(parse, column);
	refusal = fk_uri_refusal(ret_text->at, ret_text->len);
	if (refusal != NULL)
		refuse(parse, column, refusal);
	else
		fk_uri_settle_case(parse->fields[column]->text, ret_text->len);
}

static void take_identity(struct parse *parse)
{
	struct fk_fleet_row *row = parse->row;
	const char *lmr_type = parse->fields[FK_COLUMN_LMR_TYPE]->text;
	int32_t next_hop;

	row->ue_id = text_of(parse, FK_COLUMN_UE_ID);
	if (!fk_is_name(row->ue_id.at, row->ue_id.len, FK_UE_ID_SIZE_MAX))
		refuse(parse, FK_COLUMN_UE_ID, "must be 1..64 letters, digits, '.', '_' or '-'");
	take_uri(parse, FK_COLUMN_MC_SERVICE_ID, &row->mc_service_id);
	take_uri(parse, FK_COLUMN_MCDATA_ID, &row->mcdata_id);
	if (strcmp(lmr_type, "TETRA") == 0)
		refuse(parse, FK_COLUMN_LMR_TYPE, "TETRA is not supported yet, must be P25");
	else if (strcmp(lmr_type, "P25") != 0)
		refuse(parse, FK_COLUMN_LMR_TYPE, "must be P25");
	row->rsi = take_number(parse, FK_COLUMN_RSI, false, 1, FK_RSI_UNIT_MAX,
			       "must be an integer 1..9999999");
	/* P25 sheet 2.2 */
	if (row->rsi == parse->rules->config->kmf.rsi)
		refuse(parse, FK_COLUMN_RSI, "is the KMF's own");
	next_hop = fk_config_find_next_hop(parse->rules->config,
					   parse->fields[FK_COLUMN_NEXT_HOP]->text);
	if (next_hop < 0)
		refuse(parse, FK_COLUMN_NEXT_HOP, "is no next hop of the configuration");
	row->next_hop = next_hop < 0 ? 0 : (uint32_t)next_hop;
	row->area = text_of(parse, FK_COLUMN_AREA);
	if (row->area.len > 0 && !fk_is_name(row->area.at, row->area.len, FK_NAME_SIZE_MAX))
		refuse(parse, FK_COLUMN_AREA,
		       "must be empty or 1..32 letters, digits, '.', '_' or '-'");
}

static bool has_group(const struct fk_fleet_row *row, const char *at, size_t len)
{
	for (uint32_t i = 0; i < row->n_groups; i++) {
		if (row->groups[i].len == len && memcmp(row->groups[i].at, at, len) == 0)
			return true;
	}
	return false;
}

static void take_groups(struct parse *parse)
{
	struct fk_fleet_row *row = parse->row;
	struct fk_row_text text = text_of(parse, FK_COLUMN_GROUPS);
	const char *at = text.at;

	row->n_groups = 0;
	while (text.len > 0) {
		size_t len = strcspn(at, ";");

		if (!fk_is_name(at, len, FK_NAME_SIZE_MAX)) {
			refuse(parse, FK_COLUMN_GROUPS,
			       "each must be 1..32 letters, digits, '.', '_' or '-', separated by "
			       "';'");
			return;
		}
		if (row->n_groups == FK_UE_GROUPS_MAX) {
			refuse(parse, FK_COLUMN_GROUPS, "has more than 16 groups");
			return;
		}
		if (has_group(row, at, len)) {
			refuse(parse, FK_COLUMN_GROUPS, "names a group twice");
			return;
		}
		row->groups[row->n_groups++] = (struct fk_row_text){at, len};
		if (at[len] == '\0')
			return;
		at += len + 1;
	}
}

/* False if 'text' is not 2 * 'size' hex digits. */
static bool parse_hex(const char *text, size_t len, uint8_t *octets, size_t size)
{
	if (len != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = fk_hex_digit(text[2 * i]), low = fk_hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		octets[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const char *take_wrapped_key(const struct parse *parse, const struct fk_csv_field *field,
				    uint8_t key[static 32])
{
	uint8_t wrapped[FK_TRANSPORT_WRAPPED_SIZE];

	if (!parse_hex(field->text, field->len, wrapped, sizeof(wrapped)))
		return "has a character that is no hex digit";
	if (parse->rules->transport_key == NULL)
		return "is wrapped, but no transport key was made yet (fleetkeyctl transport-key)";
	if (fk_transport_key_unwrap(parse->rules->transport_key, wrapped, key) != FK_OK)
		return "does not open under the transport key in force: it was wrapped under "
		       "another key, or is damaged";
	return NULL;
}

static const char *take_plain_key(const struct parse *parse, const struct fk_csv_field *field,
				  uint8_t key[static 32])
{
	if (!parse_hex(field->text, field->len, key, 32))
		return "has a character that is no hex digit";
	return parse->rules->allow_plain_keys ? NULL : "plain keys need --allow-plain-keys";
}

/* The key that the UE has, if it has it under that name. */
static const char *take_old_key(bool is_same, const uint8_t old[static 32], uint8_t key[static 32])
{
	if (!is_same)
		return "is empty, but the UE has no key of that name that it could keep";
	memcpy(key, old, 32);
	return NULL;
}

/* The text is wiped also when it is refused: it may be a key with a typing error. */
static void take_key(struct parse *parse, enum fk_column column, uint8_t key[static 32],
		     uint8_t *ret_origin)
{
	const struct fk_ue_slot *old = parse->rules->old;
	const struct fk_fleet_row *row = parse->row;
	struct fk_csv_field *field = parse->fields[column];
	const char *refusal = "must be 80 hex digits (an AES-256 key wrapped under the transport "
			      "key), or 64 (plain) with --allow-plain-keys";

	*ret_origin = field->len == 0	 ? FK_KEY_KEPT
		      : field->len == 64 ? FK_KEY_IMPORTED_PLAIN
					 : FK_KEY_IMPORTED_WRAPPED;
	if (field->len == 2 * FK_TRANSPORT_WRAPPED_SIZE)
		refusal = take_wrapped_key(parse, field, key);
	else if (field->len == 64)
		refusal = take_plain_key(parse, field, key);
	else if (field->len == 0 && old != NULL && column == FK_COLUMN_KEK)
		refusal = take_old_key(old->kek_key_id == row->kek_key_id &&
					       old->kek_sln == row->kek_sln,
				       old->kek, key);
	else if (field->len == 0 && old != NULL)
		refusal = take_old_key(old->ptek_algorithm_id != 0 &&
					       old->ptek_key_id == row->ptek_key_id,
				       old->ptek, key);
	if (refusal != NULL)
		refuse(parse, column, refusal);
	fk_wipe(field->text, field->len);
}

static void take_algorithm(struct parse *parse, enum fk_column column)
{
	const char *text = parse->fields[column]->text;

	if (strcmp(text, "AES-256") != 0 && strcmp(text, "0x84") != 0)
		refuse(parse, column, "must be AES-256 (or 0x84)");
}

static void take_keys(struct parse *parse)
{
	static const char key_id_reason[] = "must be an integer 0..65535, or 0x0000..0xffff";
	struct fk_fleet_row *row = parse->row;

	row->kek_sln = (uint16_t)take_number(parse, FK_COLUMN_KEK_SLN, true, FK_UKEK_SLN_MIN, 65535,
					     "must be an integer 61440..65535");
	row->kek_key_id =
		(uint16_t)take_number(parse, FK_COLUMN_KEK_KEY_ID, true, 0, 65535, key_id_reason);
	take_algorithm(parse, FK_COLUMN_KEK_ALG);
	take_key(parse, FK_COLUMN_KEK, row->keys, &row->origins[FK_OWN_KEK]);
	row->has_ptek = parse->fields[FK_COLUMN_PTEK_KEY_ID]->len > 0 ||
			parse->fields[FK_COLUMN_PTEK_ALG]->len > 0 ||
			parse->fields[FK_COLUMN_PTEK]->len > 0;
	row->ptek_key_id = 0;
	row->origins[FK_OWN_PTEK] = FK_KEY_KEPT;
	if (!row->has_ptek)
		return;
	row->ptek_key_id =
		(uint16_t)take_number(parse, FK_COLUMN_PTEK_KEY_ID, true, 0, 65535, key_id_reason);
	take_algorithm(parse, FK_COLUMN_PTEK_ALG);
	take_key(parse, FK_COLUMN_PTEK, row->keys + 32, &row->origins[FK_OWN_PTEK]);
}

static void take_profile(struct parse *parse)
{
	const char *mac = parse->fields[FK_COLUMN_MAC]->text;

	parse->row->mac_kind = strcmp(mac, "cbc") == 0 ? FK_MAC_CBC : FK_MAC_CMAC;
	if (strcmp(mac, "cbc") != 0 && strcmp(mac, "cmac") != 0)
		refuse(parse, FK_COLUMN_MAC, "must be cmac or cbc");
	parse->row->mnp = (uint16_t)take_number(parse, FK_COLUMN_MNP, false, 1, FK_MNP_MAX,
						"must be an integer 1..32767");
}

/* The value of an optional column; 0 if the column is not there, or its field is empty. */
static uint32_t take_optional_number(struct parse *parse, enum fk_column column, uint32_t max,
				     const char *reason)
{
	const struct fk_csv_field *field = parse->fields[column];

	return field != NULL && field->len > 0 ? take_number(parse, column, false, 1, max, reason)
					       : 0;
}

static void take_capability(struct parse *parse)
{
	const struct fk_csv_field *outer = parse->fields[FK_COLUMN_OUTER];
	struct fk_ue_capability *takes = &parse->row->takes;
	bool is_ofb = outer != NULL && strcmp(outer->text, "ofb") == 0;

	takes->max_kmm =
		(uint16_t)take_optional_number(parse, FK_COLUMN_MAX_KMM, UINT16_MAX,
					       "must be empty or an integer 1..65535 (octets)");
	takes->max_keys = (uint8_t)take_optional_number(parse, FK_COLUMN_MAX_KEYS, UINT8_MAX,
							"must be empty or an integer 1..255");
	takes->keysets = (uint8_t)take_optional_number(parse, FK_COLUMN_KEYSETS, FK_KEYSETS_MAX,
						       "must be empty or an integer 1..16");
	takes->outer = is_ofb ? FK_OUTER_OFB : FK_OUTER_NONE;
	if (outer != NULL && outer->len > 0 && !is_ofb && strcmp(outer->text, "none") != 0)
		refuse(parse, FK_COLUMN_OUTER, "must be empty, none or ofb");
}

/* A UE has one KMF (I4). Another one has to release it, and says from which number on. */
static void take_owner(struct parse *parse)
{
	const struct fk_csv_field *owner = parse->fields[FK_COLUMN_OWNER_KMF];
	const struct fk_csv_field *number = parse->fields[FK_COLUMN_NEXT_NUMBER];
	struct fk_fleet_row *row = parse->row;
	uint32_t rsi = 0;

	if (owner != NULL && owner->len > 0 && !parse_number(owner->text, owner->len, false, &rsi))
		refuse(parse, FK_COLUMN_OWNER_KMF, "must be empty or the RSI of a KMF");
	else if (owner != NULL && owner->len > 0 && rsi != parse->rules->config->kmf.rsi)
		refuse(parse, FK_COLUMN_OWNER_KMF,
		       "is another KMF, which has to release the UE before this one can adopt it");
	row->has_next_number = number != NULL && number->len > 0;
	row->next_number =
		row->has_next_number
			? (uint16_t)take_number(parse, FK_COLUMN_NEXT_NUMBER, false, 0, UINT16_MAX,
						"must be empty or an integer 0..65535")
			: 0;
}

enum fk_err fk_fleet_row_parse(struct fk_csv_field *const fields[static FK_COLUMNS],
			       const struct fk_row_rules *rules, fk_row_error_fn complain,
			       void *ctx, struct fk_fleet_row *ret_row)
{
	struct parse parse = {fields, rules, complain, ctx, ret_row, false};

	memset(ret_row->keys, 0, sizeof(ret_row->keys));
	take_identity(&parse);
	take_groups(&parse);
	take_keys(&parse);
	take_profile(&parse);
	take_capability(&parse);
	take_owner(&parse);
	if (parse.failed) {
		fk_fleet_row_wipe(ret_row);
		return FK_EINVAL;
	}
	return FK_OK;
}

void fk_fleet_row_wipe(struct fk_fleet_row *row)
{
	fk_wipe(row->keys, sizeof(row->keys));
}
