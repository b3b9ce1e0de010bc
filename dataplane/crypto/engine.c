/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <string.h>

#include "aes_kernel.h"

const struct fk_crypto_engine *const fk_crypto_engines[] = {
#if defined(__x86_64__)
	&fk_engine_vaes512, &fk_engine_vaes,
	&fk_engine_aesni,   &fk_engine_ipsec_mb,
#endif
	&fk_engine_scalar,  NULL,
};

enum fk_err fk_engine_open(const struct fk_crypto_engine *engine)
{
	return engine->open == NULL ? FK_OK : engine->open();
}

enum fk_err fk_engine_select_from(const struct fk_crypto_engine *const *engines, const char *name,
				  struct fk_crypto_scratch *scratch,
				  const struct fk_crypto_engine **ret_engine)
{
	for (uint32_t i = 0; engines[i] != NULL; i++) {
		const struct fk_crypto_engine *engine = engines[i];
		enum fk_err err;

		if (name != NULL && strcmp(name, engine->name) != 0)
			continue;
		if (!engine->is_supported()) {
			if (name != NULL)
				return FK_EUNSUPPORTED;
			continue;
		}
		err = fk_engine_open(engine);
		if (err == FK_OK)
			err = fk_engine_self_test(engine, scratch);
		if (err == FK_OK || err == FK_ESELFTEST)
			*ret_engine = engine;
		return err;
	}
	return FK_ENOTFOUND;
}

enum fk_err fk_engine_select(const char *name, struct fk_crypto_scratch *scratch,
			     const struct fk_crypto_engine **ret_engine)
{
	return fk_engine_select_from(fk_crypto_engines, name, scratch, ret_engine);
}
