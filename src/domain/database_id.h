/*
 * database_id.h
 *		Which database this is: table authfort.database_identity and its cache.
 *
 * A random id, bound into what is sealed or authenticated for a short life, so
 * that a copy of a database under the same master key can be made a stranger
 * to it.  The row is data: a dump has it, so a restored database goes on.
 */
#ifndef AUTHFORT_DATABASE_ID_H
#define AUTHFORT_DATABASE_ID_H

#include "postgres.h"

#include "utils/uuid.h"

extern void database_id_init(void);

/*
 * This database's id, which is made if there is none yet.  It stays the same
 * until the end of the transaction, for database_id_replace() waits for that.
 */
extern pg_uuid_t database_id(void);

/* Keeps others from asking for the id until the end of the transaction. */
extern void database_id_lock(void);

/* Makes another id; the caller has called database_id_lock(). */
extern void database_id_replace(void);

#endif							/* AUTHFORT_DATABASE_ID_H */
