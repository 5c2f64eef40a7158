/*
 * email_codes.h
 *		Codes of six digits that are mailed to a user: table
 *		authfort.email_codes.
 *
 * Only the latest code of a purpose is valid.  It can be guessed with five
 * tries, and all codes of a user with fifty a day: then the user gets no code
 * until the day is over.  Tries are counted in the row and, because a rollback
 * forgets those, in shared memory (attempts.h); the higher number decides.
 *
 * The user's row is locked in all of these.
 */
#ifndef AUTHFORT_EMAIL_CODES_H
#define AUTHFORT_EMAIL_CODES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "base/expired_rows.h"

/*
 * For a query of the outbox, whose table is "o": whether the code that the
 * message contains can still be used.
 */
#define CODE_OF_MESSAGE \
	"EXISTS (SELECT FROM authfort.email_codes c WHERE c.user_id OPERATOR(pg_catalog.=) o.user_id" \
	" AND c.message_id OPERATOR(pg_catalog.=) o.id AND c.code_mac IS NOT NULL)"

/* In the order of their names in email_codes.c. */
typedef enum EmailCodePurpose
{
	EMAIL_CODE_SIGN_IN,
	EMAIL_CODE_REAUTHENTICATION
} EmailCodePurpose;

typedef enum EmailCodeCheck
{
	EMAIL_CODE_RIGHT,
	EMAIL_CODE_WRONG,
	EMAIL_CODE_NONE /* there is no code that could be right */
} EmailCodeCheck;

/* Whether the user may get a code: not after too many wrong tries within a day. */
extern bool email_codes_allowed(const pg_uuid_t *user_id);

/*
 * Makes a code that is valid for "ttl" seconds and replaces the one before;
 * palloc'd, the caller's to wipe.  "message_id" is the message that contains
 * it, or NULL.
 */
extern char *email_code_create(const pg_uuid_t *user_id, EmailCodePurpose purpose, int ttl,
							   const pg_uuid_t *message_id, TimestampTz *expires_at);

/*
 * Checks any text as a code, without white space, and counts the try.  A right
 * code stays valid until it is spent.
 */
extern EmailCodeCheck
email_code_check(const pg_uuid_t *user_id, EmailCodePurpose purpose, const char *code);
extern void email_code_spend(const pg_uuid_t *user_id, EmailCodePurpose purpose);

/* Ends all codes of a user; their tries are still counted. */
extern void email_codes_spend_all(const pg_uuid_t *user_id);

/* Deletes the rows of a user who is deleted; NULL: those of all users. */
extern void email_codes_delete(const pg_uuid_t *user_id);

/* Deletes at most "limit" rows that no longer matter (base/expired_rows.h). */
extern int email_codes_delete_expired(int limit, KeptRows *kept);

#endif /* AUTHFORT_EMAIL_CODES_H */
