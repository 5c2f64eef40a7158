/*
 * secret_functions.h
 *		Which functions are handed secrets: ours, and those that pass on to them.
 */
#ifndef AUTHFORT_SECRET_FUNCTIONS_H
#define AUTHFORT_SECRET_FUNCTIONS_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

#include "redact/statement_text.h"

extern void secret_functions_init(void);

/*
 * What names stand for.  The first two look into the catalog, and so must only
 * be used within a transaction that has not failed; the last knows what this
 * backend came across.  By guess, ours are meant where their schema is missing.
 */
extern const StatementNames secret_functions_by_catalog;
extern const StatementNames secret_functions_by_guess;
extern const StatementNames secret_functions_by_memory;

/* Whether an analyzed statement calls such a function, or sets such a setting. */
extern bool query_has_secrets(Node *query);

/* The same for a plan whose statement was analyzed in this backend. */
extern bool plan_has_secrets(const PlannedStmt *plan);

#endif							/* AUTHFORT_SECRET_FUNCTIONS_H */
