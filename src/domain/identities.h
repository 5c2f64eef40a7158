/*
 * identities.h
 *		Accounts of users at OAuth providers: table authfort.identities.
 */
#ifndef AUTHFORT_IDENTITIES_H
#define AUTHFORT_IDENTITIES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "domain/resealing.h"

#define IDENTITY_ID_MAX 255 /* bytes of the provider's id of an account */

typedef struct Identity
{
	pg_uuid_t id;
	pg_uuid_t user_id;
} Identity;

/* The provider's description of an account, at each sign-in. */
typedef struct IdentityData
{
	const char *email;  /* as the provider wrote it; NULL: none */
	Jsonb *profile;     /* NULL: none */
	const char *tokens; /* JSON, to be sealed; NULL: none are kept */
	size_t tokens_len;
} IdentityData;

/* False if no user has linked that account. */
extern bool identities_find(const char *provider, const char *provider_user_id, Identity *identity);

/*
 * Links an account to the user, whose row is locked.  False if it is linked to
 * a user already; the unique index decides between concurrent transactions.
 */
extern bool identities_insert(const pg_uuid_t *user_id, const char *provider,
							  const char *provider_user_id, const IdentityData *data);

/* Records a sign-in with it. */
extern void
identities_update(const Identity *identity, const char *provider, const IdentityData *data);

/* Unlinks the accounts that a user has at a provider; returns their number. */
extern int identities_delete(const pg_uuid_t *user_id, const char *provider);

/* Unlinks all accounts of a user; NULL: of all users. */
extern void identities_delete_all(const pg_uuid_t *user_id);

/* Deletes those that the user has added at that time or later. */
extern void identities_delete_since(const pg_uuid_t *user_id, TimestampTz time);

/* The names of the providers at which the user has linked accounts, in order; palloc'd. */
extern char **identities_providers(const pg_uuid_t *user_id, int *count);

/* Appends the user's linked accounts as a JSON array. */
extern void identities_append_json(StringInfo out, const pg_uuid_t *user_id);

/* Seals tokens of providers with the current master key. */
extern void identities_reseal(Resealing *progress);

#endif /* AUTHFORT_IDENTITIES_H */
