/*
 * password_hash.c
 *		Argon2id hashes of passwords (RFC 9106), in the usual encoded form.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/log_limit.h"
#include "base/secret.h"
#include "base/unicode.h"
#include "crypto/hash_budget.h"
#include "crypto/password_hash.h"
#include "crypto/sched_batch.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_password_hash_affordable);

/*
 * The limit on the cost of a hash.  Argon2 cannot be interrupted, so a backend
 * ignores cancels and holds its slot while it runs.  Hashes are also restored
 * and imported, so one row must not be able to exhaust the server.  The work
 * (memory times passes, in kilobytes) takes a core of 2020 about a second.
 */
#define MAX_MEMORY (512 * 1024)
#define MAX_WORK (2 * 1024 * 1024)
#define MAX_LANES 64

/* Bytes of an encoded hash; ours have 97. */
#define MAX_ENCODED_BYTES 512

/* kilobytes; the minimum of Argon2 for one lane */
#define LEAST_MEMORY 8

typedef struct Argon2Parameters
{
	unsigned int memory; /* kilobytes */
	unsigned int passes;
	unsigned int lanes;
} Argon2Parameters;

/* Getting the memory, cleared, takes about as long as a pass over it. */
static int64
work_of(Argon2Parameters params)
{
	return (int64) params.memory * ((int64) params.passes + 1);
}

static bool
is_affordable(Argon2Parameters params)
{
	return params.memory <= MAX_MEMORY && work_of(params) <= MAX_WORK && params.lanes <= MAX_LANES;
}

static void
log_fewer_passes(unsigned int passes)
{
	static TimestampTz last = 0;

	if (log_limit_allows(&last))
		ereport(LOG_SERVER_ONLY,
				(errmsg("passwords are hashed with %u passes instead of authfort.argon2_time_cost",
						passes),
				 errhint("With the present \"authfort.argon2_memory\", more passes would exceed the cost limit of a hash.")));
}

/*
 * libsodium computes one lane; memory and passes determine the cost.  Settings
 * that together exceed the limit of a stored hash are reduced to it; otherwise
 * hashes made with them would be refused at login.
 */
static Argon2Parameters
wanted_parameters(void)
{
	Argon2Parameters wanted = {setting_argon2_memory, setting_argon2_time_cost, 1};

	if (!is_affordable(wanted))
	{
		wanted.passes = MAX_WORK / wanted.memory - 1;
		log_fewer_passes(wanted.passes);
	}
	return wanted;
}

/*
 * Reads the parameters of an encoded Argon2id hash; false if it is not such a
 * hash.  A number that is too large for Argon2 becomes the largest.
 */
static bool
read_parameters(const char *encoded, Argon2Parameters *params)
{
	unsigned long long memory;
	unsigned long long passes;
	unsigned long long lanes;
	int end = -1;

	if (strnlen(encoded, MAX_ENCODED_BYTES + 1) > MAX_ENCODED_BYTES ||
		sscanf(encoded, "$argon2id$v=19$m=%18llu,t=%18llu,p=%18llu$%n", &memory, &passes, &lanes,
			   &end) != 3 ||
		end < 0)
		return false;
	params->memory = Min(memory, PG_UINT32_MAX);
	params->passes = Min(passes, PG_UINT32_MAX);
	params->lanes = Min(lanes, PG_UINT32_MAX);
	return true;
}

/*
 * A hash that does not match any password.  Verifying against it takes the
 * same code path and time as verifying a real one.
 */
static char *
decoy(Argon2Parameters params)
{
	return psprintf("$argon2id$v=19$m=%u,t=%u,p=%u"
					"$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
					params.memory, params.passes, params.lanes);
}

/*
 * The parameters of the work that remains after a hash with "spent", so that
 * the total equals a hash with "wanted"; memory 0 if none remains.
 */
static Argon2Parameters
rest_of(Argon2Parameters wanted, Argon2Parameters spent)
{
	int64 left = work_of(wanted) - work_of(spent);
	Argon2Parameters rest = wanted;

	rest.memory = (left > 0) ? left / (wanted.passes + 1) : 0;
	return rest;
}

