/*
 * pace.h
 *		Answers that take the same time whatever they found.
 */
#ifndef AUTHFORT_PACE_H
#define AUTHFORT_PACE_H

#include "postgres.h"

#include "portability/instr_time.h"

/*
 * Waits until a fixed time has passed since "start".  Where the answer must
 * not tell whether an account exists, but there is more to do for one that
 * does, both take this long.
 */
extern void pace_answer(instr_time start);

/*
 * Makes the commit to come wait as that of a transaction which wrote something
 * and recorded an event: for the disk, and where events are announced, for the
 * other transactions that notify.
 */
extern void pace_commit(void);

#endif							/* AUTHFORT_PACE_H */
