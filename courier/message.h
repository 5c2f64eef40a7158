/*
 * message.h
 *		A message of the outbox, while it is delivered.
 */
#ifndef COURIER_MESSAGE_H
#define COURIER_MESSAGE_H

#include <stdbool.h>

#include "text.h"
#include "values.h"

typedef struct Template
{
	Text subject;
	Text text;
	Text html;
} Template;

typedef struct Message
{
	char id[37];
	Text kind;
	Text user_id;
	Text created_at; /* RFC 3339 */
	Text json;       /* the message as it is in the outbox */
	long lifetime;   /* seconds from creation to expiry */
	long attempts;   /* this one included */
	Values values;
	bool has_template; /* of the database */
	bool has_html;
	Template template;
} Message;

/* Adds what no message has, but templates show.  False if out of memory. */
extern bool message_complete(Message *message, const char *app);

extern void message_free(Message *message);

#endif /* COURIER_MESSAGE_H */
