/*
 * mfa.c
 *		Setting up an authenticator app, using it, and removing it.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/spi_query.h"
#include "base/web_url.h"
#include "crypto/totp.h"
#include "domain/backup_codes.h"
#include "domain/events.h"
#include "domain/mfa.h"
#include "domain/passkeys.h"
#include "domain/rate_limit.h"
#include "domain/signing_keys.h"
#include "flow/mfa.h"
#include "flow/mfa_challenge.h"
#include "flow/mfa_code.h"
#include "flow/notices.h"
#include "flow/reauthentication.h"
#include "flow/recent_auth.h"
#include "flow/second_factor.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_mfa_init);
PG_FUNCTION_INFO_V1(authfort_mfa_confirm);
PG_FUNCTION_INFO_V1(authfort_complete_mfa_login);
PG_FUNCTION_INFO_V1(authfort_mfa_disable);
PG_FUNCTION_INFO_V1(authfort_mfa_regenerate_backup_codes);
PG_FUNCTION_INFO_V1(authfort_mfa_status);
PG_FUNCTION_INFO_V1(authfort_mfa_step_up);
PG_FUNCTION_INFO_V1(authfort_reset_mfa);

static const Authentication by_app = {METHOD_TOTP, 2, 2, {AMR_TOTP, AMR_MULTIPLE}};

const Refusal *
mfa_lock_enroller(const Enroller *enroller, MfaChallenge *challenge, User **user)
{
	if (enroller->mfa_token != NULL)
		return mfa_challenge_open(enroller->mfa_token, CHALLENGE_ENROL, challenge, user);
	*user = users_lock(enroller->user_id);
	if (*user == NULL)
		return &refusal_user_gone;
	return (enroller->session_id != NULL) ? recent_auth_check(*user, enroller->session_id) : NULL;
}

/* The form that authenticator apps read from a QR code. */
static char *
make_qr_uri(const User *user, const char *secret)
{
	const char *issuer = (setting_mfa_issuer[0] != '\0') ? setting_mfa_issuer : setting_jwt_issuer;
	StringInfoData uri;

	initStringInfo(&uri);
	appendStringInfoString(&uri, "otpauth://totp/");
	web_url_append_encoded(&uri, issuer);
	appendStringInfoChar(&uri, ':');
	web_url_append_encoded(&uri, user_label(user));
	appendStringInfo(&uri, "?secret=%s&issuer=", secret);
	web_url_append_encoded(&uri, issuer);
	secret_wipe_later(uri.data, uri.len);
	return uri.data;
}

const Refusal *
flow_mfa_init(const Enroller *enroller, MfaSecret *secret)
{
	unsigned char bytes[TOTP_SECRET_BYTES];
	MfaChallenge challenge;
	User *user;
	const Refusal *refusal;

	PreventCommandIfReadOnly("a second factor");
	refusal = mfa_lock_enroller(enroller, &challenge, &user);
	if (refusal != NULL)
		return refusal;
	if (mfa_find(&user->id).confirmed)
		return &refusal_mfa_already_enabled;

	signing_keys_ensure_master_key();
	randombytes_buf(bytes, sizeof(bytes));
	mfa_set_secret(&user->id, bytes, sizeof(bytes));
	secret->secret = palloc(TOTP_TEXT_SIZE(TOTP_SECRET_BYTES));
	totp_secret_encode(bytes, sizeof(bytes), secret->secret);
	secret_wipe_later(secret->secret, TOTP_TEXT_SIZE(TOTP_SECRET_BYTES));
	sodium_memzero(bytes, sizeof(bytes));
	secret->qr_uri = make_qr_uri(user, secret->secret);
	return NULL;
}

