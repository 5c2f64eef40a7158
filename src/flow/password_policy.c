/*
 * password_policy.c
 *		Requirements of a new password.
 */
#include "postgres.h"

#include "base/json.h"
#include "crypto/password_hash.h"
#include "crypto/sha256.h"
#include "domain/breached_passwords.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/password_history.h"
#include "flow/password_policy.h"

static void
record_breached(const char *email, const User *user, const Client *client)
{
	Event event;

	if (user == NULL && event_is_frequent(EVENT_PASSWORD_PWNED_REJECTED, NULL))
		return;
	event_begin(&event, EVENT_PASSWORD_PWNED_REJECTED, (user != NULL) ? &user->id : NULL, NULL,
				client);
	json_write_string(&event.payload, "email_hash", (email != NULL) ? sha256_hex(email) : NULL);
	event_record(&event);
}

/* Lists contain passwords as they leaked, which are not always in normal form. */
static bool
is_breached(const char *password)
{
	char *normal = password_normalize(password);

	return breached_passwords_hold(normal) ||
		   (strcmp(normal, password) != 0 && breached_passwords_hold(password));
}

const Refusal *
password_policy_check(const char *password, const char *email, const User *user, const Client *client)
{
	const Refusal *refusal = input_new_password(password);

	if (refusal != NULL)
		return refusal;
	if (is_breached(password))
	{
		record_breached(email, user, client);
		return &refusal_password_pwned;
	}
	return NULL;
}

const Refusal *
password_policy_check_reuse(const char *password, const User *user)
{
	PasswordCheck check;
	int count;
	char **hashes;

	if (user->password_hash != NULL)
	{
		check = password_verify(user->password_hash, password);
		if (check != PASSWORD_WRONG)
			return (check == PASSWORD_BUSY) ? &refusal_server_busy : &refusal_password_unchanged;
	}
	hashes = password_history_hashes(&user->id, &count);
	for (int i = 0; i < count; i++)
	{
		/* the current one is among them, and was already checked */
		if (user->password_hash != NULL && strcmp(hashes[i], user->password_hash) == 0)
			continue;
		check = password_verify(hashes[i], password);
		if (check == PASSWORD_BUSY)
			return &refusal_server_busy;
		if (check != PASSWORD_WRONG)
		{
			event_record_simple(EVENT_PASSWORD_REUSE_REJECTED, &user->id, NULL, NULL);
			return &refusal_password_reused;
		}
	}
	return NULL;
}
