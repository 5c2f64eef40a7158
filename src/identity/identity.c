/*
 * identity.c
 *		The identity of the caller, for row-level security policies.
 *
 * The identity is the subject of the token in authfort.jwt.  If that is empty,
 * it is the subject of request.jwt.claims, provided that the session's role is
 * trusted to have verified them.  Nothing else gives an identity.
 *
 * It is resolved when it is first asked for, and cached until the setting, the
 * keys or the time say otherwise; a policy asks once a row, so asking again
 * costs a few comparisons.  README.md shows the caches below.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/spi_query.h"
#include "domain/input.h"
#include "domain/signing_keys.h"
#include "identity/access_token.h"
#include "identity/identity.h"
#include "identity/postgrest_claims.h"
#include "settings.h"
#include "settings_jwt.h"

PG_FUNCTION_INFO_V1(authfort_set_jwt);
PG_FUNCTION_INFO_V1(authfort_uid);
PG_FUNCTION_INFO_V1(authfort_session_id);
PG_FUNCTION_INFO_V1(authfort_roles);
PG_FUNCTION_INFO_V1(authfort_claims);
PG_FUNCTION_INFO_V1(authfort_has_role);
PG_FUNCTION_INFO_V1(authfort_current_user);
PG_FUNCTION_INFO_V1(authfort_require_role);
PG_FUNCTION_INFO_V1(authfort_aal);
PG_FUNCTION_INFO_V1(authfort_amr);
PG_FUNCTION_INFO_V1(authfort_auth_time);
PG_FUNCTION_INFO_V1(authfort_claim);
PG_FUNCTION_INFO_V1(authfort_require_aal);

/* Whether the next call has to revalidate the identity. */
static bool revalidation_due = true;

static struct
{
	const AccessClaims *caller; /* NULL: no identity, or expired */
	uint64 serial;              /* from 1 on; rises when "caller" changes */
	int64 revalidated_at;       /* Unix time */

	/* what was resolved, and what it holds for */
	uint64 signing_keys_generation; /* 0: never resolved */
	uint64 settings_generation;
	Oid session_user;
	bool unwatched; /* the setting may change without notification */
	bool known;     /* whether "claims" holds an identity */
	AccessClaims claims;
	MemoryContext context; /* owns what claims points to */
} identity = {.serial = 1};

static ExecutorStart_hook_type next_executor_start = NULL;

static void
identity_token_changed(void)
{
	revalidation_due = true;
}

static void
identity_relcache_callback(Datum arg, Oid relid)
{
	revalidation_due = true;
}

/*
 * Each execution of a query, also inside functions, processes changes of the
 * keys when it first needs the identity.
 */
