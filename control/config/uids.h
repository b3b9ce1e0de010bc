/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uids.h - private to control/config: lists of users of this system.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <fleetkey/err.h>

#include "config/config.h"
#include "config/yaml.h"
#include "reason.h"

/* Takes campaign.break_glass_uids over. FK_OK; FK_ERANGE if there are too many; FK_EINVAL if one is
 * no uid; FK_ENOMEM. 'reason' names the entry. */
FK_MUST_USE enum fk_err fk_config_take_uids(struct fk_config *config,
					    const struct fk_yaml_config *yaml,
					    struct fk_reason *reason);
