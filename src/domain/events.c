/*
 * events.c
 *		Events: table authfort.events, and event handlers.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/keyed_row.h"
#include "base/others_code.h"
#include "base/security_context.h"
#include "base/spi_query.h"
#include "compat.h"
#include "domain/events.h"
#include "domain/input.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_cluster_id);
PG_FUNCTION_INFO_V1(authfort_on);
PG_FUNCTION_INFO_V1(authfort_off);

/* In characters; any client can send one. */
#define MAX_USER_AGENT 200

/* Channel of NOTIFY for events, with authfort.notify_events. */
#define NOTIFY_CHANNEL "authfort_events"

/* What a handler of all events is registered for. */
#define EVERY_EVENT "*"

static const OthersCodeForm handler_form = {
	1,
	InvalidOid,
	"handle events",
	"A handler takes one argument of type jsonb, returns no set, and is not temporary.",
};

/* In the order of EventType. */
static const char *const event_names[] = {
	"user_created",
	"user_updated",
	"user_banned",
	"user_unbanned",
	"user_deleted",
	"signup_attempt",
	"login",
	"login_failed",
	"logout",
	"token_refreshed",
	"refresh_token_mismatch",
	"session_revoked",
	"role_added",
	"role_removed",
	"key_rotated",
	"password_reset_requested",
	"password_reset",
	"password_changed",
	"password_set",
	"password_pwned_rejected",
	"password_reuse_rejected",
	"email_verified",
	"email_verification_requested",
	"magic_link_requested",
	"email_otp_requested",
	"magic_link_login",
	"email_otp_login",
	"email_change_requested",
	"email_changed",
	"email_change_undone",
	"email_change_undo_requested",
	"user_invited",
	"invitation_accepted",
	"reauthentication_requested",
	"reauthenticated",
	"unproven_deleted",
	"message_failed",
	"notice_sent",
	"mfa_enabled",
	"mfa_disabled",
	"mfa_login",
	"mfa_failed",
	"mfa_locked",
	"backup_code_used",
	"backup_codes_regenerated",
	"passkey_added",
	"passkey_removed",
	"passkey_renamed",
	"passkey_counter_anomaly",
	"oauth_link",
	"identity_unlinked",
	"rate_limit_exceeded",
	"service_token_created",
	"service_token_revoked",
	"database_identity_reset",
};

StaticAssertDecl(lengthof(event_names) == EVENT_DATABASE_IDENTITY_RESET + 1,
				 "each EventType needs a name");

/* NULL if it is not known. */
static char *
user_agent_of(const Client *client)
{
	char *text = (client != NULL) ? input_user_agent(client->user_agent) : NULL;

	if (text != NULL)
		text[pg_mbcharcliplen(text, strlen(text), MAX_USER_AGENT)] = '\0';
	return text;
}

void
event_begin(Event *event, EventType type, const pg_uuid_t *user_id, const pg_uuid_t *session_id,
			const Client *client)
{
	event->type = type;
	event->user_id = user_id;
	event->session_id = session_id;
	event->client = client;
	initStringInfo(&event->payload);
	json_open(&event->payload);
	if (user_id != NULL)
		json_write_uuid(&event->payload, "user_id", user_id);
	if (client != NULL)
	{
		json_write_string(&event->payload, "ip_address",
						  client->has_ip ? DatumGetCString(DirectFunctionCall1(inet_out, client->ip))
										 : NULL);
		json_write_string(&event->payload, "user_agent", user_agent_of(client));
	}
}

/* Returns its id. */
static pg_uuid_t
insert_event(const Event *event, TimestampTz now, Jsonb *payload)
{
	static SpiQuery query = {
		"INSERT INTO authfort.events"
		" (event, created_at, user_id, session_id, ip_address, user_agent, payload)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
		7,
		{TEXTOID, TIMESTAMPTZOID, UUIDOID, UUIDOID, INETOID, TEXTOID, JSONBOID},
	};
	const Client *client = event->client;
	char *user_agent = user_agent_of(client);
	Datum values[7] = {0};
	char nulls[7] = {' ', ' ', 'n', 'n', 'n', 'n', ' '};
	pg_uuid_t id;

	values[0] = CStringGetTextDatum(event_names[event->type]);
	values[1] = TimestampTzGetDatum(now);
	if (event->user_id != NULL)
	{
		values[2] = UUIDPGetDatum(event->user_id);
		nulls[2] = ' ';
	}
	if (event->session_id != NULL)
	{
		values[3] = UUIDPGetDatum(event->session_id);
		nulls[3] = ' ';
	}
	if (client != NULL && client->has_ip)
	{
		values[4] = client->ip;
		nulls[4] = ' ';
	}
	if (user_agent != NULL)
	{
		values[5] = CStringGetTextDatum(user_agent);
		nulls[5] = ' ';
	}
	values[6] = JsonbPGetDatum(payload);

	spi_query_open();
	spi_query_run(&query, values, nulls, SPI_OK_INSERT_RETURNING);
	spi_query_uuid(1, &id);
	spi_query_close();
	return id;
}