static void
identity_executor_start(QueryDesc *query, int flags)
{
	revalidation_due = true;
	if (next_executor_start != NULL)
		next_executor_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

void
identity_init(void)
{
	settings_token_changed = identity_token_changed;
	CacheRegisterRelcacheCallback(identity_relcache_callback, (Datum) 0);
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = identity_executor_start;
}

static void
set_caller(const AccessClaims *claims)
{
	if (identity.caller != claims)
	{
		identity.caller = claims;
		identity.serial++;
	}
}

/* The identity in authfort.jwt, taken into identity.context. */
static void
take_token(void)
{
	const AccessClaims *claims;
	const char *reason;
	MemoryContext old;

	if (access_token_verify(settings_jwt(), &claims, &reason) != NULL)
		return;
	old = MemoryContextSwitchTo(identity.context);
	access_claims_copy(claims, &identity.claims);
	MemoryContextSwitchTo(old);
	identity.known = true;
}

/*
 * The identity in request.jwt.claims, likewise.  While the setting does not
 * exist, its later creation cannot be noticed.
 */
static void
take_request_claims(void)
{
	AccessClaims claims;
	const char *text;
	MemoryContext old;

	if (!postgrest_claims_trusted())
		return;
	identity.unwatched = !postgrest_claims_watch();
	text = postgrest_claims_text();
	if (text == NULL || access_claims_read(text, &claims) != NULL)
		return;
	old = MemoryContextSwitchTo(identity.context);
	access_claims_copy(&claims, &identity.claims);
	MemoryContextSwitchTo(old);
	identity.known = true;
}

static void
resolve_identity(void)
{
	uint64 generation = signing_keys_generation();
	uint64 settings_generation = settings_token_generation;

	identity.signing_keys_generation = 0; /* until this function has completed */
	set_caller(NULL);
	identity.known = false;
	identity.unwatched = false;
	if (identity.context == NULL)
		identity.context =
			AllocSetContextCreate(CacheMemoryContext, "authfort identity", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(identity.context);
	if (settings_jwt()[0] != '\0')
		take_token();
	else
		take_request_claims();
	identity.session_user = GetSessionUserId();
	identity.settings_generation = settings_generation;
	identity.signing_keys_generation = generation;
}

static bool
identity_is_current(void)
{
	return !identity.unwatched && identity.signing_keys_generation == signing_keys_generation() &&
		   identity.settings_generation == settings_token_generation &&
		   identity.session_user == GetSessionUserId();
}

/* Checks the keys, the settings and the clock again. */
static pg_noinline void
revalidate(int64 now)
{
	AcceptInvalidationMessages();
	if (!identity_is_current())
		resolve_identity();
	set_caller((identity.known && identity.claims.exp > now) ? &identity.claims : NULL);
	identity.revalidated_at = now;
	/* verification may have processed invalidations */
	revalidation_due = !identity_is_current();
}

/*
 * An expression of PL/pgSQL runs without its own executor start, repeatedly,
 * for as long as its function runs.  So every call reads the clock: in whole
 * seconds that is a load from memory shared with the kernel, some 2 ns.
 */
static inline void
ensure_current(void)
{
	int64 now = time(NULL);

	if (unlikely(revalidation_due || now != identity.revalidated_at))
		revalidate(now);
}

const AccessClaims *
identity_caller(void)
{
	ensure_current();
	return identity.caller;
}

/*
 * The cached result of a call site, valid for as long as the identity is the
 * same.  The memory belongs to the call site: a pointer into the remembered
 * identity would dangle if another argument of the same expression changed it.
 */
typedef struct CallSite
{
	uint64 serial; /* of the identity */
	bool is_null;
	bool answer;
	pg_uuid_t uuid;
	struct varlena *value; /* in the call site's memory context */
} CallSite;

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));
	return fcinfo->flinfo->fn_extra;
}

static pg_noinline CallSite *
answer_uuid(FunctionCallInfo fcinfo, const pg_uuid_t *uuid)
{
	CallSite *site = call_site(fcinfo);

	site->is_null = (uuid == NULL);
	if (uuid != NULL)
		site->uuid = *uuid;
	site->serial = identity.serial;
	return site;
}

static inline bool
cached_result_is_valid(const CallSite *site)
{
	return likely(site != NULL && site->serial == identity.serial);
}

/* uid() -> uuid */
Datum
authfort_uid(PG_FUNCTION_ARGS)
{
	CallSite *site = fcinfo->flinfo->fn_extra;

	ensure_current();
	if (!cached_result_is_valid(site))
		site = answer_uuid(fcinfo, identity.caller ? &identity.caller->sub : NULL);
	fcinfo->isnull = site->is_null;
	return UUIDPGetDatum(&site->uuid);
}

/* session_id() -> uuid */
Datum
authfort_session_id(PG_FUNCTION_ARGS)
{
	CallSite *site = fcinfo->flinfo->fn_extra;

	ensure_current();
	if (!cached_result_is_valid(site))
		site = answer_uuid(fcinfo, (identity.caller && identity.caller->has_sid) ? &identity.caller->sid
																				 : NULL);
	fcinfo->isnull = site->is_null;
	return UUIDPGetDatum(&site->uuid);
}

