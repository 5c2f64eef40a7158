/*
 * message.c
 *		A message of the outbox, while it is delivered.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void
describe_count(char *out, size_t size, long count, const char *unit)
{
	snprintf(out, size, "%ld %s%s", count, unit, count == 1 ? "" : "s");
}

/* In the largest unit that leaves no more than two of it away; never longer than it is. */
static void
describe_lifetime(char *out, size_t size, long seconds)
{
	if (seconds >= 2 * DAY)
		describe_count(out, size, seconds / DAY, "day");
	else if (seconds >= 2 * HOUR || seconds == HOUR)
		describe_count(out, size, seconds / HOUR, "hour");
	else if (seconds >= MINUTE)
		describe_count(out, size, seconds / MINUTE, "minute");
	else
		describe_count(out, size, seconds, "second");
}

/* "2026-11-25T22:53:56.123+00:00", as authfort writes times, to the minute. */
static void
shorten_time(Text *time)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	const char *end;

	for (size_t i = 0; form[i] != '\0'; i++)
	{
		if (form[i] == 'd' ? !isdigit((unsigned char) time->data[i]) : time->data[i] != form[i])
			return;
	}
	end = time->data + strlen(form);
	end += strspn(end, ".0123456789");
	if (strcmp(end, "+00:00") != 0)
		return;
	time->data[10] = ' ';
	memcpy(time->data + 16, " UTC", 5);
	time->len = 20;
}

bool
message_complete(Message *message, const char *app)
{
	char lifetime[64];

	for (size_t i = 0; i < message->values.count; i++)
	{
		Value *value = &message->values.list[i];

		if (strcmp(value->name.data, "expires_at") == 0 || strcmp(value->name.data, "time") == 0)
			shorten_time(&value->text);
	}
	describe_lifetime(lifetime, sizeof(lifetime), message->lifetime);
	return values_add(&message->values, "app", app) &&
		   values_add(&message->values, "expires_in", lifetime);
}

void
message_free(Message *message)
{
	text_free(&message->kind);
	text_free(&message->user_id);
	text_free(&message->created_at);
	text_free(&message->json);
	values_free(&message->values);
	text_free(&message->template.subject);
	text_free(&message->template.text);
	text_free(&message->template.html);
	free(message);
}
