/*
 * clients.c
 *		The clients that are connected: how many there may be, and how long
 *		the gateway waits for each.
 *
 * libmicrohttpd only has an inactivity timeout, which a client can extend
 * forever by sending a byte now and then.  The deadlines here are absolute.
 * When all connections are taken, the one that has kept the gateway waiting
 * longest is closed, so that idle or slow clients cannot lock others out.
 *
 * A client is ended by shutting down its socket; libmicrohttpd notices, and
 * closes it.  The client stays in the list until then, so its descriptor
 * cannot be reused.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clients.h"
#include "clock.h"

#define AUTO_LIMIT_PER_IP 100
#define MIN_READING_RATE 16384 /* bytes a second of an answer */

/* An IPv4 address, or the /64 prefix of an IPv6 address, which one site has. */
typedef struct Network
{
	sa_family_t family;
	unsigned char bytes[8];
} Network;

struct Client
{
	int fd;
	Network network;
	bool local;       /* connects from this machine */
	bool ended;       /* by us */
	int64_t since;    /* when the gateway began to wait for it */
	int64_t deadline; /* 0: it waits for the gateway */
	Client *previous;
	Client *next;
};

static struct
{
	pthread_mutex_t lock;
	const Options *options;
	Client *first;
	long count; /* of those that are not ended */
} clients = {.lock = PTHREAD_MUTEX_INITIALIZER};

void
clients_init(const Options *options)
{
	clients.options = options;
}

static void
read_peer_address(Client *client, const struct sockaddr *address)
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	Network *network = &client->network;

	network->family = AF_INET;
	if (address->sa_family == AF_INET)
		memcpy(network->bytes, &((const struct sockaddr_in *) address)->sin_addr, 4);
	else if (address->sa_family == AF_INET6)
	{
		const struct in6_addr *in6 = &((const struct sockaddr_in6 *) address)->sin6_addr;

		if (memcmp(in6->s6_addr, mapped, sizeof(mapped)) == 0)
			memcpy(network->bytes, in6->s6_addr + sizeof(mapped), 4);
		else
		{
			network->family = AF_INET6;
			memcpy(network->bytes, in6->s6_addr, 8);
		}
		client->local = IN6_IS_ADDR_LOOPBACK(in6);
	}
	if (network->family == AF_INET && network->bytes[0] == 127)
		client->local = true;
}

static void
wait_until(Client *client, int64_t milliseconds)
{
	if (client == NULL)
		return;
	pthread_mutex_lock(&clients.lock);
	client->since = clock_ms();
	client->deadline = milliseconds > 0 ? client->since + milliseconds : 0;
	pthread_mutex_unlock(&clients.lock);
}

/* Called with the lock held, as the functions below. */
static void
end_client(Client *client)
{
	if (client->ended)
		return;
	client->ended = true;
	clients.count--;
	shutdown(client->fd, SHUT_RDWR);
}

static long
count_network(const Network *network)
{
	long count = 0;

	for (const Client *client = clients.first; client != NULL; client = client->next)
	{
		if (!client->ended && memcmp(&client->network, network, sizeof(*network)) == 0)
			count++;
	}
	return count;
}

static bool
network_has_room(const Client *client)
{
	long limit = clients.options->max_connections_per_ip;

	/* many clients may connect through a proxy on this machine */
	if (limit == OPTION_AUTO)
		limit = client->local ? 0 : AUTO_LIMIT_PER_IP;
	return limit == 0 || count_network(&client->network) < limit;
}

/* The client that the gateway has waited for longest, or NULL. */
static Client *
longest_waiting(void)
{
	Client *found = NULL;

	for (Client *client = clients.first; client != NULL; client = client->next)
	{
		if (!client->ended && client->deadline != 0 &&
			(found == NULL || client->since <= found->since))
			found = client;
	}
	return found;
}

static bool
make_room(void)
{
	Client *client;

	if (clients.count < clients.options->max_connections)
		return true;
	client = longest_waiting();
	if (client != NULL)
		end_client(client);
	return client != NULL;
}

static void
link_client(Client *client)
{
	client->next = clients.first;
	if (clients.first != NULL)
		clients.first->previous = client;
	clients.first = client;
	clients.count++;
}

Client *
client_connected(int fd, const struct sockaddr *address)
{
	Client *client = calloc(1, sizeof(Client));
	bool admitted = false;

	if (client != NULL)
	{
		client->fd = fd;
		client->since = clock_ms();
		client->deadline = client->since + clients.options->request_read_timeout * 1000;
		read_peer_address(client, address);
		pthread_mutex_lock(&clients.lock);
		admitted = network_has_room(client) && make_room();
		if (admitted)
			link_client(client);
		pthread_mutex_unlock(&clients.lock);
	}
	if (admitted)
		return client;
	free(client);
	shutdown(fd, SHUT_RDWR);
	return NULL;
}

void
client_disconnected(Client *client)
{
	if (client == NULL)
		return;
	pthread_mutex_lock(&clients.lock);
	if (client->previous != NULL)
		client->previous->next = client->next;
	else
		clients.first = client->next;
	if (client->next != NULL)
		client->next->previous = client->previous;
	if (!client->ended)
		clients.count--;
	pthread_mutex_unlock(&clients.lock);
	free(client);
}

void
client_sends_request(Client *client)
{
	wait_until(client, clients.options->request_read_timeout * 1000);
}

void
client_waits(Client *client)
{
	wait_until(client, 0);
}

void
client_reads_answer(Client *client, size_t length)
{
	wait_until(client,
			   (clients.options->request_read_timeout + (int64_t) length / MIN_READING_RATE) * 1000);
}

void
client_is_idle(Client *client)
{
	wait_until(client, clients.options->connection_timeout * 1000);
}

void
clients_tick(void)
{
	int64_t now = clock_ms();

	pthread_mutex_lock(&clients.lock);
	for (Client *client = clients.first; client != NULL; client = client->next)
	{
		if (client->deadline != 0 && client->deadline <= now)
			end_client(client);
	}
	pthread_mutex_unlock(&clients.lock);
}
