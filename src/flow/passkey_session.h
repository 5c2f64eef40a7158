/*
 * passkey_session.h
 *		A passkey by which the user of a session authenticates again.
 */
#ifndef AUTHFORT_PASSKEY_SESSION_H
#define AUTHFORT_PASSKEY_SESSION_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "domain/passkey_challenge.h"
#include "domain/sessions.h"
#include "flow/auth_result.h"

/*
 * Appends PublicKeyCredentialRequestOptionsJSON with the passkeys of the user
 * of a session; the response counts for that session and purpose only, which is
 * PASSKEY_STEP_UP or PASSKEY_REAUTHENTICATION.  Returns NULL or the refusal.
 */
extern const Refusal *
flow_passkey_session_options(PasskeyCeremony purpose, const pg_uuid_t *session_id, StringInfo out);

/*
 * Verifies the response, or records mfa_failed.  Sets *locked to the user, who
 * is that of the session, and *how to what was proven: two factors, or one if
 * the authenticator has not verified its user and the session has no other.
 */
extern const Refusal *
passkey_session_prove(PasskeyCeremony purpose, const User *user, const Session *session,
					  Jsonb *credential, const Client *client, User **locked, Authentication *how);

/* Raises the session to two factors; the result has its new tokens. */
extern AuthResult
flow_passkey_step_up(const pg_uuid_t *session_id, Jsonb *credential, const Client *client);

#endif /* AUTHFORT_PASSKEY_SESSION_H */
