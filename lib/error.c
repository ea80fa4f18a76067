// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Error texts. Knows no handle.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

int npmu_error_set(struct npmu_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int npmu_error_clear(struct npmu_error *err)
{
	if (err) {
		err->code = 0;
		err->text[0] = '\0';
	}
	return 0;
}

const char *npmu_error_phrase(int code)
{
	/* Unlike strerror() this is static and safe among threads. */
	const char *text = strerrordesc_np(-code);

	return text ? text : "unknown error";
}
