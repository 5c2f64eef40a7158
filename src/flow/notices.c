/*
 * notices.c
 *		Messages that inform users of what happened to their account.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "base/uuid_v7.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/outbox.h"
#include "domain/sessions.h"
#include "flow/notices.h"
#include "flow/user_message.h"

/* A notice that could not be delivered for so long surprises more than it warns. */
#define NOTICE_TTL (7 * USECS_PER_DAY)

void
notice_begin(StringInfo message, const User *user, const Client *client)
{
	user_message_begin(message, user);
	json_write_time(message, "time", GetCurrentTimestamp());
	json_write_string(message, "ip_address",
					  client_has_address(client)
						  ? DatumGetCString(DirectFunctionCall1(inet_out, client->ip))
						  : NULL);
	json_write_string(message, "user_agent",
					  (client != NULL) ? input_user_agent(client->user_agent) : NULL);
}

static void
record_sent(const User *user, const char *kind, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_NOTICE_SENT, &user->id, NULL, client);
	json_write_string(&event.payload, "email", user->email);
	json_write_string(&event.payload, "kind", kind);
	event_record(&event);
}

void
notice_put(NoticeKind kind, const User *user, const Client *client, const char *details)
{
	const char *name = settings_notice_name(kind);
	StringInfoData message;
	pg_uuid_t id;

	if (!notice_is_wanted(kind) || user->email == NULL || event_notice_is_frequent(user->email, name))
		return;
	outbox_prepare();
	uuid_v7_make(&id);
	notice_begin(&message, user, client);
	if (details != NULL)
		json_write_members(&message, details);
	user_message_put(&id, name, user, GetCurrentTimestamp() + NOTICE_TTL, &message);
	record_sent(user, name, client);
}

void
notice_new_sign_in(const User *user, const Client *client)
{
	if (!notice_is_wanted(NOTICE_NEW_SIGN_IN) ||
		user->created_at == GetCurrentTransactionStartTimestamp() ||
		sessions_know_client(&user->id, client))
		return;
	notice_put(NOTICE_NEW_SIGN_IN, user, client, NULL);
}
