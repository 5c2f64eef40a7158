/*
 * oauth_account.c
 *		To whom an account at a provider belongs.
 *
 * The account is found by the provider's id of it, which never changes.  An
 * email only decides at the first sign-in, and only if the provider is trusted
 * with emails and says that it has verified this one: otherwise everyone who
 * can write an email at some provider could take over the account with it.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/json.h"
#include "base/uuid.h"
#include "domain/email_changes.h"
#include "domain/events.h"
#include "domain/identities.h"
#include "domain/input.h"
#include "domain/sessions.h"
#include "flow/mailbox_proof.h"
#include "flow/notices.h"
#include "flow/oauth_account.h"
#include "settings.h"

/* Each round ends because another transaction has made what this one looked for. */
#define MAX_ROUNDS 4

/* The result of a round that another transaction got ahead of. */
static const Refusal again = {.status = 0};

static char *
tokens_to_keep(const OAuthProvider *provider, const OAuthTokens *tokens)
{
	StringInfoData json;
	TimestampTz expires_at = DT_NOBEGIN;

	if (!provider->keep_tokens || tokens->access_token == NULL)
		return NULL;
	if (tokens->expires_in > 0)
		expires_at = GetCurrentTimestamp() + tokens->expires_in * USECS_PER_SEC;
	initStringInfo(&json);
	json_open(&json);
	json_write_string(&json, "access_token", tokens->access_token);
	json_write_string(&json, "refresh_token", tokens->refresh_token);
	json_write_time(&json, "expires_at", expires_at);
	json_write_string(&json, "scope", tokens->scope);
	json_close(&json);
	return json.data;
}

static IdentityData
describe_identity(const OAuthProvider *provider, const OAuthProfile *profile, const OAuthTokens *tokens)
{
	IdentityData data = {profile->email, profile->document};

	data.tokens = tokens_to_keep(provider, tokens);
	data.tokens_len = (data.tokens != NULL) ? strlen(data.tokens) : 0;
	return data;
}

static bool
is_trusted_email(const OAuthProvider *provider, const OAuthProfile *profile)
{
	return provider->trust_email && profile->email_verified;
}

/* Names and avatars that would be refused from a client are dropped. */
static char *
usable_name(const OAuthProfile *profile)
{
	char *name;

	return (input_name(profile->name, &name) == NULL) ? name : NULL;
}

static char *
usable_avatar(const OAuthProfile *profile)
{
	char *url;

	return (input_avatar_url(profile->avatar_url, &url) == NULL) ? url : NULL;
}

static void
record_filled(const User *user, const UserChanges *changes)
{
	char *fields[2];
	int count = 0;
	Event event;

	if (changes->set_name)
		fields[count++] = "name";
	if (changes->set_avatar_url)
		fields[count++] = "avatar_url";
	event_begin(&event, EVENT_USER_UPDATED, &user->id, NULL, NULL);
	json_write_strings(&event.payload, "fields", fields, count);
	event_record(&event);
}

/* Values of the user stay. */
static void
fill_empty(User *user, const OAuthProfile *profile)
{
	UserChanges changes = {0};
	char *name = (user->name == NULL) ? usable_name(profile) : NULL;
	char *avatar = (user->avatar_url == NULL) ? usable_avatar(profile) : NULL;

	if (name != NULL && users_check_claims(user->email, name, user->roles, user->role_count) == NULL)
	{
		changes.set_name = true;
		changes.values.name = user->name = name;
	}
	if (avatar != NULL)
	{
		changes.set_avatar_url = true;
		changes.values.avatar_url = user->avatar_url = avatar;
	}
	if (!changes.set_name && !changes.set_avatar_url)
		return;
	(void) users_update(&user->id, &changes);
	record_filled(user, &changes);
}

static void
record_link(const User *user, const OAuthProvider *provider, const Client *client)
{
	StringInfoData details;
	Event event;

	event_begin(&event, EVENT_OAUTH_LINK, &user->id, NULL, client);
	json_write_string(&event.payload, "email", user->email);
	json_write_string(&event.payload, "provider", provider->name);
	event_record(&event);

	initStringInfo(&details);
	json_open(&details);
	json_write_string(&details, "provider", provider->name);
	notice_put(NOTICE_IDENTITY_LINKED, user, client, details.data + 1);
}

/*
 * Locks the user of an identity.  Between finding and locking, it may have been
 * unlinked.
 */
static const Refusal *
lock_owner(const OAuthProvider *provider, const OAuthProfile *profile, Identity *identity, User **user)
{
	pg_uuid_t found = identity->user_id;

	*user = users_lock(&found);
	if (*user == NULL || !identities_find(provider->name, profile->id, identity) ||
		!uuid_equal(&identity->user_id, &found))
		return &again;
	return (*user)->banned ? &refusal_user_banned : NULL;
}

static const Refusal *
use_identity(const OAuthProvider *provider, const OAuthProfile *profile, const OAuthTokens *tokens,
			 Identity *identity, User **user)
{
	const Refusal *refusal = lock_owner(provider, profile, identity, user);
	IdentityData data;

	if (refusal != NULL)
		return refusal;
	data = describe_identity(provider, profile, tokens);
	identities_update(identity, provider->name, &data);
	fill_empty(*user, profile);
	return NULL;
}

