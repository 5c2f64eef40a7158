/*
 * no_password.c
 *		The refusal of a password for an account that has none.
 */
#include "postgres.h"

#include "base/json.h"
#include "domain/identities.h"
#include "flow/no_password.h"

const Refusal *
no_password_refusal(const User *user)
{
	int count;
	char **providers = identities_providers(&user->id, &count);
	StringInfoData extra;

	if (count == 0)
		return &refusal_no_password;
	initStringInfo(&extra);
	json_open(&extra);
	json_write_strings(&extra, "providers", providers, count);
	return refusal_with_extra(&refusal_oauth_account, extra.data + 1);
}

bool
is_no_password_refusal(const Refusal *refusal)
{
	return refusal != NULL && (strcmp(refusal->code, refusal_no_password.code) == 0 ||
							   strcmp(refusal->code, refusal_oauth_account.code) == 0);
}
