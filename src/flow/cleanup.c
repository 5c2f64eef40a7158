/*
 * cleanup.c
 *		Removing expired rows: on demand here, and on a schedule in
 *		server/cleanup_worker.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "domain/email_changes.h"
#include "domain/email_codes.h"
#include "domain/events.h"
#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "domain/sessions.h"
#include "domain/signing_keys.h"
#include "domain/spent_ids.h"
#include "flow/cleanup.h"
#include "flow/passwordless.h"

PG_FUNCTION_INFO_V1(authfort_cleanup_expired_keys);
PG_FUNCTION_INFO_V1(authfort_cleanup_expired_tokens);
PG_FUNCTION_INFO_V1(authfort_cleanup_expired_sessions);
PG_FUNCTION_INFO_V1(authfort_cleanup);

/* Few enough that other sessions do not notice the locks. */
#define BATCH_ROWS 1000

const char *
cleanup_name(CleanupKind kind)
{
	static const char *const names[CLEANUP_KINDS] = {
		"keys", "tokens", "sessions", "events", "messages", "spent_ids", "accounts",
	};

	return names[kind];
}

void
cleanup_begin(CleanupPass *pass, CleanupKind kind)
{
	MemSet(pass, 0, sizeof(*pass));
	pass->kind = kind;
	pass->kept.context = CurrentMemoryContext;
}

/* Changes of emails and mailed codes are counted as tokens: they expire like these. */
static int
delete_expired_tokens(KeptRows *kept)
{
	int handled = one_time_tokens_delete_expired(BATCH_ROWS, kept);

	handled += email_changes_delete_expired(BATCH_ROWS - handled, kept);
	return handled + email_codes_delete_expired(BATCH_ROWS - handled, kept);
}

static int
delete_some(CleanupPass *pass)
{
	switch (pass->kind)
	{
		case CLEANUP_KEYS:
			return signing_keys_delete_expired(BATCH_ROWS, &pass->kept);
		case CLEANUP_TOKENS:
			return delete_expired_tokens(&pass->kept);
		case CLEANUP_SESSIONS:
			return sessions_delete_ended(BATCH_ROWS, &pass->position, &pass->kept);
		case CLEANUP_EVENTS:
			return events_delete_expired(BATCH_ROWS, &pass->kept);
		case CLEANUP_MESSAGES:
			return outbox_delete_expired(BATCH_ROWS, &pass->kept);
		case CLEANUP_SPENT_IDS:
			return spent_ids_delete_expired(BATCH_ROWS, &pass->kept);
		case CLEANUP_ACCOUNTS:
			return passwordless_delete_unclaimed(BATCH_ROWS, &pass->kept);
	}
	return 0;
}

void
cleanup_batch(CleanupPass *pass)
{
	int kept_before = pass->kept.count;
	int handled = delete_some(pass);

	pass->removed += handled - (pass->kept.count - kept_before);
	pass->done = handled < BATCH_ROWS;
}

/* Removes all expired rows of a kind, in the caller's transaction. */
static int
remove_all(CleanupKind kind)
{
	CleanupPass pass;

	cleanup_begin(&pass, kind);
	while (!pass.done)
	{
		CHECK_FOR_INTERRUPTS();
		cleanup_batch(&pass);
	}
	return (int) Min(pass.removed, PG_INT32_MAX);
}

/* cleanup_expired_keys() -> integer */
Datum
authfort_cleanup_expired_keys(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(remove_all(CLEANUP_KEYS));
}

/* cleanup_expired_tokens() -> integer */
Datum
authfort_cleanup_expired_tokens(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(remove_all(CLEANUP_TOKENS));
}

/* cleanup_expired_sessions() -> integer */
Datum
authfort_cleanup_expired_sessions(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(remove_all(CLEANUP_SESSIONS));
}

/* cleanup() -> (keys, tokens, sessions, events, messages, spent_ids, accounts) */
Datum
authfort_cleanup(PG_FUNCTION_ARGS)
{
	TupleDesc tupdesc;
	Datum removed[CLEANUP_KINDS];
	bool nulls[CLEANUP_KINDS] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	for (int kind = 0; kind < CLEANUP_KINDS; kind++)
		removed[kind] = Int32GetDatum(remove_all(kind));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), removed, nulls)));
}
