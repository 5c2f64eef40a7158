/*
 * master_key.h
 *		The secret outside the database under which all others are sealed.
 */
#ifndef AUTHFORT_MASTER_KEY_H
#define AUTHFORT_MASTER_KEY_H

#include "postgres.h"

#define MASTER_KEY_BYTES 32

/* What a master key, or its derivatives, may be used for. */
typedef enum MasterKeyPurpose
{
	MASTER_KEY_FOR_SEALING = 1,        /* seal.c */
	MASTER_KEY_FOR_REFRESH_TOKENS = 2, /* domain/refresh_token.c */
	MASTER_KEY_FOR_SHORT_CODES = 3,    /* short_code.c */
	MASTER_KEY_FOR_PASSKEY_CHALLENGES = 4,
	MASTER_KEY_FOR_OAUTH_STATE = 5,
	MASTER_KEY_FOR_SERVICE_TOKENS = 6
} MasterKeyPurpose;

/*
 * Reads the master key if that has not been done, and raises if it cannot.
 * Creates a missing file if "may_create" is true, that is, if nothing in this
 * database has been sealed yet.
 */
extern void master_key_ensure(bool may_create);
extern uint64 master_key_generation(void);
extern uint32 master_key_current(void);

/* The ids of all keys that are held, the current one first; palloc'd. */
extern uint32 *master_key_ids(int *count);
extern bool
master_key_derive(uint32 id, MasterKeyPurpose purpose, unsigned char subkey[MASTER_KEY_BYTES]);
extern char *master_key_source(void);

#endif /* AUTHFORT_MASTER_KEY_H */
