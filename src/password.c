/*
 * password.c
 *		Argon2id hashes of passwords (RFC 9106), in the usual encoded form.
 */
#include "postgres.h"

#include <sodium.h>

#include "hash_budget.h"
#include "password.h"
#include "settings.h"

/*
 * Most memory that a stored hash may ask for, in kilobytes.  Hashes come with
 * imported users as well, and one row must not be able to exhaust the server.
 */
#define MAX_STORED_MEMORY (1024 * 1024)
#define MAX_STORED_PASSES 100
#define MAX_STORED_LANES 64

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
		setting_password_memory, setting_password_time_cost, 1
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
 * A hash of no password, with the parameters in force.  Verifying against it
 * takes the very path and time of verifying a real one.
 */
static char *
decoy(void)
{
	Argon2Parameters params = wanted_parameters();

	return psprintf("$argon2id$v=19$m=%u,t=%u,p=%u"
					"$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
					params.memory, params.passes, params.lanes);
}

char *
password_hash(const char *password)
{
	Argon2Parameters params = wanted_parameters();
	char	   *encoded = palloc(crypto_pwhash_STRBYTES);
	int			failed;

	if (!hash_budget_enter())
		return NULL;
	failed = crypto_pwhash_str_alg(encoded, password, strlen(password), params.passes,
								   (size_t) params.memory * 1024, crypto_pwhash_ALG_ARGON2ID13);
	hash_budget_leave();
	if (failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory for hashing a password"),
				 errhint("Hashing takes the memory that authfort.password_memory says.")));
	return encoded;
}

/* Verifies; a hash in a form that we do not know verifies for no password. */
static PasswordCheck
verify_encoded(const char *encoded, const char *password)
{
	int			failed;

	if (!hash_budget_enter())
		return PASSWORD_BUSY;
	failed = crypto_pwhash_str_verify(encoded, password, strlen(password));
	hash_budget_leave();
	return failed ? PASSWORD_WRONG : PASSWORD_RIGHT;
}

PasswordCheck
password_verify(const char *stored, const char *password)
{
	Argon2Parameters wanted = wanted_parameters();
	Argon2Parameters params;
	bool		usable = stored != NULL && strlen(password) <= PASSWORD_MAX_BYTES &&
		read_parameters(stored, &params) && params.memory <= MAX_STORED_MEMORY &&
		params.passes <= MAX_STORED_PASSES && params.lanes <= MAX_STORED_LANES;

	PasswordCheck check;

	if (!usable)
		return (verify_encoded(decoy(), "") == PASSWORD_BUSY) ? PASSWORD_BUSY : PASSWORD_WRONG;
	check = verify_encoded(stored, password);
	if (check == PASSWORD_RIGHT && memcmp(&params, &wanted, sizeof(params)) != 0)
		return PASSWORD_RIGHT_OUTDATED;
	return check;
}
