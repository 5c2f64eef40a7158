/*
 * identity.c
 *		Who the caller is: what row-level security policies ask.
 *
 * The identity is the subject of the token in authfort.jwt, and of nothing
 * else.  It is found out when it is first asked for, and remembered until the
 * setting, the keys or the time say otherwise; a policy asks once a row, so
 * asking again costs a few comparisons.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "access_token.h"
#include "arguments.h"
#include "json.h"
#include "keys.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_set_jwt);
PG_FUNCTION_INFO_V1(authfort_uid);
PG_FUNCTION_INFO_V1(authfort_session_id);
PG_FUNCTION_INFO_V1(authfort_roles);
PG_FUNCTION_INFO_V1(authfort_claims);
PG_FUNCTION_INFO_V1(authfort_has_role);
PG_FUNCTION_INFO_V1(authfort_current_user);
PG_FUNCTION_INFO_V1(authfort_require_role);

static struct
{
	uint64		keys_generation;	/* 0: never found out */
	uint64		settings_generation;
	bool		known;			/* whether "claims" holds an identity */
	AccessClaims claims;
	MemoryContext context;		/* owns what claims points to */
} identity;

static void
find_out(uint64 generation)
{
	const AccessClaims *claims;
	const char *reason;
	MemoryContext old;

	identity.keys_generation = 0;	/* unless we come to the end */
	identity.known = false;
	if (identity.context == NULL)
		identity.context = AllocSetContextCreate(CacheMemoryContext, "authfort identity",
												 ALLOCSET_SMALL_SIZES);
	MemoryContextReset(identity.context);

	if (access_token_verify(setting_jwt, &claims, &reason) == NULL)
	{
		old = MemoryContextSwitchTo(identity.context);
		access_claims_copy(claims, &identity.claims);
		MemoryContextSwitchTo(old);
		identity.known = true;
	}
	identity.settings_generation = settings_token_generation;
	identity.keys_generation = generation;
}

/*
 * The claims of the caller's token, or NULL.  time() is read each time, so
 * that a token ends when it says, also inside a long transaction; with the
 * vDSO that costs less than a function call.
 */
static const AccessClaims *
caller(void)
{
	uint64		generation = keys_generation();

	if (unlikely(identity.keys_generation != generation ||
				 identity.settings_generation != settings_token_generation))
		find_out(generation);
	if (!identity.known || identity.claims.exp <= time(NULL))
		return NULL;
	return &identity.claims;
}

/*
 * Returns a value in memory that belongs to this call site.  A pointer into
 * the remembered identity would dangle if another argument of the same
 * expression changed it, and a palloc for each row would cost more.
 */
static Datum
return_uuid(FunctionCallInfo fcinfo, const pg_uuid_t *uuid)
{
	pg_uuid_t  *result = fcinfo->flinfo->fn_extra;

	if (result == NULL)
		fcinfo->flinfo->fn_extra = result = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt,
															   sizeof(pg_uuid_t));
	*result = *uuid;
	PG_RETURN_UUID_P(result);
}

/* uid() -> uuid */
Datum
authfort_uid(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = caller();

	if (claims == NULL)
		PG_RETURN_NULL();
	return return_uuid(fcinfo, &claims->sub);
}

/* session_id() -> uuid */
Datum
authfort_session_id(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = caller();

	if (claims == NULL)
		PG_RETURN_NULL();
	return return_uuid(fcinfo, &claims->sid);
}

/* roles() -> text[] */
Datum
authfort_roles(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = caller();

	if (claims == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(texts_to_array(claims->roles, claims->role_count));
}

/* claims() -> jsonb */
Datum
authfort_claims(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = caller();

	if (claims == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(access_claims_json(claims));
}

static bool
has_any_role(const AccessClaims *claims, FunctionCallInfo fcinfo)
{
	int			count;
	char	  **wanted = argument_texts(fcinfo, 0, "roles", &count);

	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < claims->role_count; j++)
		{
			if (strcmp(wanted[i], claims->roles[j]) == 0)
				return true;
		}
	}
	return false;
}

/* has_role(VARIADIC roles) -> boolean: whether the caller has one of them */
Datum
authfort_has_role(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = caller();

	PG_RETURN_BOOL(claims != NULL && has_any_role(claims, fcinfo));
}

/* require_role(VARIADIC roles) -> uuid */
Datum
authfort_require_role(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = caller();

	if (claims == NULL || !has_any_role(claims, fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: a required role is missing"),
				 errdetail("insufficient_role")));
	return return_uuid(fcinfo, &claims->sub);
}

/* current_user() -> jsonb user */
Datum
authfort_current_user(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims;
	const char *reason;
	User	   *user;
	const Refusal *refusal = access_token_authenticate(setting_jwt, &claims, &user, &reason);
	StringInfoData json;

	(void) fcinfo;
	if (refusal != NULL)
		access_token_raise(refusal, reason);
	initStringInfo(&json);
	users_append_json(&json, user, &claims->sid);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* set_jwt(token, is_local) -> jsonb claims */
Datum
authfort_set_jwt(PG_FUNCTION_ARGS)
{
	char	   *token = argument_text(fcinfo, 0, "token");
	bool		is_local = argument_bool(fcinfo, 1, "is_local");
	const AccessClaims *claims;
	const char *reason;
	const Refusal *refusal = access_token_verify(token, &claims, &reason);

	if (refusal != NULL)
		access_token_raise(refusal, reason);
	set_config_option("authfort.jwt", token, PGC_USERSET, PGC_S_SESSION,
					  is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0, false);
	PG_RETURN_JSONB_P(access_claims_json(claims));
}
