/*
 * introspection.c
 *		Whether a token is valid now (RFC 7662), and ending it (RFC 7009).
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/spi_query.h"
#include "domain/refresh_token.h"
#include "domain/sessions.h"
#include "domain/users.h"
#include "flow/flows.h"
#include "flow/introspection.h"
#include "identity/access_token.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_introspect);

/* The state of a token; without a user it is not valid. */
typedef struct Introspection
{
	const User *user;
	const char *token_type;
	int64 exp; /* Unix time */
	int64 iat; /* the same; 0: not known */
} Introspection;

static Introspection
introspect_access_token(const char *token)
{
	Introspection result = {0};
	const AccessClaims *claims;
	const char *reason;
	User *user;

	if (access_token_authenticate(token, &claims, &user, &reason) != NULL)
		return result;
	result.user = user;
	result.token_type = "access_token";
	result.exp = claims->exp;
	if (!json_member_integer(claims->json, "iat", &result.iat))
		result.iat = 0;
	return result;
}

/* When a refresh token was made is not reported: it would show when it is used. */
static Introspection
introspect_refresh_token(const char *text)
{
	Introspection result = {0};
	RefreshToken token;
	Session session;
	User *user;

	if (!refresh_token_find_session(text, &token, &session) || session_has_ended(&session) ||
		!flow_refresh_accepts(&token, &session))
		return result;
	user = users_find(&session.user_id);
	if (user == NULL || user->banned)
		return result;
	result.user = user;
	result.token_type = "refresh_token";
	result.exp = timestamptz_to_time_t(session.expires_at);
	return result;
}

/* A JWT has dots, and a refresh token has not. */
static bool
is_access_token(const char *token)
{
	return strchr(token, '.') != NULL;
}

static Introspection
introspect_token(const char *token, IntrospectionScope scope)
{
	Introspection nothing = {0};

	if (is_access_token(token))
		return (scope != INTROSPECT_REFRESH_TOKENS) ? introspect_access_token(token) : nothing;
	return (scope != INTROSPECT_ACCESS_TOKENS) ? introspect_refresh_token(token) : nothing;
}

static void
write_null(StringInfo out, const char *name)
{
	json_write_string(out, name, NULL);
}

static void
write_nothing(StringInfo out)
{
	static const char *const members[] = {
		"sub", "email", "name", "roles", "token_version", "exp", "iat", "iss", "token_type",
	};

	json_write_bool(out, "active", false);
	for (size_t i = 0; i < lengthof(members); i++)
		write_null(out, members[i]);
}

static void
write_token(StringInfo out, const Introspection *token)
{
	const User *user = token->user;

	json_write_bool(out, "active", true);
	json_write_uuid(out, "sub", &user->id);
	json_write_string(out, "email", user->email);
	json_write_string(out, "name", user->name);
	json_write_strings(out, "roles", user->roles, user->role_count);
	json_write_integer(out, "token_version", user->token_version);
	json_write_integer(out, "exp", token->exp);
	if (token->iat != 0)
		json_write_integer(out, "iat", token->iat);
	else
		write_null(out, "iat");
	json_write_string(out, "iss", setting_jwt_issuer);
	json_write_string(out, "token_type", token->token_type);
}

void
introspection_append(StringInfo out, const char *token, IntrospectionScope scope)
{
	Introspection result = introspect_token(token, scope);

	json_open(out);
	if (result.user != NULL)
		write_token(out, &result);
	else
		write_nothing(out);
	json_close(out);
}

/* The holder of an access token may end its session anyway, at DELETE /sessions/{id}. */
static void
revoke_access_token(const char *text, const Client *client)
{
	const AccessClaims *claims;
	const char *reason;
	Session session;

	if (access_token_verify(text, &claims, &reason) == NULL &&
		access_claims_check(claims, &reason) == NULL && sessions_find(&claims->sid, &session))
		flow_logout_session(&session, client);
}

void
flow_revoke_token(const char *token, const Client *client)
{
	PreventCommandIfReadOnly("a revocation");
	if (is_access_token(token))
		revoke_access_token(token, client);
	else
		flow_logout(token, client);
}

static Datum
introspect_argument(PG_FUNCTION_ARGS)
{
	char *token = argument_token(fcinfo, 0);
	StringInfoData json;

	argument_require(fcinfo, 0, "token");
	initStringInfo(&json);
	introspection_append(&json, token, INTROSPECT_BOTH);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* introspect(token) -> jsonb */
Datum
authfort_introspect(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(introspect_argument, fcinfo);
}
