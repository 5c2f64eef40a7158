/*
 * address_verdicts.c
 *		Prints, for each address of the command line, whether the gateway takes
 *		it for public, and whether it is in the networks of the first argument.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "address.h"

int
main(int argc, char **argv)
{
	if (argc == 2)
	{
		puts(address_is_network_list(argv[1]) ? "list" : "no list");
		return 0;
	}
	for (int i = 2; i < argc; i++)
	{
		struct sockaddr_in in = {.sin_family = AF_INET};
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
		const struct sockaddr *address = (const struct sockaddr *) &in;

		if (inet_pton(AF_INET, argv[i], &in.sin_addr) != 1)
		{
			if (inet_pton(AF_INET6, argv[i], &in6.sin6_addr) != 1)
				return 1;
			address = (const struct sockaddr *) &in6;
		}
		printf("%s %s%s\n", argv[i], address_is_public(address) ? "public" : "internal",
			   address_is_in(address, argv[1]) ? " listed" : "");
	}
	return 0;
}
