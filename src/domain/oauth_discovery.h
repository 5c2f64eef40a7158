/*
 * oauth_discovery.h
 *		Reading the discovery document of an OpenID provider.
 */
#ifndef AUTHFORT_OAUTH_DISCOVERY_H
#define AUTHFORT_OAUTH_DISCOVERY_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "domain/oauth_providers.h"

/* Whether all endpoints are known that a sign-in needs, without a discovery document. */
extern bool oauth_provider_needs_discovery(const OAuthProvider *provider);

/*
 * Adds the endpoints of a discovery document to those that are configured.
 * False for a document of another issuer, and for one that lacks an endpoint or
 * points to a host that is not the provider's.
 */
extern bool oauth_provider_read_discovery(const OAuthProvider *provider, Jsonb *document,
										  OAuthEndpoints *endpoints, TokenAuth *token_auth);

#endif /* AUTHFORT_OAUTH_DISCOVERY_H */
