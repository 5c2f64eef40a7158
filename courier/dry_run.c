/*
 * dry_run.c
 *		Shows the messages that are due, without sending them.
 *
 * The messages are taken in a transaction that is rolled back.  Their secrets
 * are replaced before anything is made of them.
 */
#include <stdio.h>

#include "dry_run.h"
#include "mail_header.h"
#include "render.h"

#define MAX_SHOWN 1000

static void
show_rendered(const Transport *transport, const Message *message, const Rendered *rendered)
{
	Text subject = {0};

	if (mail_header_text(&subject, "Subject", rendered->subject.data))
		printf("To: %s\n%s\n\n%s\n", values_get(&message->values, "email"), subject.data,
			   rendered->text.data);
	text_free(&subject);
}

static void
show_message(const Transport *transport, Message *message)
{
	Rendered rendered;
	Rendering rendering;

	printf("--- %s %s by %s, attempt %ld\n", message->id, message->kind.data,
		   transport->sender->name, message->attempts);
	if (!values_mask(&message->values))
		return;
	rendering = render_message(message, &rendered);
	if (rendering == RENDERED)
		show_rendered(transport, message, &rendered);
	else
		printf("%s\n", render_problem(rendering));
	rendered_free(&rendered);
}

static bool
show_due(Database *database, const Transport *transport)
{
	static Message *messages[MAX_SHOWN];
	int count = database_take(database, transport, MAX_SHOWN, messages);

	for (int i = 0; i < count; i++)
	{
		show_message(transport, messages[i]);
		message_free(messages[i]);
	}
	return count >= 0;
}

int
dry_run(const Options *options, const Transport *transports, int count)
{
	Database database = {0};
	bool ok = database_connect(&database, options) && database_begin(&database);

	for (int i = 0; ok && i < count; i++)
		ok = show_due(&database, &transports[i]);
	if (ok)
		ok = database_rollback(&database);
	database_close(&database);
	return ok ? 0 : 1;
}
