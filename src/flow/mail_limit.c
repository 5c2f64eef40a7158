/*
 * mail_limit.c
 *		Limits the messages that any client can cause for one address.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "flow/mail_limit.h"

/* Distinguishes these advisory locks from those of the SQL functions, which use 1 and 2. */
#define LOCK_CLASS 0xa100

/* Held until the transaction ends; false while another transaction has it. */
static bool
claim_until_commit(EventType cause, const void *bytes, size_t len)
{
	uint64 key = hash_bytes_extended(bytes, (int) len, 0);
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (key >> 32), (uint32) key, LOCK_CLASS + cause);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

bool
mail_limit_claim_address(EventType cause, const char *email)
{
	return claim_until_commit(cause, email, strlen(email)) && !events_to_are_frequent(cause, email);
}

/* A message that a mailer has taken is treated as delivered, and its token stays valid. */
static void
take_back(const pg_uuid_t *user_id, const char *kind)
{
	int count;
	pg_uuid_t *messages = outbox_take_back(user_id, kind, &count);

	for (int i = 0; i < count; i++)
		one_time_token_delete_of_message(user_id, &messages[i]);
}

/* The user is locked before the messages, as in every flow that deletes both. */
User *
mail_limit_claim(const User *user, EventType cause, const char *kind)
{
	User *locked;

	if (user->email == NULL || !mail_limit_claim_address(cause, user->email))
		return NULL;
	locked = users_lock(&user->id);
	/* the message would go to an address that was not counted */
	if (locked == NULL || locked->email == NULL || strcmp(locked->email, user->email) != 0)
		return NULL;
	take_back(&locked->id, kind);
	return locked;
}

User *
mail_limit_claim_other(const pg_uuid_t *user_id, const char *email, EventType cause, const char *kind)
{
	User *user;

	if (!claim_until_commit(cause, user_id->data, UUID_LEN) || event_is_frequent(cause, user_id) ||
		!mail_limit_claim_address(cause, email))
		return NULL;
	user = users_lock(user_id);
	if (user != NULL)
		take_back(user_id, kind);
	return user;
}
