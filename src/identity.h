/*
 * identity.h
 *		Who the caller is: what row-level security policies ask.
 */
#ifndef AUTHFORT_IDENTITY_H
#define AUTHFORT_IDENTITY_H

#include "postgres.h"

extern void identity_init(void);

#endif							/* AUTHFORT_IDENTITY_H */
