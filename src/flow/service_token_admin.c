/*
 * service_token_admin.c
 *		Gives services the right to ask about tokens, and takes it away.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/refusal.h"
#include "domain/events.h"
#include "domain/service_tokens.h"

PG_FUNCTION_INFO_V1(authfort_create_service_token);
PG_FUNCTION_INFO_V1(authfort_revoke_service_token);

#define MAX_NAME 64
#define MIN_SECRET 12
#define MAX_SECRET 512

/* A name is the user of Basic authentication, where some characters need escapes. */
static bool
is_service_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len > 0 && len <= MAX_NAME && name[len] == '\0';
}

/* Visible ASCII, which every client sends in the same bytes. */
static bool
is_service_secret(const char *secret)
{
	size_t len = strlen(secret);

	for (const char *p = secret; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	}
	return len >= MIN_SECRET && len <= MAX_SECRET;
}

/* At least one, and each once. */
static bool
are_scopes(char *const *scopes, int count)
{
	int access = 0;
	int refresh = 0;

	for (int i = 0; i < count; i++)
	{
		access += strcmp(scopes[i], SCOPE_INTROSPECT) == 0;
		refresh += strcmp(scopes[i], SCOPE_INTROSPECT_REFRESH) == 0;
	}
	return count > 0 && access + refresh == count && access <= 1 && refresh <= 1;
}

static void
record_token_created(const char *name, char *const *scopes, int count)
{
	Event event;

	event_begin(&event, EVENT_SERVICE_TOKEN_CREATED, NULL, NULL, NULL);
	json_write_string(&event.payload, "name", name);
	json_write_strings(&event.payload, "scopes", scopes, count);
	event_record(&event);
}

/* create_service_token(name, scopes, secret) -> text */
Datum
authfort_create_service_token(PG_FUNCTION_ARGS)
{
	char *secret = argument_optional_secret(fcinfo, 2);
	char *name = argument_text(fcinfo, 0, "name");
	int count;
	char **scopes = argument_texts(fcinfo, 1, "scopes", &count);

	if (!is_service_name(name))
		refusal_raise(&refusal_invalid_service_name);
	if (!are_scopes(scopes, count))
		refusal_raise(&refusal_invalid_scopes);
	if (secret != NULL && !is_service_secret(secret))
		refusal_raise(&refusal_invalid_service_secret);
	if (secret == NULL)
		secret = service_token_make_secret();
	if (!service_tokens_add(name, scopes, count, secret))
		refusal_raise(&refusal_service_token_exists);
	record_token_created(name, scopes, count);
	PG_RETURN_TEXT_P(cstring_to_text(secret));
}

/* revoke_service_token(name) -> boolean */
Datum
authfort_revoke_service_token(PG_FUNCTION_ARGS)
{
	char *name = argument_text(fcinfo, 0, "name");
	Event event;

	if (!service_tokens_delete(name))
		PG_RETURN_BOOL(false);
	event_begin(&event, EVENT_SERVICE_TOKEN_REVOKED, NULL, NULL, NULL);
	json_write_string(&event.payload, "name", name);
	event_record(&event);
	PG_RETURN_BOOL(true);
}
