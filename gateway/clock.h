/*
 * clock.h
 *		Time for deadlines.
 */
#ifndef GATEWAY_CLOCK_H
#define GATEWAY_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that only moves forward. */
extern int64_t clock_ms(void);

#endif /* GATEWAY_CLOCK_H */
