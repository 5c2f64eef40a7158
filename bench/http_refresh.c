/*
 * http_refresh.c
 *		Refreshes a second over HTTP: so many connections that are kept alive,
 *		each going on with a session of its own.
 *
 * http_refresh PORT CONNECTIONS SECONDS < REFRESH TOKENS, one a line
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_client.h"

#define TOKEN_SIZE 128

typedef struct Client
{
	pthread_t thread;
	int port;
	double end; /* on the clock of now() */
	char token[TOKEN_SIZE];
	long refreshes;
} Client;

static void
take_token(const char *answer, char token[TOKEN_SIZE])
{
	const char *found = strstr(answer, "\"refresh_token\":\"");
	size_t len = (found != NULL) ? strcspn(found + 17, "\"") : 0;

	if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || len == 0 || len >= TOKEN_SIZE)
		fail("a refresh was refused");
	memcpy(token, found + 17, len);
	token[len] = '\0';
}

static void *
run(void *argument)
{
	Client *client = argument;
	int fd = open_connection(client->port);
	char answer[ANSWER_SIZE];
	char request[512];

	while (now() < client->end)
	{
		int len = snprintf(request, sizeof(request),
						   "POST /auth/refresh HTTP/1.1\r\nHost: localhost\r\n"
						   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n"
						   "{\"refresh_token\":\"%s\"}",
						   strlen(client->token) + 20, client->token);

		exchange(fd, request, len, answer);
		take_token(answer, client->token);
		client->refreshes++;
	}
	close(fd);
	return NULL;
}

int
main(int argc, char **argv)
{
	int connections = (argc == 4) ? atoi(argv[2]) : 0;
	int seconds = (argc == 4) ? atoi(argv[3]) : 0;
	Client *clients = calloc(connections > 0 ? connections : 1, sizeof(Client));
	double start = now();
	long refreshes = 0;

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