/* roles() -> text[] */
Datum
authfort_roles(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = identity_caller();

	if (claims == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(texts_to_array(claims->roles, claims->role_count));
}

/* claims() -> jsonb */
Datum
authfort_claims(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = identity_caller();

	if (claims == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(access_claims_json(claims));
}

static bool
has_any_role(const AccessClaims *claims, FunctionCallInfo fcinfo)
{
	int count;
	char **wanted = argument_texts(fcinfo, 0, "roles", &count);

	for (int i = 0; i < count; i++)
	{
		const char *role = input_asked_role(wanted[i]);

		for (int j = 0; role != NULL && j < claims->role_count; j++)
		{
			if (strcmp(role, claims->roles[j]) == 0)
				return true;
		}
	}
	return false;
}

/*
 * Whether this call always has the same roles as arguments.  Parameters do not
 * qualify: in an expression of PL/pgSQL they are variables.
 */
static bool
has_constant_argument(FunctionCallInfo fcinfo)
{
	FuncExpr *call = (FuncExpr *) fcinfo->flinfo->fn_expr;

	return call != NULL && IsA(call, FuncExpr) && list_length(call->args) == 1 &&
		   IsA(linitial(call->args), Const);
}

static pg_noinline bool
answer_has_role(FunctionCallInfo fcinfo)
{
	bool answer = identity.caller != NULL && has_any_role(identity.caller, fcinfo);

	if (has_constant_argument(fcinfo))
	{
		CallSite *site = call_site(fcinfo);

		site->answer = answer;
		site->serial = identity.serial;
	}
	return answer;
}

/* has_role(VARIADIC roles) -> boolean: whether the caller has one of them */
Datum
authfort_has_role(PG_FUNCTION_ARGS)
{
	CallSite *site = fcinfo->flinfo->fn_extra;

	ensure_current();
	PG_RETURN_BOOL(cached_result_is_valid(site) ? site->answer : answer_has_role(fcinfo));
}

/* require_role(VARIADIC roles) -> uuid */
Datum
authfort_require_role(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = identity_caller();

	if (claims == NULL || !has_any_role(claims, fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: a required role is missing"),
				 errdetail("insufficient_role")));
	return UUIDPGetDatum(&answer_uuid(fcinfo, &claims->sub)->uuid);
}

/* aal() -> integer */
Datum
authfort_aal(PG_FUNCTION_ARGS)
{
	ensure_current();
	if (identity.caller == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(identity.caller->aal);
}

/* False if the token does not say when its user was authenticated. */
static bool
time_of_authentication(const AccessClaims *claims, TimestampTz *time)
{
	if (claims->auth_time <= 0 || claims->auth_time >= END_TIMESTAMP / USECS_PER_SEC)
		return false;
	*time = time_t_to_timestamptz((pg_time_t) claims->auth_time);
	return true;
}

/* auth_time() -> timestamptz */
Datum
authfort_auth_time(PG_FUNCTION_ARGS)
{
	TimestampTz time;

	ensure_current();
	if (identity.caller == NULL || !time_of_authentication(identity.caller, &time))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(time);
}

/* Keeps a copy of a value for the call site, valid for as long as the identity is the same. */
static CallSite *
keep_value(FunctionCallInfo fcinfo, Datum value, bool isnull)
{
	CallSite *site = call_site(fcinfo);

	if (site->value != NULL)
		pfree(site->value);
	site->value = NULL;
	if (!isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		site->value = PG_DETOAST_DATUM_COPY(value);
		MemoryContextSwitchTo(old);
	}
	site->is_null = isnull;
	site->serial = identity.serial;
	return site;
}

/* A copy: another argument of the expression may change the identity, and with it what is kept. */
static Datum
kept_value(const CallSite *site)
{
	struct varlena *copy = palloc(VARSIZE(site->value));

	memcpy(copy, site->value, VARSIZE(site->value));
	return PointerGetDatum(copy);
}

static pg_noinline CallSite *
answer_amr(FunctionCallInfo fcinfo)
{
	const AccessClaims *claims = identity.caller;

	return keep_value(fcinfo,
					  (claims != NULL) ? texts_to_array(claims->amr, claims->amr_count) : (Datum) 0,
					  claims == NULL);
}

/* amr() -> text[] */
Datum
authfort_amr(PG_FUNCTION_ARGS)
{
	CallSite *site = fcinfo->flinfo->fn_extra;

	ensure_current();
	if (!cached_result_is_valid(site))
		site = answer_amr(fcinfo);
	if (site->is_null)
		PG_RETURN_NULL();
	return kept_value(site);
}

/* A string as it is, anything else as JSON; false if the claim is missing or null. */
static bool
read_claim(const AccessClaims *claims, const char *name, Datum *text)
{
	JsonbValue *value = json_member(claims->json, name);

	if (value == NULL || value->type == jbvNull)
		return false;
	if (value->type == jbvString)
		*text =
			PointerGetDatum(cstring_to_text_with_len(value->val.string.val, value->val.string.len));
	else
	{
		Jsonb *json = JsonbValueToJsonb(value);

		*text = CStringGetTextDatum(JsonbToCString(NULL, &json->root, VARSIZE(json)));
	}
	return true;
}

static pg_noinline Datum
answer_claim(FunctionCallInfo fcinfo)
{
	char *name = argument_text(fcinfo, 0, "name");
	Datum text = (Datum) 0;
	bool isnull = identity.caller == NULL || !read_claim(identity.caller, name, &text);

	if (has_constant_argument(fcinfo))
		(void) keep_value(fcinfo, text, isnull);
	fcinfo->isnull = isnull;
	return text;
}

/* claim(name) -> text */
Datum
authfort_claim(PG_FUNCTION_ARGS)
{
	CallSite *site = fcinfo->flinfo->fn_extra;

	ensure_current();
	if (!cached_result_is_valid(site))
		return answer_claim(fcinfo);
	if (site->is_null)
		PG_RETURN_NULL();
	return kept_value(site);
}

static bool
is_within(const AccessClaims *claims, Interval *max_age)
{
	TimestampTz time;
	Datum end;

	if (!time_of_authentication(claims, &time))
		return false;
	end = DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(time),
							  IntervalPGetDatum(max_age));
	return DatumGetTimestampTz(end) >= GetCurrentTimestamp();
}

/* require_aal(level, max_age) -> uuid */
Datum
authfort_require_aal(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims = identity_caller();
	int level;

	argument_require(fcinfo, 0, "level");
	level = PG_GETARG_INT32(0);
	if (level < 1 || level > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\"", "level"),
				 errhint("Valid values are 1 and 2.")));
	if (claims == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: this takes a user who is signed in"),
				 errdetail("insufficient_assurance")));
	if (claims->aal < level)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: a second factor is required"),
				 errdetail("insufficient_assurance")));
	if (!PG_ARGISNULL(1) && !is_within(claims, PG_GETARG_INTERVAL_P(1)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: the user must authenticate again"),
				 errdetail("reauthentication_required")));
	return UUIDPGetDatum(&answer_uuid(fcinfo, &claims->sub)->uuid);
}

