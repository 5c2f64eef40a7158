/*
 * sched_batch.h
 *		Lets long computations yield to short ones.
 */
#ifndef AUTHFORT_SCHED_BATCH_H
#define AUTHFORT_SCHED_BATCH_H

/*
 * Between these two calls, a process with a short task gets the core at once,
 * and this process continues after that.  Its share of the cores is unchanged.
 * The caller must not run anything in between that can raise.
 */
extern void sched_batch_begin(void);
extern void sched_batch_end(void);

#endif /* AUTHFORT_SCHED_BATCH_H */
