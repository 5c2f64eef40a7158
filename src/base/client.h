/*
 * client.h
 *		The client of a sign-in.
 */
#ifndef AUTHFORT_CLIENT_H
#define AUTHFORT_CLIENT_H

#include "postgres.h"

/* The client's data, each of which may be absent. */
typedef struct Client
{
	const char *user_agent; /* NULL: not known */
	Datum ip;               /* inet */
	bool has_ip;
} Client;

/* "client" may be NULL. */
static inline bool
client_has_address(const Client *client)
{
	return client != NULL && client->has_ip;
}

#endif /* AUTHFORT_CLIENT_H */
