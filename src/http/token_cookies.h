/*
 * token_cookies.h
 *		The two cookies that hold tokens: which of several is read, and how
 *		they are set and cleared.
 */
#ifndef AUTHFORT_TOKEN_COOKIES_H
#define AUTHFORT_TOKEN_COOKIES_H

#include "postgres.h"

#include "flow/auth_result.h"
#include "http/message.h"

/* The most cookies of one name that are looked at. */
#define TOKEN_COOKIES_MAX 4

typedef enum TokenCookieRank
{
	COOKIE_INVALID,				/* not a token of ours */
	COOKIE_ENDED,				/* it was one: expired, or its session has ended */
	COOKIE_LIVE
} TokenCookieRank;

/*
 * The one that is read.  With "conflict", others of its rank are of other
 * sessions: the browser holds cookies that are not its user's, and cannot say
 * which.
 */
typedef struct TokenCookie
{
	char	   *value;			/* NULL: there is none */
	TokenCookieRank rank;
	bool		conflict;
	pg_uuid_t	session;		/* unless it is invalid, as are the other two */
	int64		version;
	int64		expires;
} TokenCookie;

/*
 * Reading them changes nothing, and gives nothing if cookies are off.  Of one
 * session the newest is read.
 */
extern TokenCookie token_cookie_access(const HttpRequest *request);
extern TokenCookie token_cookie_refresh(const HttpRequest *request);

/* All refresh tokens that came as cookies; their number. */
extern int	token_cookies_refresh(const HttpRequest *request, char *values[TOKEN_COOKIES_MAX]);

extern bool token_cookies_has_access(const HttpRequest *request);
extern bool token_cookies_has_refresh(const HttpRequest *request);

/*
 * Both also clear what the browser may hold of the same names for other paths
 * and domains.  Setting raises if browsers would ignore the cookies.
 */
extern void token_cookies_set(HttpResponse *response, const AuthResult *result);
extern void token_cookies_clear(HttpResponse *response);

#endif							/* AUTHFORT_TOKEN_COOKIES_H */
