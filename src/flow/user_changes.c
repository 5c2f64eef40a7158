/*
 * user_changes.c
 *		Reading a JSON object of changes to a user.
 */
#include "postgres.h"

#include "domain/input.h"
#include "flow/user_changes.h"

/* Each reads one member's value, which has the right type. */
typedef const Refusal *(*TextReader)(const char *text, UserChanges *changes);

static const Refusal *
read_email(const char *text, UserChanges *changes)
{
	char *stored = NULL;
	const Refusal *refusal = (text != NULL) ? input_email(text, &stored) : &refusal_invalid_changes;

	changes->set_email = true;
	changes->values.email = stored;
	return refusal;
}

static const Refusal *
read_name(const char *text, UserChanges *changes)
{
	char *stored;
	const Refusal *refusal = input_name(text, &stored);

	changes->set_name = true;
	changes->values.name = stored;
	return refusal;
}

static const Refusal *
read_avatar_url(const char *text, UserChanges *changes)
{
	char *stored;
	const Refusal *refusal = input_avatar_url(text, &stored);

	changes->set_avatar_url = true;
	changes->values.avatar_url = stored;
	return refusal;
}

static const Refusal *
read_phone(const char *text, UserChanges *changes)
{
	char *stored;
	const Refusal *refusal = input_phone(text, &stored);

	changes->set_phone = true;
	changes->values.phone = stored;
	return refusal;
}

static const Refusal *
read_locale(const char *text, UserChanges *changes)
{
	char *stored;
	const Refusal *refusal = input_locale(text, &stored);

	changes->set_locale = true;
	changes->locale = stored;
	return refusal;
}

static const struct
{
	const char *name;
	TextReader read;
	bool admin_only;
} text_members[] = {
	{"email", read_email, true}, {"name", read_name},     {"avatar_url", read_avatar_url},
	{"phone", read_phone},       {"locale", read_locale},
};

static bool
key_is(const JsonbValue *key, const char *name)
{
	return key->val.string.len == (int) strlen(name) &&
		   memcmp(key->val.string.val, name, key->val.string.len) == 0;
}

/* A string or null; false for anything else. */
static bool
read_nullable_text(const JsonbValue *value, char **text)
{
	*text = NULL;
	if (value->type == jbvString)
		*text = pnstrdup(value->val.string.val, value->val.string.len);
	return value->type == jbvString || value->type == jbvNull;
}

static const Refusal *
read_metadata(JsonbValue *value, Jsonb **metadata)
{
	JsonbParseState *state = NULL;

	if (value->type == jbvNull)
	{
		(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		*metadata = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
		return NULL;
	}
	*metadata = JsonbValueToJsonb(value);
	return users_check_metadata(*metadata);
}

/* Returns NULL or the refusal. */
static const Refusal *
read_change(const JsonbValue *key, JsonbValue *value, UserChanger changer, UserChanges *changes)
{
	bool by_admin = changer == CHANGED_BY_ADMIN;
	const Refusal *wrong = by_admin ? &refusal_invalid_changes : &refusal_invalid_profile_changes;
	char *text;

	if (key_is(key, "user_metadata"))
		return read_metadata(value, &changes->user_metadata);
	if (key_is(key, "app_metadata") && by_admin)
		return read_metadata(value, &changes->app_metadata);
	if (key_is(key, "email_verified") && by_admin && value->type == jbvBool)
	{
		changes->set_email_verified = true;
		changes->values.email_verified = value->val.boolean;
		return NULL;
	}
	for (size_t i = 0; i < lengthof(text_members); i++)
	{
		if (key_is(key, text_members[i].name) && (by_admin || !text_members[i].admin_only))
			return read_nullable_text(value, &text) ? text_members[i].read(text, changes) : wrong;
	}
	return wrong;
}

const Refusal *
user_changes_read(Jsonb *json, UserChanger changer, UserChanges *changes)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue key;
	JsonbValue value;

	memset(changes, 0, sizeof(*changes));
	if (!JB_ROOT_IS_OBJECT(json) || JB_ROOT_COUNT(json) == 0)
		return (changer == CHANGED_BY_ADMIN) ? &refusal_invalid_changes
											 : &refusal_invalid_profile_changes;
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		const Refusal *refusal;

		if (token != WJB_KEY)
			continue;
		JsonbIteratorNext(&it, &value, true);
		refusal = read_change(&key, &value, changer, changes);
		if (refusal != NULL)
			return refusal;
	}
	return NULL;
}
