/*
 * uuid.h
 *		UUIDs as text, and comparing them.
 */
#ifndef AUTHFORT_UUID_H
#define AUTHFORT_UUID_H

#include "postgres.h"

#include "utils/uuid.h"

/* Returns false, and raises nothing, for a text of another form. */
extern bool uuid_read(const char *text, pg_uuid_t *uuid);
extern char *uuid_text(const pg_uuid_t *uuid);
extern bool uuid_equal(const pg_uuid_t *a, const pg_uuid_t *b);

#endif /* AUTHFORT_UUID_H */
