/*
 * postgrest_claims.h
 *		The setting request.jwt.claims, in which PostgREST reports verified
 *		claims.
 */
#ifndef AUTHFORT_POSTGREST_CLAIMS_H
#define AUTHFORT_POSTGREST_CLAIMS_H

#include "postgres.h"

/* Whether this session logged in as one of authfort.trusted_authenticators. */
extern bool postgrest_claims_trusted(void);

/* The setting's value; NULL if it has none. */
extern const char *postgrest_claims_text(void);

/*
 * From now on each change of the setting raises settings_token_generation.
 * Returns false if that is not possible; the value must then be read again
 * each time.
 */
extern bool postgrest_claims_watch(void);

#endif /* AUTHFORT_POSTGREST_CLAIMS_H */
