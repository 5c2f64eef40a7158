/*
 * attempts.c
 *		Failed attempts at a user's codes, counted in shared memory.
 *
 * The memory is a fixed number of counters in sets of a few, like that of the
 * rate limits.  A keyed hash that attackers cannot compute assigns each user to
 * one set.  In a full set, the counter with the fewest attempts is evicted, so
 * evicting one near its limit takes as many attempts at other accounts as the
 * memory has counters, times the limit.
 */
#include "postgres.h"

#include <sodium.h>

#include "miscadmin.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "base/shared_memory.h"
#include "domain/attempts.h"

#define ATTEMPT_KEY_BYTES 16
#define SET_SIZE 16
#define SET_COUNT 1024

typedef struct AttemptCounter
{
	unsigned char key[ATTEMPT_KEY_BYTES];
	TimestampTz begin; /* of the window; 0: never used */
	TimestampTz end;
	int attempts;
	int era;
} AttemptCounter;

typedef struct AttemptSet
{
	slock_t lock;
	AttemptCounter counters[SET_SIZE];
} AttemptSet;

typedef struct Attempts
{
	unsigned char hash_key[crypto_generichash_KEYBYTES];
	AttemptSet sets[SET_COUNT];
} Attempts;

static Attempts *shared = NULL;

static Size
attempts_size(void)
{
	return sizeof(Attempts);
}

static void
attempts_fill_in(void *memory, LWLock *lock)
{
	Attempts *fresh = memory;

	randombytes_buf(fresh->hash_key, sizeof(fresh->hash_key));
	for (int i = 0; i < SET_COUNT; i++)
		SpinLockInit(&fresh->sets[i].lock);
}

static const SharedPart attempts_part = {
	"authfort attempts",
	attempts_size,
	attempts_fill_in,
	(void **) &shared,
};

void
attempts_init(void)
{
	shared_memory_register(&attempts_part);
}

/* Databases of one cluster share the memory, but not the counters. */
static void
make_attempt_key(AttemptKind kind, const pg_uuid_t *user_id, unsigned char key[ATTEMPT_KEY_BYTES])
{
	crypto_generichash_state state;
	unsigned char what = kind;

	crypto_generichash_init(&state, shared->hash_key, sizeof(shared->hash_key), ATTEMPT_KEY_BYTES);
	crypto_generichash_update(&state, (const unsigned char *) &MyDatabaseId, sizeof(MyDatabaseId));
	crypto_generichash_update(&state, &what, sizeof(what));
	crypto_generichash_update(&state, user_id->data, UUID_LEN);
	crypto_generichash_final(&state, key, ATTEMPT_KEY_BYTES);
}

static AttemptSet *
set_of_key(const unsigned char key[ATTEMPT_KEY_BYTES])
{
	uint64 number;

	memcpy(&number, key, sizeof(number));
	return &shared->sets[number % SET_COUNT];
}

/* NULL if the key has no counter; the caller holds the set's lock. */
static AttemptCounter *
find_attempts(AttemptSet *set, const unsigned char key[ATTEMPT_KEY_BYTES])
{
	for (int i = 0; i < SET_SIZE; i++)
	{
		if (set->counters[i].begin != 0 && memcmp(set->counters[i].key, key, ATTEMPT_KEY_BYTES) == 0)
			return &set->counters[i];
	}
	return NULL;
}

/* A window of the future was begun before the clock was set back. */
static bool
in_window(const AttemptCounter *counter, TimestampTz now)
{
	return counter->begin <= now && now < counter->end;
}

static int
attempts_in_window(const AttemptCounter *counter, TimestampTz now)
{
	return in_window(counter, now) ? counter->attempts : 0;
}

/* The counter with the fewest attempts; of several, the one that began first. */
static AttemptCounter *
attempts_to_replace(AttemptSet *set, TimestampTz now)
{
	AttemptCounter *least = &set->counters[0];

	for (int i = 1; i < SET_SIZE; i++)
	{
		AttemptCounter *counter = &set->counters[i];
		int difference = attempts_in_window(counter, now) - attempts_in_window(least, now);

		if (difference < 0 || (difference == 0 && counter->begin < least->begin))
			least = counter;
	}
	return least;
}

int
attempts_add(AttemptKind kind, const pg_uuid_t *user_id, int window_seconds, int era)
{
	unsigned char key[ATTEMPT_KEY_BYTES];
	TimestampTz now = GetCurrentTimestamp();
	AttemptSet *set;
	AttemptCounter *counter;
	int attempts;

	if (shared == NULL)
		return 0;
	make_attempt_key(kind, user_id, key);
	set = set_of_key(key);
	SpinLockAcquire(&set->lock);
	counter = find_attempts(set, key);
	if (counter == NULL)
	{
		counter = attempts_to_replace(set, now);
		memcpy(counter->key, key, ATTEMPT_KEY_BYTES);
		counter->begin = counter->end = now;
	}
	if (!in_window(counter, now) || counter->era != era)
	{
		counter->begin = now;
		counter->end = now + window_seconds * USECS_PER_SEC;
		counter->attempts = 0;
		counter->era = era;
	}
	if (counter->attempts < PG_INT32_MAX)
		counter->attempts++;
	attempts = counter->attempts;
	SpinLockRelease(&set->lock);
	return attempts;
}

void
attempts_forget(AttemptKind kind, const pg_uuid_t *user_id)
{
	unsigned char key[ATTEMPT_KEY_BYTES];
	AttemptSet *set;
	AttemptCounter *counter;

	if (shared == NULL)
		return;
	make_attempt_key(kind, user_id, key);
	set = set_of_key(key);
	SpinLockAcquire(&set->lock);
	counter = find_attempts(set, key);
	if (counter != NULL)
		memset(counter, 0, sizeof(*counter));
	SpinLockRelease(&set->lock);
}
