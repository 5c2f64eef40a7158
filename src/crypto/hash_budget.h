/*
 * hash_budget.h
 *		Limits concurrent password hashing in the whole server.
 *
 * A hash takes much memory, and a core for a noticeable time, and any client
 * can request any number of them.
 */
#ifndef AUTHFORT_HASH_BUDGET_H
#define AUTHFORT_HASH_BUDGET_H

extern void hash_budget_init(void);

/*
 * Waits for a slot, first come, first served.  Returns false if no slot was
 * granted within authfort.hash_queue_timeout.  After true, the caller must
 * call hash_budget_leave(), without running anything in between that can
 * raise.  Without preloading, slots are not limited.
 */
extern bool hash_budget_enter(void);
extern void hash_budget_leave(void);

#endif /* AUTHFORT_HASH_BUDGET_H */
