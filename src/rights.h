/*
 * rights.h
 *		With whose rights code runs.
 */
#ifndef AUTHFORT_RIGHTS_H
#define AUTHFORT_RIGHTS_H

#include "postgres.h"

#include "fmgr.h"

/* What to go back to. */
typedef struct Rights
{
	Oid			user;
	int			context;
	int			settings;		/* level of settings to roll back; 0: none */
} Rights;

/* Raises undefined_function for a function that does not exist. */
extern Oid	rights_function_owner(Oid function);

/*
 * Each of these is ended by rights_restore(), or by an error.
 *
 * rights_take_owners() is for functions that have to know who calls them.  If
 * they were SECURITY DEFINER they could not: the outer user is that of the
 * session, which may only have been led to somebody else's function.  So they
 * run as their caller, ask GetUserId(), and take their owner's rights by this.
 * Their search_path has to be pinned.
 *
 * rights_confine() is for code of others.  It runs as that user, and may not
 * leave behind what runs later as somebody else (deferred triggers, cursors
 * WITH HOLD, temporary tables that hide others), nor what later statements go
 * by (a search_path, another identity in authfort.jwt).
 */
extern void rights_take_owners(FunctionCallInfo fcinfo, Rights *saved);
extern void rights_confine(Oid user, Rights *saved);
extern void rights_restore(const Rights *saved);

#endif							/* AUTHFORT_RIGHTS_H */
