/*
 * database.h
 *		The outbox: takes messages, and reports what became of them.
 */
#ifndef COURIER_DATABASE_H
#define COURIER_DATABASE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "message.h"
#include "options.h"
#include "transport.h"

typedef struct Database
{
	PGconn *conn; /* NULL: not connected */
} Database;

/* Each logs what fails, and closes a connection that is of no use any more. */

/* Connects, and listens for new messages. */
extern bool database_connect(Database *database, const Options *options);

/* Takes up to "max" messages of a transport into the list.  Returns their number; -1 for an error. */
extern int database_take(Database *database, const Transport *transport, int max, Message **list);

/* Reports messages that were sent: their ids, as an array. */
extern bool database_report_sent(Database *database, const char *ids);

/* Reports one that was not. */
extern bool database_report_failed(Database *database, const char *id, const char *reason);
extern bool database_report_deferred(Database *database, const char *id, long seconds);

/* A transaction around database_take() that is rolled back, for the dry run. */
extern bool database_begin(Database *database);
extern bool database_rollback(Database *database);

/* Whether new messages were announced since the last call. */
extern bool database_was_notified(Database *database);

extern void database_close(Database *database);

#endif /* COURIER_DATABASE_H */
