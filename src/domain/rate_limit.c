/*
 * rate_limit.c
 *		Rate limits: requests are counted in shared memory, for all backends.
 *
 * Counters are not part of a transaction, so a rollback does not forget an
 * attempt.  The window slides: the requests of the previous window are
 * weighted by the part of it that is less than a window's length ago.
 *
 * The memory is a fixed number of counters in sets of a few, half of them for
 * addresses and half for accounts: addresses cost an attacker with an IPv6
 * network nothing, and must not evict the counters of accounts.  A keyed hash
 * that attackers cannot compute assigns each key to one set.  In a full set,
 * the counter with the smallest used share of its limit is evicted.  So
 * requests that are spread over many keys evict each other, and a counter at
 * its limit is evicted only if its whole set is at the limit.  That takes as
 * many requests in a window as that half of the memory has counters, times the
 * limit.  The only lock is that of one set, while its counters are read and
 * changed.
 */
#include "postgres.h"

#include <math.h>
#include <sodium.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/address.h"
#include "base/arguments.h"
#include "base/json.h"
#include "base/rate.h"
#include "base/shared_memory.h"
#include "base/spi_query.h"
#include "base/uuid.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/rate_limit.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_rate_limits);
PG_FUNCTION_INFO_V1(authfort_rate_limit_status);
PG_FUNCTION_INFO_V1(authfort_reset_rate_limits);

#define KEY_BYTES 16
#define SET_COUNTERS 16

typedef struct Counter
{
	unsigned char key[KEY_BYTES];
	TimestampTz begin; /* of the current window; 0: never used */
	int64 window;      /* its length */
	int limit;         /* requests in it */
	int before;        /* requests in the window before */
	int requests;      /* in the current one */
	Oid database;
	bool reported; /* whether a refusal in it was recorded */
} Counter;

typedef struct CounterSet
{
	slock_t lock;
	Counter counters[SET_COUNTERS];
} CounterSet;

typedef enum KeyType
{
	KEY_ADDRESS,
	KEY_EMAIL
} KeyType;

#define KEY_TYPES (KEY_EMAIL + 1)

typedef struct Counters
{
	unsigned char hash_key[crypto_generichash_KEYBYTES];
	int set_count;
	int sets_per_type;
	CounterSet sets[FLEXIBLE_ARRAY_MEMBER]; /* those of a KeyType together */
} Counters;

/* In the order of RateLimited. */
static const struct
{
	const char *name;
	char **limit; /* the setting */
} endpoints[RATE_LIMIT_ENDPOINTS] = {
	{"login", &setting_rate_limit_login},
	{"change_password", &setting_rate_limit_login},
	{"change_email", &setting_rate_limit_verify_email},
	{"reauthenticate", &setting_rate_limit_login},
	{"signup", &setting_rate_limit_signup},
	{"refresh", &setting_rate_limit_refresh},
	{"password_reset", &setting_rate_limit_password_reset},
	{"magic_link", &setting_rate_limit_magic_link},
	{"otp", &setting_rate_limit_otp},
	{"verify_email", &setting_rate_limit_verify_email},
	{"oauth_authorize", &setting_rate_limit_oauth_authorize},
	{"oauth_answer", &setting_rate_limit_oauth_authorize},
	{"oauth_token", &setting_rate_limit_oauth_authorize},
	{"introspect", &setting_rate_limit_introspect},
	{"mfa_verify", &setting_rate_limit_mfa_verify},
};

static const char *const key_type_names[] = {"ip", "email"};

static Counters *counters = NULL;

static int
wanted_sets_per_type(void)
{
	return Max(1, setting_rate_limit_memory * 1024 / (int) sizeof(CounterSet) / KEY_TYPES);
}

static Size
counters_size(void)
{
	return add_size(offsetof(Counters, sets),
					mul_size(KEY_TYPES * wanted_sets_per_type(), sizeof(CounterSet)));
}

static void
counters_init(void *memory, LWLock *lock)
{
	Counters *fresh = memory;

	randombytes_buf(fresh->hash_key, sizeof(fresh->hash_key));
	fresh->sets_per_type = wanted_sets_per_type();
	fresh->set_count = KEY_TYPES * fresh->sets_per_type;
	for (int i = 0; i < fresh->set_count; i++)
		SpinLockInit(&fresh->sets[i].lock);
}

static const SharedPart counters_part = {
	"authfort rate limits",
	counters_size,
	counters_init,
	(void **) &counters,
};

void
rate_limit_init(void)
{
	shared_memory_register(&counters_part);
}

