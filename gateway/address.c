/*
 * address.c
 *		Addresses of servers: which ones are public, and lists of networks.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "address.h"

/* An address, or the bits that the addresses of a network begin with. */
typedef struct Network
{
	int family;
	unsigned char bytes[16];
	int bits;
} Network;

/*
 * IPv4 networks that are not public: the special-purpose registry of IANA
 * without what it calls globally reachable (RFC 6890), multicast, and an
 * address at which Azure serves its virtual machines.
 */
static const char internal_ipv4[] =
	"0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,168.63.129.16/32,169.254.0.0/16,172.16.0.0/12,"
	"192.0.0.0/24,192.0.2.0/24,192.88.99.0/24,192.168.0.0/16,198.18.0.0/15,198.51.100.0/24,"
	"203.0.113.0/24,224.0.0.0/4,240.0.0.0/4";

/* Of IPv6, global unicast addresses are public, */
static const char unicast_ipv6[] = "2000::/3";

/* except protocol assignments (with Teredo), documentation, 6to4, and again documentation. */
static const char internal_ipv6[] = "2001::/23,2001:db8::/32,2002::/16,3fff::/20";

/* Before an IPv4 address: mapped (RFC 4291), and NAT64 (RFC 6052). */
static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const unsigned char nat64_prefix[12] = {0, 0x64, 0xff, 0x9b};

static int
address_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* False for another family than IPv4 and IPv6. */
static bool
read_address(const struct sockaddr *address, Network *host)
{
	memset(host, 0, sizeof(*host));
	host->family = address->sa_family;
	if (address->sa_family == AF_INET)
		memcpy(host->bytes, &((const struct sockaddr_in *) address)->sin_addr, 4);
	else if (address->sa_family == AF_INET6)
		memcpy(host->bytes, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
	else
		return false;
	host->bits = address_bits(host->family);
	return true;
}

/* Turns an IPv6 address that begins with the prefix into the IPv4 address behind it. */
static void
take_ipv4(Network *host, const unsigned char prefix[12])
{
	Network inner = {.family = AF_INET, .bits = 32};

	if (host->family != AF_INET6 || memcmp(host->bytes, prefix, 12) != 0)
		return;
	memcpy(inner.bytes, host->bytes + 12, 4);
	*host = inner;
}

static bool
begins_with(const Network *host, const Network *network)
{
	int whole = network->bits / 8;
	int rest = network->bits % 8;

	if (host->family != network->family || memcmp(host->bytes, network->bytes, whole) != 0)
		return false;
	return rest == 0 || (host->bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

/* Reads "/24" up to the end of the text; -1 if it is not a length for the family. */
static int
read_bits(const char *text, int family)
{
	int bits = 0;

	if (*text++ != '/' || *text == '\0' || strlen(text) > 3)
		return -1;
	for (; *text != '\0'; text++)
	{
		if (*text < '0' || *text > '9')
			return -1;
		bits = bits * 10 + (*text - '0');
	}
	return bits <= address_bits(family) ? bits : -1;
}

/* Reads the network of "len" characters. */
static bool
read_network(const char *text, size_t len, Network *network)
{
	char copy[INET6_ADDRSTRLEN + sizeof("/128")];
	char *slash;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	slash = strchr(copy, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	memset(network, 0, sizeof(*network));
	network->family = strchr(copy, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(network->family, copy, network->bytes) != 1)
		return false;
	*slash = '/';
	network->bits = read_bits(slash, network->family);
	return network->bits >= 0;
}

/*
 * Reads the next network of a list, and moves the list behind it.  At the end
 * of the list, or at an invalid network, it returns false and stays.
 */
static bool
next_network(const char **list, Network *network)
{
	const char *text = *list + strspn(*list, " ");
	size_t len = strcspn(text, ", ");
	const char *end = text + len + strspn(text + len, " ");

	if ((*end != ',' && *end != '\0') || !read_network(text, len, network))
		return false;
	*list = *end == ',' ? end + 1 : end;
	return true;
}

static bool
is_in_one_of(const Network *host, const char *networks)
{
	Network network;

	while (next_network(&networks, &network))
	{
		if (begins_with(host, &network))
			return true;
	}
	return false;
}

bool
address_is_public(const struct sockaddr *address)
{
	Network host;

	if (!read_address(address, &host))
		return false;
	take_ipv4(&host, mapped_prefix);
	take_ipv4(&host, nat64_prefix);
	if (host.family == AF_INET)
		return !is_in_one_of(&host, internal_ipv4);
	return is_in_one_of(&host, unicast_ipv6) && !is_in_one_of(&host, internal_ipv6);
}

bool
address_is_in(const struct sockaddr *address, const char *networks)
{
	Network host;

	if (!read_address(address, &host))
		return false;
	take_ipv4(&host, mapped_prefix);
	return is_in_one_of(&host, networks);
}

bool
address_is_network_list(const char *networks)
{
	Network network;

	while (*networks != '\0')
	{
		if (!next_network(&networks, &network))
			return false;
	}
	return true;
}
