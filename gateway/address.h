/*
 * address.h
 *		Addresses of servers: which ones are public, and lists of networks.
 *		Builds alone.
 */
#ifndef GATEWAY_ADDRESS_H
#define GATEWAY_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Whether the address is that of a host on the public internet, and not of
 * this machine, its network, or a network behind a transition mechanism.  An
 * IPv4 address within an IPv6 address (mapped, NAT64) is judged as IPv4.
 */
extern bool address_is_public(const struct sockaddr *address);

/*
 * Whether the address is in one of the networks, a comma-separated list in
 * CIDR notation.  A mapped IPv4 address is in the networks of IPv4.
 */
extern bool address_is_in(const struct sockaddr *address, const char *networks);

/* Whether the text is such a list; "" is an empty one. */
extern bool address_is_network_list(const char *networks);

#endif /* GATEWAY_ADDRESS_H */
