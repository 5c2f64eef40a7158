/*
 * http_account.c
 *		HTTP: one's own account.
 */
#include "postgres.h"

#include "flows.h"
#include "http.h"
#include "json.h"
#include "sessions.h"

void
handle_me(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	users_append_json(&response->body, request->caller, &request->session_id);
}

void
handle_own_sessions(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	sessions_append_json(&response->body, &request->caller->id, &request->session_id);
}

/* Somebody else's session is one that does not exist. */
void
handle_revoke_own_session(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t	id;
	Session		session;

	if (!uuid_read(request->segments[0], &id) || !sessions_find(&id, &session) ||
		memcmp(&session.user_id, &request->caller->id, sizeof(pg_uuid_t)) != 0)
	{
		http_respond_refusal(response, &refusal_session_not_found);
		return;
	}
	if (sessions_revoke(&id))
		sessions_record_revoked(&session.user_id, &id, &request->client);
	response->status = 204;
}

/* Signs out the other devices. */
void
handle_revoke_other_sessions(HttpRequest *request, HttpResponse *response)
{
	sessions_revoke_all(&request->caller->id, &request->session_id);
	sessions_record_revoked(&request->caller->id, NULL, &request->client);
	response->status = 204;
}