AuthResult
flow_mfa_confirm(const Enroller *enroller, const char *code, bool new_tokens, const Client *client,
				 BackupCodes *codes)
{
	MfaChallenge challenge;
	User *user;
	MfaState state;
	const Refusal *refusal;

	PreventCommandIfReadOnly("a second factor");
	refusal = mfa_lock_enroller(enroller, &challenge, &user);
	if (refusal != NULL)
		return auth_refused(refusal);
	state = mfa_find(&user->id);
	if (state.confirmed)
		return auth_refused(&refusal_mfa_already_enabled);
	if (state.sealed_secret == NULL)
		return auth_refused(&refusal_mfa_not_initiated);
	if (!mfa_code_use_first(user, &state, code))
		return auth_refused(&refusal_invalid_totp_code);

	mfa_confirm_secret(&user->id);
	*codes = backup_codes_make(&user->id);
	second_factor_enabled(user, METHOD_TOTP, client);
	if (enroller->mfa_token != NULL)
		return mfa_challenge_complete(&challenge, user, &by_app, client);
	if (enroller->session_id != NULL)
		(void) sessions_authenticated(enroller->session_id, &by_app);
	return auth_done_in_session(&user->id, new_tokens ? enroller->session_id : NULL);
}

AuthResult
flow_mfa_verify(const char *mfa_token, const char *code, const Client *client)
{
	const Refusal *refusal = rate_limit_check_address(RATE_LIMIT_MFA_VERIFY, NULL, client);
	MfaChallenge challenge;
	Authentication second;
	User *user;

	if (refusal != NULL)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("a second factor");
	refusal = mfa_challenge_open(mfa_token, CHALLENGE_VERIFY, &challenge, &user);
	if (refusal == NULL)
		refusal = mfa_code_check(user, code, CODE_TOTP_OR_BACKUP, &refusal_invalid_mfa_code, client,
								 &second);
	if (refusal != NULL)
		return auth_refused(refusal);
	return mfa_challenge_complete(&challenge, user, &second, client);
}

/*
 * The right code proves the second factor, so a session that has proven one
 * factor so far is strong enough.
 */
AuthResult
flow_mfa_disable(const pg_uuid_t *user_id, const char *code, const pg_uuid_t *session_id,
				 bool new_tokens, const Client *client)
{
	User *user = users_lock(user_id);
	const Refusal *refusal = NULL;
	Authentication proven;

	if (user == NULL)
		return auth_refused(&refusal_user_gone);
	if (session_id != NULL)
		refusal = recent_auth_check(user, session_id);
	if (refusal != NULL && refusal != &refusal_insufficient_assurance)
		return auth_refused(refusal);
	if (!mfa_find(&user->id).confirmed)
		return auth_refused(&refusal_mfa_not_enabled);
	refusal =
		mfa_code_check(user, code, CODE_TOTP_OR_BACKUP, &refusal_wrong_mfa_code, client, &proven);
	if (refusal != NULL)
		return auth_refused(refusal);
	mfa_remove_secret(&user->id);
	second_factor_disabled(user, METHOD_TOTP, session_id, client);
	return auth_done_in_session(user_id, new_tokens ? session_id : NULL);
}

static void
record_regenerated(const User *user, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_BACKUP_CODES_REGENERATED, &user->id, NULL, client);
	json_write_string(&event.payload, "email", user->email);
	json_write_integer(&event.payload, "remaining", BACKUP_CODES);
	event_record(&event);
	notice_put(NOTICE_MFA_CHANGED, user, client, "\"change\":\"backup_codes_regenerated\"");
}

static const Refusal *
check_code_of_app(User *user, const char *code, const Client *client)
{
	Authentication proven;

	if (!mfa_find(&user->id).confirmed)
		return &refusal_mfa_not_enabled;
	if (code == NULL)
		return &refusal_invalid_totp_code;
	return mfa_code_check(user, code, CODE_TOTP, &refusal_invalid_totp_code, client, &proven);
}