/* As access_token_authenticate(), for the caller, by token or by request.jwt.claims. */
static const Refusal *
authenticate_caller(User **user, pg_uuid_t *session_id, const char **reason)
{
	const AccessClaims *claims = identity_caller();
	const Refusal *refusal;

	if (settings_jwt()[0] == '\0' && claims != NULL)
		refusal = access_claims_authenticate(claims, user, reason);
	else
		refusal = access_token_authenticate(settings_jwt(), &claims, user, reason);
	if (refusal == NULL)
		*session_id = claims->sid;
	return refusal;
}

static Datum
user_of_caller(PG_FUNCTION_ARGS)
{
	const char *reason;
	User *user;
	pg_uuid_t session_id;
	const Refusal *refusal = authenticate_caller(&user, &session_id, &reason);
	StringInfoData json;

	if (refusal != NULL)
		access_token_raise(refusal, reason);
	initStringInfo(&json);
	users_append_json(&json, user, &session_id);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* current_user() -> jsonb user */
Datum
authfort_current_user(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(user_of_caller, fcinfo);
}

/* set_jwt(token, is_local) -> jsonb claims */
Datum
authfort_set_jwt(PG_FUNCTION_ARGS)
{
	char *token = argument_token(fcinfo, 0);
	bool is_local = argument_bool(fcinfo, 1, "is_local");
	const AccessClaims *claims;
	const char *reason;
	const Refusal *refusal;

	argument_require(fcinfo, 0, "token");
	refusal = access_token_verify(token, &claims, &reason);
	if (refusal != NULL)
		access_token_raise(refusal, reason);
	set_config_option("authfort.jwt", token, PGC_USERSET, PGC_S_SESSION,
					  is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0, false);
	PG_RETURN_JSONB_P(access_claims_json(claims));
}
