/*
 * backup_codes.h
 *		Codes that replace a second factor once: table authfort.backup_codes.
 *
 * All that changes rows is called with the user's row locked, so that a code
 * is accepted once.
 */
#ifndef AUTHFORT_BACKUP_CODES_H
#define AUTHFORT_BACKUP_CODES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#define BACKUP_CODES 10 /* made at once */

/* Codes as a user gets them, once. */
typedef struct BackupCodes
{
	char **codes;
	int count;
} BackupCodes;

/* Replaces the user's codes by new ones, palloc'd and wiped with their context. */
extern BackupCodes backup_codes_make(const pg_uuid_t *user_id);

/* Deletes the code if the user has it, as it was typed: case, spaces and dashes are ignored. */
extern bool backup_codes_use(const pg_uuid_t *user_id, const char *typed);

extern int backup_codes_count(const pg_uuid_t *user_id);

/* Deletes the codes of a user; NULL: of all users. */
extern void backup_codes_delete(const pg_uuid_t *user_id);

/* Deletes those that were made at that time or later. */
extern void backup_codes_delete_since(const pg_uuid_t *user_id, TimestampTz time);

#endif /* AUTHFORT_BACKUP_CODES_H */