/* Databases of one cluster share the memory, but not the counters. */
static void
make_counter_key(RateLimited endpoint, KeyType type, const char *value, unsigned char key[KEY_BYTES])
{
	crypto_generichash_state state;
	unsigned char what[2] = {endpoint, type};

	crypto_generichash_init(&state, counters->hash_key, sizeof(counters->hash_key), KEY_BYTES);
	crypto_generichash_update(&state, (const unsigned char *) &MyDatabaseId, sizeof(MyDatabaseId));
	crypto_generichash_update(&state, what, sizeof(what));
	crypto_generichash_update(&state, (const unsigned char *) value, strlen(value));
	crypto_generichash_final(&state, key, KEY_BYTES);
}

static CounterSet *
set_of(KeyType type, const unsigned char key[KEY_BYTES])
{
	uint64 number;

	memcpy(&number, key, sizeof(number));
	return &counters->sets[type * counters->sets_per_type + number % counters->sets_per_type];
}

/* NULL if the key has no counter; the caller holds the set's lock. */
static Counter *
find_counter(CounterSet *set, const unsigned char key[KEY_BYTES])
{
	for (int i = 0; i < SET_COUNTERS; i++)
	{
		if (set->counters[i].begin != 0 && memcmp(set->counters[i].key, key, KEY_BYTES) == 0)
			return &set->counters[i];
	}
	return NULL;
}

/* The used share of its limit. */
static double
share_used(const Counter *counter, TimestampTz now)
{
	double windows;

	if (counter->begin == 0 || now < counter->begin)
		return 0;
	windows = (double) (now - counter->begin) / counter->window;
	if (windows < 1)
		return (counter->requests + counter->before * (1 - windows)) / counter->limit;
	return Max(counter->requests * (2 - windows) / counter->limit, 0);
}

/* The counter with the smallest used share; of several, the one that began first. */
static Counter *
counter_to_replace(CounterSet *set, TimestampTz now)
{
	Counter *least = &set->counters[0];
	double least_share = share_used(least, now);

	for (int i = 1; i < SET_COUNTERS; i++)
	{
		Counter *counter = &set->counters[i];
		double share = share_used(counter, now);

		if (share < least_share || (share == least_share && counter->begin < least->begin))
		{
			least = counter;
			least_share = share;
		}
	}
	return least;
}

static void
begin_counter(Counter *counter, const unsigned char key[KEY_BYTES], TimestampTz now)
{
	memset(counter, 0, sizeof(*counter));
	memcpy(counter->key, key, KEY_BYTES);
	counter->database = MyDatabaseId;
	counter->begin = now;
}

/* Moves to the current window. */
static void
slide_window(Counter *counter, const Rate *limit, TimestampTz now)
{
	int64 passed = now - counter->begin;

	if (counter->window != limit->window || passed < 0 || passed >= 2 * limit->window)
	{
		counter->begin = now;
		counter->before = counter->requests = 0;
		counter->reported = false;
	}
	else if (passed >= limit->window)
	{
		counter->begin += limit->window;
		counter->before = counter->requests;
		counter->requests = 0;
		counter->reported = false;
	}
	counter->window = limit->window;
	counter->limit = limit->requests;
}

/*
 * Microseconds until another request is within the limit; 0: now.  Requests of
 * the previous window fade out during the current one.
 */
static int64
time_to_wait(const Counter *counter, const Rate *limit, TimestampTz now)
{
	double passed = now - counter->begin;
	double left = limit->requests - 1 - counter->requests;
	double faded;

	if (left >= 0)
	{
		if (counter->before <= left)
			return 0;
		faded = limit->window * (1 - left / counter->before);
		return (passed >= faded) ? 0 : (int64) ceil(faded - passed);
	}
	/* not in this window; in the next one, these are those before */
	faded = limit->window * (1 - (limit->requests - 1.0) / counter->requests);
	return (int64) ceil(limit->window - passed + Max(faded, 0));
}

/*
 * Counts a request, unless it is over the limit; then it is not counted, and
 * *first says whether it is the first such one in its window.
 */
static int64
count_request(RateLimited endpoint, KeyType type, const char *value, const Rate *limit, bool *first)
{
	unsigned char key[KEY_BYTES];
	TimestampTz now = GetCurrentTimestamp();
	CounterSet *set;
	Counter *counter;
	int64 wait;

	make_counter_key(endpoint, type, value, key);
	set = set_of(type, key);
	SpinLockAcquire(&set->lock);
	counter = find_counter(set, key);
	if (counter == NULL)
	{
		counter = counter_to_replace(set, now);
		begin_counter(counter, key, now);
	}
	slide_window(counter, limit, now);
	wait = time_to_wait(counter, limit, now);
	*first = wait > 0 && !counter->reported;
	if (wait > 0)
		counter->reported = true;
	else
		counter->requests++;
	SpinLockRelease(&set->lock);
	return wait;
}

