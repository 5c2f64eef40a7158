/*
 * breached_passwords.h
 *		Passwords known from breaches: table authfort.breached_passwords.
 */
#ifndef AUTHFORT_BREACHED_PASSWORDS_H
#define AUTHFORT_BREACHED_PASSWORDS_H

#include "postgres.h"

/* Whether the owner loaded it as one; false if nothing was loaded. */
extern bool breached_passwords_hold(const char *password);

#endif							/* AUTHFORT_BREACHED_PASSWORDS_H */