/* Columns of authfort.event_handlers; events.sql says the same. */
enum
{
	HANDLER_COLUMN_ID,
	HANDLER_COLUMN_EVENT,
	HANDLER_COLUMN_HANDLER,
	HANDLER_COLUMN_OWNER,
	HANDLER_COLUMN_COUNT,
};

typedef struct HandlerCall
{
	const char *event;
	const char *handler;
	const char *registered_by;
} HandlerCall;

static HandlerCall *
read_handler(const char *event, const Datum *values)
{
	HandlerCall *call = palloc(sizeof(HandlerCall));

	call->event = event;
	call->handler = TextDatumGetCString(values[HANDLER_COLUMN_HANDLER]);
	call->registered_by = TextDatumGetCString(values[HANDLER_COLUMN_OWNER]);
	return call;
}

/*
 * The handlers of an event, in the order of their ids.  Most databases have
 * none, and each event asks: the executor would take longer than the rest.
 */
static List *
find_handlers(const char *event)
{
	OrderedRows rows;
	Datum values[HANDLER_COLUMN_COUNT];
	bool nulls[HANDLER_COLUMN_COUNT];
	List *handlers = NIL;

	ordered_rows_open(&rows, "event_handlers", "event_handlers_pkey");
	while (ordered_rows_next(&rows, HANDLER_COLUMN_COUNT, values, nulls))
	{
		const char *registered_for = TextDatumGetCString(values[HANDLER_COLUMN_EVENT]);

		if (strcmp(registered_for, event) == 0 || strcmp(registered_for, EVERY_EVENT) == 0)
			handlers = lappend(handlers, read_handler(event, values));
	}
	ordered_rows_close(&rows);
	return handlers;
}

static void
add_handler_context(void *arg)
{
	HandlerCall *call = arg;

	errcontext("handler %s of authfort event \"%s\"", call->handler, call->event);
}

/*
 * A role that may drop the function, or make others in its schema once it is
 * gone, could replace it by its own function and receive every event.  And if
 * REASSIGN OWNED or a restore without owners makes an ordinary role's code a
 * superuser's, it must not run with those privileges.
 */
static void
require_same_owner(const HandlerCall *call, Oid owner)
{
	char *name = GetUserNameFromId(owner, false);

	if (strcmp(name, call->registered_by) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("event handler %s is not the function that was registered", call->handler),
				 errdetail("It belongs to role \"%s\", and role \"%s\" registered it.",
						   name, call->registered_by),
				 errhint("If it is the right one, have its owner register it again with authfort.on().")));
}

/*
 * Calls a handler with the privileges of its owner.  This function runs with
 * those of the extension's owner, often a superuser.  Registering a handler
 * must not be a way to get these, or those of the role that caused the event.
 */
static void
call_handler(const HandlerCall *call, Jsonb *event)
{
	ErrorContextCallback context;
	Datum argument = JsonbPGetDatum(event);
	bool isnull;
	Oid function;
	Oid owner;

	context.callback = add_handler_context;
	context.arg = unconstify(HandlerCall *, call);
	context.previous = error_context_stack;
	error_context_stack = &context;

	function = others_code_find(call->handler);
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("event handler %s does not exist", call->handler),
				 errhint("Create the function again, or delete its row in authfort.event_handlers.")));
	owner = security_context_function_owner(function);
	require_same_owner(call, owner);
	(void) others_code_call(function, owner, &handler_form, &argument, &isnull);

	error_context_stack = context.previous;
}

/* The argument of handlers: the payload, with values of the columns added. */
static Jsonb *
event_for_handlers(const Event *event, const pg_uuid_t *id)
{
	StringInfoData json;

	initStringInfo(&json);
	appendBinaryStringInfo(&json, event->payload.data, event->payload.len - 1);
	json_write_uuid(&json, "id", id);
	json_write_string(&json, "event", event_names[event->type]);
	json_write_uuid(&json, "session_id", event->session_id);
	json_close(&json);
	return json_to_jsonb(&json);
}

static void
notify_event(const Event *event, const pg_uuid_t *id)
{
	StringInfoData json;

	initStringInfo(&json);
	json_open(&json);
	json_write_uuid(&json, "id", id);
	json_write_string(&json, "event", event_names[event->type]);
	json_write_uuid(&json, "user_id", event->user_id);
	json_close(&json);
	Async_Notify(NOTIFY_CHANNEL, json.data);
}

