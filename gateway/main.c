/*
 * main.c
 *		authfort-gateway: serves authfort.http() over HTTP.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "options.h"
#include "pool.h"
#include "server.h"

#define LAST_WRITES_SECONDS 1

int
main(int argc, char **argv)
{
	Options		options;
	sigset_t	signals;
	int			received;

	options_read(argc, argv, &options);

	/* blocked before any thread starts, so that only sigwait() gets them */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);

	if (!pool_start(&options))
	{
		fprintf(stderr, "authfort-gateway: cannot start the pool\n");
		return 1;
	}
	if (!server_start(&options))
		return 1;

	sigwait(&signals, &received);
	server_quiesce();
	server_drain(options.shutdown_timeout);
	pool_stop();
	/* those that the pool gave up are told so */
	server_drain(LAST_WRITES_SECONDS);
	server_stop();
	return 0;
}
