/*
 * reseal.c
 *		After a change of the master key: seals all secrets again, and counts
 *		what needs which key.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "crypto/master_key.h"
#include "domain/identities.h"
#include "domain/mfa.h"
#include "domain/oauth_providers.h"
#include "domain/outbox.h"
#include "domain/signing_keys.h"

PG_FUNCTION_INFO_V1(authfort_reseal);
PG_FUNCTION_INFO_V1(authfort_master_key_name);
PG_FUNCTION_INFO_V1(authfort_held_master_keys);

#define MAX_ROWS 100000

static void
report_failed(int count)
{
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg_plural("%d secret does not open and was left as it is",
						   "%d secrets do not open and were left as they are", count, count)));
}

/* reseal(max_rows) -> integer */
Datum
authfort_reseal(PG_FUNCTION_ARGS)
{
	static void (*const reseal[])(Resealing * progress) = {
		signing_keys_reseal, oauth_providers_reseal, mfa_reseal, identities_reseal, outbox_reseal,
	};
	Resealing progress = {0};
	int limit;

	argument_require(fcinfo, 0, "max_rows");
	limit = PG_GETARG_INT32(0);
	if (limit < 1 || limit > MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows must be between 1 and %d", MAX_ROWS)));
	signing_keys_require_master_key();
	progress.left = limit;
	for (size_t i = 0; i < lengthof(reseal) && progress.left > 0; i++)
		reseal[i](&progress);
	if (progress.failed > 0)
		report_failed(progress.failed);
	PG_RETURN_INT32(progress.resealed);
}

/* master_key_name(id) -> text, for the four bytes that a stored value has */
Datum
authfort_master_key_name(PG_FUNCTION_ARGS)
{
	bytea *stored = PG_GETARG_BYTEA_PP(0);
	uint32 id;

	if (VARSIZE_ANY_EXHDR(stored) != sizeof(id))
		PG_RETURN_NULL();
	memcpy(&id, VARDATA_ANY(stored), sizeof(id));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%08x", id)));
}

/* held_master_keys() -> text[], the current one first */
Datum
authfort_held_master_keys(PG_FUNCTION_ARGS)
{
	int count;
	uint32 *ids = master_key_ids(&count);
	char **names = palloc(count * sizeof(char *));

	for (int i = 0; i < count; i++)
		names[i] = psprintf("%08x", ids[i]);
	PG_RETURN_DATUM(texts_to_array(names, count));
}
