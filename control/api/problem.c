/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"

#include <stdio.h>

unsigned fk_problem_status(enum fk_err err)
{
	/* No default: the compiler names the error that was forgotten. */
	switch (err) {
	case FK_OK:
		return 200;
	case FK_EINVAL:
	case FK_ERANGE:
	case FK_ETRUNC:
	case FK_EFORMAT:
		return 400;
	case FK_EPOLICY:
		return 403;
	case FK_ENOTFOUND:
		return 404;
	case FK_EEXIST:
	case FK_ESTALE:
	case FK_EBUSY:
	case FK_EFULL:
	case FK_EWINDOW:
		return 409;
	case FK_EUNSUPPORTED:
		return 422;
	case FK_ESTORE:
	case FK_EAWAY:
	case FK_ELINK:
		return 503;
	case FK_EAUTH: /* a stored record does not open: nothing the client could mend */
	case FK_EABI:
	case FK_ESELFTEST:
	case FK_EIO:
	case FK_ENOMEM:
		return 500;
	}
	return 500;
}

json_t *fk_problem_new(unsigned status, const char *title, const char *field, const char *reason)
{
	char detail[700];

	if (field != NULL && reason != NULL)
		(void)snprintf(detail, sizeof(detail), "%s: %s", field, reason);
	else
		(void)snprintf(detail, sizeof(detail), "%s", reason != NULL ? reason : title);
	return json_pack("{s:s, s:s, s:i, s:s, s:s*, s:s*}", "type", "about:blank", "title", title,
			 "status", (int)status, "detail", detail, "field", field, "reason", reason);
}
