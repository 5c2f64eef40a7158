/*
 * rate.h
 *		A number of requests in a period: "5/min".
 */
#ifndef AUTHFORT_RATE_H
#define AUTHFORT_RATE_H

#include "postgres.h"

typedef struct Rate
{
	int requests; /* 0: no limit */
	int64 window; /* microseconds */
} Rate;

/* Reads "N/sec", "N/min", "N/hour", "N/day", or an empty string; false for anything else. */
extern bool rate_read(const char *text, Rate *rate);

#endif /* AUTHFORT_RATE_H */
