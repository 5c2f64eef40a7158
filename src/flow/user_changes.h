/*
 * user_changes.h
 *		Reading a JSON object of changes to a user.
 */
#ifndef AUTHFORT_USER_CHANGES_H
#define AUTHFORT_USER_CHANGES_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/refusal.h"
#include "domain/users.h"

/* The members that changes may have depend on who makes them. */
typedef enum UserChanger
{
	CHANGED_BY_ADMIN,
	CHANGED_BY_USER /* neither the email nor what only the application may change */
} UserChanger;

/* Reads and checks the members, of which there must be one.  Returns NULL or the refusal. */
extern const Refusal *user_changes_read(Jsonb *json, UserChanger changer, UserChanges *changes);

#endif /* AUTHFORT_USER_CHANGES_H */
