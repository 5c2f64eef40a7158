/*
 * self.c
 *		HTTP: the caller's own account.
 */
#include "postgres.h"

#include "base/uuid.h"
#include "flow/email_change.h"
#include "flow/flows.h"
#include "flow/reauthentication.h"
#include "flow/recent_auth.h"
#include "flow/session_admin.h"
#include "flow/user_admin.h"
#include "http/auth_response.h"
#include "http/router.h"
#include "http/token_cookies.h"

bool
http_require_recent_auth(const HttpRequest *request, HttpResponse *response)
{
	const Refusal *refusal = recent_auth_check(request->caller, &request->session_id);

	if (refusal != NULL)
		http_respond_refusal(response, refusal);
	return refusal == NULL;
}

void
handle_me(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	users_append_profile_json(&response->body, request->caller, &request->session_id);
}

void
handle_update_me(HttpRequest *request, HttpResponse *response)
{
	const Refusal *refusal;
	User *user;

	if (!http_read_object(request, response))
		return;
	refusal = user_admin_update(&request->caller->id, request->json, &request->session_id,
								&request->client, &user);
	if (refusal != NULL)
	{
		http_respond_refusal(response, refusal);
		return;
	}
	response->status = 200;
	users_append_profile_json(&response->body, user, &request->session_id);
}

void
handle_delete_me(HttpRequest *request, HttpResponse *response)
{
	const Refusal *refusal;

	if (!http_require_recent_auth(request, response))
		return;
	refusal = user_admin_try_delete(&request->caller->id, false, &request->session_id,
									&request->client, NULL);
	http_respond_nothing(response, refusal);
	if (refusal == NULL)
		token_cookies_clear(response);
}

/* The response is the same whether the new address is taken or not. */
void
handle_change_email(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"new_email", true}};

	if (!http_read_body(request, fields, lengthof(fields), response) ||
		!http_require_recent_auth(request, response))
		return;
	http_respond_done(response,
					  flow_request_email_change(&request->caller->id, fields[0].value,
												&request->session_id, &request->client),
					  "If the new address can be used, a link to confirm the change has been sent to it.");
}

void
handle_confirm_email_change(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"token", true}};
	const Refusal *refusal;
	bool waiting;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	refusal = flow_confirm_email_change(fields[0].value, http_own_session(request),
										&request->client, &waiting);
	http_respond_done(response, refusal,
					  waiting ? "Confirmed. The change has to be confirmed at the other address as well."
							  : "Email changed successfully.");
}

void
handle_undo_email_change(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"token", true}};

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	http_respond_done(response, flow_undo_email_change(fields[0].value, &request->client),
					  "The change of the email was undone.");
}

/*
 * The body has the method and its secret, or just a password, a code or a
 * passkey's response.  A code alone is one of an authenticator app if the user
 * has a second factor, and otherwise one that was mailed.
 */
static bool
read_proof(HttpRequest *request, Proof *proof, HttpResponse *response)
{
	BodyField fields[] = {{"method"},
						  {"secret"},
						  {"password"},
						  {"code"},
						  {"credential", false, FIELD_OBJECT}};

	if (!http_read_body(request, fields, lengthof(fields), response))
		return false;
	if (fields[0].present ? strcmp(fields[0].value, "passkey") == 0 : fields[4].present)
	{
		fields[4].required = true;
		if (!http_read_body(request, fields, lengthof(fields), response))
			return false;
		proof->method = REAUTHENTICATE_BY_PASSKEY;
		proof->credential = fields[4].object;
		return true;
	}
	fields[1].required = fields[0].present || (!fields[2].present && !fields[3].present);
	fields[0].required = fields[1].required;
	if (!http_read_body(request, fields, lengthof(fields), response))
		return false;
	proof->secret = fields[1].required  ? fields[1].value
					: fields[2].present ? fields[2].value
										: fields[3].value;
	if (!fields[0].required)
		proof->method = fields[2].present              ? REAUTHENTICATE_BY_PASSWORD
						: request->caller->mfa_enabled ? REAUTHENTICATE_BY_TOTP
													   : REAUTHENTICATE_BY_EMAIL_CODE;
	else if (!reauthentication_method_by_name(fields[0].value, &proof->method))
	{
		http_respond_refusal(response, &refusal_unknown_method);
		return false;
	}
	return true;
}

void
handle_reauthenticate(HttpRequest *request, HttpResponse *response)
{
	Proof proof = {0};
	AuthResult result;

	if (!read_proof(request, &proof, response))
		return;
	result = flow_reauthenticate(&request->session_id, &proof, &request->client);
	http_respond_auth_message(response, &result, "Identity confirmed.");
}

void
handle_request_reauthentication_code(HttpRequest *request, HttpResponse *response)
{
	http_respond_done(response,
					  flow_request_reauthentication_code(&request->caller->id, &request->session_id,
														 &request->client),
					  "A code has been sent.");
}

/* The response is the same whether the account exists or not. */
void
handle_forgot_password(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"email", true}};

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	http_respond_done(response, flow_request_password_reset(fields[0].value, &request->client),
					  "If an account exists, a link to reset its password has been sent.");
}

void
handle_reset_password(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"token", true}, {"new_password", true}};

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	http_respond_done(response,
					  flow_reset_password(fields[0].value, fields[1].value, &request->client),
					  "Password reset successfully.");
}

void
handle_change_password(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"old_password", true}, {"new_password", true}};
	KeptSession kept = {&request->session_id, true};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response) ||
		!http_require_recent_auth(request, response))
		return;
	result = flow_change_password(&request->caller->id, fields[0].value, fields[1].value, &kept,
								  &request->client);
	http_respond_auth_message(response, &result, "Password changed successfully.");
}

void
handle_set_password(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"password", true}};
	KeptSession kept = {&request->session_id, true};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response) ||
		!http_require_recent_auth(request, response))
		return;
	result = flow_set_password(&request->caller->id, fields[0].value, &kept, &request->client);
	http_respond_auth_message(response, &result, "Password set successfully.");
}

/* The body is an array, so the total number is in a header. */
void
http_respond_sessions(HttpRequest *request, const pg_uuid_t *user_id, const pg_uuid_t *current,
					  HttpResponse *response)
{
	int limit = HTTP_DEFAULT_PAGE;
	int offset = 0;
	int64 total;

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
	pg_uuid_t id;
	bool was_live;
	const Refusal *refusal = &refusal_session_not_found;

	if (uuid_read(request->segments[0], &id))
		refusal = session_admin_revoke(&id, &request->caller->id, &request->client, &was_live);
	http_respond_nothing(response, refusal);
}

/* Signs out the other devices. */
void
handle_revoke_other_sessions(HttpRequest *request, HttpResponse *response)
{
	http_respond_nothing(response,
						 session_admin_revoke_others(&request->caller->id, &request->session_id,
													 &request->client));
}
