/*
 * response_timing.h
 *		Answers that take the same time whatever they found.
 */
#ifndef AUTHFORT_RESPONSE_TIMING_H
#define AUTHFORT_RESPONSE_TIMING_H

#include "postgres.h"

#include "portability/instr_time.h"

/*
 * Waits until a fixed time has passed since "start".  Where the answer must
 * not tell whether an account exists, but there is more to do for one that
 * does, both take this long.
 */
extern void timing_equalize_response(instr_time start);

/*
 * Makes the commit to come wait as that of a transaction which wrote something
 * and recorded an event: for the disk, and where events are announced, for the
 * other transactions that notify.
 */
extern void timing_equalize_commit(void);

#endif							/* AUTHFORT_RESPONSE_TIMING_H */
