/*
 * message_failure.c
 *		Records messages that could not be delivered.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"

#include "base/arguments.h"
#include "base/json.h"
#include "domain/events.h"
#include "domain/outbox.h"

PG_FUNCTION_INFO_V1(authfort_message_failed);

/* In bytes; part of it may be the answer of a mail server. */
#define MAX_REASON 200

static void
record_message_failure(const pg_uuid_t *id, const FailedMessage *failed, char *reason)
{
	Event event;

	reason[pg_mbcliplen(reason, strlen(reason), MAX_REASON)] = '\0';
	event_begin(&event, EVENT_MESSAGE_FAILED, &failed->user_id, NULL, NULL);
	json_write_uuid(&event.payload, "message_id", id);
	json_write_string(&event.payload, "kind", failed->kind);
	json_write_integer(&event.payload, "attempts", failed->attempts);
	json_write_string(&event.payload, "reason", reason);
	event_record(&event);
}

/* message_failed(id, reason) -> boolean */
Datum
authfort_message_failed(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "id");
	char *reason = argument_text(fcinfo, 1, "reason");
	FailedMessage failed;

	if (!outbox_fail(id, &failed))
		PG_RETURN_BOOL(false);
	record_message_failure(id, &failed, reason);
	PG_RETURN_BOOL(true);
}
