/*
 * breached_passwords.h
 *		Passwords known from breaches: table authfort.breached_passwords.
 */
#ifndef AUTHFORT_BREACHED_PASSWORDS_H
#define AUTHFORT_BREACHED_PASSWORDS_H

#include "postgres.h"

/* Whether the password is in the list that the owner loaded. */
extern bool breached_passwords_hold(const char *password);

#endif /* AUTHFORT_BREACHED_PASSWORDS_H */
