/*
 * service_tokens.h
 *		Secrets of services that may ask about tokens: table
 *		authfort.service_tokens.
 *
 * The table stores a MAC of the secret under a key that is derived from the
 * master key, and not a hash: an administrator may bring a secret of another
 * system, which may be weak.
 */
#ifndef AUTHFORT_SERVICE_TOKENS_H
#define AUTHFORT_SERVICE_TOKENS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* The privileges of a service; authfort.service_tokens.scopes has their names. */
#define SCOPE_INTROSPECT "introspect"
#define SCOPE_INTROSPECT_REFRESH "introspect_refresh"

typedef struct ServiceToken
{
	pg_uuid_t id;
	char **scopes;
	int scope_count;
	TimestampTz last_used_at; /* DT_NOBEGIN: never */
} ServiceToken;

/* Makes a secret of 256 random bits, palloc'd. */
extern char *service_token_make_secret(void);

/* False if there is one with that name or secret. */
extern bool
service_tokens_add(const char *name, char *const *scopes, int scope_count, const char *secret);

/*
 * The token with that secret and, if "name" is not NULL, that name.  Raises if
 * the master key is missing or wrong.
 */
extern bool service_tokens_find(const char *name, const char *secret, ServiceToken *token);
extern bool service_token_has_scope(const ServiceToken *token, const char *scope);

/*
 * Notes that it was used now, to the minute.  Waits for no other transaction,
 * and does nothing in a read-only one.
 */
extern void service_tokens_note_use(const ServiceToken *token);

/* False for an unknown name. */
extern bool service_tokens_delete(const char *name);
extern void service_tokens_delete_all(void);

#endif /* AUTHFORT_SERVICE_TOKENS_H */