/* With authfort.hide_accounts, only the owner of the mailbox learns that there is an account. */
static const Refusal *
refuse_taken_email(const OAuthProvider *provider, const OAuthProfile *profile)
{
	return (setting_hide_accounts && !is_trusted_email(provider, profile))
			   ? &refusal_email_not_verified
			   : &refusal_account_exists;
}

/*
 * Links to the account with that email, which is locked.  Unproven credentials
 * in it are deleted, because an attacker may have registered the account before
 * the owner of the mailbox came.
 */
static const Refusal *
link_by_email(const OAuthProvider *provider, const OAuthProfile *profile, const OAuthTokens *tokens,
			  User *user, const Client *client)
{
	IdentityData data = describe_identity(provider, profile, tokens);

	if (!is_trusted_email(provider, profile))
		return refuse_taken_email(provider, profile);
	if (user->banned)
		return &refusal_user_banned;
	/* the invitation, with its roles, is accepted first */
	if (user->invited)
		return &refusal_account_exists;
	mailbox_proved_elsewhere(user);
	if (!identities_insert(&user->id, provider->name, profile->id, &data))
		return &again;
	record_link(user, provider, client);
	fill_empty(user, profile);
	return NULL;
}

static void
record_created_by(const User *user, const OAuthProvider *provider, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_USER_CREATED, &user->id, NULL, client);
	json_write_string(&event.payload, "email", user->email);
	json_write_string(&event.payload, "name", user->name);
	json_write_string(&event.payload, "provider", provider->name);
	event_record(&event);
}

/*
 * "email" is NULL for an account without one.  Two transactions that make the
 * same account meet at one of the two unique indexes: the second one waits, and
 * then signs in to what the first has made.
 */
static const Refusal *
make_user(const OAuthProvider *provider, const OAuthProfile *profile, const OAuthTokens *tokens,
		  const char *email, const Client *client, User **user)
{
	NewUser values = {0};
	IdentityData data = describe_identity(provider, profile, tokens);
	pg_uuid_t id;

	/* first, as for an email that is taken */
	if (email != NULL && setting_hide_accounts && !is_trusted_email(provider, profile))
		return &refusal_email_not_verified;
	if (!setting_allow_signup)
		return &refusal_signup_disabled;
	values.email = email;
	values.name = usable_name(profile);
	values.avatar_url = usable_avatar(profile);
	values.email_verified = email != NULL && is_trusted_email(provider, profile);
	values.mailbox_unproven = !values.email_verified;
	if (values.name != NULL && users_check_claims(email, values.name, NULL, 0) != NULL)
		values.name = NULL;
	if (!users_insert(&values, &id))
		return &again;
	if (!identities_insert(&id, provider->name, profile->id, &data))
	{
		users_delete(&id);
		return &again;
	}
	*user = users_require_lock(&id);
	record_created_by(*user, provider, client);
	return NULL;
}

/* Where only verified emails may sign in, an account without one would be of no use. */
static bool
may_lack_email(const OAuthProfile *profile)
{
	return setting_email_optional && !setting_require_verified_email && profile->email == NULL;
}

static const Refusal *
find_once(const OAuthProvider *provider, const OAuthProfile *profile, const OAuthTokens *tokens,
		  const Client *client, User **user)
{
	static const pg_uuid_t no_user = {{0}};
	Identity identity;
	char *email;

	if (identities_find(provider->name, profile->id, &identity))
		return use_identity(provider, profile, tokens, &identity, user);
	if (may_lack_email(profile))
		return make_user(provider, profile, tokens, NULL, client, user);
	if (profile->email == NULL || input_email(profile->email, &email) != NULL)
		return &refusal_oauth_no_email;
	*user = users_lock_by_email(email);
	if (*user != NULL)
		return link_by_email(provider, profile, tokens, *user, client);
	/* another user can get it back by undoing a change */
	if (email_changes_reserve(email, &no_user))
		return refuse_taken_email(provider, profile);
	return make_user(provider, profile, tokens, email, client, user);
}

const Refusal *
oauth_account_find(const OAuthProvider *provider, const OAuthProfile *profile,
				   const OAuthTokens *tokens, const Client *client, User **user)
{
	const Refusal *refusal = &again;

	for (int round = 0; refusal == &again && round < MAX_ROUNDS; round++)
		refusal = find_once(provider, profile, tokens, client, user);
	if (refusal == &again)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the account was changed by other transactions")));
	return refusal;
}

const Refusal *
oauth_account_link(const OAuthProvider *provider, const OAuthProfile *profile,
				   const OAuthTokens *tokens, const OAuthFlow *flow, const Client *client, User **user)
{
	static const pg_uuid_t no_session = {{0}};
	IdentityData data = describe_identity(provider, profile, tokens);
	Identity identity;

	*user = users_lock(&flow->user_id);
	if (*user == NULL || (!uuid_equal(&flow->session_id, &no_session) &&
						  !sessions_is_live(&flow->session_id, &flow->user_id)))
		return &refusal_oauth_state_invalid;
	if ((*user)->banned)
		return &refusal_user_banned;
	if (!identities_find(provider->name, profile->id, &identity))
	{
		if (!identities_insert(&(*user)->id, provider->name, profile->id, &data))
			return &refusal_identity_taken;
		record_link(*user, provider, client);
		fill_empty(*user, profile);
		return NULL;
	}
	if (!uuid_equal(&identity.user_id, &(*user)->id))
		return &refusal_identity_taken;
	identities_update(&identity, provider->name, &data);
	return NULL;
}
