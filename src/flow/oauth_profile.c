/*
 * oauth_profile.c
 *		The answers of a provider: tokens, and the profile of an account.
 *
 * Everything here is what another server wrote.  Nothing raises for it, and
 * a member of the wrong type is treated as absent.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/json.h"
#include "domain/identities.h"
#include "flow/oauth_profile.h"

#define MAX_TOKEN 8192
#define MAX_EMAILS 100

/* Visible ASCII, which a header can carry and no parser cuts off. */
static bool
is_token(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > MAX_TOKEN)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	}
	return true;
}

/* NULL if it is missing. */
static char *
token_member(Jsonb *json, const char *name)
{
	char *text = json_member_string(json, name);

	return (text != NULL && is_token(text)) ? text : NULL;
}

static bool
is_bearer(Jsonb *json)
{
	char *type = json_member_string(json, "token_type");

	return type == NULL ? json_member(json, "token_type") == NULL
						: pg_strcasecmp(type, "bearer") == 0;
}

/* Some providers write the seconds as a string. */
static int64
lifetime_of(Jsonb *json)
{
	int64 seconds;
	char *text = json_member_string(json, "expires_in");

	if (text != NULL)
		seconds = strtol(text, NULL, 10);
	else if (!json_member_rounded(json, "expires_in", false, &seconds))
		return 0;
	return Max(Min(seconds, PG_INT32_MAX), 0);
}

bool
oauth_tokens_read(const char *body, OAuthTokens *tokens)
{
	Jsonb *json;

	if (json_read_foreign_object(body, strlen(body), &json) != JSON_READ)
		return false;
	tokens->access_token = token_member(json, "access_token");
	tokens->refresh_token = token_member(json, "refresh_token");
	tokens->id_token = token_member(json, "id_token");
	tokens->scope = json_member_string(json, "scope");
	tokens->expires_in = lifetime_of(json);
	return tokens->access_token != NULL && is_bearer(json) &&
		   (tokens->id_token != NULL || json_member(json, "id_token") == NULL);
}

/* The value at a path such as "picture.data.url"; NULL if it is missing. */
static JsonbValue *
value_at(Jsonb *document, const char *path, size_t path_len)
{
	JsonbContainer *container = &document->root;
	const char *end = path + path_len;

	for (;;)
	{
		size_t len = Min(strcspn(path, "."), (size_t) (end - path));
		JsonbValue *value;

		if (JsonContainerIsObject(container))
			value = getKeyJsonValueFromContainer(container, path, len, NULL);
		else if (JsonContainerIsArray(container) && len > 0 && len <= 4 &&
				 strspn(path, "0123456789") >= len)
			value = getIthJsonbValueFromContainer(container, strtoul(path, NULL, 10));
		else
			return NULL;
		path += len;
		if (value == NULL || value->type == jbvNull || path >= end)
			return (value != NULL && value->type == jbvNull) ? NULL : value;
		if (value->type != jbvBinary)
			return NULL;
		container = value->val.binary.data;
		path++;
	}
}

/* The first of the alternatives of a mapping that is there; NULL if none is. */
static JsonbValue *
find_value(Jsonb *document, const char *mapping)
{
	while (document != NULL && mapping != NULL && *mapping != '\0')
	{
		size_t len = strcspn(mapping, " ");
		JsonbValue *value = (len > 0) ? value_at(document, mapping, len) : NULL;

		if (value != NULL && !(value->type == jbvString && value->val.string.len == 0))
			return value;
		mapping += len;
		mapping += strspn(mapping, " ");
	}
	return NULL;
}

static char *
find_text(Jsonb *document, const char *mapping)
{
	JsonbValue *value = find_value(document, mapping);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Some ids are numbers. */
static char *
find_id(Jsonb *document, const char *mapping)
{
	JsonbValue *value = find_value(document, mapping);
	char *id = NULL;

	if (value != NULL && value->type == jbvString)
		id = pnstrdup(value->val.string.val, value->val.string.len);
	else if (value != NULL && value->type == jbvNumeric)
		id = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	return (id != NULL && strlen(id) <= IDENTITY_ID_MAX) ? id : NULL;
}

/* Apple writes "true". */
static bool
find_flag(Jsonb *document, const char *mapping)
{
	JsonbValue *value = find_value(document, mapping);

	if (value == NULL)
		return false;
	if (value->type == jbvString)
		return value->val.string.len == 4 && memcmp(value->val.string.val, "true", 4) == 0;
	return value->type == jbvBool && value->val.boolean;
}

/* An email and its verification are of one document, or they might be of two emails. */
static bool
find_email(Jsonb *document, const ProfileMapping *mapping, OAuthProfile *profile)
{
	profile->email = find_text(document, mapping->email);
	if (profile->email == NULL)
		return false;
	profile->email_verified = find_flag(document, mapping->email_verified);
	return true;
}

static char *
first_text(Jsonb *a, Jsonb *b, const char *mapping)
{
	char *text = find_text(a, mapping);

	return (text != NULL) ? text : find_text(b, mapping);
}

/* OpenID Connect Core 1.0, section 5.3.2: userinfo is used only for the same subject. */
static bool
is_same_subject(Jsonb *claims, Jsonb *userinfo, const char *mapping)
{
	char *subject = json_member_string(claims, "sub");
	char *other = find_id(userinfo, mapping);

	return subject != NULL && other != NULL && strcmp(subject, other) == 0;
}

bool
oauth_profile_read(const OAuthProvider *provider, Jsonb *claims, Jsonb *userinfo, OAuthProfile *profile)
{
	const ProfileMapping *mapping = &provider->mapping;

	memset(profile, 0, sizeof(*profile));
	if (claims != NULL && userinfo != NULL && !is_same_subject(claims, userinfo, mapping->id))
		return false;
	profile->document = (userinfo != NULL) ? userinfo : claims;
	profile->id =
		(claims != NULL) ? json_member_string(claims, "sub") : find_id(userinfo, mapping->id);
	if (profile->id != NULL && strlen(profile->id) > IDENTITY_ID_MAX)
		profile->id = NULL;
	if (!find_email(userinfo, mapping, profile))
		(void) find_email(claims, mapping, profile);
	profile->name = first_text(userinfo, claims, mapping->name);
	profile->avatar_url = first_text(userinfo, claims, mapping->avatar_url);
	return true;
}

/* The better of two addresses has the higher rank. */
static int
rank_email(Jsonb *entry)
{
	return 2 * find_flag(entry, "verified") + find_flag(entry, "primary");
}

/* GitHub answers with an array, which the reader of objects does not take by itself. */
bool
oauth_profile_read_emails(const char *body, OAuthProfile *profile)
{
	char *wrapped = psprintf("{\"emails\":%s}", body);
	JsonbContainer *emails;
	Jsonb *json;
	int best = -1;

	if (json_read_foreign_object(wrapped, strlen(wrapped), &json) != JSON_READ)
		return false;
	emails = json_member_array(json, "emails");
	if (emails == NULL)
		return false;
	for (uint32 i = 0; i < Min(JsonContainerSize(emails), MAX_EMAILS); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(emails, i);
		Jsonb *entry = JsonbValueToJsonb(element);
		char *email = JB_ROOT_IS_OBJECT(entry) ? json_member_string(entry, "email") : NULL;

		if (email == NULL || rank_email(entry) <= best)
			continue;
		best = rank_email(entry);
		profile->email = email;
		profile->email_verified = find_flag(entry, "verified");
	}
	return true;
}
