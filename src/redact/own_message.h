/*
 * own_message.h
 *		Determines whether the client's message is sensitive
 *		(base/client_message.h).
 */
#ifndef AUTHFORT_OWN_MESSAGE_H
#define AUTHFORT_OWN_MESSAGE_H

#include "postgres.h"

/* The text that pg_stat_activity and the log show instead. */
#define HIDDEN_TEXT "<hidden>"

extern void own_message_init(void);

/* Whether the current message is sensitive; decided by its text if it is not known yet. */
extern bool own_message_is_present(void);

/*
 * Whether a transaction in which a sensitive message ran is ending: deferred
 * triggers and constraints may report values of that message.
 */
extern bool own_message_takes_effect(void);

/* Whether a text, which may be NULL, names functions or settings that take secrets. */
extern bool own_message_names_in(const char *text);

#endif /* AUTHFORT_OWN_MESSAGE_H */
