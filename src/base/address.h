/*
 * address.h
 *		Addresses of clients, and which of those that a proxy names to believe.
 */
#ifndef AUTHFORT_ADDRESS_H
#define AUTHFORT_ADDRESS_H

#include "postgres.h"

#include "utils/inet.h"

/* Whether the text is a comma-separated list of networks in CIDR notation. */
extern bool address_is_network_list(const char *networks);

/*
 * The client's address: "peer", unless that is a proxy in one of the networks.
 * Then it is the rightmost element of X-Forwarded-For that is no such proxy;
 * what stands left of it was written by a client or proxy that we do not know.
 *
 * Elements are read as proxies write them: with a port, in brackets or quotes,
 * with a zone; empty ones count for nothing.  One that cannot be read ends the
 * search at the proxy that sent it, and is logged.
 */
extern inet *address_of_client(inet *peer, const char *forwarded_for, const char *networks);

/*
 * The same where the peer is not known, but is a proxy, if there are any: the
 * header's last element is what it wrote.  NULL if that cannot be read.
 */
extern inet *address_of_forwarded_client(const char *forwarded_for, const char *networks);

/*
 * What an address is counted by: itself for IPv4, also where it is mapped into
 * IPv6, and the /64 for IPv6, of which everybody has one at least.
 */
extern char *address_for_counting(const inet *address);

#endif							/* AUTHFORT_ADDRESS_H */
