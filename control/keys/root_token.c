/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/root_token.h"

#include <stdlib.h>
#include <string.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "keys/secret_file.h"

#define SLOTS_MAX    64
#define PIN_SIZE_MAX 256 /* octets */

struct fk_root_token {
	P11KitUri *uri;
	CK_FUNCTION_LIST *module;
	bool is_initialized;
	CK_SESSION_HANDLE session; /* 0: none is open */
	CK_OBJECT_HANDLE key;
};

/* What the module says, in its words. */
static enum fk_err refuse(struct fk_reason *reason, enum fk_err err, const char *what, CK_RV rv)
{
	fk_reason_set(reason, "PKCS#11 %s: %s", what, p11_kit_strerror(rv));
	return err;
}

static enum fk_err parse_uri(struct fk_root_token *token, const char *text,
			     struct fk_reason *reason)
{
	int result;

	token->uri = p11_kit_uri_new();
	if (token->uri == NULL)
		return FK_ENOMEM;
	result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, token->uri);
	/* The text may hold a PIN: what is wrong with it is said without showing it. */
	if (result != P11_KIT_URI_OK) {
		fk_reason_set(reason, "PKCS#11 URI: %s", p11_kit_uri_message(result));
		return FK_EINVAL;
	}
	if (p11_kit_uri_get_pin_value(token->uri) != NULL) {
		fk_reason_set(reason, "PKCS#11 URI: pin-value is refused: a PIN comes from a file "
				      "or a credential (pin-source)");
		return FK_EPOLICY;
	}
	if (p11_kit_uri_get_module_path(token->uri) != NULL ||
	    p11_kit_uri_get_module_name(token->uri) != NULL) {
		fk_reason_set(reason, "PKCS#11 URI: the module comes from keys.pkcs11_module, not "
				      "from the URI");
		return FK_EPOLICY;
	}
	if (p11_kit_uri_any_unrecognized(token->uri) != 0 ||
	    (p11_kit_uri_get_attribute(token->uri, CKA_LABEL) == NULL &&
	     p11_kit_uri_get_attribute(token->uri, CKA_ID) == NULL) ||
	    p11_kit_uri_get_pin_source(token->uri) == NULL) {
		fk_reason_set(reason, "PKCS#11 URI: must name a token, an object or id, and a "
				      "pin-source");
		return FK_EINVAL;
	}
	return FK_OK;
}

static enum fk_err load_module(struct fk_root_token *token, const char *path,
			       struct fk_reason *reason)
{
	CK_RV rv;

	if (path == NULL || path[0] != '/') {
		fk_reason_set(reason, "keys.pkcs11_module: must be the absolute path of a PKCS#11 "
				      "library");
		return FK_EINVAL;
	}
	token->module = p11_kit_module_load(path, 0);
	if (token->module == NULL) {
		fk_reason_set(reason, "keys.pkcs11_module: %s: %s", path, p11_kit_message());
		return FK_EIO;
	}
	rv = p11_kit_module_initialize(token->module);
	if (rv != CKR_OK)
		return refuse(reason, FK_EIO, "module", rv);
	token->is_initialized = true;
	return FK_OK;
}

/* Opens a session to the one token that the URI names. */
static enum fk_err find_token(struct fk_root_token *token, const char *name,
			      struct fk_reason *reason)
{
	CK_SLOT_ID slots[SLOTS_MAX], found = 0;
	CK_ULONG n_slots = SLOTS_MAX, n_found = 0;
	CK_RV rv = token->module->C_GetSlotList(CK_TRUE, slots, &n_slots);

	if (rv != CKR_OK)
		return refuse(reason, FK_EIO, "slots", rv);
	for (CK_ULONG i = 0; i < n_slots; i++) {
		CK_TOKEN_INFO info;

		if (token->module->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    (info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
		    p11_kit_uri_match_token_info(token->uri, &info) == 0)
			continue;
		found = slots[i];
		n_found++;
	}
	if (n_found != 1) {
		fk_reason_set(reason, "PKCS#11: %s token is there for %s",
			      n_found == 0 ? "no" : "more than one", name);
		return FK_ENOTFOUND;
	}
	rv = token->module->C_OpenSession(found, CKF_SERIAL_SESSION, NULL, NULL, &token->session);
	return rv == CKR_OK ? FK_OK : refuse(reason, FK_EIO, "session", rv);
}

/* The PIN without its line end. */
static enum fk_err read_pin(const char *source, uint8_t pin[static PIN_SIZE_MAX], size_t *ret_size,
			    struct fk_reason *reason)
{
	size_t size = 0;
	enum fk_err err;

