/*
 * rate.h
 *		So many requests in so much time: "5/min".
 */
#ifndef AUTHFORT_RATE_H
#define AUTHFORT_RATE_H

#include "postgres.h"

typedef struct Rate
{
	int			requests;		/* 0: no limit */
	int64		window;			/* microseconds */
} Rate;

/* Reads "N/sec", "N/min", "N/hour", "N/day", or nothing; false for else. */
extern bool rate_read(const char *text, Rate *rate);

#endif							/* AUTHFORT_RATE_H */
