/*
 * cleanup_worker.h
 *		The background worker that removes what nobody needs any more.
 */
#ifndef AUTHFORT_CLEANUP_WORKER_H
#define AUTHFORT_CLEANUP_WORKER_H

/* Registers it; called from _PG_init(), and does nothing without preload. */
extern void cleanup_worker_init(void);

#endif							/* AUTHFORT_CLEANUP_WORKER_H */
