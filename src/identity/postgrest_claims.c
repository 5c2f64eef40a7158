/*
 * postgrest_claims.c
 *		The setting request.jwt.claims, in which PostgREST reports verified
 *		claims.
 *
 * Every role may write that setting.  So it is used only in sessions of roles
 * that are trusted to write only claims that they have verified, and not to let
 * their clients write it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/varlena.h"

#include "compat.h"
#include "identity/postgrest_claims.h"
#include "settings.h"

#define SETTING_NAME "request.jwt.claims"

bool
postgrest_claims_trusted(void)
{
	List *names;
	ListCell *cell;
	char *session_user;
	bool trusted = false;

	if (setting_trusted_authenticators[0] == '\0')
		return false;
	session_user = GetUserNameFromId(GetSessionUserId(), true);
	/* the setting's check hook has validated the list */
	(void) SplitIdentifierString(pstrdup(setting_trusted_authenticators), ',', &names);
	foreach (cell, names)
	{
		if (session_user != NULL && strcmp(lfirst(cell), session_user) == 0)
			trusted = true;
	}
	return trusted;
}

const char *
postgrest_claims_text(void)
{
	const char *text = GetConfigOption(SETTING_NAME, true, false);

	return (text == NULL || text[0] == '\0') ? NULL : text;
}

static void
note_claims_change(const char *newval, void *extra)
{
	settings_note_token_change();
}

/*
 * No library defines the setting: PostgreSQL creates a placeholder for it when
 * it is first set.  Defining it here would be visible to other code, because
 * current_setting(..., true) would no longer be NULL before that.  So a hook
 * is set on the placeholder.  It is called for every change, whether by SET,
 * by set_config(), by a rollback or by a function's end.
 */
bool
postgrest_claims_watch(void)
{
	struct config_generic *setting = compat_find_setting(SETTING_NAME);
	struct config_string *string = (struct config_string *) setting;

	if (setting == NULL || setting->vartype != PGC_STRING)
		return false;
	if (string->assign_hook == NULL)
		string->assign_hook = note_claims_change;
	return string->assign_hook == note_claims_change;
}
