/*
 * database.h
 *		One connection to PostgreSQL: sends requests and receives results, each
 *		before its deadline.
 */
#ifndef GATEWAY_DATABASE_H
#define GATEWAY_DATABASE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "request.h"

typedef struct Database
{
	PGconn *conn;    /* NULL: not connected */
	bool terminated; /* the server announced that it ends the session */
} Database;

typedef enum Outcome
{
	OUTCOME_ANSWER,  /* committed; the result has the answer */
	OUTCOME_ERROR,   /* the result has the error */
	OUTCOME_TIMEOUT, /* unknown; the connection is in use */
	OUTCOME_LOST     /* unknown; the connection is broken */
} Outcome;

extern bool database_init(const Options *options);

/* Ends every wait from now on, as if its deadline had passed. */
extern void database_interrupt(void);

/* Logs the reason of a failure. May take as long as connect_timeout, for each host. */
extern bool database_connect(Database *database);

/* Whether an idle connection still works, as far as is known without a query. */
extern bool database_is_alive(Database *database);

/* Whether the server answers before the deadline. */
extern bool database_probe(Database *database, int64_t deadline);

/*
 * Runs a request, or the rest of it, in a transaction of its own.  After an answer or an error
 * the caller frees *result.  The connection can be used again after an answer,
 * and after an error if database_is_idle().
 */
extern Outcome
database_call(Database *database, const Request *request, int64_t deadline, PGresult **result);
extern bool database_is_idle(const Database *database);

/* An integer of the answer, which is in binary; 0 if it is not one. */
extern int database_integer(const PGresult *result, int column);

extern void database_close(Database *database);

/* Closes a connection that runs something, which is cancelled if possible. */
extern void database_abandon(Database *database);

/* Whether all of these connections are closed. */
extern bool database_all_closed(void);

#endif /* GATEWAY_DATABASE_H */
