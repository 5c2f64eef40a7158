/*
 * notices.h
 *		Messages that inform users of what happened to their account.
 */
#ifndef AUTHFORT_NOTICES_H
#define AUTHFORT_NOTICES_H

#include "postgres.h"

#include "base/client.h"
#include "domain/users.h"
#include "settings.h"

/* Whether authfort.notices has it. */
static inline bool
notice_is_wanted(NoticeKind kind)
{
	return (setting_notices & (1 << kind)) != 0;
}

/*
 * Puts a notice into the outbox if authfort.notices has its kind, at most five
 * of a kind an hour to an address: more would warn of nothing new.  It has the
 * time, the client if it is known, and "details", which are further members of
 * a JSON object as text, without secrets; NULL: none.
 */
extern void notice_put(NoticeKind kind, const User *user, const Client *client, const char *details);

/*
 * Opens the message of a notice, for a caller that adds a token and puts it
 * (user_message.h), whether the setting has its kind or not.
 */
extern void notice_begin(StringInfo message, const User *user, const Client *client);

/*
 * Puts the notice new_sign_in if the user has no session with this user agent
 * at this address.  Called before the session starts, and not for an account
 * that this transaction creates.
 */
extern void notice_new_sign_in(const User *user, const Client *client);

#endif /* AUTHFORT_NOTICES_H */
