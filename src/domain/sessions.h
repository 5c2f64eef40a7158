/*
 * sessions.h
 *		Sessions: table authfort.sessions.
 *
 * A session is one row for as long as it lasts.  A refresh token names a
 * generation of it (crypto/refresh_token_format.h); rotating makes a new one.
 * flow/refresh.c decides what to do with a token of an earlier generation.
 */
#ifndef AUTHFORT_SESSIONS_H
#define AUTHFORT_SESSIONS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "storage/block.h"
#include "utils/uuid.h"

#include "base/client.h"
#include "base/expired_rows.h"
#include "crypto/refresh_token_format.h"
#include "domain/authentication.h"

/*
 * How many rotations before the last one a session remembers, if they follow
 * each other within authfort.refresh_grace.  This limits the size of the row;
 * a client that rotates more often in that time does not need the grace
 * period.
 */
#define SESSION_ROTATIONS 16

#define SESSION_PAGE_MAX 1000

typedef struct Session
{
	pg_uuid_t id;
	pg_uuid_t user_id;
	unsigned char salt[REFRESH_TOKEN_SALT_BYTES];
	uint32 generation; /* the current one; the first is 1 */
	uint32 parent;     /* the generation that was exchanged for it; 0: none */
	int rotations;
	/* when the generations before the last two were replaced, the latest first */
	TimestampTz rotated_at[SESSION_ROTATIONS];
	TimestampTz created_at;
	TimestampTz last_used_at; /* sign-in, or the last rotation */
	TimestampTz expires_at;
	bool revoked;
	int aal;
	char **amr;
	int amr_count;
	TimestampTz auth_time; /* when the user was authenticated last */
} Session;

/* False if there is no such session. */
extern bool sessions_find(const pg_uuid_t *id, Session *session);

/* The same for one that has not ended, and is the user's; NULL: any user's. */
extern bool sessions_find_live(const pg_uuid_t *id, const pg_uuid_t *user_id, Session *session);

/*
 * Whether there is such a session, it is that user's, and it has not ended.
 * Called for each request; cheaper than reading the whole session.
 */
extern bool sessions_is_live(const pg_uuid_t *id, const pg_uuid_t *user_id);

/* Raises undefined_object if the user no longer exists. */
extern void sessions_start(const pg_uuid_t *user_id, const Authentication *how,
						   const Client *client, Session *session);

/*
 * Records that the user of a session was authenticated again, now and by these
 * methods: they are added, and the level of assurance is raised if "how" has a
 * higher one.  False if the session has been revoked.
 */
extern bool sessions_authenticated(const pg_uuid_t *id, const Authentication *how);

/*
 * Sessions of the user, except "kept" if not NULL, no longer count as
 * authenticated by these methods: those that were have one factor and an
 * unknown time of authentication.
 */
extern void sessions_forget_methods(const pg_uuid_t *user_id, const char *const *methods, int count,
									const pg_uuid_t *kept);

/*
 * Exchanges generation "parent" for a new one and extends the session.  False,
 * and nothing changes, if the row is no longer as *session has it.
 */
extern bool sessions_rotate(Session *session, uint32 parent);

/* Whether its row still says the same about what tokens contain, as sessions_rotate() makes sure. */
extern bool session_is_unchanged(const Session *session);

/*
 * Rotates the user's session from the generation that is current now.  False if
 * it is not the user's, or has ended.
 */
extern bool sessions_rotate_current(const pg_uuid_t *id, const pg_uuid_t *user_id, Session *session);

/*
 * Whether that generation, one before the current one, was replaced within the
 * last authfort.refresh_grace.  Each generation that is made from the parent
 * replaces it again.
 */
extern bool session_replaced_within_grace(const Session *session, uint32 generation);

/* Returns whether it was live until now. */
extern bool sessions_revoke(const pg_uuid_t *id);

/*
 * Revokes the user's sessions, except "exclude" if not NULL, and returns their
 * number.  Without an exception the token version rises as well, so that
 * access tokens become invalid at once wherever they are checked.
 */
extern int sessions_revoke_all(const pg_uuid_t *user_id, const pg_uuid_t *exclude);

/* Revokes all sessions of all users, and returns their number. */
extern int sessions_revoke_everyone(void);

/*
 * Whether the user has a session that began at that address (inet), or for
 * IPv6 in its /64.
 */
extern bool sessions_know_address(const pg_uuid_t *user_id, Datum address);

/* Whether the user has a session that began there with the same user agent. */
extern bool sessions_know_client(const pg_uuid_t *user_id, const Client *client);

/* Deletes all sessions of a user, with their personal data; NULL: of all users. */
extern void sessions_delete_all(const pg_uuid_t *user_id);

/*
 * Appends a page of the user's live sessions as a JSON array, the newest
 * first, "current" being one's own.  Returns the number over all pages.
 */
extern int64 sessions_append_json(StringInfo out, const pg_uuid_t *user_id,
								  const pg_uuid_t *current, int limit, int offset);

/* How far a pass over the table has come; zero at first. */
typedef struct SessionsPart
{
	uint32 first;
	uint32 visited;
} SessionsPart;

/*
 * Deletes at most "limit" sessions that ended authfort.session_retention ago
 * or earlier, expired or revoked (base/expired_rows.h).  Fewer than "limit"
 * means that all of the table was seen.
 */
extern int sessions_delete_ended(int limit, SessionsPart *position, KeptRows *kept);

extern bool session_is_expired(const Session *session);

/* Whether it is expired or revoked. */
extern bool session_has_ended(const Session *session);

/*
 * How long the session lasts if it is not used again, counted from the start
 * of the transaction; zero if it has expired.
 */
extern int session_seconds_left(const Session *session);

#endif /* AUTHFORT_SESSIONS_H */