const Refusal *
flow_mfa_regenerate(const pg_uuid_t *user_id, const char *code, const pg_uuid_t *session_id,
					const Client *client, BackupCodes *codes)
{
	User *user = users_lock(user_id);
	const Refusal *refusal = session_check(user, session_id);

	if (refusal != NULL)
		return refusal;
	if (user == NULL)
		return &refusal_user_gone;
	if (code != NULL || passkeys_count(&user->id) == 0)
		refusal = check_code_of_app(user, code, client);
	else if (session_id != NULL)
		refusal = recent_auth_check(user, session_id);
	if (refusal != NULL)
		return refusal;
	*codes = backup_codes_make(&user->id);
	record_regenerated(user, client);
	return NULL;
}

AuthResult
mfa_raise_session(User *user, const pg_uuid_t *session_id, const Authentication *how,
				  const Client *client)
{
	Session session;

	if (!sessions_authenticated(session_id, how) ||
		!sessions_rotate_current(session_id, &user->id, &session))
		return auth_refused(&refusal_session_not_found);
	flow_record_reauthenticated(user, session_id, how->provider, client);
	return auth_tokens_anew(&user->id, &session);
}

AuthResult
flow_mfa_step_up(const pg_uuid_t *user_id, const pg_uuid_t *session_id, const char *code,
				 const Client *client)
{
	User *user = users_lock(user_id);
	const Refusal *refusal;
	Authentication how;

	if (user == NULL)
		return auth_refused(&refusal_user_gone);
	if (!user->mfa_enabled)
		return auth_refused(&refusal_mfa_not_enabled);
	if (user->banned)
		return auth_refused(&refusal_user_banned);
	/* checked first, so that no code is used up for a session that has ended */
	if (!sessions_is_live(session_id, &user->id))
		return auth_refused(&refusal_session_not_found);
	refusal = mfa_code_check(user, code, CODE_TOTP_OR_BACKUP, &refusal_wrong_mfa_code, client, &how);
	if (refusal != NULL)
		return auth_refused(refusal);
	how.amr[how.amr_count++] = AMR_MULTIPLE;
	return mfa_raise_session(user, session_id, &how, client);
}

const Refusal *
flow_mfa_reset(const pg_uuid_t *user_id)
{
	User *user = users_lock(user_id);

	if (user == NULL)
		return &refusal_user_not_found;
	if (!user->mfa_enabled)
		return &refusal_mfa_not_enabled;
	second_factor_delete_all(user);
	second_factor_disabled(user, METHOD_RESET, NULL, NULL);
	return NULL;
}

void
mfa_append_status(StringInfo out, const User *user)
{
	json_open(out);
	json_write_bool(out, "enabled", user->mfa_enabled);
	json_write_integer(out, "backup_codes_remaining", backup_codes_count(&user->id));
	json_write_bool(out, "totp", mfa_find(&user->id).confirmed);
	json_write_integer(out, "passkeys", passkeys_count(&user->id));
	json_close(out);
}

/* The first argument; raises for an unknown user. */
static pg_uuid_t *
argument_user_id(FunctionCallInfo fcinfo)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");

	(void) users_require(user_id);
	return user_id;
}

Enroller
mfa_enroller_arguments(FunctionCallInfo fcinfo, int session_id, int mfa_token)
{
	Enroller enroller = {0};

	enroller.mfa_token = argument_token(fcinfo, mfa_token);
	if (enroller.mfa_token == NULL)
		enroller.user_id = argument_user_id(fcinfo);
	enroller.session_id = argument_optional_uuid(fcinfo, session_id);
	return enroller;
}

