/*
 * key_admin.c
 *		Changes the signing keys and records it, for admins.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/refusal.h"
#include "domain/events.h"
#include "domain/signing_keys.h"
#include "flow/key_admin.h"

PG_FUNCTION_INFO_V1(authfort_rotate_key);
PG_FUNCTION_INFO_V1(authfort_prepare_key);

static void
record_rotation(const char *old_kid, const char *new_kid)
{
	Event event;

	event_begin(&event, EVENT_KEY_ROTATED, NULL, NULL, NULL);
	json_write_string(&event.payload, "old_kid", old_kid);
	json_write_string(&event.payload, "new_kid", new_kid);
	event_record(&event);
}

char *
key_admin_rotate(const SignatureAlgorithm *algorithm)
{
	char *old_kid;
	char *new_kid = signing_keys_rotate(algorithm, &old_kid);

	record_rotation(old_kid, new_kid);
	return new_kid;
}

/* The signing key does not change, so no event is recorded. */
char *
key_admin_prepare(const SignatureAlgorithm *algorithm)
{
	return signing_keys_prepare(algorithm);
}

void
key_admin_replace_all(void)
{
	char *old_kid;
	char *new_kid = signing_keys_replace_all(&old_kid);

	record_rotation(old_kid, new_kid);
}

/* The algorithm that an argument names, in *algorithm; NULL for NULL. */
static const SignatureAlgorithm *
algorithm_argument(FunctionCallInfo fcinfo, int number, SignatureAlgorithm *algorithm)
{
	char *name = argument_optional_text(fcinfo, number);

	if (name == NULL)
		return NULL;
	if (!pkey_algorithm_by_name(name, algorithm))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized signing algorithm: \"%s\"", name),
				 errdetail("%s", refusal_unknown_algorithm.code),
				 errhint("Valid values are RS256, ES256 and EdDSA.")));
	return algorithm;
}

/* prepare_key(algorithm) -> text: publishes the next key before it signs. */
Datum
authfort_prepare_key(PG_FUNCTION_ARGS)
{
	SignatureAlgorithm algorithm;

	PG_RETURN_TEXT_P(cstring_to_text(key_admin_prepare(algorithm_argument(fcinfo, 0, &algorithm))));
}

/* rotate_key(algorithm) -> text: the id of the key that signs from now on. */
Datum
authfort_rotate_key(PG_FUNCTION_ARGS)
{
	SignatureAlgorithm algorithm;

	PG_RETURN_TEXT_P(cstring_to_text(key_admin_rotate(algorithm_argument(fcinfo, 0, &algorithm))));
}
