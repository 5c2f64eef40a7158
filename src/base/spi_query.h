/*
 * spi_query.h
 *		Statements that each backend plans once, run through SPI.
 */
#ifndef AUTHFORT_SPI_QUERY_H
#define AUTHFORT_SPI_QUERY_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#define SPI_QUERY_MAX_PARAMETERS 16

/*
 * Declare it static: the plan is kept in it.  The query names everything by
 * its schema; PostgreSQL plans it again when what it depends on changes.
 */
typedef struct SpiQuery
{
	const char *sql;
	int parameter_count;
	Oid parameter_types[SPI_QUERY_MAX_PARAMETERS];
	SPIPlanPtr plan;
} SpiQuery;

extern void spi_query_open(void);
extern void spi_query_close(void);
extern uint64 spi_query_run(SpiQuery *query, Datum *values, const char *nulls, int expected);

/*
 * Runs a STABLE function.  Of other transactions it sees what the statement
 * that called it sees; of its own, also what functions called before it in that
 * statement did.  It can write nothing, and may run in a parallel query.
 */
extern Datum spi_query_run_stable(PGFunction function, FunctionCallInfo fcinfo);

/* Whether such a function runs. */
extern bool spi_query_is_stable(void);

/* As spi_query_run(), for a statement that is planned for these values, and not kept. */
extern uint64 spi_query_run_once(const char *sql, int parameter_count, Oid *parameter_types,
								 Datum *values, const char *nulls, int expected);

/*
 * Statements that stand alone, from open to close: any whose rows are only
 * counted, one whose parameter is an id, and one with an id and another value.
 */
extern uint64 spi_query_run_alone(SpiQuery *query, Datum *values, const char *nulls, int expected);
extern void spi_query_run_by_id(SpiQuery *query, const pg_uuid_t *id, int expected);
extern void spi_query_run_by_id_and(SpiQuery *query, const pg_uuid_t *id, Datum value, int expected);

/* The same for one whose rows have a single column, an id: returns these, palloc'd. */
extern pg_uuid_t *spi_query_run_for_ids(SpiQuery *query, Datum *values, int expected, int *count);

/* The same for one that returns a single value: a bigint, or an array of texts, palloc'd. */
extern int64 spi_query_run_for_number(SpiQuery *query, Datum *values, const char *nulls);
extern char **spi_query_run_for_texts(SpiQuery *query, Datum *values, int *count);

/* From here on the columns are those of that row; the first is 0. */
extern void spi_query_use_row(uint64 row);

/*
 * Columns of the row, numbered from 1, copied into "context", which has to be
 * one that outlives spi_query_close().  Where a pointer is returned, it is NULL
 * for a null, except for an array.
 */
extern bool spi_query_is_null(int column);
extern Datum spi_query_datum(int column);
extern char *spi_query_text(MemoryContext context, int column);
extern bytea *spi_query_bytea(MemoryContext context, int column);
extern Jsonb *spi_query_jsonb(MemoryContext context, int column);
extern void spi_query_uuid(int column, pg_uuid_t *uuid);
extern TimestampTz spi_query_time(int column);
extern char **spi_query_texts(MemoryContext context, int column, int *count);

/* The first columns, as they are in the row. */
extern void spi_query_columns(int count, Datum *values, bool *nulls);

#endif /* AUTHFORT_SPI_QUERY_H */
