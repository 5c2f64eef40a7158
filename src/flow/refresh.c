/*
 * refresh.c
 *		Refreshing a session, and ending it: refresh and logout.
 *
 * A refresh token names one generation of its session.  The effect of using it
 * depends on that generation:
 *
 *		the current one, or a later one
 *								rotates: a new generation, whose parent it is
 *		replaced within authfort.refresh_grace
 *								gives the current token again
 *		the parent of the current one, however late
 *								rotates: a new generation with the same parent;
 *								the one before has no successor and is dead
 *		any other				is proof that two hold the session, which ends
 *
 * The grace period is for tabs that refresh concurrently: all except the first
 * find their token replaced.  It counts from the replacement, and using it
 * does not prolong it.  The parent is for lost responses: a client that has
 * the current token never uses its parent again, so the current one did not
 * arrive.  If it did arrive, at a thief or the owner, the two now hold
 * different branches, and the next use of the dead branch reveals the theft.
 *
 *		P		rotates to A; the answer is lost
 *		P		gets A within the grace, else B, with parent P
 *		A		gets B within the grace of B, else it is theft
 *		B		rotates to C, with parent B; P and A get C within the grace of B,
 *				from then on they are theft
 *
 * A later generation than the current one was issued by this database as well,
 * because its MAC is valid: a backup was restored, or a standby was promoted,
 * or the transaction that rotated was rolled back after its response was sent.
 * It is treated as the current one.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/uuid.h"
#include "domain/claims_hook.h"
#include "domain/events.h"
#include "domain/rate_limit.h"
#include "domain/refresh_token.h"
#include "flow/flows.h"
#include "flow/session_admin.h"
#include "identity/access_token.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_refresh);
PG_FUNCTION_INFO_V1(authfort_logout);

typedef enum TokenStanding
{
	TOKEN_ROTATES,
	TOKEN_GIVES_CURRENT,
	TOKEN_STOLEN
} TokenStanding;

static TokenStanding
token_standing(const RefreshToken *token, const Session *session)
{
	if (token->generation >= session->generation)
		return TOKEN_ROTATES;
	if (session_replaced_within_grace(session, token->generation))
		return TOKEN_GIVES_CURRENT;
	if (token->generation == session->parent)
		return TOKEN_ROTATES;
	return TOKEN_STOLEN;
}

bool
flow_refresh_accepts(const RefreshToken *token, const Session *session)
{
	return token_standing(token, session) != TOKEN_STOLEN;
}

/* Two clients hold this session, so one of them has stolen it. */
static void
respond_to_theft(const Session *session, const Client *client)
{
	int revoked;

	if (setting_refresh_reuse_action == THEFT_REVOKES_USER)
		(void) session_admin_revoke_all(&session->user_id, NULL, client, &revoked);
	else
		(void) session_admin_end(session, client);
}

/*
 * The access token is of another session than the refresh token.  As long as
 * the session continues, the same two tokens can come again, so the events are
 * limited.
 */
static void
record_mismatch(const Session *session, const AccessClaims *claims, const Client *client)
{
	Event event;

	if (event_is_frequent(EVENT_REFRESH_TOKEN_MISMATCH, &session->user_id))
		return;
	event_begin(&event, EVENT_REFRESH_TOKEN_MISMATCH, &session->user_id, &session->id, client);
	json_write_uuid(&event.payload, "refresh_user_id", &session->user_id);
	json_write_uuid(&event.payload, "access_sub", &claims->sub);
	json_write_uuid(&event.payload, "session_id", &session->id);
	event_record(&event);
}

/*
 * Whether an access token is of another session, as when an attacker has
 * replaced one of two cookies.  An unreadable token proves nothing.
 */
static bool
is_of_another_session(const char *access_token, const Session *session, const AccessClaims **claims)
{
	if (access_token == NULL || access_token_verify_expired(access_token, claims) != NULL)
		return false;
	return !uuid_equal(&(*claims)->sub, &session->user_id) ||
		   !uuid_equal(&(*claims)->sid, &session->id);
}

AuthResult
flow_refresh(const char *refresh_token, const char *access_token, Mismatch mismatch,
			 const Client *client)
{
	RefreshToken token;
	Session session;
	User *user;
	TokenStanding standing;
	const AccessClaims *claims;
	char *more;
	const Refusal *refusal = rate_limit_check(RATE_LIMIT_REFRESH, NULL, client);

	if (refusal != NULL)
		return auth_refused(refusal);
	if (refresh_token == NULL || refresh_token[0] == '\0')
		return auth_refused(&refusal_refresh_token_missing);
	/* a standby may not have received the session yet, and a refusal would sign the client out */
	PreventCommandIfReadOnly("a refresh");

	/* repeats if another transaction has changed the session */
	do
	{
		if (!refresh_token_find_session(refresh_token, &token, &session))
			return auth_refused(&refusal_refresh_token_invalid);
		if (session.revoked)
			return auth_refused(&refusal_refresh_token_revoked);
		if (session_is_expired(&session))
			return auth_refused(&refusal_refresh_token_expired);

		standing = token_standing(&token, &session);
		if (standing == TOKEN_STOLEN)
		{
			respond_to_theft(&session, client);
			return auth_refused(&refusal_refresh_token_revoked);
		}
		if (is_of_another_session(access_token, &session, &claims))
		{
			record_mismatch(&session, claims, client);
			if (mismatch == MISMATCH_ENDS_SESSION)
				sessions_revoke(&session.id);
			return auth_refused(&refusal_refresh_token_mismatch);
		}
		user = users_find(&session.user_id);
		if (user == NULL)
			return auth_refused(&refusal_refresh_token_invalid);
		if (user->banned)
			return auth_refused(&refusal_user_banned);
		/* before the generation advances: a hook that fails must not end the session */
		more = claims_hook_run(user, &session);
	} while (standing == TOKEN_ROTATES ? !sessions_rotate(&session, token.generation)
									   : !session_is_unchanged(&session));

	event_record_simple(EVENT_TOKEN_REFRESHED, &user->id, &session.id, client);
	return auth_tokens_with_claims(user, &session, more);
}

void
flow_logout_session(const Session *session, const Client *client)
{
	if (sessions_revoke(&session->id))
		event_record_simple(EVENT_LOGOUT, &session->user_id, &session->id, client);
}

void
flow_logout(const char *refresh_token, const Client *client)
{
	RefreshToken token;
	Session session;

	if (refresh_token == NULL)
		return;
	PreventCommandIfReadOnly("a logout");
	if (refresh_token_find_session(refresh_token, &token, &session))
		flow_logout_session(&session, client);
}

/* refresh(refresh_token, access_token, user_agent, ip_address) -> jsonb */
Datum
authfort_refresh(PG_FUNCTION_ARGS)
{
	Client client = argument_client(fcinfo, 2, 3);
	AuthResult result = flow_refresh(argument_token(fcinfo, 0), argument_token(fcinfo, 1),
									 MISMATCH_ENDS_SESSION, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* logout(refresh_token, user_agent, ip_address) -> void */
Datum
authfort_logout(PG_FUNCTION_ARGS)
{
	Client client = argument_client(fcinfo, 1, 2);

	flow_logout(argument_token(fcinfo, 0), &client);
	PG_RETURN_VOID();
}
