/*
 * user_message.c
 *		Messages to users, as a mailer gets them from the outbox.
 */
#include "postgres.h"

#include "base/json.h"
#include "domain/outbox.h"
#include "flow/user_message.h"
#include "settings.h"

/* In the order of TokenMessage. */
static const struct
{
	const char *kind;
	const char *path;			/* of the page that posts the token */
} token_messages[] = {
	{"email_verification", "/verify-email"},
	{"magic_link", "/magic-link"},
	{"password_reset", "/reset-password"},
	{"email_change", "/confirm-email"},
	{"email_changed", "/undo-email-change"},
	{"invitation", "/accept-invitation"},
};

StaticAssertDecl(lengthof(token_messages) == MESSAGE_INVITATION + 1, "each TokenMessage needs a path");

const char *
user_message_kind(TokenMessage kind)
{
	return token_messages[kind].kind;
}

void
user_message_begin(StringInfo message, const User *user)
{
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
user_message_add_token(StringInfo message, TokenMessage kind, const char *token)
{
	json_write_string(message, "token", token);
	json_write_string(message, "link", user_message_link(kind, token));
}

void
user_message_put(const pg_uuid_t *id, const char *kind, const User *user, TimestampTz expires_at,
				 StringInfo message)
{
	json_write_time(message, "expires_at", expires_at);
	json_close(message);
	outbox_put(id, kind, &user->id, expires_at, message);
}
