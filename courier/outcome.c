/*
 * outcome.c
 *		The outcome of an attempt to send a message.
 */
#include <stdarg.h>
#include <stdio.h>

#include "outcome.h"

/* It is one line of the log, whatever a server or a library wrote. */
void
outcome_set(Outcome *outcome, OutcomeType type, const char *format, ...)
{
	va_list arguments;

	outcome->type = type;
	outcome->at_server = false;
	outcome->retry_after = 0;
	va_start(arguments, format);
	vsnprintf(outcome->reason, sizeof(outcome->reason), format, arguments);
	va_end(arguments);
	for (char *p = outcome->reason; *p != '\0'; p++)
	{
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
}
