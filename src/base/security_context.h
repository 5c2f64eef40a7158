/*
 * security_context.h
 *		With whose rights code runs.
 */
#ifndef AUTHFORT_SECURITY_CONTEXT_H
#define AUTHFORT_SECURITY_CONTEXT_H

#include "postgres.h"

#include "fmgr.h"

/* What to go back to. */
typedef struct SecurityContext
{
	Oid			user;
	int			context;
	int			settings;		/* level of settings to roll back; 0: none */
} SecurityContext;

/* Raises undefined_function for a function that does not exist. */
extern Oid	security_context_function_owner(Oid function);
extern bool security_context_is_definer(Oid function);

/*
 * Each of these is ended by security_context_restore(), or by an error.
 *
 * security_context_become_owner() is for functions that have to know who calls them.  If
 * they were SECURITY DEFINER they could not: the outer user is that of the
 * session, which may only have been led to somebody else's function.  So they
 * run as their caller, ask GetUserId(), and take their owner's rights by this.
 * Their search_path has to be pinned.
 *
 * security_context_restrict() is for code of others.  It runs as that user, and may not
 * leave behind what runs later as another role (deferred triggers, cursors
 * WITH HOLD, temporary objects that hide others), nor what later statements go
 * by (a search_path, another identity in authfort.jwt, advisory locks of the session).
 */
extern void security_context_become_owner(FunctionCallInfo fcinfo, SecurityContext *saved);
extern void security_context_restrict(Oid user, SecurityContext *saved);
extern void security_context_restore(const SecurityContext *saved);

/* Has object_access_hook refuse what would outlive confined code. */
extern void security_context_init(void);

#endif							/* AUTHFORT_SECURITY_CONTEXT_H */
