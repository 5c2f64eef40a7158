/*
 * own_message.h
 *		Finds out whether the client's message is ours (base/client_message.h).
 */
#ifndef AUTHFORT_OWN_MESSAGE_H
#define AUTHFORT_OWN_MESSAGE_H

#include "postgres.h"

/* What pg_stat_activity and the log show instead. */
#define HIDDEN_TEXT "<hidden>"

extern void own_message_init(void);

/* Whether the present message is ours; found out by its text if it is not known. */
extern bool own_message_is_present(void);

/*
 * Whether a transaction in which one of our messages ran is being ended: what
 * it deferred may report that message's values.
 */
extern bool own_message_takes_effect(void);

/* Whether a text, which may be NULL, names what secrets are handed to. */
extern bool own_message_names_in(const char *text);

#endif							/* AUTHFORT_OWN_MESSAGE_H */
