/*
 * events.h
 *		Events: table authfort.events, and event handlers.
 *
 * An event is recorded in the transaction that causes it.  The table is the
 * audit trail, and an outbox for programs that follow events.
 */
#ifndef AUTHFORT_EVENTS_H
#define AUTHFORT_EVENTS_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/uuid.h"

#include "base/client.h"
#include "domain/users.h"
#include "base/expired_rows.h"

/* In the order of their names in events.c. */
typedef enum EventType
{
	EVENT_USER_CREATED,
	EVENT_USER_UPDATED,
	EVENT_USER_BANNED,
	EVENT_USER_UNBANNED,
	EVENT_USER_DELETED,
	EVENT_SIGNUP_ATTEMPT,
	EVENT_LOGIN,
	EVENT_LOGIN_FAILED,
	EVENT_LOGOUT,
	EVENT_TOKEN_REFRESHED,
	EVENT_REFRESH_TOKEN_MISMATCH,
	EVENT_SESSION_REVOKED,
	EVENT_ROLE_ADDED,
	EVENT_ROLE_REMOVED,
	EVENT_KEY_ROTATED,
	EVENT_PASSWORD_RESET_REQUESTED,
	EVENT_PASSWORD_RESET,
	EVENT_PASSWORD_CHANGED,
	EVENT_PASSWORD_SET,
	EVENT_PASSWORD_PWNED_REJECTED,
	EVENT_PASSWORD_REUSE_REJECTED,
	EVENT_EMAIL_VERIFIED,
	EVENT_EMAIL_VERIFICATION_REQUESTED,
	EVENT_MAGIC_LINK_REQUESTED,
	EVENT_EMAIL_OTP_REQUESTED,
	EVENT_MAGIC_LINK_LOGIN,
	EVENT_EMAIL_OTP_LOGIN,
	EVENT_EMAIL_CHANGE_REQUESTED,
	EVENT_EMAIL_CHANGED,
	EVENT_EMAIL_CHANGE_UNDONE,
	EVENT_EMAIL_CHANGE_UNDO_REQUESTED,
	EVENT_USER_INVITED,
	EVENT_INVITATION_ACCEPTED,
	EVENT_REAUTHENTICATION_REQUESTED,
	EVENT_REAUTHENTICATED,
	EVENT_UNPROVEN_DELETED,
	EVENT_MESSAGE_FAILED,
	EVENT_NOTICE_SENT,
	EVENT_MFA_ENABLED,
	EVENT_MFA_DISABLED,
	EVENT_MFA_LOGIN,
	EVENT_MFA_FAILED,
	EVENT_MFA_LOCKED,
	EVENT_BACKUP_CODE_USED,
	EVENT_BACKUP_CODES_REGENERATED,
	EVENT_PASSKEY_ADDED,
	EVENT_PASSKEY_REMOVED,
	EVENT_PASSKEY_RENAMED,
	EVENT_PASSKEY_COUNTER_ANOMALY,
	EVENT_OAUTH_LINK,
	EVENT_IDENTITY_UNLINKED,
	EVENT_RATE_LIMIT_EXCEEDED,
	EVENT_SERVICE_TOKEN_CREATED,
	EVENT_SERVICE_TOKEN_REVOKED,
	EVENT_DATABASE_IDENTITY_RESET
} EventType;

typedef struct Event
{
	EventType type;
	const pg_uuid_t *user_id;    /* NULL: no user */
	const pg_uuid_t *session_id; /* NULL: no session */
	const Client *client;        /* NULL: not known */
	StringInfoData payload;      /* open JSON object */
} Event;

/*
 * Begins an event.  The payload has "user_id" and, if the client is known, its
 * "ip_address" and "user_agent"; the caller may add other members, which must
 * not be secrets.  Data that the event points to must last until
 * event_record().
 */
extern void event_begin(Event *event, EventType type, const pg_uuid_t *user_id,
						const pg_uuid_t *session_id, const Client *client);

/*
 * Records it, and calls the handlers registered for it, in this transaction.
 * An error in a handler aborts the transaction.
 */
extern void event_record(Event *event);

/*
 * Whether events of that type were recorded so often in the last hour that no
 * more should be: 1,000 that belong to no user (NULL), or five that others can
 * cause for one user.  False for any other type.
 */
extern bool event_is_frequent(EventType type, const pg_uuid_t *user_id);

/*
 * The same for five that each stand for a message to that address, whichever
 * user it belonged to: an attacker can delete an account and sign up again.
 */
extern bool events_to_are_frequent(EventType type, const char *email);

/* The same for notices of that kind. */
extern bool event_notice_is_frequent(const char *email, const char *kind);

/* Records an event without additional members. */
extern void event_record_simple(EventType type, const pg_uuid_t *user_id,
								const pg_uuid_t *session_id, const Client *client);

/*
 * Records an event of a user, with the email and, unless "member" is NULL, a
 * text as another member.
 */
extern void event_record_of_user(EventType type, const User *user, const pg_uuid_t *session_id,
								 const Client *client, const char *member, const char *value);

/* Records an event of an admin with a text as its only additional member. */
extern void
event_record_text(EventType type, const pg_uuid_t *user_id, const char *member, const char *value);

/* Deletes at most "limit" events older than authfort.event_retention (base/expired_rows.h). */
extern int events_delete_expired(int limit, KeptRows *kept);

#endif /* AUTHFORT_EVENTS_H */
