/*
 * http_rate.c
 *		GET requests a second over HTTP: so many connections that are kept
 *		alive, all with one access token.
 *
 * http_rate PORT CONNECTIONS SECONDS PATH < ACCESS TOKEN
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_client.h"

#define MAX_TOKEN 4096

typedef struct Client
{
	pthread_t thread;
	int port;
	double end; /* on the clock of now() */
	const char *request;
	long answers;
} Client;

static void *
run(void *argument)
{
	Client *client = argument;
	int fd = open_connection(client->port);
	char answer[ANSWER_SIZE];

	while (now() < client->end)
	{
		exchange(fd, client->request, strlen(client->request), answer);
		if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
			fail("a request was refused");
		client->answers++;
	}
	close(fd);
	return NULL;
}

int
main(int argc, char **argv)
{
	int connections = (argc == 5) ? atoi(argv[2]) : 0;
	int seconds = (argc == 5) ? atoi(argv[3]) : 0;
	Client *clients = calloc(connections > 0 ? connections : 1, sizeof(Client));
	double start = now();
	char token[MAX_TOKEN];
	char request[MAX_TOKEN + 512];
	long answers = 0;

	if (connections <= 0 || seconds <= 0 || clients == NULL || scanf("%4095s", token) != 1)
		fail("usage: http_rate PORT CONNECTIONS SECONDS PATH < ACCESS TOKEN");
	snprintf(request, sizeof(request),
			 "GET %.200s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", argv[4],
			 token);
	for (int i = 0; i < connections; i++)
	{
		clients[i] = (Client){.port = atoi(argv[1]), .end = start + seconds, .request = request};
		if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0)
			fail("cannot start a thread");
	}
	for (int i = 0; i < connections; i++)
	{
		pthread_join(clients[i].thread, NULL);
		answers += clients[i].answers;
	}
	printf("%.0f\n", answers / (now() - start));
	return 0;
}
