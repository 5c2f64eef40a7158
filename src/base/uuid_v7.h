/*
 * uuid_v7.h
 *		Identifiers in the order of time: UUIDs of version 7 (RFC 9562).
 */
#ifndef AUTHFORT_UUID_V7_H
#define AUTHFORT_UUID_V7_H

#include "postgres.h"

#include "utils/uuid.h"

/*
 * Each is greater than all that this backend made before, also within one
 * millisecond and after the clock went back.
 */
extern void uuid_v7_make(pg_uuid_t *uuid);

#endif /* AUTHFORT_UUID_V7_H */
