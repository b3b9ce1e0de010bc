/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign_json.h - a campaign as the API shows it, for whoever shows one.
 *
 * Threads: one owner. What is returned is the caller's; NULL: short of memory.
 */
#pragma once

#include <jansson.h>

#include "api/call.h"
#include "app.h"
#include "campaign/engine.h"

/* Which campaign it is, where it stands and what it came to. */
json_t *fk_api_campaign_json(struct fk_engine *engine, const struct fk_campaign *c);
/* A principal as its uid; null: nobody that is known. */
json_t *fk_api_uid_json(uint64_t principal);
/* What its waves came to, those that have begun. */
json_t *fk_api_wave_history_json(const struct fk_campaign *c);
/* Who has reviewed it, when and with which note; null: nobody. */
json_t *fk_api_review_json(const struct fk_campaign *c);
/* Refuses what was asked of its deliveries (campaign/account.h). */
void fk_api_reply_account_err(struct fk_call *call, enum fk_err err);
/* Answers with a campaign that waits and its plan. */
void fk_api_reply_planned(struct fk_call *call, uint32_t id, const struct fk_plan *plan);
/* What a campaign would be; see plan.h. */
json_t *fk_api_plan_json(const struct fk_app *app, const struct fk_campaign *c,
			 const struct fk_plan *plan);
/* Reasons of final deliveries: how many of each. */
json_t *fk_api_reasons_json(struct fk_engine *engine, const struct fk_campaign *c);
