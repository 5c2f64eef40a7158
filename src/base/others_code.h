/*
 * others_code.h
 *		Functions of other roles that authfort calls: event handlers, the
 *		claims hook.
 */
#ifndef AUTHFORT_OTHERS_CODE_H
#define AUTHFORT_OTHERS_CODE_H

#include "postgres.h"

/*
 * Checks that the current role owns the function, and that it takes so many
 * arguments of type jsonb, returns no set, and is not temporary.  Returns its
 * owner.  "what" completes "function %s cannot ...".
 */
extern Oid others_code_require_own(Oid function, int argument_count, const char *what);

/* The function of that signature; InvalidOid if it has gone. */
extern Oid others_code_find(const char *signature);

/*
 * Calls a function with the privileges of its owner, confined
 * (security_context.h), and kept from the cursors of the caller.
 */
extern Datum
others_code_call(Oid function, Oid owner, int argument_count, const Datum *arguments, bool *isnull);

#endif /* AUTHFORT_OTHERS_CODE_H */
