/*
 * rate.c
 *		A number of requests in a period: "5/min".
 */
#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/rate.h"

#define MAX_REQUESTS 1000000

bool
rate_read(const char *text, Rate *rate)
{
	static const struct
	{
		const char *name;
		int64 seconds;
	} units[] = {
		{"sec", 1},
		{"min", 60},
		{"hour", 3600},
		{"day", 86400},
	};
	char *end;
	long requests;

	rate->requests = 0;
	if (text[0] == '\0')
		return true;
	if (!isdigit((unsigned char) text[0]))
		return false;
	errno = 0;
	requests = strtol(text, &end, 10);
	if (errno != 0 || requests < 1 || requests > MAX_REQUESTS || *end != '/')
		return false;
	for (size_t i = 0; i < lengthof(units); i++)
	{
		if (strcmp(end + 1, units[i].name) == 0)
		{
			rate->requests = (int) requests;
			rate->window = units[i].seconds * USECS_PER_SEC;
			return true;
		}
	}
	return false;
}