	if (strncmp(source, "credential:", 11) == 0)
		err = fk_credential_read("PIN", source + 11, pin, PIN_SIZE_MAX, &size, reason);
	else
		err = fk_secret_file_read("PIN",
					  strncmp(source, "file:", 5) == 0 ? source + 5 : source,
					  pin, PIN_SIZE_MAX, &size, reason);
	if (err != FK_OK)
		return err;
	while (size > 0 && (pin[size - 1] == '\n' || pin[size - 1] == '\r'))
		size--;
	*ret_size = size;
	return FK_OK;
}

static enum fk_err log_in(struct fk_root_token *token, struct fk_reason *reason)
{
	uint8_t pin[PIN_SIZE_MAX];
	size_t size = 0;
	CK_RV rv;
	enum fk_err err = read_pin(p11_kit_uri_get_pin_source(token->uri), pin, &size, reason);

	if (err != FK_OK)
		return err;
	rv = token->module->C_Login(token->session, CKU_USER, pin, size);
	fk_wipe(pin, sizeof(pin));
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return FK_OK;
	return refuse(reason, FK_EAUTH, "login with the PIN of pin-source", rv);
}

/* The root must not be able to leave the token, else it might as well be in a file. */
static enum fk_err check_key(struct fk_root_token *token, struct fk_reason *reason)
{
	CK_BBOOL wrap = CK_FALSE, unwrap = CK_FALSE, sensitive = CK_FALSE, extractable = CK_TRUE;
	CK_KEY_TYPE type = 0;
	CK_ULONG size = 0;
	CK_ATTRIBUTE attributes[] = {
		{CKA_WRAP, &wrap, sizeof(wrap)},
		{CKA_UNWRAP, &unwrap, sizeof(unwrap)},
		{CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
		{CKA_EXTRACTABLE, &extractable, sizeof(extractable)},
		{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_VALUE_LEN, &size, sizeof(size)},
	};
	CK_RV rv = token->module->C_GetAttributeValue(token->session, token->key, attributes,
						      sizeof(attributes) / sizeof(attributes[0]));

	if (rv != CKR_OK)
		return refuse(reason, FK_EIO, "root key", rv);
	if (type != CKK_AES || size != FK_ROOT_KEY_SIZE || wrap == CK_FALSE || unwrap == CK_FALSE) {
		fk_reason_set(reason, "PKCS#11 root key: must be an AES key of 32 octets that "
				      "wraps and unwraps");
		return FK_EPOLICY;
	}
	if (sensitive == CK_FALSE || extractable != CK_FALSE) {
		fk_reason_set(reason, "PKCS#11 root key: must be sensitive and not extractable");
		return FK_EPOLICY;
	}
	return FK_OK;
}

static enum fk_err find_key(struct fk_root_token *token, const char *name, struct fk_reason *reason)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE wanted[3] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_ULONG n_wanted = 1, n_found = 0;
	CK_OBJECT_HANDLE found[2];
	CK_RV rv;
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_LABEL, CKA_ID};

	for (size_t i = 0; i < 2; i++) {
		const CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute(token->uri, types[i]);

		if (attribute != NULL)
			wanted[n_wanted++] = *attribute;
	}
	rv = token->module->C_FindObjectsInit(token->session, wanted, n_wanted);
	if (rv == CKR_OK)
		rv = token->module->C_FindObjects(token->session, found, 2, &n_found);
	if (rv == CKR_OK)
		rv = token->module->C_FindObjectsFinal(token->session);
	if (rv != CKR_OK)
		return refuse(reason, FK_EIO, "search for the root key", rv);
	if (n_found != 1) {
		fk_reason_set(reason, "PKCS#11: %s secret key in the token is %s",
			      n_found == 0 ? "no" : "more than one", name);
		return FK_ENOTFOUND;
	}
	token->key = found[0];
	return check_key(token, reason);
}

enum fk_err fk_root_token_open(const struct fk_root_source *source,
			       struct fk_root_token **ret_token, struct fk_reason *reason)
{
	struct fk_root_token *token = calloc(1, sizeof(*token));
	enum fk_err err;

	if (token == NULL)
		return FK_ENOMEM;
	err = parse_uri(token, source->name, reason);
	if (err == FK_OK)
		err = load_module(token, source->pkcs11_module, reason);
	if (err == FK_OK)
		err = find_token(token, source->name, reason);
	if (err == FK_OK)
		err = log_in(token, reason);
	if (err == FK_OK)
		err = find_key(token, source->name, reason);
	if (err != FK_OK) {
		fk_root_token_close(token);
		return err;
	}
	*ret_token = token;
	return FK_OK;
}

