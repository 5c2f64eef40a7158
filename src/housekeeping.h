/*
 * housekeeping.h
 *		The background worker that removes what nobody needs any more.
 */
#ifndef AUTHFORT_HOUSEKEEPING_H
#define AUTHFORT_HOUSEKEEPING_H

/* Registers it; called from _PG_init(), and does nothing without preload. */
extern void housekeeping_init(void);

#endif							/* AUTHFORT_HOUSEKEEPING_H */
