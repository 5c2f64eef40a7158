/*
 * self.c
 *		HTTP: the caller's own account.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/uuid.h"
#include "flow/flows.h"
#include "flow/session_admin.h"
#include "http/auth_response.h"
#include "http/router.h"

static void
respond_done(HttpResponse *response, const Refusal *refusal, const char *message)
{
	if (refusal != NULL)
		http_respond_refusal(response, refusal);
	else
		http_respond_message(response, message);
}

void
handle_me(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	users_append_json(&response->body, request->caller, &request->session_id);
}

/* The response is the same whether the account exists or not. */
void
handle_forgot_password(HttpRequest *request, HttpResponse *response)
{
	BodyField	fields[] = {{"email", true}};

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	respond_done(response, flow_request_password_reset(fields[0].value, &request->client),
				 "If an account exists, a link to reset its password has been sent.");
}

void
handle_reset_password(HttpRequest *request, HttpResponse *response)
{
	BodyField	fields[] = {{"token", true}, {"new_password", true}};

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	respond_done(response, flow_reset_password(fields[0].value, fields[1].value, &request->client),
				 "Password reset successfully.");
}

void
handle_change_password(HttpRequest *request, HttpResponse *response)
{
	BodyField	fields[] = {{"old_password", true}, {"new_password", true}};
	AuthResult	result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_change_password(&request->caller->id, fields[0].value, fields[1].value,
								  &request->session_id, &request->client);
	http_respond_auth_message(response, &result, "Password changed successfully.");
}

void
handle_set_password(HttpRequest *request, HttpResponse *response)
{
	BodyField	fields[] = {{"password", true}};
	AuthResult	result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_set_password(&request->caller->id, fields[0].value, &request->session_id,
							   &request->client);
	http_respond_auth_message(response, &result, "Password set successfully.");
}

/* The body is an array, so the total number is in a header. */
void
http_respond_sessions(HttpRequest *request, const pg_uuid_t *user_id, const pg_uuid_t *current,
					  HttpResponse *response)
{
	int			limit = HTTP_DEFAULT_PAGE;
	int			offset = 0;
	int64		total;

	if (!http_query_integer(request, "limit", 1, SESSION_PAGE_MAX, &limit, response) ||
		!http_query_integer(request, "offset", 0, PG_INT32_MAX, &offset, response))
		return;
	response->status = 200;
	total = sessions_append_json(&response->body, user_id, current, limit, offset);
	http_add_header(response, HTTP_TOTAL_COUNT, psprintf(INT64_FORMAT, total));
}

void
handle_own_sessions(HttpRequest *request, HttpResponse *response)
{
	http_respond_sessions(request, &request->caller->id, &request->session_id, response);
}

void
handle_revoke_own_session(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t	id;
	bool		was_live;
	const Refusal *refusal = &refusal_session_not_found;

	if (uuid_read(request->segments[0], &id))
		refusal = session_admin_revoke(&id, &request->caller->id, &request->client, &was_live);
	http_respond_nothing(response, refusal);
}

/* Signs out the other devices. */
void
handle_revoke_other_sessions(HttpRequest *request, HttpResponse *response)
{
	int			revoked;

	http_respond_nothing(response, session_admin_revoke_all(&request->caller->id,
															&request->session_id,
															&request->client, &revoked));
}
