/*
 * claims_hook.h
 *		The function that adds claims to access tokens: table
 *		authfort.claims_hook.
 */
#ifndef AUTHFORT_CLAIMS_HOOK_H
#define AUTHFORT_CLAIMS_HOOK_H

#include "postgres.h"

#include "domain/sessions.h"
#include "domain/users.h"

extern void claims_hook_init(void);

/*
 * Calls the hook for a token of that session.  Returns further claims, as the
 * members of a JSON object in text, or NULL without any.  An error of the hook
 * has its name as context, and an SQLSTATE that means a fault of the server to
 * all doors.
 */
extern char *claims_hook_run(const User *user, const Session *session);

#endif /* AUTHFORT_CLAIMS_HOOK_H */
