/*
 * sealed_column.h
 *		Sealing again what a column holds, with the current master key.
 */
#ifndef AUTHFORT_SEALED_COLUMN_H
#define AUTHFORT_SEALED_COLUMN_H

#include "postgres.h"

#include "base/spi_query.h"
#include "domain/resealing.h"

/*
 * Declare it static.  "find" selects and locks rows whose value is sealed with
 * another master key: their key, the value, and what else the name needs, or
 * NULL.  Its parameters are an array of SEALED_OLDER prefixes, how many rows,
 * and the key after which they come, or NULL.  "update" takes the key and the
 * new value.
 */
typedef struct SealedColumn
{
	SpiQuery find;
	SpiQuery update;
	/* with what the value is bound to its row (crypto/seal.h) */
	char *(*name)(Datum key, const char *detail);
} SealedColumn;

/* A condition of "find". */
#define SEALED_OLDER(column) \
	"pg_catalog.substring(" column ", 1, 5) OPERATOR(pg_catalog.=) ANY ($1)"

/* The end of "find": a row that is locked is left for another call. */
#define SEALED_NEXT(key) \
	" AND ($3 IS NULL OR " key " OPERATOR(pg_catalog.>) $3) ORDER BY " key \
	" LIMIT $2 FOR UPDATE SKIP LOCKED"

#define SEALED_FIND_PARAMETERS(key_type) \
	3, \
	{ \
		BYTEAARRAYOID, INT4OID, key_type \
	}

extern void
sealed_column_reseal(SealedColumn *column, const pg_uuid_t *database, Resealing *progress);

#endif /* AUTHFORT_SEALED_COLUMN_H */
