/*
 * passkey_options.h
 *		The options that a page passes to navigator.credentials, as JSON (Web
 *		Authentication, sections 5.1.8 and 5.1.9).
 */
#ifndef AUTHFORT_PASSKEY_OPTIONS_H
#define AUTHFORT_PASSKEY_OPTIONS_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "domain/passkeys.h"
#include "domain/users.h"

/* For a passkey that can be found without an email, on an authenticator that has none of these. */
extern void passkey_append_creation_options(StringInfo out, const User *user, const char *challenge,
											const Passkey *existing, int count);

/* For one of these; with none, the user selects one on the authenticator. */
extern void passkey_append_request_options(StringInfo out, const char *challenge,
										   const Passkey *allowed, int count, int user_verification);

#endif /* AUTHFORT_PASSKEY_OPTIONS_H */
