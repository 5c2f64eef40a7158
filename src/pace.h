/*
 * pace.h
 *		Answers that take the same time whatever they found.
 */
#ifndef AUTHFORT_PACE_H
#define AUTHFORT_PACE_H

#include "postgres.h"

#include "portability/instr_time.h"

/*
 * Waits until "milliseconds" have passed since "start".  Where the answer must
 * not tell whether an account exists, but finding it takes more work than not
 * finding it, both take this long.
 */
extern void pace_until(instr_time start, int milliseconds);

/*
 * Makes the commit to come wait for the disk as that of a transaction which
 * wrote something.
 */
extern void pace_commit(void);

#endif							/* AUTHFORT_PACE_H */
