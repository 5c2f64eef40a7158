/*
 * oauth_fetches.h
 *		The requests to a provider.
 */
#ifndef AUTHFORT_OAUTH_FETCHES_H
#define AUTHFORT_OAUTH_FETCHES_H

#include "postgres.h"

#include "flow/fetch.h"
#include "flow/oauth_flow.h"

extern Fetch *oauth_fetch_document(const char *url);

/* Exchanges the code of a callback. */
extern Fetch *
oauth_fetch_tokens(const OAuthProvider *provider, const OAuthFlow *flow, const char *code);

/* Asks as the bearer of an access token. */
extern Fetch *oauth_fetch_as_bearer(const char *url, const char *access_token);

/* The URL of an issuer's discovery document (OpenID Connect Discovery 1.0, section 4). */
extern char *oauth_discovery_url(const OAuthProvider *provider);

/* Where the provider sends the browser back to.  Raises if that is not configured. */
extern char *oauth_redirect_uri(const OAuthProvider *provider);

#endif /* AUTHFORT_OAUTH_FETCHES_H */
