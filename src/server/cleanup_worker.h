/*
 * cleanup_worker.h
 *		The background worker that removes expired rows.
 */
#ifndef AUTHFORT_CLEANUP_WORKER_H
#define AUTHFORT_CLEANUP_WORKER_H

/* Registers the worker; called from _PG_init(), and does nothing without preloading. */
extern void cleanup_worker_init(void);

#endif /* AUTHFORT_CLEANUP_WORKER_H */
