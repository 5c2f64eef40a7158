/*
 * token_cookies.h
 *		The two cookies that hold tokens: how they are read, set and cleared.
 */
#ifndef AUTHFORT_TOKEN_COOKIES_H
#define AUTHFORT_TOKEN_COOKIES_H

#include "postgres.h"

#include "flow/auth_result.h"
#include "http/message.h"

/*
 * How many cookies of one name are checked, of those that have the form of a
 * token.  Checking this many takes less than the rest of a request.
 */
#define TOKEN_COOKIES_MAX 8

typedef enum TokenCookieRank
{
	COOKIE_INVALID, /* not a valid token */
	COOKIE_ENDED,   /* expired, or its session has ended */
	COOKIE_LIVE
} TokenCookieRank;

/*
 * The cookie that is used.  With "conflict", other cookies of its rank belong
 * to other sessions: the browser has cookies that are not its user's, and it
 * is unknown which.
 */
typedef struct TokenCookie
{
	char *value; /* NULL: there is none */
	TokenCookieRank rank;
	bool conflict;
	pg_uuid_t session; /* unless it is invalid, as are the other two */
	int64 version;
	int64 expires;
} TokenCookie;

/*
 * Reading them has no side effects, and finds none if cookies are off.  Of
 * several cookies of one session, the newest is used.
 */
extern TokenCookie token_cookie_access(const HttpRequest *request);
extern TokenCookie token_cookie_refresh(const HttpRequest *request);

/* All refresh tokens that came as cookies; returns their number. */
extern int token_cookies_refresh(const HttpRequest *request, char *values[TOKEN_COOKIES_MAX]);

extern bool token_cookies_has_access(const HttpRequest *request);
extern bool token_cookies_has_refresh(const HttpRequest *request);

/*
 * Both also clear what the browser may hold of the same names for other paths
 * and domains.  Setting raises if browsers would ignore the cookies.
 */
extern void token_cookies_set(HttpResponse *response, const AuthResult *result);
extern void token_cookies_clear(HttpResponse *response);

/*
 * The same, if one of the cookies must be from another host, even if it is the
 * only one of its name.
 */
extern void token_cookies_clear_planted(HttpResponse *response);

#endif /* AUTHFORT_TOKEN_COOKIES_H */
