/*
 * drop_guard.h
 *		Prevents the extension, and with it all accounts, from being dropped by
 *		mistake.
 */
#ifndef AUTHFORT_DROP_GUARD_H
#define AUTHFORT_DROP_GUARD_H

/* Called from _PG_init(); does nothing without preloading. */
extern void drop_guard_init(void);

#endif /* AUTHFORT_DROP_GUARD_H */
