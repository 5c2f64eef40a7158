/*
 * hash_budget.h
 *		How many passwords are hashed at once in the whole server.
 *
 * A hash takes much memory and a core for a good while, and strangers can ask
 * for as many as they like.
 */
#ifndef AUTHFORT_HASH_BUDGET_H
#define AUTHFORT_HASH_BUDGET_H

extern void hash_budget_init(void);

/*
 * Waits for a slot, first come, first served.  Returns false if none was
 * granted within authfort.hash_queue_timeout.  After true, hash_budget_leave()
 * has to follow, and nothing that can raise may come between.  Without preload
 * slots are not limited.
 */
extern bool hash_budget_enter(void);
extern void hash_budget_leave(void);

#endif							/* AUTHFORT_HASH_BUDGET_H */
