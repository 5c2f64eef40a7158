/*
 * refresh_token.h
 *		Checks refresh tokens against their sessions, and makes them.
 *
 * flow/refresh.c decides what to do with a valid token of an earlier
 * generation.
 */
#ifndef AUTHFORT_REFRESH_TOKEN_H
#define AUTHFORT_REFRESH_TOKEN_H

#include "postgres.h"

#include "crypto/refresh_token_format.h"
#include "domain/sessions.h"

/*
 * Reads a token and finds its session.  Returns false unless the MAC is right.
 * Raises if the master key is missing or wrong.
 */
extern bool refresh_token_find_session(const char *text, RefreshToken *token, Session *session);

/* Makes the token of the session's current generation, palloc'd. */
extern char *refresh_token_issue(const Session *session);

#endif /* AUTHFORT_REFRESH_TOKEN_H */