void
event_record(Event *event)
{
	TimestampTz now = GetCurrentTimestamp();
	List *handlers;
	ListCell *cell;
	pg_uuid_t id;

	json_write_time(&event->payload, "timestamp", now);
	json_close(&event->payload);
	id = insert_event(event, now, json_to_jsonb(&event->payload));
	/* all at once: a handler may add others, or remove them */
	handlers = find_handlers(event_names[event->type]);
	if (setting_notify_events)
		notify_event(event, &id);
	foreach (cell, handlers)
		call_handler(lfirst(cell), event_for_handlers(event, &id));
}

/*
 * The event stands in the text of the query, where the planner sees that the
 * partial index applies.  At most as many rows are read as are allowed.
 */
/* clang-format off */
#define FREQUENT(event, condition, rows_before, type) { \
		"SELECT FROM authfort.events WHERE event OPERATOR(pg_catalog.=) '" event "' AND " condition \
		" AND created_at OPERATOR(pg_catalog.>) $2 OFFSET " rows_before " LIMIT 1", \
		2, {type, TIMESTAMPTZOID} \
	}
/* clang-format on */

/* "key" is the first parameter of the query; NULL if it does not use it. */
static bool
has_rows_in_hour(SpiQuery *query, const Datum *key)
{
	Datum values[2];

	values[0] = (key != NULL) ? *key : (Datum) 0;
	values[1] = TimestampTzGetDatum(GetCurrentTimestamp() - USECS_PER_HOUR);
	return spi_query_run_alone(query, values, (key != NULL) ? NULL : "n ", SPI_OK_SELECT) > 0;
}

bool
event_is_frequent(EventType type, const pg_uuid_t *user_id)
{
#define OF_USER(event) FREQUENT(event, "user_id OPERATOR(pg_catalog.=) $1", "4", UUIDOID)
#define UNOWNED(event) FREQUENT(event, "user_id IS NULL", "999", UUIDOID)
	static struct
	{
		EventType type;
		bool of_user;
		SpiQuery query;
	} counted[] = {
		{EVENT_EMAIL_CHANGE_REQUESTED, true, OF_USER("email_change_requested")},
		{EVENT_REFRESH_TOKEN_MISMATCH, true, OF_USER("refresh_token_mismatch")},
		{EVENT_PASSWORD_PWNED_REJECTED, false, UNOWNED("password_pwned_rejected")},
		{EVENT_RATE_LIMIT_EXCEEDED, false, UNOWNED("rate_limit_exceeded")},
		{EVENT_LOGIN_FAILED, false, UNOWNED("login_failed")},
	};
#undef UNOWNED
#undef OF_USER
	Datum key = UUIDPGetDatum(user_id);

	for (size_t i = 0; i < lengthof(counted); i++)
	{
		if (counted[i].type == type && counted[i].of_user == (user_id != NULL))
			return has_rows_in_hour(&counted[i].query, (user_id != NULL) ? &key : NULL);
	}
	return false;
}

/* As in the index events_mailed. */
#define TO_EMAIL \
	"COALESCE(payload OPERATOR(pg_catalog.->>) 'new_email'," \
	" payload OPERATOR(pg_catalog.->>) 'email') COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $1"

bool
events_to_are_frequent(EventType type, const char *email)
{
#define MAILED(event) FREQUENT(event, TO_EMAIL, "4", TEXTOID)
	static struct
	{
		EventType type;
		SpiQuery query;
	} counted[] = {
		{EVENT_PASSWORD_RESET_REQUESTED, MAILED("password_reset_requested")},
		{EVENT_SIGNUP_ATTEMPT, MAILED("signup_attempt")},
		{EVENT_EMAIL_VERIFICATION_REQUESTED, MAILED("email_verification_requested")},
		{EVENT_MAGIC_LINK_REQUESTED, MAILED("magic_link_requested")},
		{EVENT_EMAIL_OTP_REQUESTED, MAILED("email_otp_requested")},
		{EVENT_EMAIL_CHANGE_REQUESTED, MAILED("email_change_requested")},
		{EVENT_EMAIL_CHANGE_UNDO_REQUESTED, MAILED("email_change_undo_requested")},
		{EVENT_REAUTHENTICATION_REQUESTED, MAILED("reauthentication_requested")},
	};
#undef MAILED
	Datum key = CStringGetTextDatum(email);

	for (size_t i = 0; i < lengthof(counted); i++)
	{
		if (counted[i].type == type)
			return has_rows_in_hour(&counted[i].query, &key);
	}
	return false;
}

