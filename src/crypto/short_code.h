/*
 * short_code.h
 *		Codes that a person types, stored as a MAC.
 *
 * A hash of one of a million codes can be reversed by trying all of them.  So
 * what is stored is a MAC under a key that is derived from the master key, and
 * it is bound to the database, the user and the purpose.
 */
#ifndef AUTHFORT_SHORT_CODE_H
#define AUTHFORT_SHORT_CODE_H

#include "postgres.h"

#include "utils/uuid.h"

typedef struct ShortCodeUse
{
	const char *purpose; /* a constant */
	pg_uuid_t database;  /* domain/database_id.h */
	pg_uuid_t user_id;
} ShortCodeUse;

/* The id of the current master key and the MAC; palloc'd. */
extern bytea *short_code_mac(const ShortCodeUse *use, const char *code);

/* Whether it is the MAC of that code, in constant time; false if its master key is not held. */
extern bool short_code_matches(const ShortCodeUse *use, const char *code, const bytea *mac);

#endif /* AUTHFORT_SHORT_CODE_H */
