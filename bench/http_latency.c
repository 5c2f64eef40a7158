/*
 * http_latency.c
 *		How long GET /auth/me takes over HTTP, asked again and again on one
 *		connection that is kept alive.
 *
 * http_latency PORT SECONDS < ACCESS TOKEN
 * prints the median and the 99th percentile in microseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_client.h"

#define MAX_SAMPLES 1000000
#define MAX_TOKEN 4096
#define PAUSE_US 2000 /* between two requests, as people leave some */

static double samples[MAX_SAMPLES];

static int
compare(const void *a, const void *b)
{
	double difference = *(const double *) a - *(const double *) b;

	return (difference > 0) - (difference < 0);
}

/* Returns the number of samples taken. */
static int
measure(int fd, const char *request, double end)
{
	char answer[ANSWER_SIZE];
	int count = 0;

	while (count < MAX_SAMPLES)
	{
		double start = now();

		if (start >= end)
			break;
		exchange(fd, request, strlen(request), answer);
		if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
			fail("/auth/me was refused");
		samples[count++] = (now() - start) * 1e6;
		usleep(PAUSE_US);
	}
	return count;
}

int
main(int argc, char **argv)
{
	char token[MAX_TOKEN];
	char request[MAX_TOKEN + 256];
	int count;

	if (argc != 3 || scanf("%4095s", token) != 1)
		fail("usage: http_latency PORT SECONDS < ACCESS TOKEN");
	snprintf(request, sizeof(request),
			 "GET /auth/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", token);
	count = measure(open_connection(atoi(argv[1])), request, now() + atoi(argv[2]));
	if (count == 0)
		fail("no request was answered");
	qsort(samples, count, sizeof(double), compare);
	printf("%.0f %.0f\n", samples[count / 2], samples[count * 99 / 100]);
	return 0;
}
