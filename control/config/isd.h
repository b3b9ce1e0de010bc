/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isd.h - private to control/config: the layout of Interworking Security Data, from its file.
 *
 * Threads: any. Memory: the text that is read belongs to the configuration.
 */
#pragma once

#include <fleetkey/err.h>

#include "config/config.h"
#include "reason.h"

/* FK_EINVAL, with a reason, if a next hop has carrier T2 and no layout is named. */
FK_MUST_USE enum fk_err fk_config_check_isd(const struct fk_config *config,
					    struct fk_reason *reason);

/*
 * Reads and checks the file that isd.layout_file names, if any. Returns FK_OK; FK_EIO (cannot be
 * read), FK_EFORMAT or FK_ERANGE (no layout), FK_EINVAL (of no use for P25), with a reason that
 * names file, line and field; FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_config_load_isd(struct fk_config *config, struct fk_reason *reason);
