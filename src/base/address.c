/*
 * address.c
 *		Addresses of clients, and which of those that a proxy names to believe.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "utils/builtins.h"

#include "base/address.h"
#include "compat.h"

#define MAX_ADDRESS_TEXT 64
#define IPV4_BYTES 4
#define IPV6_BYTES 16

typedef struct Network
{
	int			family;			/* PGSQL_AF_INET or PGSQL_AF_INET6 */
	unsigned char bytes[IPV6_BYTES];
	int			bits;			/* of the prefix */
} Network;

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void
unmap(Network *network)
{
	if (network->family == PGSQL_AF_INET6 && network->bits >= 96 &&
		memcmp(network->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0)
	{
		network->family = PGSQL_AF_INET;
		memmove(network->bytes, network->bytes + sizeof(mapped_prefix), IPV4_BYTES);
		network->bits -= 96;
	}
}

/* Reads an address or a network from "len" characters; false if it is none. */
static bool
read_network(const char *text, size_t len, Network *network)
{
	char		copy[MAX_ADDRESS_TEXT];

	while (len > 0 && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	memset(network, 0, sizeof(*network));
	network->family = (strchr(copy, ':') != NULL) ? PGSQL_AF_INET6 : PGSQL_AF_INET;
	network->bits = pg_inet_net_pton(network->family, copy, network->bytes, -1);
	if (network->bits < 0)
		return false;
	unmap(network);
	return true;
}

static Network
network_of_inet(const inet *address)
{
	Network		network = {0};

	network.family = ip_family(address);
	network.bits = ip_maxbits(address);
	memcpy(network.bytes, ip_addr(address), ip_addrsize(address));
	unmap(&network);
	return network;
}

static bool
same_prefix(const unsigned char *a, const unsigned char *b, int bits)
{
	int			rest = bits % 8;

	return memcmp(a, b, bits / 8) == 0 &&
		(rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0);
}

/* True for each element of a list; with "address", for one that holds it. */
static bool
check_networks(const char *networks, const Network *address)
{
	const char *element = networks;

	if (networks[strspn(networks, " \t")] == '\0')
		return address == NULL;
	for (;;)
	{
		size_t		len = strcspn(element, ",");
		Network		network;

		if (!read_network(element, len, &network))
			return false;
		if (address != NULL && network.family == address->family &&
			same_prefix(network.bytes, address->bytes, network.bits))
			return true;
		if (element[len] == '\0')
			return address == NULL;
		element += len + 1;
	}
}

bool
address_is_network_list(const char *networks)
{
	return check_networks(networks, NULL);
}

static int
whole_address_bits(const Network *address)
{
	return (address->family == PGSQL_AF_INET) ? 8 * IPV4_BYTES : 8 * IPV6_BYTES;
}

static inet *
inet_of_network(const Network *network)
{
	inet	   *address = palloc0(sizeof(inet));

	ip_family(address) = network->family;
	ip_bits(address) = network->bits;
	memcpy(ip_addr(address), network->bytes, ip_addrsize(address));
	SET_INET_VARSIZE(address);
	return address;
}

/*
 * Takes the last entry of the header before *end, and moves *end before it.
 * False if there is none, or it is no address.
 */
static bool
take_last_entry(const char *forwarded_for, const char **end, Network *client)
{
	const char *entry = *end;
	Network		named;

	while (entry > forwarded_for && entry[-1] != ',')
		entry--;
	if (!read_network(entry, *end - entry, &named) || named.bits != whole_address_bits(&named))
		return false;
	*client = named;
	*end = (entry > forwarded_for) ? entry - 1 : entry;
	return true;
}

/* Goes on to the left for as long as it meets proxies. */
static inet *
first_untrusted(Network *client, const char *forwarded_for, const char *end, const char *networks)
{
	while (end > forwarded_for && check_networks(networks, client))
	{
		if (!take_last_entry(forwarded_for, &end, client))
			break;
	}
	return inet_of_network(client);
}

inet *
address_of_client(inet *peer, const char *forwarded_for, const char *networks)
{
	Network		client = network_of_inet(peer);

	return first_untrusted(&client, forwarded_for, forwarded_for + strlen(forwarded_for), networks);
}

inet *
address_of_forwarded_client(const char *forwarded_for, const char *networks)
{
	const char *end = forwarded_for + strlen(forwarded_for);
	Network		client;

	if (networks[strspn(networks, " \t")] == '\0' ||
		!take_last_entry(forwarded_for, &end, &client))
		return NULL;
	return first_untrusted(&client, forwarded_for, end, networks);
}

char *
address_for_counting(const inet *address)
{
	Network		client = network_of_inet(address);

	if (client.family == PGSQL_AF_INET6)
	{
		client.bits = 64;
		memset(client.bytes + 8, 0, 8);
	}
	return DatumGetCString(DirectFunctionCall1(inet_out, InetPGetDatum(inet_of_network(&client))));
}
