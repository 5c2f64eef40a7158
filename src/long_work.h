/*
 * long_work.h
 *		Computing for long without being in the way of short work.
 */
#ifndef AUTHFORT_LONG_WORK_H
#define AUTHFORT_LONG_WORK_H

/*
 * Between these two, whoever needs a core for a moment gets it at once, and
 * this process goes on after that.  Its share of the cores stays what it is.
 * Nothing that can raise may come between.
 */
extern void long_work_begin(void);
extern void long_work_end(void);

#endif							/* AUTHFORT_LONG_WORK_H */
