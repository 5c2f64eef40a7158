/*
 * belongings.c
 *		Rows that belong to a user, in tables other than authfort.users.
 *
 * They are deleted whenever the row of authfort.users is.  A foreign key with
 * ON DELETE CASCADE would do the same, but would exist before the data when a
 * dump is restored, and a parallel restore loads the tables in any order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "domain/backup_codes.h"
#include "domain/email_changes.h"
#include "domain/email_codes.h"
#include "domain/identities.h"
#include "domain/mfa.h"
#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "domain/passkeys.h"
#include "domain/password_history.h"
#include "domain/roles.h"
#include "domain/sessions.h"
#include "flow/belongings.h"

PG_FUNCTION_INFO_V1(authfort_delete_belongings);

void
belongings_delete(const pg_uuid_t *user_id)
{
	sessions_delete_all(user_id);
	roles_delete_all(user_id);
	password_history_delete(user_id);
	identities_delete_all(user_id);
	email_changes_delete(user_id);
	one_time_tokens_delete(user_id);
	email_codes_delete(user_id);
	outbox_delete(user_id);
	passkeys_delete_all(user_id);
	mfa_delete(user_id);
	backup_codes_delete(user_id);
}

static void
read_deleted_id(const TriggerData *trigger, pg_uuid_t *id)
{
	TupleDesc columns = RelationGetDescr(trigger->tg_relation);
	int column = SPI_fnumber(columns, "id");
	bool isnull = true;
	Datum value = (Datum) 0;

	if (column > 0 && TupleDescAttr(columns, column - 1)->atttypid == UUIDOID)
		value = SPI_getbinval(trigger->tg_trigtuple, columns, column, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("table \"%s\" has no id of type uuid",
						RelationGetRelationName(trigger->tg_relation))));
	*id = *DatumGetUUIDP(value);
}

/* delete_belongings() -> trigger, after DELETE for each row, or after TRUNCATE */
Datum
authfort_delete_belongings(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	pg_uuid_t id;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!(TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) ||
		  (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) && TRIGGER_FIRED_FOR_ROW(trigger->tg_event))))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be called as a trigger after DELETE or TRUNCATE", "delete_belongings")));
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		belongings_delete(NULL);
	else
	{
		read_deleted_id(trigger, &id);
		belongings_delete(&id);
	}
	return PointerGetDatum(NULL);
}
