/*
 * response_timing.h
 *		Response times that do not depend on the result.
 */
#ifndef AUTHFORT_RESPONSE_TIMING_H
#define AUTHFORT_RESPONSE_TIMING_H

#include "postgres.h"

#include "portability/instr_time.h"

/*
 * Waits until a fixed time has passed since "start".  It is for responses that
 * must not reveal whether an account exists although an existing one causes
 * more work.
 */
extern void timing_equalize_response(instr_time start);

/*
 * Makes this transaction's commit cost the same as one that wrote rows and
 * recorded an event: it waits for a WAL flush and, with
 * authfort.notify_events, for other transactions that notify.
 */
extern void timing_equalize_commit(void);

/*
 * Waits for other transactions that have called this with the same email.  For
 * flows that would wait for the row of an account, if there is one: a client
 * that sends two requests at once must not see that.
 */
extern void timing_queue(const char *email);

#endif /* AUTHFORT_RESPONSE_TIMING_H */
