/*
 * password_hash.c
 *		Argon2id hashes of passwords (RFC 9106), in the usual encoded form.
 */
#include "postgres.h"

#include <sodium.h>

#include "crypto/hash_budget.h"
#include "crypto/password_hash.h"
#include "crypto/sched_batch.h"
#include "settings.h"

/*
 * Most memory that a stored hash may ask for, in kilobytes.  Hashes come with
 * imported users as well, and one row must not be able to exhaust the server.
 */
#define MAX_STORED_MEMORY (1024 * 1024)
#define MAX_STORED_PASSES 100
#define MAX_STORED_LANES 64

/* kilobytes; less than this Argon2 does not take, for one lane */
#define LEAST_MEMORY 8

typedef struct Argon2Parameters
{
	unsigned int memory;		/* kilobytes */
	unsigned int passes;
	unsigned int lanes;
} Argon2Parameters;

static Argon2Parameters
wanted_parameters(void)
{
	/* libsodium computes one lane; memory and passes are what costs */
	return (Argon2Parameters)
	{
		setting_argon2_memory, setting_argon2_time_cost, 1
	};
}

/* Reads the parameters of an encoded Argon2id hash; false if it is none. */
static bool
read_parameters(const char *encoded, Argon2Parameters *params)
{
	int			end = -1;

	return sscanf(encoded, "$argon2id$v=19$m=%9u,t=%9u,p=%9u$%n",
				  &params->memory, &params->passes, &params->lanes, &end) == 3 && end > 0;
}

/*
 * A hash of no password.  Verifying against it takes the very path and time of
 * verifying a real one.
 */
static char *
decoy(Argon2Parameters params)
{
	return psprintf("$argon2id$v=19$m=%u,t=%u,p=%u"
					"$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
					params.memory, params.passes, params.lanes);
}

/* Getting the memory, cleared, takes about as long as a pass over it. */
static int64
work_of(Argon2Parameters params)
{
	return (int64) params.memory * (params.passes + 1);
}

/*
 * What is left to compute after a hash with "spent" for it to have been the
 * work of one with "wanted"; no memory if nothing is left.
 */
static Argon2Parameters
rest_of(Argon2Parameters wanted, Argon2Parameters spent)
{
	int64		left = work_of(wanted) - work_of(spent);
	Argon2Parameters rest = wanted;

	rest.memory = (left > 0) ? left / (wanted.passes + 1) : 0;
	return rest;
}

char *
password_hash(const char *password)
{
	Argon2Parameters params = wanted_parameters();
	char	   *encoded = palloc(crypto_pwhash_STRBYTES);
	int			failed;

	if (!hash_budget_enter())
		return NULL;
	sched_batch_begin();
	failed = crypto_pwhash_str_alg(encoded, password, strlen(password), params.passes,
								   (size_t) params.memory * 1024, crypto_pwhash_ALG_ARGON2ID13);
	sched_batch_end();
	hash_budget_leave();
	if (failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory for hashing a password"),
				 errhint("Hashing takes the memory that authfort.argon2_memory says.")));
	return encoded;
}

static bool
fits(const char *encoded, const char *password)
{
	return crypto_pwhash_str_verify(encoded, password, strlen(password)) == 0;
}

/*
 * Verifies.  A hash made with less memory or fewer passes takes less time, and
 * an account that has one would be told from none; so after a wrong password
 * the rest of the work is done as well.
 */
static PasswordCheck
verify_encoded(const char *encoded, const char *password, Argon2Parameters rest)
{
	/* made before it is our turn, for that may raise */
	char	   *filler = (rest.memory >= LEAST_MEMORY) ? decoy(rest) : NULL;
	bool		right;

	if (!hash_budget_enter())
		return PASSWORD_BUSY;
	sched_batch_begin();
	right = fits(encoded, password);
	if (!right && filler != NULL)
		(void) fits(filler, "");
	sched_batch_end();
	hash_budget_leave();
	return right ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

PasswordCheck
password_verify(const char *stored, const char *password)
{
	Argon2Parameters wanted = wanted_parameters();
	Argon2Parameters params;
	PasswordCheck check;
	bool		usable = stored != NULL && strlen(password) <= PASSWORD_MAX_BYTES &&
		read_parameters(stored, &params) && params.memory <= MAX_STORED_MEMORY &&
		params.passes <= MAX_STORED_PASSES && params.lanes <= MAX_STORED_LANES;

	if (!usable)
	{
		check = verify_encoded(decoy(wanted), "", rest_of(wanted, wanted));
		return (check == PASSWORD_BUSY) ? PASSWORD_BUSY : PASSWORD_WRONG;
	}
	check = verify_encoded(stored, password, rest_of(wanted, params));
	if (check == PASSWORD_RIGHT && memcmp(&params, &wanted, sizeof(params)) != 0)
		return PASSWORD_RIGHT_OUTDATED;
	return check;
}