char *
password_normalize(const char *typed)
{
	char *normal = unicode_compose(typed);

	secret_wipe_later(normal, strlen(normal));
	unicode_plain_spaces(normal);
	return normal;
}

char *
password_hash(const char *typed)
{
	Argon2Parameters params = wanted_parameters();
	char *password = password_normalize(typed);
	char *encoded = palloc(crypto_pwhash_STRBYTES);
	int failed;

	if (!hash_budget_enter())
		return NULL;
	sched_batch_begin();
	failed = crypto_pwhash_str_alg(encoded, password, strlen(password), params.passes,
								   (size_t) params.memory * 1024, crypto_pwhash_ALG_ARGON2ID13);
	sched_batch_end();
	hash_budget_leave();
	CHECK_FOR_INTERRUPTS();
	if (failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed while hashing a password with %u kB of memory.", params.memory),
				 errhint("\"authfort.argon2_memory\" sets how much memory a hash takes.")));
	return encoded;
}

static bool
fits(const char *encoded, const char *password)
{
	return crypto_pwhash_str_verify(encoded, password, strlen(password)) == 0;
}

/*
 * Verifies a password.  A hash made with less memory or fewer passes takes
 * less time, which would distinguish such accounts from unknown ones; so after
 * a wrong password the remaining work is done as well.
 */
static PasswordCheck
verify_encoded(const char *encoded, const char *password, Argon2Parameters rest)
{
	/* allocated before waiting for a slot, because it may raise */
	char *filler = (rest.memory >= LEAST_MEMORY) ? decoy(rest) : NULL;
	bool right;

	if (!hash_budget_enter())
		return PASSWORD_BUSY;
	sched_batch_begin();
	right = fits(encoded, password);
	if (!right && filler != NULL)
		(void) fits(filler, "");
	sched_batch_end();
	hash_budget_leave();
	CHECK_FOR_INTERRUPTS();
	return right ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

static void
log_unaffordable(void)
{
	static TimestampTz last = 0;

	if (log_limit_allows(&last))
		ereport(LOG_SERVER_ONLY,
				(errmsg("a stored password hash is refused, since it would take too long to check"),
				 errhint("Its user can reset the password.")));
}

/* Whether a stored hash can be checked; its parameters are in *params then. */
static bool
can_be_checked(const char *stored, Argon2Parameters *params)
{
	if (stored == NULL || !read_parameters(stored, params))
		return false;
	if (!is_affordable(*params))
	{
		log_unaffordable();
		return false;
	}
	return true;
}

/*
 * The password is compared in its normal form and, if that differs, as it was
 * typed, because imported hashes may have been made of that.  Both are tried
 * for unknown users as well.
 */
PasswordCheck
password_verify(const char *stored, const char *password)
{
	Argon2Parameters wanted = wanted_parameters();
	Argon2Parameters params = wanted;
	bool fits_in = strlen(password) <= PASSWORD_MAX_BYTES;
	bool usable = can_be_checked(stored, &params) && fits_in;
	const char *typed = fits_in ? password : "";
	const char *normal = password_normalize(typed);
	const char *encoded = usable ? stored : decoy(wanted);
	Argon2Parameters rest = rest_of(wanted, usable ? params : wanted);
	PasswordCheck check = verify_encoded(encoded, normal, rest);

	if (check == PASSWORD_RIGHT && memcmp(&params, &wanted, sizeof(params)) != 0)
		check = PASSWORD_RIGHT_OUTDATED;
	if (check == PASSWORD_WRONG && strcmp(normal, typed) != 0)
	{
		check = verify_encoded(encoded, typed, rest);
		if (check == PASSWORD_RIGHT)
			check = PASSWORD_RIGHT_OUTDATED;
	}
	return (usable || check == PASSWORD_BUSY) ? check : PASSWORD_WRONG;
}

/* password_hash_affordable(hash) -> boolean */
Datum
authfort_password_hash_affordable(PG_FUNCTION_ARGS)
{
	Argon2Parameters params;
	char *encoded = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_BOOL(!read_parameters(encoded, &params) || is_affordable(params));
}
