/*
 * plan.h
 *		Statements that are planned once a backend, run through SPI.
 */
#ifndef AUTHFORT_PLAN_H
#define AUTHFORT_PLAN_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/uuid.h"

#define PLAN_MAX_PARAMETERS 12

/*
 * Declare it static: the plan is kept in it.  The query names everything by
 * its schema; PostgreSQL plans it again when what it depends on changes.
 */
typedef struct SavedPlan
{
	const char *query;
	int			parameter_count;
	Oid			parameter_types[PLAN_MAX_PARAMETERS];
	SPIPlanPtr	plan;
} SavedPlan;

extern void plan_open(void);
extern void plan_close(void);
extern uint64 plan_run(SavedPlan *plan, Datum *values, const char *nulls, int expected);

/* The same for a statement that is planned for these values, and not kept. */
extern uint64 plan_run_once(const char *query, int parameter_count, Oid *parameter_types,
							Datum *values, const char *nulls, int expected);

/*
 * For statements that stand alone, from open to close: one whose parameter is
 * an id, and one that deletes what is older than a time, at most so many rows.
 */
extern void plan_run_by_id(SavedPlan *plan, const pg_uuid_t *id, int expected);
extern int	plan_delete_before(SavedPlan *plan, TimestampTz time, int limit);

/* From here on the columns are those of that row; the first is 0. */
extern void plan_use_row(uint64 row);

/*
 * Columns of the row, numbered from 1, copied into "context", which has
 * to be one that outlives plan_close().
 */
extern bool plan_is_null(int column);
extern Datum plan_datum(int column);
extern char *plan_text(MemoryContext context, int column);
extern void plan_uuid(int column, pg_uuid_t *uuid);
extern TimestampTz plan_time(int column);
extern char **plan_texts(MemoryContext context, int column, int *count);

#endif							/* AUTHFORT_PLAN_H */
