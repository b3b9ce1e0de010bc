/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/root.h"

#include <string.h>
#include <sys/mman.h>

#include <openssl/evp.h>

#include "keys/root_key.h"
#include "keys/root_token.h"

struct fk_root {
	struct fk_root_token *token; /* NULL: the key is here */
	struct fk_secret key;
};

/* What follows 'prefix' in 'text', or NULL. */
static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* A page of its own, zeroed: it lives for the moment of a wrap, and must not be swapped out or
 * dumped meanwhile. */
static struct fk_root *new_root(void)
{
	void *p = mmap(NULL, sizeof(struct fk_root), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mlock(p, sizeof(struct fk_root)) != 0 ||
	    madvise(p, sizeof(struct fk_root), MADV_DONTDUMP) != 0) {
		(void)munmap(p, sizeof(struct fk_root));
		return NULL;
	}
	return p;
}

enum fk_err fk_root_open(const struct fk_root_source *source, struct fk_root **ret_root,
			 struct fk_reason *reason)
{
	const char *path = after(source->name, "file:");
	const char *credential = after(source->name, "credential:");
	struct fk_root *root = new_root();
	enum fk_err err;

	if (root == NULL) {
		fk_reason_set(reason, "memory for the root key cannot be had and locked "
				      "(RLIMIT_MEMLOCK)");
		return FK_ENOMEM;
	}
	if (path != NULL)
		err = fk_root_key_load(path, &root->key, reason);
	else if (credential != NULL)
		err = fk_root_key_load_credential(credential, &root->key, reason);
	else if (after(source->name, "pkcs11:") != NULL)
		err = fk_root_token_open(source, &root->token, reason);
	else {
		/* What stands there instead may be a key: it is not shown. */
		fk_reason_set(reason, "root key: must be file:PATH, credential:NAME or a pkcs11: "
				      "URI");
		err = FK_EINVAL;
	}
	if (err != FK_OK) {
		fk_root_close(root);
		return err;
	}
	*ret_root = root;
	return FK_OK;
}

void fk_root_close(struct fk_root *root)
{
	if (root == NULL)
		return;
	fk_root_token_close(root->token);
	fk_secret_wipe(&root->key);
	(void)munmap(root, sizeof(*root));
}

/* One run of OpenSSL's key wrap; false: it does not unwrap, or the library fails. */
static bool wrap_here(const struct fk_root *root, bool is_wrap, const uint8_t *in, size_t in_size,
		      uint8_t *out, size_t out_size)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t buf[FK_ROOT_WRAPPED_SIZE + 8];
	int n = 0;
	bool ok;

	if (ctx != NULL)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = ctx != NULL &&
	     EVP_CipherInit_ex(ctx, EVP_aes_256_wrap(), NULL, root->key.octets, NULL,
			       is_wrap ? 1 : 0) > 0 &&
	     EVP_CipherUpdate(ctx, buf, &n, in, (int)in_size) > 0 && (size_t)n == out_size;
	EVP_CIPHER_CTX_free(ctx); /* clears the schedule */
	if (ok)
		memcpy(out, buf, out_size);
	fk_wipe(buf, sizeof(buf));
	return ok;
}

enum fk_err fk_root_wrap(struct fk_root *root, const uint8_t key[static FK_ROOT_KEY_SIZE],
			 uint8_t ret_wrapped[static FK_ROOT_WRAPPED_SIZE], struct fk_reason *reason)
{
	if (root->token != NULL)
		return fk_root_token_wrap(root->token, key, ret_wrapped, reason);
	if (wrap_here(root, true, key, FK_ROOT_KEY_SIZE, ret_wrapped, FK_ROOT_WRAPPED_SIZE))
		return FK_OK;
	fk_reason_set(reason, "AES key wrap failed in OpenSSL");
	return FK_ESELFTEST;
}

enum fk_err fk_root_unwrap(struct fk_root *root, const uint8_t wrapped[static FK_ROOT_WRAPPED_SIZE],
			   uint8_t ret_key[static FK_ROOT_KEY_SIZE], struct fk_reason *reason)
{
	enum fk_err err = FK_OK;

	if (root->token != NULL)
		err = fk_root_token_unwrap(root->token, wrapped, ret_key, reason);
	else if (!wrap_here(root, false, wrapped, FK_ROOT_WRAPPED_SIZE, ret_key, FK_ROOT_KEY_SIZE))
		err = FK_EAUTH;
	if (err != FK_OK)
		fk_wipe(ret_key, FK_ROOT_KEY_SIZE);
	return err;
}
