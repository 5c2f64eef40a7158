/*
 * mail.c
 *		HTTP: routes that a token or code from a message proves.
 */
#include "postgres.h"

#include "base/json.h"
#include "flow/email_verification.h"
#include "flow/invitations.h"
#include "flow/passwordless.h"
#include "flow/redirect_target.h"
#include "http/auth_response.h"
#include "http/router.h"

/* A signed-in caller whose account has an email may leave it out. */
void
handle_resend_verification(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"email"}};

	http_identify_caller(request);
	fields[0].required = request->caller == NULL || request->caller->email == NULL;
	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	http_respond_done(response,
					  flow_resend_verification((fields[0].value != NULL) ? fields[0].value
																		 : request->caller->email,
											   &request->client),
					  "If this email address has to be verified, a message has been sent.");
}

void
handle_verify_email(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"token", true}};
	User *user;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	http_respond_done(response,
					  flow_verify_email(fields[0].value, http_own_session(request),
										&request->client, &user),
					  "Email verified successfully.");
}

static const Refusal invalid_link_mode = {"invalid_mode", "The only mode of a magic link is code",
										  400};

/* An app that is to get the sign-in gives at least one of the fields after the email. */
void
handle_magic_link(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {
		{"email", true}, {"mode"}, {"redirect_to"}, {"code_challenge"}, {"code_challenge_method"},
	};
	AppRequest app;
	const char *mode;
	bool for_app;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	mode = fields[1].value;
	app = (AppRequest){fields[2].value, fields[3].value, fields[4].value};
	for_app = mode != NULL || !app_request_is_empty(&app);
	http_respond_done(response,
					  (mode != NULL && strcmp(mode, "code") != 0)
						  ? &invalid_link_mode
						  : flow_request_magic_link(fields[0].value, for_app ? &app : NULL,
													&request->client),
					  "If an account exists, a magic link has been sent.");
}

/* The page goes there, which opens the app. */
static void
respond_code(HttpResponse *response, const MagicLinkResult *result)
{
	response->status = 200;
	json_open(&response->body);
	json_write_string(&response->body, "redirect_to",
					  redirect_target_with_parameter(result->redirect_to, "code", result->code));
	json_close(&response->body);
}

/* AuthFort's client takes any success for a sign-in, so a second factor is asked for by a refusal. */
void
handle_verify_magic_link(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"token", true}};
	MagicLinkResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_verify_magic_link(fields[0].value, http_own_session(request), &request->client);
	if (result.code != NULL)
		respond_code(response, &result);
	else
		http_respond_auth_or_forbid(response, 200, &result.auth);
}

void
handle_otp(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"email", true}};

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	http_respond_done(response, flow_request_email_otp(fields[0].value, &request->client),
					  "If an account exists, a verification code has been sent.");
}

void
handle_verify_otp(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"email", true}, {"code", true, FIELD_ANY}};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_verify_email_otp(fields[0].value, fields[1].value, http_own_session(request),
								   &request->client);
	http_respond_auth_or_forbid(response, 200, &result);
}

void
handle_accept_invitation(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"token", true}, {"password"}};
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_accept_invitation(fields[0].value, fields[1].value, &request->client);
	http_respond_auth_or_forbid(response, 200, &result);
}
