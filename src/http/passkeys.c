/*
 * passkeys.c
 *		HTTP: passkeys.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/origin.h"
#include "flow/passkey_session.h"
#include "flow/passkeys.h"
#include "http/auth_response.h"
#include "http/router.h"
#include "http/token_cookies.h"
#include "settings.h"

/* Options of WebAuthn, which the page passes on as they are. */
static void
respond_options(HttpResponse *response, const Refusal *refusal)
{
	if (refusal != NULL)
		http_respond_refusal(response, refusal);
	else
		response->status = 200;
}

void
handle_passkey_register_options(HttpRequest *request, HttpResponse *response)
{
	Enroller enroller = http_enroller(request);

	respond_options(response, flow_passkey_options(&enroller, &response->body));
}

void
handle_passkey_register(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"credential", true, FIELD_OBJECT}, {"name"}, {"mfa_token"}};
	Enroller enroller = http_enroller(request);
	AddedPasskey added;
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_passkey_add(&enroller, fields[0].object, fields[1].value, request->by_cookie,
							  &request->client, &added);
	if (result.refusal != NULL)
	{
		http_respond_refusal(response, result.refusal);
		return;
	}
	response->status = 200;
	if (result.user != NULL)
		token_cookies_set(response, &result);
	flow_passkey_append_added(&response->body, &added, &result);
}

void
handle_passkey_login_options(HttpRequest *request, HttpResponse *response)
{
	respond_options(response, flow_passkey_login_options(&response->body));
}

void
handle_passkey_login(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"credential", true, FIELD_OBJECT}};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_passkey_login(fields[0].object, &request->client);
	http_respond_auth(response, 200, &result);
}

void
handle_passkey_mfa_options(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"mfa_token", true}};

	if (http_read_body(request, fields, lengthof(fields), response))
		respond_options(response, flow_passkey_mfa_options(fields[0].value, &response->body));
}

void
handle_passkey_mfa(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"mfa_token", true}, {"credential", true, FIELD_OBJECT}};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_passkey_mfa(fields[0].value, fields[1].object, &request->client);
	http_respond_auth(response, 200, &result);
}

void
handle_passkey_step_up_options(HttpRequest *request, HttpResponse *response)
{
	respond_options(response, flow_passkey_session_options(PASSKEY_STEP_UP, &request->session_id,
														   &response->body));
}

void
handle_passkey_reauthenticate_options(HttpRequest *request, HttpResponse *response)
{
	respond_options(response, flow_passkey_session_options(PASSKEY_REAUTHENTICATION,
														   &request->session_id, &response->body));
}

static void
respond_passkeys(const pg_uuid_t *user_id, HttpResponse *response)
{
	int count;
	Passkey *passkeys = passkeys_of_user(user_id, &count);

	response->status = 200;
	appendStringInfoChar(&response->body, '[');
	for (int i = 0; i < count; i++)
	{
		json_next_element(&response->body);
		passkey_append_json(&response->body, &passkeys[i]);
	}
	appendStringInfoChar(&response->body, ']');
}

/* The id in the path; a malformed one is answered as one that does not exist. */
static bytea *
read_passkey_id(const char *segment, HttpResponse *response)
{
	bytea *id = passkey_id_read(segment);

	if (id == NULL)
		http_respond_refusal(response, &refusal_passkey_not_found);
	return id;
}

void
handle_own_passkeys(HttpRequest *request, HttpResponse *response)
{
	respond_passkeys(&request->caller->id, response);
}

void
handle_rename_passkey(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"name", true}};
	bytea *id;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	id = read_passkey_id(request->segments[0], response);
	if (id != NULL)
		http_respond_nothing(response, flow_passkey_rename(&request->caller->id, id, fields[0].value,
														   &request->session_id, &request->client));
}

void
handle_remove_passkey(HttpRequest *request, HttpResponse *response)
{
	bytea *id;
	AuthResult result;

	if (!http_require_recent_auth(request, response))
		return;
	id = read_passkey_id(request->segments[0], response);
	if (id == NULL)
		return;
	result = flow_passkey_remove(&request->caller->id, id, &request->session_id, request->by_cookie,
								 &request->client);
	http_respond_nothing(response, result.refusal);
	if (result.user != NULL)
		token_cookies_set(response, &result);
}

void
handle_user_passkeys(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t user_id;

	if (http_read_known_user_id(request, &user_id, response))
		respond_passkeys(&user_id, response);
}

void
handle_remove_user_passkey(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t user_id;
	bytea *id;

	if (!http_read_known_user_id(request, &user_id, response))
		return;
	id = read_passkey_id(request->segments[1], response);
	if (id != NULL)
		http_respond_nothing(response,
							 flow_passkey_remove(&user_id, id, NULL, false, &request->client).refusal);
}

/*
 * Browsers ask the host of authfort.webauthn_rp_id which pages of other
 * domains may use its passkeys (Web Authentication, section 5.11).
 */
void
handle_related_origins(HttpRequest *request, HttpResponse *response)
{
	char **origins;
	int count = 0;

	if (setting_webauthn_rp_id[0] != '\0')
		count = origin_list_outside(setting_webauthn_origins, setting_webauthn_rp_id, &origins);
	if (count == 0)
	{
		http_respond_refusal(response, &http_not_found);
		return;
	}
	response->status = 200;
	response->cache_control = "public, max-age=3600";
	json_open(&response->body);
	json_write_strings(&response->body, "origins", origins, count);
	json_close(&response->body);
}
