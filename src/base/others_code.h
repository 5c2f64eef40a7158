/*
 * others_code.h
 *		Functions of other roles that authfort calls: event handlers, the
 *		claims hook.
 */
#ifndef AUTHFORT_OTHERS_CODE_H
#define AUTHFORT_OTHERS_CODE_H

#include "postgres.h"

/* What authfort calls: a function that returns no set and is not temporary. */
typedef struct OthersCodeForm
{
	int argument_count; /* all of type jsonb */
	Oid result;         /* its type; InvalidOid: any */
	const char *what;   /* completes "function %s cannot ..." */
	const char *detail; /* a sentence that describes the form */
} OthersCodeForm;

/*
 * Checks that the current role owns the function, and that it has that form.
 * Returns its owner.
 */
extern Oid others_code_require_own(Oid function, const OthersCodeForm *form);

/*
 * Rises with each call of others_code_call() in this backend: what was read
 * before may have changed since.
 */
extern uint64 others_code_calls(void);

/* The function of that signature; InvalidOid if it has gone. */
extern Oid others_code_find(const char *signature);

/*
 * Calls a function with the privileges of its owner, confined
 * (security_context.h), and kept from the cursors of the caller.  Raises if it
 * no longer has that form.
 */
extern Datum others_code_call(Oid function, Oid owner, const OthersCodeForm *form,
							  const Datum *arguments, bool *isnull);

#endif /* AUTHFORT_OTHERS_CODE_H */
