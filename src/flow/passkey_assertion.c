/*
 * passkey_assertion.c
 *		Verifies that a passkey has signed a challenge.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/uuid.h"
#include "domain/events.h"
#include "flow/passkey_assertion.h"
#include "flow/second_factor.h"
#include "settings.h"

/* The handle is the user's id; a browser may omit it if the options named the passkey. */
static bool
has_user_handle(const PasskeyResponse *response, const PasskeyChallengeUse *use,
				const pg_uuid_t *user_id)
{
	if (response->user_handle == NULL)
		return use->user_id != NULL;
	return VARSIZE(response->user_handle) - VARHDRSZ == UUID_LEN &&
		   memcmp(VARDATA(response->user_handle), user_id->data, UUID_LEN) == 0;
}

static bool
verify_signature(const PasskeyResponse *response, const Passkey *passkey)
{
	return webauthn_verify((unsigned char *) VARDATA(passkey->public_key),
						   VARSIZE(passkey->public_key) - VARHDRSZ, passkey->algorithm,
						   (unsigned char *) VARDATA(response->authenticator_data),
						   VARSIZE(response->authenticator_data) - VARHDRSZ,
						   response->client_data_hash, (unsigned char *) VARDATA(response->signature),
						   VARSIZE(response->signature) - VARHDRSZ);
}

/* The checks that need no row.  Returns NULL or the name of the check that failed. */
static const char *
check_alone(Jsonb *credential, const PasskeyChallengeUse *use, bool must_verify_user,
			PasskeyAssertion *assertion)
{
	PasskeyResponse *response = &assertion->response;
	const char *fault = passkey_response_read_assertion(credential, response);

	if (fault == NULL)
		fault = passkey_response_check_client(response, "webauthn.get", use);
	if (fault != NULL)
		return fault;
	if (!webauthn_read_assertion_data((unsigned char *) VARDATA(response->authenticator_data),
									  VARSIZE(response->authenticator_data) - VARHDRSZ,
									  &assertion->data))
		return "authenticatorData";
	return passkey_check_data(&assertion->data, must_verify_user);
}

/* Extensions are read last: only the authenticator itself gets so far. */
static const char *
check_with_passkey(const PasskeyChallengeUse *use, const PasskeyAssertion *assertion)
{
	const Passkey *passkey = assertion->passkey;

	if (!has_user_handle(&assertion->response, use, &passkey->user_id))
		return "userHandle";
	if (assertion->data.backup_eligible != passkey->backup_eligible)
		return "backupEligibility";
	if (!verify_signature(&assertion->response, passkey))
		return "signature";
	if (!webauthn_check_extensions(&assertion->data))
		return "authenticatorData";
	return NULL;
}

/* The passkey may have been removed, and its id registered again, since it was read. */
static bool
lock_user(PasskeyAssertion *assertion)
{
	Passkey *again;

	assertion->user = users_lock(&assertion->passkey->user_id);
	if (assertion->user == NULL)
		return false;
	again = passkeys_find(assertion->response.credential_id);
	if (again == NULL || !uuid_equal(&again->id, &assertion->passkey->id))
		return false;
	assertion->passkey = again;
	return true;
}

/* Section 6.1.1: a counter that does not rise means that there is a copy of the key. */
static bool
counter_rises(const PasskeyAssertion *assertion)
{
	uint32 stored = assertion->passkey->sign_count;
	uint32 received = assertion->data.sign_count;

	return received > stored || (received == 0 && stored == 0);
}

static void
record_anomaly(const PasskeyAssertion *assertion, const Client *client)
{
	const Passkey *passkey = assertion->passkey;
	Event event;

	event_begin(&event, EVENT_PASSKEY_COUNTER_ANOMALY, &passkey->user_id, NULL, client);
	json_write_string(&event.payload, "passkey_id", passkey_id_text(passkey->credential_id));
	json_write_string(&event.payload, "name", passkey->name);
	json_write_integer(&event.payload, "stored", passkey->sign_count);
	json_write_integer(&event.payload, "received", assertion->data.sign_count);
	event_record(&event);
}

/*
 * The challenge is spent before the counter is compared: a request that a
 * client sends twice is not a sign of a copied key.
 */
static const Refusal *
check_under_lock(PasskeyAssertion *assertion, const Client *client)
{
	if (!passkey_challenge_spend(&assertion->response.challenge))
		return refuse_passkey("challenge");
	if (!counter_rises(assertion))
	{
		record_anomaly(assertion, client);
		if (setting_passkey_counter_action == PASSKEY_COUNTER_REFUSES)
			return refuse_passkey("signCount");
	}
	return assertion->user->banned ? &refusal_user_banned : NULL;
}

const Refusal *
passkey_assertion_verify(Jsonb *credential, const PasskeyChallengeUse *use, bool must_verify_user,
						 const Client *client, PasskeyAssertion *assertion)
{
	const char *fault;

	memset(assertion, 0, sizeof(*assertion));
	fault = check_alone(credential, use, must_verify_user, assertion);
	if (fault != NULL)
		return refuse_passkey(fault);
	assertion->passkey = passkeys_find(assertion->response.credential_id);
	if (assertion->passkey == NULL ||
		(use->user_id != NULL && !uuid_equal(use->user_id, &assertion->passkey->user_id)))
	{
		assertion->passkey = NULL;
		return &refusal_passkey_not_found;
	}
	fault = check_with_passkey(use, assertion);
	if (fault != NULL)
		return refuse_passkey(fault);
	if (!lock_user(assertion))
		return &refusal_passkey_not_found;
	return check_under_lock(assertion, client);
}

void
passkey_assertion_record(PasskeyAssertion *assertion)
{
	Passkey *passkey = assertion->passkey;

	passkey->sign_count = Max(passkey->sign_count, assertion->data.sign_count);
	passkey->backed_up = assertion->data.backed_up;
	passkeys_record_use(passkey);
}

void
passkey_record_failed_factor(const User *user, const Refusal *refusal, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_MFA_FAILED, &user->id, NULL, client);
	json_write_string(&event.payload, "email", user->email);
	json_write_string(&event.payload, "method", METHOD_PASSKEY);
	json_write_string(&event.payload, "reason", refusal->code);
	if (refusal->extra != NULL)
		json_write_members(&event.payload, refusal->extra);
	event_record(&event);
}
