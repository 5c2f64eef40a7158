/*
 * sched_batch.h
 *		Computing for long without being in the way of short work.
 */
#ifndef AUTHFORT_SCHED_BATCH_H
#define AUTHFORT_SCHED_BATCH_H

/*
 * Between these two, whoever needs a core for a moment gets it at once, and
 * this process goes on after that.  Its share of the cores stays what it is.
 * Nothing that can raise may come between.
 */
extern void sched_batch_begin(void);
extern void sched_batch_end(void);

#endif							/* AUTHFORT_SCHED_BATCH_H */