static void
record_exceeded(RateLimited endpoint, KeyType type, const char *email, const Client *client)
{
	Event event;

	if (event_is_frequent(EVENT_RATE_LIMIT_EXCEEDED, NULL))
		return;
	event_begin(&event, EVENT_RATE_LIMIT_EXCEEDED, NULL, NULL, client);
	json_write_string(&event.payload, "endpoint", endpoints[endpoint].name);
	json_write_string(&event.payload, "email", email);
	json_write_string(&event.payload, "limit", *endpoints[endpoint].limit);
	json_write_string(&event.payload, "key_type", key_type_names[type]);
	event_record(&event);
}

static int
seconds_to_wait(int64 wait)
{
	return (int) Min(wait / USECS_PER_SEC + 1, PG_INT32_MAX);
}

static void
require_preload(void)
{
	if (counters == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("authfort.rate_limit is on, but the library is not preloaded"),
				 errhint("Add authfort to \"shared_preload_libraries\" and restart, or turn authfort.rate_limit off.")));
}

/*
 * "value" is what is counted, and may be NULL.  A standby counts and refuses
 * as well, but cannot record the event.
 */
static const Refusal *
check_limit(RateLimited endpoint, KeyType type, const char *value, const char *email,
			const Client *client)
{
	Rate limit;
	int64 wait;
	bool first;

	if (!setting_rate_limit)
		return NULL;
	require_preload();
	/* the setting's check hook has validated it */
	(void) rate_read(*endpoints[endpoint].limit, &limit);
	if (limit.requests == 0 || value == NULL)
		return NULL;
	wait = count_request(endpoint, type, value, &limit, &first);
	if (first && !XactReadOnly)
		record_exceeded(endpoint, type, email, client);
	return (wait > 0) ? refusal_with_retry(&refusal_rate_limit_exceeded, seconds_to_wait(wait))
					  : NULL;
}

const Refusal *
rate_limit_check_address(RateLimited endpoint, const char *email, const Client *client)
{
	const char *address = (setting_rate_limit && client_has_address(client))
							  ? address_for_counting(DatumGetInetPP(client->ip))
							  : NULL;

	return check_limit(endpoint, KEY_ADDRESS, address, email, client);
}

const Refusal *
rate_limit_check_email(RateLimited endpoint, const char *email, const Client *client)
{
	return check_limit(endpoint, KEY_EMAIL, email, email, client);
}

const Refusal *
rate_limit_check(RateLimited endpoint, const char *email, const Client *client)
{
	const Refusal *refusal = rate_limit_check_address(endpoint, email, client);

	return (refusal != NULL) ? refusal : rate_limit_check_email(endpoint, email, client);
}

/* An account without an email has the counters of its id, which is no email. */
const Refusal *
rate_limit_check_user(RateLimited endpoint, const User *user, const Client *client)
{
	const Refusal *refusal = rate_limit_check_address(endpoint, user->email, client);
	const char *key = (user->email != NULL) ? user->email : uuid_text(&user->id);

	return (refusal != NULL) ? refusal : check_limit(endpoint, KEY_EMAIL, key, user->email, client);
}

