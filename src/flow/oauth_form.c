/*
 * oauth_form.c
 *		Providers that post their answer (OAuth 2.0 Form Post Response Mode).
 *
 * A browser sends our cookies, which are SameSite=Lax, with a link from another
 * site and not with its form.  So the form's parameters are sealed into a URL
 * to which the browser is sent next.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "crypto/seal.h"
#include "domain/database_id.h"
#include "domain/signing_keys.h"
#include "flow/oauth_fetches.h"
#include "flow/oauth_steps.h"
#include "flow/redirect_target.h"

#define SEALED_FORM "answer of an OAuth provider"
#define FORM_TTL 60   /* seconds; the browser is already on its way */
#define MAX_FORM 4096 /* characters of what is sealed */

OAuthParameters
oauth_parameters_read(Jsonb *json)
{
	OAuthParameters parameters;

	parameters.code = json_member_string(json, "code");
	parameters.state = json_member_string(json, "state");
	parameters.error = json_member_string(json, "error");
	parameters.issuer = json_member_string(json, "iss");
	parameters.user = json_member_string(json, "user");
	return parameters;
}

static const Refusal *
form_to_url(const char *name, const OAuthParameters *parameters, char **url)
{
	OAuthProvider *provider = oauth_find_provider(name);
	pg_uuid_t database = database_id();
	StringInfoData text;

	if (provider == NULL)
		return &refusal_unknown_provider;
	signing_keys_require_master_key();
	initStringInfo(&text);
	json_open(&text);
	json_write_string(&text, "provider", provider->name);
	json_write_integer(&text, "expires_at", GetCurrentTimestamp() + FORM_TTL * USECS_PER_SEC);
	json_write_string_unless_null(&text, "code", parameters->code);
	json_write_string_unless_null(&text, "state", parameters->state);
	json_write_string_unless_null(&text, "error", parameters->error);
	json_write_string_unless_null(&text, "iss", parameters->issuer);
	json_write_string_unless_null(&text, "user", parameters->user);
	json_close(&text);
	if (text.len > MAX_FORM)
		return &refusal_oauth_exchange_failed;
	*url = redirect_target_with_parameter(oauth_redirect_uri(provider), "form",
										  seal_as_text((unsigned char *) text.data, text.len,
													   SEALED_FORM, &database));
	return NULL;
}

const Refusal *
oauth_form_to_url(const char *name, const OAuthParameters *parameters, const Client *client, char **url)
{
	const Refusal *refusal;

	PreventCommandIfReadOnly("a sign-in");
	refusal = form_to_url(name, parameters, url);
	if (refusal != NULL)
		oauth_record_failure(refusal, client);
	return refusal;
}

bool
oauth_form_from_text(const char *name, const char *sealed, OAuthParameters *parameters)
{
	pg_uuid_t database = database_id();
	char *provider = oauth_provider_name(name);
	char *stored;
	unsigned char *text;
	size_t len;
	Jsonb *json;
	int64 expires_at;

	signing_keys_require_master_key();
	text = unseal_text(sealed, SEALED_FORM, &database, &len);
	if (provider == NULL || text == NULL || json_read_object((char *) text, len, &json) != JSON_READ ||
		(stored = json_member_string(json, "provider")) == NULL || strcmp(stored, provider) != 0 ||
		!json_member_integer(json, "expires_at", &expires_at) || expires_at <= GetCurrentTimestamp())
		return false;
	*parameters = oauth_parameters_read(json);
	return true;
}
