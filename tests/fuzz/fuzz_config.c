/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - a configuration file is taken or refused with a reason, and nothing leaks.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_yaml_config *yaml = NULL;
	struct fk_reason reason = {""};

	if (fk_yaml_load((const char *)data, size, &yaml, &reason) == FK_OK)
		fk_yaml_free(yaml);
	else
		require(reason.text[0] != '\0');
	return 0;
}
