/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sentinels.h - private to control/config: the list of Redis Sentinels, and what goes with it.
 *
 * Threads: everything here is pure. Memory: the list is owned by the configuration.
 */
#pragma once

#include <fleetkey/err.h>

#include "config/config.h"
#include "config/yaml.h"
#include "reason.h"

/*
 * Takes the list over, and checks that Redis is either behind a socket or behind sentinels, with
 * the name of the master and replicas that have to have a write. Returns FK_OK; FK_EINVAL,
 * FK_ERANGE or FK_ENOMEM with a reason that names the option.
 */
FK_MUST_USE enum fk_err fk_config_take_sentinels(struct fk_config *config,
						 const struct fk_yaml_config *yaml,
						 struct fk_reason *reason);
