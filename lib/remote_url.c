// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The name of a region on another host, taken apart. Pure; whether there is such a host,
 * unit or region is for others.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "remote_url.h"

#define FORM	"npmu://[principal@]host[:port]/unit/region"

/* [from, to) into a field of @room bytes. Return: does it fit, and is it not empty? */
static bool take(char *field, size_t room, const char *from, const char *to)
{
	size_t len = (size_t)(to - from);

	if (!len || len >= room)
		return false;
	memcpy(field, from, len);
	field[len] = '\0';
	return true;
}

static bool port_good(const char *port)
{
	size_t len = strlen(port);

	return strspn(port, "0123456789") == len && atoi(port) > 0 && atoi(port) < 65536;
}

/* "host", "host:port", "[address]" or "[address]:port". */
static bool take_host(struct npmu_remote_url *url, const char *from, const char *to)
{
	const char *end = to, *colon;

	if (from < to && *from == '[') {
		end = memchr(from, ']', (size_t)(to - from));
		if (!end)
			return false;
		from++;
		colon = end + 1;
		if (colon != to && *colon != ':')
			return false;
	} else {
		colon = memchr(from, ':', (size_t)(to - from));
		if (colon)
			end = colon;
		else
			colon = to;
	}
	if (!take(url->host, sizeof(url->host), from, end))
		return false;
	return colon == to || (take(url->port, sizeof(url->port), colon + 1, to) &&
			       port_good(url->port));
}

int npmu_remote_url_parse(const char *text, struct npmu_remote_url *url,
			  struct npmu_error *err)
{
	const char *host, *at, *unit, *region;

	memset(url, 0, sizeof(*url));
	if (strncmp(text, REMOTE_SCHEME, strlen(REMOTE_SCHEME)))
		return npmu_error_set(err, -EINVAL, "\"%s\" is not " FORM, text);
	host = text + strlen(REMOTE_SCHEME);
	unit = strchr(host, '/');
	region = unit ? strchr(unit + 1, '/') : NULL;
	if (!region || strchr(region + 1, '/'))
		return npmu_error_set(err, -EINVAL, "\"%s\" is not " FORM, text);
	/* A principal's name may have one, a host's not. */
	at = memrchr(host, '@', (size_t)(unit - host));
	if (at && !take(url->principal, sizeof(url->principal), host, at))
		return npmu_error_set(err, -EINVAL,
				      "\"%s\": the name of a principal has 1 to %zu bytes", text,
				      sizeof(url->principal) - 1);
	if (at)
		host = at + 1;
	if (!take_host(url, host, unit))
		return npmu_error_set(err, -EINVAL,
				      "\"%s\": no host, or a port that is not 1 to 65535", text);
	if (!take(url->unit, sizeof(url->unit), unit + 1, region))
		return npmu_error_set(err, -EINVAL, "\"%s\": the name of a unit has 1 to %zu bytes",
				      text, sizeof(url->unit) - 1);
	if (!take(url->region, sizeof(url->region), region + 1, region + strlen(region)))
		return npmu_error_set(err, -EINVAL,
				      "\"%s\": the name of a region has 1 to %zu bytes", text,
				      sizeof(url->region) - 1);
	return 0;
}
