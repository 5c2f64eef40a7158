/*
 * database_id.h
 *		The identity of this database: table authfort.database_identity and its
 *		cache.
 *
 * A random id, bound into short-lived sealed or authenticated values, so that
 * a copy of a database under the same master key can be separated from it.
 * The row is data: a dump contains it, so tokens remain valid in a restored
 * database.
 */
#ifndef AUTHFORT_DATABASE_ID_H
#define AUTHFORT_DATABASE_ID_H

#include "postgres.h"

#include "utils/uuid.h"

extern void database_id_init(void);

/*
 * This database's id, which is created on first use.  It stays the same until
 * the end of the transaction, because database_id_replace() waits for that.
 */
extern pg_uuid_t database_id(void);

/* Blocks other sessions' database_id() until the end of the transaction. */
extern void database_id_lock(void);

/* Makes another id; the caller has called database_id_lock(). */
extern void database_id_replace(void);

#endif /* AUTHFORT_DATABASE_ID_H */
