/*
 * password_history.h
 *		Hashes of a user's last passwords: table authfort.password_history.
 *
 * Only authfort.password_history_count hashes of each user are kept.
 */
#ifndef AUTHFORT_PASSWORD_HISTORY_H
#define AUTHFORT_PASSWORD_HISTORY_H

#include "postgres.h"

#include "utils/uuid.h"

/* The last hashes, the newest first, in the current memory context. */
extern char **password_history_hashes(const pg_uuid_t *user_id, int *count);

/* Adds the hash of the password just set, and deletes those beyond the count. */
extern void password_history_add(const pg_uuid_t *user_id, const char *hash);

/* NULL: that of all users. */
extern void password_history_delete(const pg_uuid_t *user_id);

#endif /* AUTHFORT_PASSWORD_HISTORY_H */
