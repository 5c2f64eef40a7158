/*
 * mail_limit.h
 *		Limits the messages that any client can cause for one address.
 */
#ifndef AUTHFORT_MAIL_LIMIT_H
#define AUTHFORT_MAIL_LIMIT_H

#include "postgres.h"

#include "utils/uuid.h"

#include "domain/events.h"
#include "domain/users.h"

/*
 * Reserves a message of that kind for the user, which the event "cause"
 * records.  Five an hour are allowed to an address, counted by their events,
 * independently of authfort.rate_limit.  Withdraws previous messages that no
 * mailer has taken, with their tokens, and returns the user, whose row is
 * locked.
 *
 * Returns NULL if the limit is reached, if the user has no email or no longer
 * exists, and while another transaction does the same.  Waiting for that
 * transaction would reveal to a client that sends two concurrent requests that
 * the account exists.
 */
extern User *mail_limit_claim(const User *user, EventType cause, const char *kind);

/*
 * Only the limit: reserves a message to an address that no user has.  Returns
 * false where the function above returns NULL.
 */
extern bool mail_limit_claim_address(EventType cause, const char *email);

/*
 * The same for a message to another address, which the user wants to have.
 * Five an hour are also allowed to the user.
 */
extern User *mail_limit_claim_other(const pg_uuid_t *user_id, const char *email, EventType cause,
									const char *kind);

#endif /* AUTHFORT_MAIL_LIMIT_H */
