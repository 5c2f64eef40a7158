/*
 * oauth_config.h
 *		The configuration of an OAuth provider, as an administrator writes it.
 */
#ifndef AUTHFORT_OAUTH_CONFIG_H
#define AUTHFORT_OAUTH_CONFIG_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "domain/oauth_providers.h"

/*
 * Makes a provider from its preset and its configuration.  Raises
 * invalid_parameter_value, naming the faulty member; its value is not repeated,
 * because it may be a secret in the wrong member.  "has_secret" and "has_key"
 * state which secrets exist.
 */
extern OAuthProvider *
oauth_config_read(const char *name, Jsonb *config, bool has_secret, bool has_key);

#endif /* AUTHFORT_OAUTH_CONFIG_H */
