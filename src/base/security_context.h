/*
 * security_context.h
 *		The role whose privileges code runs with.
 */
#ifndef AUTHFORT_SECURITY_CONTEXT_H
#define AUTHFORT_SECURITY_CONTEXT_H

#include "postgres.h"

#include "fmgr.h"

/* The state to restore. */
typedef struct SecurityContext
{
	Oid user;
	int context;
	int settings; /* level of settings to roll back; 0: none */
} SecurityContext;

/* Raises undefined_function for a function that does not exist. */
extern Oid security_context_function_owner(Oid function);
extern bool security_context_is_definer(Oid function);

/*
 * Each of these is ended by security_context_restore(), or by an error.
 *
 * security_context_become_owner() is for functions that must know their
 * caller.  A SECURITY DEFINER function cannot know it: GetOuterUserId() is the
 * session's role, which another role's function may have called.  So these
 * functions run as their caller, check GetUserId(), and switch to their
 * owner's privileges with this.  Their search_path must be pinned.
 *
 * security_context_restrict() is for other roles' code.  That code runs as the
 * given user.  It may not leave behind anything that runs later as another
 * role (deferred triggers, cursors WITH HOLD, temporary objects that hide
 * others) or affects later statements (a search_path, another identity in
 * authfort.jwt, session-level advisory locks).
 * open_cursors.h keeps the cursors of the transaction apart.
 */
extern void security_context_become_owner(FunctionCallInfo fcinfo, SecurityContext *saved);
extern void security_context_restrict(Oid user, SecurityContext *saved);
extern void security_context_restore(const SecurityContext *saved);

/* Installs an object_access_hook that refuses objects that would outlive confined code. */
extern void security_context_init(void);

#endif /* AUTHFORT_SECURITY_CONTEXT_H */
