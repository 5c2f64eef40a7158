/*
 * identity_unlink.c
 *		Unlinks accounts at a provider from their user.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "domain/events.h"
#include "domain/identities.h"
#include "flow/oauth.h"
#include "flow/recent_auth.h"
#include "flow/way_in.h"

static const Refusal identity_not_found = {"identity_not_found",
										   "No account at this provider is linked", 404};

static bool
is_linked(const pg_uuid_t *user_id, const char *provider)
{
	int count;
	char **providers = identities_providers(user_id, &count);

	for (int i = 0; i < count; i++)
	{
		if (strcmp(providers[i], provider) == 0)
			return true;
	}
	return false;
}

/* Two concurrent removals of two ways in must not both find the other one left. */
const Refusal *
oauth_unlink(const pg_uuid_t *user_id, const char *provider, const pg_uuid_t *session_id,
			 const Client *client)
{
	char *name = oauth_provider_name(provider);
	const Refusal *refusal;
	User *user;

	PreventCommandIfReadOnly("unlinking an identity");
	user = users_lock(user_id);
	refusal = session_check_recent(user, session_id);
	if (refusal != NULL)
		return refusal;
	if (user == NULL)
		return &refusal_user_not_found;
	if (name == NULL || !is_linked(user_id, name))
		return &identity_not_found;
	if (!way_in_remains(user, NULL, name))
		return &refusal_last_credential;
	identities_delete(user_id, name);
	event_record_of_user(EVENT_IDENTITY_UNLINKED, user, NULL, client, "provider", name);
	return NULL;
}
