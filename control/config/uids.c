/* SPDX-License-Identifier: Apache-2.0 */
#include "config/uids.h"

#include <stdlib.h>
#include <string.h>

#define UIDS_MAX 16u /* roles are for few */

/* Decimal; the highest number is the system's word for nobody. */
static enum fk_err parse(const char *text, uint32_t *ret_uid)
{
	size_t n_digits = strspn(text, "0123456789");
	unsigned long uid;

	if (n_digits == 0 || n_digits > 10 || text[n_digits] != '\0')
		return FK_EINVAL;
	uid = strtoul(text, NULL, 10);
	if (uid >= UINT32_MAX)
		return FK_EINVAL;
	*ret_uid = (uint32_t)uid;
	return FK_OK;
}

enum fk_err fk_config_take_uids(struct fk_config *config, const struct fk_yaml_config *yaml,
				struct fk_reason *reason)
{
	unsigned n = yaml->campaign.n_break_glass_uids;

	if (n == 0)
		return FK_OK;
	if (n > UIDS_MAX) {
		fk_reason_set(reason, "campaign.break_glass_uids: has %u entries, must have 1..%u",
			      n, UIDS_MAX);
		return FK_ERANGE;
	}
	config->campaign.break_glass_uids = calloc(n, sizeof(*config->campaign.break_glass_uids));
	if (config->campaign.break_glass_uids == NULL)
		return FK_ENOMEM;
	config->campaign.n_break_glass_uids = n;
	for (unsigned i = 0; i < n; i++) {
		const char *text = yaml->campaign.break_glass_uids[i];

		if (parse(text, &config->campaign.break_glass_uids[i]) == FK_OK)
			continue;
		fk_reason_set(reason,
			      "campaign.break_glass_uids[%u]: \"%.64s\" is not valid, must be the "
			      "number of a user (uid)",
			      i, text);
		return FK_EINVAL;
	}
	return FK_OK;
}
