/*
 * address.c
 *		Fuzz target: an address and a list of networks.  A mapped address is
 *		judged as the IPv4 address in it, the network of all addresses has every
 *		one, and no list crashes.  The first byte says how the next 16 are used,
 *		the rest is the list.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_public4(const uint8_t bytes[4])
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	memcpy(&in.sin_addr, bytes, 4);
	return address_is_public((const struct sockaddr *) &in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const struct sockaddr *address = (const struct sockaddr *) &in6;
	bool is_mapped;
	char *list;

	if (size < 17)
		return 0;
	is_mapped = data[0] % 2 == 0;
	memcpy(in6.sin6_addr.s6_addr, data + 1, 16);
	if (is_mapped)
		memcpy(in6.sin6_addr.s6_addr, mapped, sizeof(mapped));
	list = malloc(size - 16);
	memcpy(list, data + 17, size - 17);
	list[size - 17] = '\0';

	if (is_mapped && address_is_public(address) != is_public4(data + 13))
		abort();
	if (IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) && address_is_public(address))
		abort();
	if (!address_is_in(address, is_mapped ? "0.0.0.0/0" : "::/0,0.0.0.0/0"))
		abort();
	(void) address_is_network_list(list);
	(void) address_is_in(address, list);
	free(list);
	return 0;
}
