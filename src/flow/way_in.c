/*
 * way_in.c
 *		Whether a user can still sign in when one way to do so is removed.
 */
#include "postgres.h"

#include "domain/identities.h"
#include "domain/oauth_providers.h"
#include "domain/passkeys.h"
#include "flow/way_in.h"

/* An account at a provider that was disabled or removed opens nothing. */
static bool
has_identity(const pg_uuid_t *user_id, const char *except)
{
	int count;
	char **providers = identities_providers(user_id, &count);

	for (int i = 0; i < count; i++)
	{
		if ((except == NULL || strcmp(providers[i], except) != 0) &&
			oauth_providers_is_enabled(providers[i]))
			return true;
	}
	return false;
}

bool
way_in_remains(const User *user, const bytea *without_passkey, const char *without_provider)
{
	return user->password_hash != NULL || user->email_verified ||
		   passkeys_count_verified(&user->id, without_passkey) > 0 ||
		   has_identity(&user->id, without_provider);
}
