/*
 * log_limit.c
 *		Log messages that a client could cause with every request.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/log_limit.h"

bool
log_limit_allows(TimestampTz *last)
{
	TimestampTz now = GetCurrentTimestamp();

	/* a clock that was set back must not silence it */
	if (*last != 0 && now >= *last && now - *last < USECS_PER_HOUR)
		return false;
	*last = now;
	return true;
}
