/*
 * compat.h
 *		The only place that knows that PostgreSQL 15 to 18 differ.
 */
#ifndef AUTHFORT_COMPAT_H
#define AUTHFORT_COMPAT_H

#include "postgres.h"

#include "catalog/pg_proc.h"
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/relcache.h"

/* Since 18 a library can say its name and version, for pg_get_loaded_modules(). */
#if PG_VERSION_NUM >= 180000
#define COMPAT_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "authfort", .version = AUTHFORT_VERSION)
#else
#define COMPAT_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* Since 16 the header of query ids is elsewhere. */
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#else
#include "utils/queryjumble.h"
#endif

/* Since 16 the varlena macros have a header of their own. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * Since 16 the values of settings, and what a check hook leaves for its assign
 * hook, are in a memory context.  NULL: out of memory.
 */
static inline void *
compat_guc_alloc(size_t size)
{
#if PG_VERSION_NUM >= 160000
	return guc_malloc(LOG, size);
#else
	return malloc(size);
#endif
}

/* Frees such memory, or the text that a check hook replaces. */
static inline void
compat_guc_free(void *memory)
{
	if (memory == NULL)
		return;
#if PG_VERSION_NUM >= 160000
	guc_free(memory);
#else
	free(memory);
#endif
}

/* Since 16 the semantic actions of the JSON parser report success. */
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType JsonActionResult;
#define JSON_ACTION_DONE return JSON_SUCCESS
#else
typedef void JsonActionResult;
#define JSON_ACTION_DONE return
#endif

/* A lexer over UTF-8 text that unescapes strings as it goes. */
static inline JsonLexContext *
compat_json_lexer(const char *text, int len)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, text, len, PG_UTF8, true);
#else
	return makeJsonLexContextCstringLen(unconstify(char *, text), len, PG_UTF8, true);
#endif
}

/* Since 18 the places of constants in a query include those of parameters. */
static inline bool
compat_has_constants(const JumbleState *jumble)
{
#if PG_VERSION_NUM >= 180000
	for (int i = 0; i < jumble->clocations_count; i++)
	{
		if (!jumble->clocations[i].extern_param)
			return true;
	}
	return false;
#else
	return jumble->clocations_count > 0;
#endif
}

/* Before 18 the executor-run hook has an argument for whether it runs once. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTE_ONCE
#define COMPAT_PASS_EXECUTE_ONCE
#else
#define COMPAT_EXECUTE_ONCE , bool execute_once
#define COMPAT_PASS_EXECUTE_ONCE , execute_once
#endif

/* Since 16 ownership of every kind of object is asked for in one way. */
static inline bool
compat_owns_function(Oid function, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(ProcedureRelationId, function, role);
#else
	return pg_proc_ownercheck(function, role);
#endif
}

/* Since 17 the number of this process is no longer part of its PGPROC. */
static inline int
compat_proc_number(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyProc->pgprocno;
#endif
}

/* A message in the write-ahead log that is part of the transaction. */
static inline void
compat_log_message(const char *prefix, const char *message, size_t len)
{
#if PG_VERSION_NUM >= 170000
	LogLogicalMessage(prefix, message, len, true, false);
#else
	LogLogicalMessage(prefix, message, len, true);
#endif
}

/* Whether a session of "member" may SET ROLE to "role". */
static inline bool
compat_may_set_role(Oid member, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return member_can_set_role(member, role);
#else
	return is_member_of_role(member, role);
#endif
}

#if PG_VERSION_NUM < 160000
static inline int
compat_compare_setting(const void *name, const void *setting)
{
	return pg_strcasecmp(name, (*(struct config_generic *const *) setting)->name);
}
#endif

/* The configuration parameter of that name, or NULL. */
static inline struct config_generic *
compat_find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, 0);
#else
	struct config_generic **found = bsearch(name, get_guc_variables(), GetNumConfigOptions(),
											sizeof(struct config_generic *), compat_compare_setting);

	return (found != NULL) ? *found : NULL;
#endif
}

/* InvalidOid if the relation has no primary key. */
static inline Oid
compat_primary_key_index(Relation relation)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(relation, true);
#else
	return RelationGetPrimaryKeyIndex(relation);
#endif
}

#endif /* AUTHFORT_COMPAT_H */