void fk_root_token_close(struct fk_root_token *token)
{
	if (token == NULL)
		return;
	if (token->session != 0)
		(void)token->module->C_CloseSession(token->session); /* the last one logs out */
	if (token->is_initialized)
		(void)p11_kit_module_finalize(token->module); /* nothing can be done about it */
	if (token->module != NULL)
		p11_kit_module_release(token->module);
	p11_kit_uri_free(token->uri);
	free(token);
}

/* The template of a key that passes through; 'value' NULL: the token is to make it. */
static CK_ULONG describe_guest(CK_ATTRIBUTE guest[static 6], const uint8_t *value)
{
	static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	static CK_KEY_TYPE type = CKK_AES;
	static CK_BBOOL no = CK_FALSE, yes = CK_TRUE;

	guest[0] = (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof(class)};
	guest[1] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof(type)};
	guest[2] = (CK_ATTRIBUTE){CKA_TOKEN, &no, sizeof(no)};
	guest[3] = (CK_ATTRIBUTE){CKA_SENSITIVE, &no, sizeof(no)};
	guest[4] = (CK_ATTRIBUTE){CKA_EXTRACTABLE, &yes, sizeof(yes)};
	if (value == NULL)
		return 5;
	guest[5] = (CK_ATTRIBUTE){CKA_VALUE, (void *)(uintptr_t)value, FK_ROOT_KEY_SIZE};
	return 6;
}

enum fk_err fk_root_token_wrap(struct fk_root_token *token,
			       const uint8_t key[static FK_ROOT_KEY_SIZE],
			       uint8_t ret_wrapped[static FK_ROOT_WRAPPED_SIZE],
			       struct fk_reason *reason)
{
	CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP, NULL, 0};
	CK_ATTRIBUTE guest[6];
	CK_ULONG n = describe_guest(guest, key), size = FK_ROOT_WRAPPED_SIZE;
	CK_OBJECT_HANDLE object;
	CK_RV rv = token->module->C_CreateObject(token->session, guest, n, &object);

	if (rv != CKR_OK)
		return refuse(reason, FK_EIO, "key to wrap", rv);
	rv = token->module->C_WrapKey(token->session, &mechanism, token->key, object, ret_wrapped,
				      &size);
	(void)token->module->C_DestroyObject(token->session, object); /* ends with the session */
	if (rv != CKR_OK)
		return refuse(reason, FK_EIO, "CKM_AES_KEY_WRAP", rv);
	return size == FK_ROOT_WRAPPED_SIZE ? FK_OK : FK_ESELFTEST;
}

enum fk_err fk_root_token_unwrap(struct fk_root_token *token,
				 const uint8_t wrapped[static FK_ROOT_WRAPPED_SIZE],
				 uint8_t ret_key[static FK_ROOT_KEY_SIZE], struct fk_reason *reason)
{
	CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP, NULL, 0};
	CK_ATTRIBUTE guest[6], value = {CKA_VALUE, ret_key, FK_ROOT_KEY_SIZE};
	CK_ULONG n = describe_guest(guest, NULL);
	CK_OBJECT_HANDLE object;
	uint8_t copy[FK_ROOT_WRAPPED_SIZE]; /* the interface does not promise to leave it alone */
	CK_RV rv;

	memcpy(copy, wrapped, sizeof(copy));
	rv = token->module->C_UnwrapKey(token->session, &mechanism, token->key, copy, sizeof(copy),
					guest, n, &object);
	/* A wrong key shows as one of these, by the taste of the module. */
	if (rv == CKR_WRAPPED_KEY_INVALID || rv == CKR_ENCRYPTED_DATA_INVALID ||
	    rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED) {
		(void)refuse(reason, FK_EAUTH, "CKM_AES_KEY_WRAP", rv);
		return FK_EAUTH;
	}
	if (rv != CKR_OK)
		return refuse(reason, FK_EIO, "CKM_AES_KEY_WRAP", rv);
	rv = token->module->C_GetAttributeValue(token->session, object, &value, 1);
	(void)token->module->C_DestroyObject(token->session, object); /* ends with the session */
	if (rv != CKR_OK)
		return refuse(reason, FK_EIO, "unwrapped key", rv);
	return value.ulValueLen == FK_ROOT_KEY_SIZE ? FK_OK : FK_EAUTH;
}
