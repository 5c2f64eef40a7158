/*
 * database_identity.c
 *		Separates a copy of a database from the original.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "domain/database_id.h"
#include "domain/email_changes.h"
#include "domain/email_codes.h"
#include "domain/events.h"
#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "domain/service_tokens.h"
#include "domain/sessions.h"
#include "flow/key_admin.h"

PG_FUNCTION_INFO_V1(authfort_reset_database_identity);

/*
 * Changes that committed while this function waited for locks must be visible,
 * which they are not under a stricter isolation level.
 */
static void
require_read_committed(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("the identity of a database can be reset only at isolation level read committed")));
}

static void
record_reset(const pg_uuid_t *id, int sessions)
{
	Event event;

	event_begin(&event, EVENT_DATABASE_IDENTITY_RESET, NULL, NULL, NULL);
	json_write_uuid(&event.payload, "database_id", id);
	json_write_integer(&event.payload, "sessions_revoked", sessions);
	event_record(&event);
}

/*
 * reset_database_identity() -> uuid
 *
 * Nothing that was sealed under the former keys is opened, because a copy may
 * have another master key.  A transaction that makes a token or a message gets
 * the id first, and the id stays the same until its end.  So once the lock is
 * held, everything that was made for the former id is visible and can be
 * removed.
 */
Datum
authfort_reset_database_identity(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	int revoked;

	PreventCommandIfReadOnly("authfort.reset_database_identity()");
	require_read_committed();
	database_id_lock();
	database_id_replace();
	key_admin_replace_all();
	revoked = sessions_revoke_everyone();
	one_time_tokens_delete(NULL);
	email_changes_delete(NULL);
	service_tokens_delete_all();
	email_codes_delete(NULL);
	outbox_delete(NULL);
	*id = database_id();
	record_reset(id, revoked);
	PG_RETURN_UUID_P(id);
}
