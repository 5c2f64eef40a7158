/*
 * http_client.c
 *		As much of an HTTP client as the benchmarks need.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http_client.h"

void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int
open_connection(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) != 0)
		fail("cannot connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
read_answer(int fd, char answer[ANSWER_SIZE])
{
	size_t len = 0;

	for (;;)
	{
		ssize_t got = read(fd, answer + len, ANSWER_SIZE - 1 - len);
		char *body;
		char *length;

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

void
exchange(int fd, const char *request, int len, char answer[ANSWER_SIZE])
{
	if (write(fd, request, len) != len)
		fail("cannot send");
	read_answer(fd, answer);
}
