/*
 * client.h
 *		Who is at the other end of a sign-in.
 */
#ifndef AUTHFORT_CLIENT_H
#define AUTHFORT_CLIENT_H

#include "postgres.h"

/* Who is at the other end; each may be absent. */
typedef struct Client
{
	const char *user_agent;		/* NULL: not told */
	Datum		ip;				/* inet */
	bool		has_ip;
} Client;

#endif							/* AUTHFORT_CLIENT_H */
