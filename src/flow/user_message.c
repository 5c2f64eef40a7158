/*
 * user_message.c
 *		Messages to users, as a mailer gets them from the outbox.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/client_message.h"
#include "base/json.h"
#include "base/uuid.h"
#include "base/uuid_v7.h"
#include "domain/outbox.h"
#include "flow/user_message.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_send_message);

#define MAX_KIND 50 /* bytes */
#define MAX_PAYLOAD_BYTES 16384

/* In the order of TokenMessage. */
static const struct
{
	const char *kind;
	const char *path; /* of the page that posts the token */
} token_messages[] = {
	{"email_verification", "/verify-email"}, {"magic_link", "/magic-link"},
	{"password_reset", "/reset-password"},   {"email_change", "/confirm-email"},
	{"email_changed", "/undo-email-change"}, {"invitation", "/accept-invitation"},
};

StaticAssertDecl(lengthof(token_messages) == MESSAGE_INVITATION + 1, "each TokenMessage needs a path");

/* Codes that are typed: one to sign in with, and one to authenticate again. */
#define CODE_KINDS "email_otp", "reauthentication"

const char *
user_message_kind(TokenMessage kind)
{
	return token_messages[kind].kind;
}

void
user_message_begin(StringInfo message, const User *user)
{
	if (user->email == NULL)
		elog(ERROR, "message to user %s, who has no email", uuid_text(&user->id));
	initStringInfo(message);
	json_open(message);
	json_write_string(message, "email", user->email);
	json_write_string(message, "name", user->name);
	json_write_string(message, "locale", user->locale);
}

char *
user_message_link(TokenMessage kind, const char *token)
{
	if (setting_site_url[0] == '\0')
		return NULL;
	return psprintf("%s%s#token=%s", setting_site_url, token_messages[kind].path, token);
}

void
user_message_put(const pg_uuid_t *id, const char *kind, const User *user, TimestampTz expires_at,
				 StringInfo message)
{
	json_write_time(message, "expires_at", expires_at);
	json_close(message);
	outbox_put(id, kind, &user->id, expires_at, message);
}

static void
wipe_text(char *text)
{
	if (text != NULL)
		sodium_memzero(text, strlen(text));
}

void
user_message_put_token(const pg_uuid_t *id, TokenMessage kind, const User *user,
					   TimestampTz expires_at, char *token, StringInfo message)
{
	char *link = user_message_link(kind, token);

	json_write_string(message, "token", token);
	json_write_string(message, "link", link);
	wipe_text(token);
	wipe_text(link);
	user_message_put(id, user_message_kind(kind), user, expires_at, message);
}

void
user_message_put_code(const pg_uuid_t *id, const char *kind, const User *user,
					  TimestampTz expires_at, char *code, StringInfo message)
{
	json_write_string(message, "code", code);
	wipe_text(code);
	user_message_put(id, kind, user, expires_at, message);
}

void
user_message_withdraw_tokens(const pg_uuid_t *user_id)
{
	const char *kinds[lengthof(token_messages) + 2] = {CODE_KINDS};
	int count = 2;

	for (int i = 0; i < (int) lengthof(token_messages); i++)
	{
		if (i != MESSAGE_EMAIL_CHANGED)
			kinds[count++] = token_messages[i].kind;
	}
	outbox_delete_kinds(user_id, kinds, count);
}

/* Whether authfort puts messages of that kind into the outbox itself. */
static bool
is_own_kind(const char *kind)
{
	static const char *const others[] = {CODE_KINDS, "signup_attempt"};

	for (int i = 0; i <= NOTICE_IDENTITY_LINKED; i++)
	{
		if (strcmp(kind, settings_notice_name(i)) == 0)
			return true;
	}
	for (size_t i = 0; i < lengthof(token_messages); i++)
	{
		if (strcmp(kind, token_messages[i].kind) == 0)
			return true;
	}
	for (size_t i = 0; i < lengthof(others); i++)
	{
		if (strcmp(kind, others[i]) == 0)
			return true;
	}
	return false;
}

/* The kind decides who delivers a message, so it must not be one of authfort's own. */
static void
check_kind(const char *kind)
{
	size_t len = strlen(kind);

	if (len == 0 || len > MAX_KIND || strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_") < len)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("invalid value for parameter \"%s\"", "kind"),
		                errhint("A kind has 1 to %d lower-case letters, digits and underscores.",
		                        MAX_KIND)));
	if (is_own_kind(kind))
		ereport(ERROR, (errcode(ERRCODE_RESERVED_NAME),
		                errmsg("message kind \"%s\" is reserved for authfort", kind)));
}

/*
 * Checks that it is an object that can be read from the message again, without
 * members that authfort writes itself or that make a message look like one of
 * its own.
 */
static void
check_payload(Jsonb *payload, const char *text)
{
	static const char *const reserved[] = {"email", "name", "locale", "expires_at",
										   "token", "code", "link"};

	Jsonb *read_again;

	if (!JB_ROOT_IS_OBJECT(payload))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("the payload must be a JSON object")));
	if (strlen(text) > MAX_PAYLOAD_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
		                errmsg("the payload has more than %d bytes", MAX_PAYLOAD_BYTES)));
	if (json_read_object(text, strlen(text), &read_again) != JSON_READ)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		         errmsg("the payload is nested too deeply, or has a number that is too long")));
	for (size_t i = 0; i < lengthof(reserved); i++)
	{
		if (json_member(payload, reserved[i]) != NULL)
			ereport(ERROR, (errcode(ERRCODE_RESERVED_NAME),
			                errmsg("the payload must not have a member \"%s\"", reserved[i])));
	}
}

/* The members of an object, as text without its braces. */
static char *
members_of(const char *object)
{
	return pnstrdup(object + 1, strlen(object) - 2);
}

static TimestampTz
end_of_lifetime(Datum lifetime)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), lifetime));

	/* an interval may be infinite from PostgreSQL 17 on, and a courier cannot say how long that is */
	if (end <= now || TIMESTAMP_NOT_FINITE(end))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("the lifetime of a message must be positive and finite")));
	return end;
}

/* send_message(user_id, kind, payload, lifetime) -> uuid */
Datum
authfort_send_message(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	char *kind = argument_text(fcinfo, 1, "kind");
	Jsonb *payload;
	char *payload_text;
	StringInfoData message;
	TimestampTz expires_at;
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	User *user;

	client_message_mark();
	argument_require(fcinfo, 2, "payload");
	argument_require(fcinfo, 3, "lifetime");
	check_kind(kind);
	payload = PG_GETARG_JSONB_P(2);
	payload_text = JsonbToCString(NULL, &payload->root, VARSIZE(payload));
	check_payload(payload, payload_text);
	expires_at = end_of_lifetime(PG_GETARG_DATUM(3));
	outbox_prepare();
	user = users_require(user_id);
	if (user->email == NULL)
		refusal_raise(&refusal_no_email);
	uuid_v7_make(id);
	user_message_begin(&message, user);
	if (JB_ROOT_COUNT(payload) > 0)
		json_write_members(&message, members_of(payload_text));
	user_message_put(id, kind, user, expires_at, &message);
	PG_RETURN_UUID_P(id);
}
