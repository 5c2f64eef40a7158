/*
 * drop_guard.h
 *		Against dropping the extension, and all accounts with it, by mistake.
 */
#ifndef AUTHFORT_DROP_GUARD_H
#define AUTHFORT_DROP_GUARD_H

/* From _PG_init(); does nothing without preload. */
extern void drop_guard_init(void);

#endif							/* AUTHFORT_DROP_GUARD_H */
