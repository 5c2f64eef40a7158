/*
 * log.c
 *		The courier's log.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "text.h"
#include "workers.h"

static bool log_messages;

void
log_init(bool messages)
{
	log_messages = messages;
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static const char *
outcome_name(OutcomeType type)
{
	switch (type)
	{
		case OUTCOME_SENT:
			return "sent";
		case OUTCOME_FAILED:
			return "failed";
		default:
			return "deferred";
	}
}

/* An application chooses the kinds of its own messages. */
static void
print_kind(const char *kind)
{
	for (const char *p = kind; *p != '\0' && p < kind + 64; p++)
		putchar(isalnum((unsigned char) *p) || *p == '_' || *p == '-' || *p == '.' ? *p : '?');
}

void
log_job(const Job *job)
{
	time_t now = time(NULL);
	struct tm utc;
	char text[32];

	if (!log_messages)
		return;
	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	printf("%s %s ", text, job->message->id);
	print_kind(job->message->kind.data);
	printf(" %s %s attempt %ld %lld ms: %s\n", job->transport->sender->name,
		   outcome_name(job->outcome.type), job->message->attempts,
		   (long long) (job->finished - job->started), job->outcome.reason);
}

/* A server or an application may have put what a client sent into its message. */
void
log_problem(const char *format, ...)
{
	char line[1024];
	size_t len;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	len = strlen(line);
	while (len > 0 && line[len - 1] == '\n')
		line[--len] = '\0';
	text_make_printable(line);
	fprintf(stderr, "authfort-courier: %s\n", line);
}
