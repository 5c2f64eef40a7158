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

/* "client" may be NULL. */
static inline bool
client_has_address(const Client *client)
{
	return client != NULL && client->has_ip;
}

#endif							/* AUTHFORT_CLIENT_H */
