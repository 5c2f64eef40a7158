/*
 * address.h
 *		Addresses of clients, and which entries of X-Forwarded-For are trusted.
 */
#ifndef AUTHFORT_ADDRESS_H
#define AUTHFORT_ADDRESS_H

#include "postgres.h"

#include "utils/inet.h"

/* Whether the text is a comma-separated list of networks in CIDR notation. */
extern bool address_is_network_list(const char *networks);

/*
 * The client's address: "peer", unless that is a proxy in one of the networks.
 * Then it is the rightmost element of X-Forwarded-For that is not such a
 * proxy; the elements left of it were written by a client or an untrusted
 * proxy.
 *
 * Elements are read as proxies write them: with a port, in brackets or quotes,
 * with a zone; empty ones are ignored.  An unreadable one ends the search at
 * the proxy that sent it, and is logged.
 */
extern inet *address_of_client(inet *peer, const char *forwarded_for, const char *networks);

/*
 * The same if the peer is unknown and, with "proxies" not empty, assumed to be
 * one of them: it wrote the header's last element.  NULL if that cannot be
 * read.
 */
extern inet *address_of_forwarded_client(const char *forwarded_for, const char *networks);

/*
 * The key by which requests of an address are counted: the address for IPv4,
 * also if it is mapped into IPv6, and the /64 for IPv6, because a client has
 * at least that much.
 */
extern char *address_for_counting(const inet *address);

#endif /* AUTHFORT_ADDRESS_H */