/* rate_limits() -> (entries, used, exhausted) */
Datum
authfort_rate_limits(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	int used = 0;
	int exhausted = 0;
	TupleDesc tupdesc;
	Datum values[3];
	bool nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	for (int i = 0; counters != NULL && i < counters->set_count; i++)
	{
		CounterSet *set = &counters->sets[i];

		SpinLockAcquire(&set->lock);
		for (int j = 0; j < SET_COUNTERS; j++)
		{
			Counter *counter = &set->counters[j];
			bool in_use = counter->begin != 0 && counter->begin + counter->window > now;

			used += in_use;
			exhausted += in_use && counter->requests >= counter->limit;
		}
		SpinLockRelease(&set->lock);
	}
	values[0] = Int32GetDatum((counters != NULL) ? counters->set_count * SET_COUNTERS : 0);
	values[1] = Int32GetDatum(used);
	values[2] = Int32GetDatum(exhausted);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* Copies a counter in its current state; false if the key has none. */
static bool
look_up(RateLimited endpoint, KeyType type, const char *value, TimestampTz now, Counter *copy)
{
	unsigned char key[KEY_BYTES];
	CounterSet *set;
	Counter *counter;
	Rate limit;

	make_counter_key(endpoint, type, value, key);
	set = set_of(type, key);
	SpinLockAcquire(&set->lock);
	counter = find_counter(set, key);
	if (counter != NULL)
		*copy = *counter;
	SpinLockRelease(&set->lock);
	if (counter == NULL)
		return false;
	limit.requests = copy->limit;
	limit.window = copy->window;
	slide_window(copy, &limit, now);
	return copy->requests + copy->before > 0;
}

static void
put_status(ReturnSetInfo *result, RateLimited endpoint, KeyType type, const char *value)
{
	TimestampTz now = GetCurrentTimestamp();
	Counter counter;
	Rate limit;
	double faded;
	int64 wait;
	Datum values[5];
	bool nulls[5] = {false};

	if (!look_up(endpoint, type, value, now, &counter))
		return;
	limit.requests = counter.limit;
	limit.window = counter.window;
	faded = counter.before * (1 - (double) (now - counter.begin) / counter.window);
	wait = time_to_wait(&counter, &limit, now);
	values[0] = CStringGetTextDatum(endpoints[endpoint].name);
	values[1] = CStringGetTextDatum(key_type_names[type]);
	values[2] = Int32GetDatum(counter.requests + (int) ceil(faded));
	values[3] = Int32GetDatum(counter.limit);
	values[4] = Int32GetDatum((wait > 0) ? seconds_to_wait(wait) : 0);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* The keys that the arguments of the two functions name; NULL: none. */
typedef struct CounterKeys
{
	const char *email;
	const char *address;
	const char *user; /* the key of the user's counters without an email */
	const char *user_email;
} CounterKeys;

static CounterKeys
argument_keys(FunctionCallInfo fcinfo)
{
	char *email = argument_optional_text(fcinfo, 0);
	CounterKeys keys = {NULL};

	if (email != NULL && input_email(email, &email) == NULL)
		keys.email = email;
	if (!PG_ARGISNULL(1))
		keys.address = address_for_counting(PG_GETARG_INET_PP(1));
	if (!PG_ARGISNULL(2))
	{
		User *user = users_find(PG_GETARG_UUID_P(2));

		keys.user = uuid_text(PG_GETARG_UUID_P(2));
		keys.user_email = (user != NULL) ? user->email : NULL;
	}
	return keys;
}

static Datum
rate_limit_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CounterKeys keys = argument_keys(fcinfo);
	const char *accounts[] = {keys.email, keys.user, keys.user_email};

	for (int endpoint = 0; counters != NULL && endpoint < RATE_LIMIT_ENDPOINTS; endpoint++)
	{
		if (keys.address != NULL)
			put_status(result, endpoint, KEY_ADDRESS, keys.address);
		for (size_t i = 0; i < lengthof(accounts); i++)
		{
			if (accounts[i] != NULL)
				put_status(result, endpoint, KEY_EMAIL, accounts[i]);
		}
	}
	return (Datum) 0;
}

/*
 * rate_limit_status(email, ip_address, user_id)
 *		-> TABLE (endpoint, key_type, requests, max_requests, retry_after)
 */
Datum
authfort_rate_limit_status(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	return spi_query_run_stable(rate_limit_status, fcinfo);
}

static int
forget_all(void)
{
	int forgotten = 0;

	for (int i = 0; i < counters->set_count; i++)
	{
		CounterSet *set = &counters->sets[i];

		SpinLockAcquire(&set->lock);
		for (int j = 0; j < SET_COUNTERS; j++)
		{
			Counter *counter = &set->counters[j];

			if (counter->begin == 0 || counter->database != MyDatabaseId)
				continue;
			memset(counter, 0, sizeof(*counter));
			forgotten++;
		}
		SpinLockRelease(&set->lock);
	}
	return forgotten;
}

static int
forget_counters(KeyType type, const char *value)
{
	int forgotten = 0;

	for (int endpoint = 0; endpoint < RATE_LIMIT_ENDPOINTS; endpoint++)
	{
		unsigned char key[KEY_BYTES];
		CounterSet *set;
		Counter *counter;

		make_counter_key(endpoint, type, value, key);
		set = set_of(type, key);
		SpinLockAcquire(&set->lock);
		counter = find_counter(set, key);
		if (counter != NULL)
			memset(counter, 0, sizeof(*counter));
		SpinLockRelease(&set->lock);
		forgotten += counter != NULL;
	}
	return forgotten;
}

/* reset_rate_limits(email, ip_address, user_id) -> integer */
Datum
authfort_reset_rate_limits(PG_FUNCTION_ARGS)
{
	CounterKeys keys;
	int forgotten = 0;

	if (counters == NULL)
		PG_RETURN_INT32(0);
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1) && PG_ARGISNULL(2))
		PG_RETURN_INT32(forget_all());
	keys = argument_keys(fcinfo);
	if (keys.address != NULL)
		forgotten += forget_counters(KEY_ADDRESS, keys.address);
	if (keys.email != NULL)
		forgotten += forget_counters(KEY_EMAIL, keys.email);
	if (keys.user != NULL)
		forgotten += forget_counters(KEY_EMAIL, keys.user);
	if (keys.user_email != NULL)
		forgotten += forget_counters(KEY_EMAIL, keys.user_email);
	PG_RETURN_INT32(forgotten);
}
