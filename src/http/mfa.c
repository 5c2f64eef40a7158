/*
 * mfa.c
 *		HTTP: the second factor.
 */
#include "postgres.h"

#include "base/json.h"
#include "domain/passkeys.h"
#include "flow/mfa.h"
#include "flow/passkey_session.h"
#include "http/auth_response.h"
#include "http/router.h"
#include "http/token_cookies.h"

Enroller
http_enroller(const HttpRequest *request)
{
	Enroller enroller = {0};

	enroller.mfa_token = request->mfa_token;
	if (request->caller != NULL)
	{
		enroller.user_id = &request->caller->id;
		enroller.session_id = &request->session_id;
	}
	return enroller;
}

void
handle_mfa_init(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"mfa_token"}};
	Enroller enroller = http_enroller(request);
	MfaSecret secret;
	const Refusal *refusal;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	refusal = flow_mfa_init(&enroller, &secret);
	if (refusal != NULL)
	{
		http_respond_refusal(response, refusal);
		return;
	}
	response->status = 200;
	json_open(&response->body);
	json_write_string(&response->body, "secret", secret.secret);
	json_write_string(&response->body, "qr_uri", secret.qr_uri);
	json_close(&response->body);
}

static void
append_codes(StringInfo out, const BackupCodes *codes)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < codes->count; i++)
	{
		json_next_element(out);
		appendStringInfo(out, "\"%s\"", codes->codes[i]);
	}
	appendStringInfoChar(out, ']');
}

/*
 * The body has no room for the tokens of a session that continues.  Its client
 * refreshes; a browser that keeps them as cookies gets new ones at once.
 */
static void
set_new_cookies(const HttpRequest *request, HttpResponse *response, const AuthResult *result)
{
	if (request->by_cookie && result->user != NULL)
		token_cookies_set(response, result);
}

/* A challenge ends in a sign-in, so that the response has tokens as well. */
void
handle_mfa_confirm(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"code", true}, {"mfa_token"}};
	Enroller enroller = http_enroller(request);
	BackupCodes codes;
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result =
		flow_mfa_confirm(&enroller, fields[0].value, request->by_cookie, &request->client, &codes);
	if (result.refusal != NULL)
	{
		http_respond_refusal(response, result.refusal);
		return;
	}
	response->status = 200;
	if (request->mfa_token == NULL)
	{
		set_new_cookies(request, response, &result);
		append_codes(&response->body, &codes);
		return;
	}
	token_cookies_set(response, &result);
	json_open(&response->body);
	json_write_strings(&response->body, "backup_codes", codes.codes, codes.count);
	auth_append_members(&response->body, &result);
	json_close(&response->body);
}

void
handle_mfa_verify(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"mfa_token", true}, {"code", true}};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_mfa_verify(fields[0].value, fields[1].value, &request->client);
	http_respond_auth(response, 200, &result);
}

void
handle_mfa_disable(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"code", true}};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_mfa_disable(&request->caller->id, fields[0].value, &request->session_id,
							  request->by_cookie, &request->client);
	http_respond_nothing(response, result.refusal);
	set_new_cookies(request, response, &result);
}

void
handle_mfa_regenerate(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"code", true}};
	BackupCodes codes;
	const Refusal *refusal;

	fields[0].required = passkeys_count(&request->caller->id) == 0;
	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	refusal = flow_mfa_regenerate(&request->caller->id, fields[0].value, &request->session_id,
								  &request->client, &codes);
	if (refusal != NULL)
	{
		http_respond_refusal(response, refusal);
		return;
	}
	response->status = 200;
	append_codes(&response->body, &codes);
}

void
handle_mfa_status(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	mfa_append_status(&response->body, request->caller);
}

void
handle_mfa_step_up(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"code"}, {"credential", false, FIELD_OBJECT}};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	/* without the response of a passkey, a code is required */
	fields[0].required = !fields[1].present;
	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	if (fields[1].present)
		result = flow_passkey_step_up(&request->session_id, fields[1].object, &request->client);
	else
		result = flow_mfa_step_up(&request->caller->id, &request->session_id, fields[0].value,
								  &request->client);
	http_respond_auth(response, 200, &result);
}

void
handle_reset_mfa(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;

	if (http_read_user_id(request, &id, response))
		http_respond_nothing(response, flow_mfa_reset(&id));
}
