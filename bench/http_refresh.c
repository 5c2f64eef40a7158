/*
 * http_refresh.c
 *		Refreshes a second over HTTP: so many connections that are kept alive,
 *		each going on with a session of its own.
 *
 * http_refresh PORT CONNECTIONS SECONDS < REFRESH TOKENS, one a line
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TOKEN_SIZE 128
#define ANSWER_SIZE 16384

typedef struct Client
{
	pthread_t	thread;
	int			port;
	double		end;			/* on the clock of now() */
	char		token[TOKEN_SIZE];
	long		refreshes;
} Client;

static void
fail(const char *what)
{
	fprintf(stderr, "http_refresh: %s\n", what);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int
open_connection(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int			fd = socket(AF_INET, SOCK_STREAM, 0);
	int			on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) != 0)
		fail("cannot connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Reads one answer, by its Content-Length. */
static void
read_answer(int fd, char answer[ANSWER_SIZE])
{
	size_t		len = 0;

	for (;;)
	{
		ssize_t		got = read(fd, answer + len, ANSWER_SIZE - 1 - len);
		char	   *body;
		char	   *length;

		if (got <= 0)
			fail("the connection ended");
		len += got;
		answer[len] = '\0';
		body = strstr(answer, "\r\n\r\n");
		length = strcasestr(answer, "\r\nContent-Length:");
		if (body != NULL && length != NULL &&
			len >= (size_t) (body + 4 - answer) + strtoul(length + 17, NULL, 10))
			return;
	}
}

static void
take_token(const char *answer, char token[TOKEN_SIZE])
{
	const char *found = strstr(answer, "\"refresh_token\":\"");
	size_t		len = (found != NULL) ? strcspn(found + 17, "\"") : 0;

	if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || len == 0 || len >= TOKEN_SIZE)
		fail("a refresh was refused");
	memcpy(token, found + 17, len);
	token[len] = '\0';
}

static void *
run(void *argument)
{
	Client	   *client = argument;
	int			fd = open_connection(client->port);
	char		answer[ANSWER_SIZE];
	char		request[512];

	while (now() < client->end)
	{
		int			len = snprintf(request, sizeof(request),
								   "POST /auth/refresh HTTP/1.1\r\nHost: localhost\r\n"
								   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n"
								   "{\"refresh_token\":\"%s\"}",
								   strlen(client->token) + 20, client->token);

		if (write(fd, request, len) != len)
			fail("cannot send");
		read_answer(fd, answer);
		take_token(answer, client->token);
		client->refreshes++;
	}
	close(fd);
	return NULL;
}

int
main(int argc, char **argv)
{
	int			connections = (argc == 4) ? atoi(argv[2]) : 0;
	int			seconds = (argc == 4) ? atoi(argv[3]) : 0;
	Client	   *clients = calloc(connections > 0 ? connections : 1, sizeof(Client));
	double		start = now();
	long		refreshes = 0;

	if (connections <= 0 || seconds <= 0 || clients == NULL)
		fail("usage: http_refresh PORT CONNECTIONS SECONDS < TOKENS");
	for (int i = 0; i < connections; i++)
	{
		clients[i].port = atoi(argv[1]);
		clients[i].end = start + seconds;
		if (scanf("%127s", clients[i].token) != 1)
			fail("too few tokens");
	}
	for (int i = 0; i < connections; i++)
	{
		if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0)
			fail("cannot start a thread");
	}
	for (int i = 0; i < connections; i++)
	{
		pthread_join(clients[i].thread, NULL);
		refreshes += clients[i].refreshes;
	}
	printf("%.0f\n", refreshes / (now() - start));
	return 0;
}
