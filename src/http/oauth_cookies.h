/*
 * oauth_cookies.h
 *		The cookies that bind a sign-in at a provider to the browser that began
 *		it: one for each, for ten minutes.
 */
#ifndef AUTHFORT_OAUTH_COOKIES_H
#define AUTHFORT_OAUTH_COOKIES_H

#include "postgres.h"

#include "utils/uuid.h"

#include "http/message.h"

extern void oauth_cookie_set(HttpResponse *response, const pg_uuid_t *flow, const char *value);
extern void oauth_cookie_clear(HttpResponse *response, const pg_uuid_t *flow);

/* The value of the cookie of a flow; NULL if the request has none. */
extern char *oauth_cookie_find(const HttpRequest *request, const pg_uuid_t *flow);

/*
 * Clears the oldest ones of a browser that has begun many, so that with the new
 * one it has at most five, and 4 KiB: servers refuse every request of a browser
 * whose headers are large, and another site can begin flows with long targets.
 */
extern void oauth_cookies_make_room(HttpResponse *response, const pg_uuid_t *flow, const char *value);

#endif /* AUTHFORT_OAUTH_COOKIES_H */
