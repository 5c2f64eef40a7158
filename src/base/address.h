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
 * Then it is the rightmost entry of X-Forwarded-For that is no such proxy,
 * since what stands left of it was written by somebody we do not know.  An
 * entry that is no address ends the search.
 */
extern inet *address_of_client(inet *peer, const char *forwarded_for, const char *networks);

/*
 * The same where the peer is not told, but known to be a proxy, if there is
 * any: the header's last entry is what it wrote.  NULL if that is no address.
 */
extern inet *address_of_forwarded_client(const char *forwarded_for, const char *networks);

/*
 * What an address is counted by: itself for IPv4, also where it is mapped into
 * IPv6, and the /64 for IPv6, of which everybody has one at least.
 */
extern char *address_for_counting(const inet *address);

#endif							/* AUTHFORT_ADDRESS_H */