bool
event_notice_is_frequent(const char *email, const char *kind)
{
	static SpiQuery query = {
		"SELECT FROM authfort.events WHERE event OPERATOR(pg_catalog.=) 'notice_sent' AND " TO_EMAIL
		" AND created_at OPERATOR(pg_catalog.>) $2"
		" AND (payload OPERATOR(pg_catalog.->>) 'kind') OPERATOR(pg_catalog.=) $3 OFFSET 4 LIMIT 1",
		3,
		{TEXTOID, TIMESTAMPTZOID, TEXTOID},
	};
	Datum values[3] = {CStringGetTextDatum(email),
					   TimestampTzGetDatum(GetCurrentTimestamp() - USECS_PER_HOUR),
					   CStringGetTextDatum(kind)};

	return spi_query_run_alone(&query, values, NULL, SPI_OK_SELECT) > 0;
}

#undef TO_EMAIL
#undef FREQUENT

void
event_record_simple(EventType type, const pg_uuid_t *user_id, const pg_uuid_t *session_id,
					const Client *client)
{
	Event event;

	event_begin(&event, type, user_id, session_id, client);
	event_record(&event);
}

void
event_record_of_user(EventType type, const User *user, const pg_uuid_t *session_id,
					 const Client *client, const char *member, const char *value)
{
	Event event;

	event_begin(&event, type, &user->id, session_id, client);
	json_write_string(&event.payload, "email", user->email);
	if (member != NULL)
		json_write_string(&event.payload, member, value);
	event_record(&event);
}

void
event_record_text(EventType type, const pg_uuid_t *user_id, const char *member, const char *value)
{
	Event event;

	event_begin(&event, type, user_id, NULL, NULL);
	json_write_string(&event.payload, member, value);
	event_record(&event);
}

/*
 * Reads the oldest ids only, which are in time order except after clock
 * changes: if nothing is left to delete, little has to be read to find that
 * out.  Only deleted rows are locked.
 */
int
events_delete_expired(int limit, KeptRows *kept)
{
	static ExpiredRows expired = {
		"authfort.events",
		"id",
		UUIDOID,
		"SELECT e.id FROM authfort.events e WHERE e.id OPERATOR(pg_catalog.=) ANY (ARRAY"
		" (SELECT o.id FROM (SELECT id, created_at FROM authfort.events"
		" WHERE id OPERATOR(pg_catalog.<>) ALL ($3) ORDER BY id LIMIT $2) o"
		" WHERE o.created_at OPERATOR(pg_catalog.<) $1)) FOR UPDATE SKIP LOCKED",
		3,
		{TIMESTAMPTZOID, INT4OID, UUIDARRAYOID},
	};

	if (setting_event_retention == 0)
		return 0;
	return expired_rows_delete_before(&expired,
									  GetCurrentTimestamp() - setting_event_retention * USECS_PER_SEC,
									  limit, kept);
}

static void
require_event_name(const char *name)
{
	if (strcmp(name, EVERY_EVENT) == 0)
		return;
	for (size_t i = 0; i < lengthof(event_names); i++)
	{
		if (strcmp(name, event_names[i]) == 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized event: \"%s\"", name),
			 errhint("docs/reference.md lists the events; \"*\" is all of them.")));
}

/* The common part of on() and off(). */
static void
change_handler(FunctionCallInfo fcinfo, SpiQuery *query, int expected)
{
	char *event = argument_text(fcinfo, 0, "event");
	Datum values[3];
	Oid function;
	SecurityContext caller;

	argument_require(fcinfo, 1, "handler");
	function = PG_GETARG_OID(1);
	require_event_name(event);
	values[2] = CStringGetTextDatum(
		GetUserNameFromId(others_code_require_own(function, &handler_form), false));
	values[0] = CStringGetTextDatum(event);
	values[1] = CStringGetTextDatum(format_procedure_qualified(function));
	security_context_become_owner(fcinfo, &caller);
	spi_query_run_alone(query, values, NULL, expected);
	security_context_restore(&caller);
}

/* cluster_id() -> bigint, as pg_control_system() has it */
Datum
authfort_cluster_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) GetSystemIdentifier());
}

/* on(event, handler) -> void */
Datum
authfort_on(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"INSERT INTO authfort.event_handlers (event, handler, owner) VALUES ($1, $2, $3)"
		" ON CONFLICT (event, handler) WHERE event IS NOT NULL DO UPDATE SET owner = excluded.owner",
		3,
		{TEXTOID, TEXTOID, TEXTOID},
	};

	change_handler(fcinfo, &query, SPI_OK_INSERT);
	PG_RETURN_VOID();
}

/* off(event, handler) -> void */
Datum
authfort_off(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"DELETE FROM authfort.event_handlers"
		" WHERE event OPERATOR(pg_catalog.=) $1 AND handler OPERATOR(pg_catalog.=) $2",
		2,
		{TEXTOID, TEXTOID},
	};

	change_handler(fcinfo, &query, SPI_OK_DELETE);
	PG_RETURN_VOID();
}
