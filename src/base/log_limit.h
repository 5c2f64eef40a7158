/*
 * log_limit.h
 *		Log messages that a client could cause with every request.
 */
#ifndef AUTHFORT_LOG_LIMIT_H
#define AUTHFORT_LOG_LIMIT_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * Whether a message is due: once an hour in a backend.  "last" is a static
 * variable of the message's own, zero at first.
 */
extern bool log_limit_allows(TimestampTz *last);

#endif /* AUTHFORT_LOG_LIMIT_H */
