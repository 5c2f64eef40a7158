/*
 * failure.h
 *		The response to the client for an error of PostgreSQL.
 */
#ifndef GATEWAY_FAILURE_H
#define GATEWAY_FAILURE_H

#include <libpq-fe.h>
#include <stdbool.h>

typedef struct Failure
{
	int status;
	const char *code;
	const char *message; /* may point into the result */
	bool temporary;      /* the same request may succeed later: Retry-After */
	bool rolled_back;    /* certainly, and a retry may succeed at once */
	bool disconnect;     /* another connection may lead to a better server */
} Failure;

extern Failure failure_of_result(const PGresult *result);

#endif /* GATEWAY_FAILURE_H */
