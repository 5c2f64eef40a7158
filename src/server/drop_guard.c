/*
 * drop_guard.c
 *		Prevents the extension, and with it all accounts, from being dropped by
 *		mistake.
 *
 * The check is made for the object itself, not for a statement, so that DROP
 * OWNED and other cascades are caught as well.  DROP DATABASE is not, because
 * its effect is plain.
 */
#include "postgres.h"

#include "catalog/objectaccess.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"

#include "server/drop_guard.h"
#include "settings.h"

static object_access_hook_type next_object_access = NULL;

static bool
is_this_extension(Oid extension)
{
	char *name = get_extension_name(extension);

	return name != NULL && strcmp(name, "authfort") == 0;
}

static void
on_object_access(ObjectAccessType access, Oid class, Oid object, int subobject, void *arg)
{
	if (next_object_access != NULL)
		next_object_access(access, class, object, subobject, arg);
	if (access == OAT_DROP && class == ExtensionRelationId && !setting_allow_drop &&
		is_this_extension(object))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("extension authfort is protected from being dropped"),
				 errdetail("All users, sessions, roles, signing keys and events of this database would be dropped with it."),
				 errhint("Dump the database first. SET authfort.allow_drop = on lets a superuser drop it.")));
}

void
drop_guard_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	next_object_access = object_access_hook;
	object_access_hook = on_object_access;
}
