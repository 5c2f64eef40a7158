/*
 * introspection.h
 *		Whether a token is valid now (RFC 7662), and ending it (RFC 7009).
 */
#ifndef AUTHFORT_INTROSPECTION_H
#define AUTHFORT_INTROSPECTION_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/client.h"

/* Which tokens are looked at; the others are reported as inactive. */
typedef enum IntrospectionScope
{
	INTROSPECT_ACCESS_TOKENS,
	INTROSPECT_REFRESH_TOKENS,
	INTROSPECT_BOTH
} IntrospectionScope;

/*
 * Appends an object with the same members for every token, which are null if it
 * is not valid.  A token is valid if a request, or a refresh, with it would
 * succeed now.  Changes nothing: an old refresh token is only inactive.
 */
extern void introspection_append(StringInfo out, const char *token, IntrospectionScope scope);

/*
 * Ends the session of an access or refresh token, and so both of its tokens.
 * Ignores an invalid token.
 */
extern void flow_revoke_token(const char *token, const Client *client);

#endif /* AUTHFORT_INTROSPECTION_H */
