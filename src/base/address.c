/*
 * address.c
 *		Addresses of clients, and which entries of X-Forwarded-For are trusted.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "utils/builtins.h"

#include "base/address.h"
#include "base/log_limit.h"
#include "compat.h"

#define MAX_ADDRESS_TEXT 64
#define IPV4_BYTES 4
#define IPV6_BYTES 16

typedef struct Network
{
	int family; /* PGSQL_AF_INET or PGSQL_AF_INET6 */
	unsigned char bytes[IPV6_BYTES];
	int bits; /* of the prefix */
} Network;

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void
unmap_ipv4(Network *network)
{
	if (network->family == PGSQL_AF_INET6 && network->bits >= 96 &&
		memcmp(network->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0)
	{
		network->family = PGSQL_AF_INET;
		memmove(network->bytes, network->bytes + sizeof(mapped_prefix), IPV4_BYTES);
		network->bits -= 96;
	}
}

/* Reads an address or a network from "len" characters; false if it is neither. */
static bool
read_network(const char *text, size_t len, Network *network)
{
	char copy[MAX_ADDRESS_TEXT];

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
	unmap_ipv4(network);
	return true;
}

static Network
network_of_inet(const inet *address)
{
	Network network = {0};

	network.family = ip_family(address);
	network.bits = ip_maxbits(address);
	memcpy(network.bytes, ip_addr(address), ip_addrsize(address));
	unmap_ipv4(&network);
	return network;
}

static bool
same_prefix(const unsigned char *a, const unsigned char *b, int bits)
{
	int rest = bits % 8;

	return memcmp(a, b, bits / 8) == 0 &&
		   (rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0);
}

/* True if each element of the list is a network; with "address", if one contains it. */
static bool
address_check_networks(const char *networks, const Network *address)
{
	const char *element = networks;

	if (networks[strspn(networks, " \t")] == '\0')
		return address == NULL;
	for (;;)
	{
		size_t len = strcspn(element, ",");
		Network network;

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
	return address_check_networks(networks, NULL);
}

static int
whole_address_bits(const Network *address)
{
	return (address->family == PGSQL_AF_INET) ? 8 * IPV4_BYTES : 8 * IPV6_BYTES;
}

static inet *
inet_of_network(const Network *network)
{
	inet *address = palloc0(sizeof(inet));

	ip_family(address) = network->family;
	ip_bits(address) = network->bits;
	memcpy(ip_addr(address), network->bytes, ip_addrsize(address));
	SET_INET_VARSIZE(address);
	return address;
}

/* A part of a header, between two places in it. */
typedef struct Span
{
	const char *text;
	const char *end;
} Span;

static void
trim_span(Span *span)
{
	while (span->text < span->end && (*span->text == ' ' || *span->text == '\t'))
		span->text++;
	while (span->end > span->text && (span->end[-1] == ' ' || span->end[-1] == '\t'))
		span->end--;
}

/* Removes the two characters from its ends; false if they are not there. */
static bool
unwrap_span(Span *span, char first, char last)
{
	if (span->end - span->text < 2 || *span->text != first || span->end[-1] != last)
		return false;
	span->text++;
	span->end--;
	return true;
}

/* Whether it is empty or a colon and the number of a port. */
static bool
is_port(const char *text, const char *end)
{
	int port = 0;

	if (text == end)
		return true;
	if (*text != ':' || end - text < 2 || end - text > 6)
		return false;
	while (++text < end)
	{
		if (*text < '0' || *text > '9')
			return false;
		port = 10 * port + (*text - '0');
	}
	return port <= 65535;
}

/*
 * Cuts off a port, and the brackets without which an IPv6 address has none:
 * 192.0.2.1:80, [2001:db8::1]:80, [2001:db8::1].
 */
static bool
cut_port(Span *span)
{
	const char *colon = memchr(span->text, ':', span->end - span->text);
	const char *bracket;

	if (span->text < span->end && *span->text == '[')
	{
		bracket = memchr(span->text, ']', span->end - span->text);
		if (bracket == NULL || !is_port(bracket + 1, span->end))
			return false;
		span->text++;
		span->end = bracket;
		return memchr(span->text, ':', span->end - span->text) != NULL;
	}
	/* with a second colon, it is an IPv6 address */
	if (colon != NULL && memchr(colon + 1, ':', span->end - colon - 1) == NULL)
	{
		if (!is_port(colon, span->end))
			return false;
		span->end = colon;
	}
	return true;
}

/* Cuts off the zone of an IPv6 address, which has a meaning only on the proxy. */
static bool
cut_zone(Span *span)
{
	const char *percent = memchr(span->text, '%', span->end - span->text);

	if (percent == NULL)
		return true;
	if (percent + 1 == span->end || memchr(span->text, ':', percent - span->text) == NULL)
		return false;
	for (const char *p = percent + 1; p < span->end; p++)
	{
		if (!isalnum((unsigned char) *p) && strchr("._~-", *p) == NULL)
			return false;
	}
	span->end = percent;
	return true;
}

/* An element as proxies write it: perhaps quoted, with a port, brackets, a zone. */
static bool
read_element(Span element, Network *client)
{
	Network named;

	if (unwrap_span(&element, '"', '"'))
		trim_span(&element);
	if (!cut_port(&element) || !cut_zone(&element) ||
		memchr(element.text, '/', element.end - element.text) != NULL ||
		!read_network(element.text, element.end - element.text, &named) ||
		named.bits != whole_address_bits(&named))
		return false;
	*client = named;
	return true;
}

/* Takes the last non-empty element, and moves *end before it; false if all are empty. */
static bool
take_last_element(const char *forwarded_for, const char **end, Span *element)
{
	while (*end > forwarded_for)
	{
		element->text = element->end = *end;
		while (element->text > forwarded_for && element->text[-1] != ',')
			element->text--;
		*end = (element->text > forwarded_for) ? element->text - 1 : element->text;
		trim_span(element);
		if (element->text < element->end)
			return true;
	}
	return false;
}

/*
 * An attacker may have written the element, so only its plain characters are
 * logged, and not for each request.
 */
static void
log_unreadable(Span element)
{
	static TimestampTz last = 0;
	char shown[MAX_ADDRESS_TEXT];
	size_t len = Min(element.end - element.text, (ptrdiff_t) sizeof(shown) - 1);

	if (!log_limit_allows(&last))
		return;
	for (size_t i = 0; i < len; i++)
		shown[i] = (element.text[i] > ' ' && element.text[i] <= '~') ? element.text[i] : '?';
	shown[len] = '\0';
	ereport(LOG_SERVER_ONLY,
			(errmsg("authfort cannot read \"%s\" in X-Forwarded-For as an address", shown),
			 errhint("A proxy in authfort.trusted_proxies sent it. Its clients are counted together until it writes addresses.")));
}

/* Continues to the left while the elements are trusted proxies. */
static inet *
first_untrusted(Network *client, const char *forwarded_for, const char *end, const char *networks)
{
	Span element;

	while (address_check_networks(networks, client) &&
		   take_last_element(forwarded_for, &end, &element))
	{
		if (!read_element(element, client))
		{
			log_unreadable(element);
			break;
		}
	}
	return inet_of_network(client);
}

inet *
address_of_client(inet *peer, const char *forwarded_for, const char *networks)
{
	Network client = network_of_inet(peer);

	return first_untrusted(&client, forwarded_for, forwarded_for + strlen(forwarded_for), networks);
}

inet *
address_of_forwarded_client(const char *forwarded_for, const char *networks)
{
	const char *end = forwarded_for + strlen(forwarded_for);
	Span element;
	Network client;

	if (networks[strspn(networks, " \t")] == '\0' || !take_last_element(forwarded_for, &end, &element))
		return NULL;
	if (!read_element(element, &client))
	{
		log_unreadable(element);
		return NULL;
	}
	return first_untrusted(&client, forwarded_for, end, networks);
}

char *
address_for_counting(const inet *address)
{
	Network client = network_of_inet(address);

	if (client.family == PGSQL_AF_INET6)
	{
		client.bits = 64;
		memset(client.bytes + 8, 0, 8);
	}
	return DatumGetCString(DirectFunctionCall1(inet_out, InetPGetDatum(inet_of_network(&client))));
}
