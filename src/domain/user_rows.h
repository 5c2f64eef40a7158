/*
 * user_rows.h
 *		The rows of a table that belong to users, by its column user_id.
 */
#ifndef AUTHFORT_USER_ROWS_H
#define AUTHFORT_USER_ROWS_H

#include "postgres.h"

#include "utils/uuid.h"

#include "base/spi_query.h"

/* Declare it static, as {table}: it keeps the statements. */
typedef struct UserRows
{
	const char *table; /* with its schema */
	SpiQuery of_user;
	SpiQuery of_all;
} UserRows;

/* Deletes the rows of a user; NULL: those of all users. */
extern void user_rows_delete(UserRows *rows, const pg_uuid_t *user_id);

#endif /* AUTHFORT_USER_ROWS_H */
