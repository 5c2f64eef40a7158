/*
 * mail_limit.h
 *		How many messages a stranger can cause for one account.
 */
#ifndef AUTHFORT_MAIL_LIMIT_H
#define AUTHFORT_MAIL_LIMIT_H

#include "postgres.h"

#include "utils/uuid.h"

#include "domain/events.h"
#include "domain/users.h"

/*
 * Asks to put a message of that kind for the user, which the event "cause"
 * records: five an hour may be, counted by their events, whatever
 * authfort.rate_limit says.  Returns the user, whose row is locked, after the
 * messages before that no mailer has taken were taken back, with the tokens in
 * them.
 *
 * NULL if there were enough, if the user has gone, and while another
 * transaction does the same.  To wait for that would show that there is an
 * account, to a client that asks twice at once.
 */
extern User *mail_limit_claim(const pg_uuid_t *user_id, EventType cause, const char *kind);

#endif							/* AUTHFORT_MAIL_LIMIT_H */
