/*
 * auth_response.c
 *		HTTP: the response that carries tokens, in its body and in cookies.
 */
#include "postgres.h"

#include "base/json.h"
#include "http/auth_response.h"
#include "http/token_cookies.h"

static void
respond_challenge(HttpResponse *response, const AuthResult *result)
{
	response->status = 200;
	json_open(&response->body);
	json_write_bool(&response->body, "mfa_required", true);
	auth_append_challenge(&response->body, result);
	json_close(&response->body);
}

static void
forbid_without_second_factor(HttpResponse *response, const AuthResult *result)
{
	StringInfoData members;

	initStringInfo(&members);
	json_open(&members);
	auth_append_challenge(&members, result);
	http_respond_refusal(response, refusal_with_extra(&refusal_mfa_required, members.data + 1));
}

void
http_respond_auth(HttpResponse *response, int status, const AuthResult *result)
{
	if (result->refusal != NULL)
	{
		http_respond_refusal(response, result->refusal);
		return;
	}
	if (result->mfa_token != NULL)
	{
		respond_challenge(response, result);
		return;
	}
	response->status = status;
	token_cookies_set(response, result);
	json_open(&response->body);
	auth_append_members(&response->body, result);
	json_close(&response->body);
}

void
http_respond_auth_or_forbid(HttpResponse *response, int status, const AuthResult *result)
{
	if (result->mfa_token != NULL)
		forbid_without_second_factor(response, result);
	else
		http_respond_auth(response, status, result);
}

void
http_respond_auth_message(HttpResponse *response, const AuthResult *result, const char *message)
{
	if (result->refusal != NULL)
	{
		http_respond_refusal(response, result->refusal);
		return;
	}
	response->status = 200;
	json_open(&response->body);
	json_write_string(&response->body, "message", message);
	if (result->user != NULL)
	{
		auth_append_members(&response->body, result);
		token_cookies_set(response, result);
	}
	else
		token_cookies_clear(response);
	json_close(&response->body);
}