/* mfa_init(user_id, session_id, mfa_token) -> jsonb */
Datum
authfort_mfa_init(PG_FUNCTION_ARGS)
{
	Enroller enroller = mfa_enroller_arguments(fcinfo, 1, 2);
	MfaSecret secret;
	const Refusal *refusal = flow_mfa_init(&enroller, &secret);
	StringInfoData json;

	if (refusal != NULL)
		PG_RETURN_JSONB_P(done_to_jsonb(refusal));
	initStringInfo(&json);
	json_open(&json);
	json_write_string(&json, "secret", secret.secret);
	json_write_string(&json, "qr_uri", secret.qr_uri);
	json_close(&json);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

static Jsonb *
codes_to_jsonb(const BackupCodes *codes, const AuthResult *result)
{
	StringInfoData json;

	initStringInfo(&json);
	json_open(&json);
	json_write_strings(&json, "backup_codes", codes->codes, codes->count);
	if (result != NULL && result->user != NULL)
		auth_append_members(&json, result);
	json_close(&json);
	return json_to_jsonb(&json);
}

/* mfa_confirm(user_id, code, session_id, mfa_token, user_agent, ip_address) -> jsonb */
Datum
authfort_mfa_confirm(PG_FUNCTION_ARGS)
{
	char *code = argument_secret(fcinfo, 1, "code");
	Enroller enroller = mfa_enroller_arguments(fcinfo, 2, 3);
	Client client = argument_client(fcinfo, 4, 5);
	BackupCodes codes;
	AuthResult result = flow_mfa_confirm(&enroller, code, true, &client, &codes);

	if (result.refusal != NULL)
		PG_RETURN_JSONB_P(auth_to_jsonb(&result));
	PG_RETURN_JSONB_P(codes_to_jsonb(&codes, &result));
}

/* complete_mfa_login(mfa_token, code, user_agent, ip_address) -> jsonb */
Datum
authfort_complete_mfa_login(PG_FUNCTION_ARGS)
{
	char *mfa_token = argument_token(fcinfo, 0);
	char *code = argument_secret(fcinfo, 1, "code");
	Client client = argument_client(fcinfo, 2, 3);
	AuthResult result = flow_mfa_verify(mfa_token, code, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* mfa_disable(user_id, code, session_id, user_agent, ip_address) -> jsonb */
Datum
authfort_mfa_disable(PG_FUNCTION_ARGS)
{
	char *code = argument_secret(fcinfo, 1, "code");
	pg_uuid_t *user_id = argument_user_id(fcinfo);
	Client client = argument_client(fcinfo, 3, 4);
	AuthResult result =
		flow_mfa_disable(user_id, code, argument_optional_uuid(fcinfo, 2), true, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* mfa_regenerate_backup_codes(user_id, code, session_id, user_agent, ip_address) -> jsonb */
Datum
authfort_mfa_regenerate_backup_codes(PG_FUNCTION_ARGS)
{
	char *code = argument_optional_secret(fcinfo, 1);
	pg_uuid_t *user_id = argument_user_id(fcinfo);
	Client client = argument_client(fcinfo, 3, 4);
	BackupCodes codes;
	const Refusal *refusal =
		flow_mfa_regenerate(user_id, code, argument_optional_uuid(fcinfo, 2), &client, &codes);

	PG_RETURN_JSONB_P((refusal != NULL) ? done_to_jsonb(refusal) : codes_to_jsonb(&codes, NULL));
}

static Datum
mfa_status(PG_FUNCTION_ARGS)
{
	User *user = users_require(argument_uuid(fcinfo, 0, "user_id"));
	StringInfoData json;

	initStringInfo(&json);
	mfa_append_status(&json, user);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* mfa_status(user_id) -> jsonb */
Datum
authfort_mfa_status(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(mfa_status, fcinfo);
}

/* mfa_step_up(user_id, session_id, code, user_agent, ip_address) -> jsonb */
Datum
authfort_mfa_step_up(PG_FUNCTION_ARGS)
{
	char *code = argument_secret(fcinfo, 2, "code");
	pg_uuid_t *user_id = argument_user_id(fcinfo);
	pg_uuid_t *session_id = argument_uuid(fcinfo, 1, "session_id");
	Client client = argument_client(fcinfo, 3, 4);
	AuthResult result = flow_mfa_step_up(user_id, session_id, code, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* reset_mfa(user_id) -> void */
Datum
authfort_reset_mfa(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");

	users_raise_refusal(flow_mfa_reset(user_id), user_id);
	PG_RETURN_VOID();
}
