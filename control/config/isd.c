/* SPDX-License-Identifier: Apache-2.0 */
#include "config/isd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/isd_layout.h>

enum fk_err fk_config_check_isd(const struct fk_config *config, struct fk_reason *reason)
{
	if (config->isd.layout_file != NULL)
		return FK_OK;
	for (uint32_t i = 0; i < config->n_next_hops; i++) {
		if (config->next_hops[i].carrier != FK_CARRIER_T2)
			continue;
		fk_reason_set(reason,
			      "isd.layout_file: is missing, must name a file when a next hop has "
			      "carrier T2; no layout is built in");
		return FK_EINVAL;
	}
	return FK_OK;
}

/* The whole file, or as much as shows that it is too large. */
static enum fk_err read_text(struct fk_config *config, struct fk_reason *reason)
{
	FILE *file = fopen(config->isd.layout_file, "re");
	enum fk_err err = FK_EIO;

	config->isd.layout = malloc(FK_ISD_LAYOUT_SIZE_MAX + 1);
	if (config->isd.layout == NULL) {
		err = FK_ENOMEM;
	} else if (file != NULL) {
		config->isd.layout_size =
			(uint16_t)fread(config->isd.layout, 1, FK_ISD_LAYOUT_SIZE_MAX + 1, file);
		err = ferror(file) == 0 ? FK_OK : FK_EIO;
	}
	if (err == FK_EIO)
		fk_reason_set(reason, "isd.layout_file: %s: cannot be read: %s",
			      config->isd.layout_file, strerror(errno));
	if (file != NULL)
		(void)fclose(file); /* only read: nothing can be lost */
	return err;
}

/* spec: TS 23.283 Table 10.12.1.1-1: the LMR type is required toward the client */
static bool serves_p25(const struct fk_isd_layout *layout)
{
	const struct fk_isd_field *type = fk_isd_layout_find(layout, FK_ISD_LMR_TYPE);

	return type != NULL && type->has_code[FK_ISD_LMR_P25];
}

enum fk_err fk_config_load_isd(struct fk_config *config, struct fk_reason *reason)
{
	struct fk_isd_layout layout;
	struct fk_isd_error error;
	enum fk_err err;

	if (config->isd.layout_file == NULL)
		return FK_OK;
	err = read_text(config, reason);
	if (err != FK_OK)
		return err;
	err = fk_isd_layout_parse(config->isd.layout, config->isd.layout_size, &layout, &error);
	if (err != FK_OK) {
		fk_reason_set(reason, "isd.layout_file: %s: line %zu: %s: %s",
			      config->isd.layout_file, error.offset, error.field, error.reason);
		return err;
	}
	if (!serves_p25(&layout)) {
		fk_reason_set(reason,
			      "isd.layout_file: %s: lmr_type: has no p25=, and every UE is P25",
			      config->isd.layout_file);
		return FK_EINVAL;
	}
	config->isd.payload_max = fk_isd_payload_max(&layout);
	return FK_OK;
}
