/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - what the tests of fleetkey-inspect's objects have in common: one object at a time,
 * and a look into it.
 */
#pragma once

#include <criterion/criterion.h>

#include "inspect/json_kmm.h"

static struct fk_inspect_options options;
static json_t *json;
static bool is_ok;

static inline void set_up(void)
{
	options = (struct fk_inspect_options){.profile = FK_KMM_PROFILE_INFERRED};
	cr_assert_eq(fk_proof_new(&options.proof), FK_OK);
}

static inline void tear_down(void)
{
	json_decref(json);
	json = NULL;
	fk_proof_free(options.proof);
}

static inline const char *text_of(const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static inline const char *text_at(const char *object, const char *name)
{
	return json_string_value(json_object_get(json_object_get(json, object), name));
}

static inline json_int_t number_at(const char *object, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(json, object), name));
}

static inline void expect_error(size_t offset, const char *field)
{
	cr_assert_not(is_ok);
	cr_assert_not_null(json_object_get(json, "error"), "%s", field);
	cr_assert_str_eq(text_at("error", "field"), field);
	cr_assert_eq(number_at("error", "offset"), (json_int_t)offset);
	cr_assert_gt(strlen(text_at("error", "reason")), 0);
}
