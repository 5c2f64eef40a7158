/*
 * authfort.c
 *		Entry point of the library.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/security_context.h"
#include "compat.h"
#include "crypto/hash_budget.h"
#include "domain/attempts.h"
#include "domain/claims_hook.h"
#include "domain/database_id.h"
#include "domain/key_expiry.h"
#include "domain/rate_limit.h"
#include "domain/signing_keys.h"
#include "identity/identity.h"
#include "redact/log_redaction.h"
#include "server/cleanup_worker.h"
#include "server/drop_guard.h"
#include "settings.h"

COMPAT_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(authfort_version);

void _PG_init(void);

void
_PG_init(void)
{
	if (sodium_init() < 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not initialize libsodium")));
	settings_define();
	security_context_init();
	database_id_init();
	key_expiry_init();
	signing_keys_init();
	claims_hook_init();
	identity_init();
	hash_budget_init();
	rate_limit_init();
	attempts_init();
	drop_guard_init();
	log_redaction_init();
	cleanup_worker_init();
}

/* version() -> text */
Datum
authfort_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(AUTHFORT_VERSION));
}
