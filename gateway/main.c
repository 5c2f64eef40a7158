/*
 * main.c
 *		authfort-gateway: serves authfort.http() over HTTP.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "clients.h"
#include "clock.h"
#include "options.h"
#include "pool.h"
#include "server.h"

#define TICK_MS 100
#define LAST_WRITES_SECONDS 1

static void
tick_once(void)
{
	pool_tick();
	clients_tick();
}

static void
wait_for_signal(const sigset_t *signals)
{
	const struct timespec interval = {0, TICK_MS * 1000000};

	while (sigtimedwait(signals, NULL, &interval) < 0)
		tick_once();
}

static void
drain_requests(long seconds)
{
	int64_t until = clock_ms() + seconds * 1000;

	while (!server_is_drained(TICK_MS) && clock_ms() < until)
		tick_once();
}

int
main(int argc, char **argv)
{
	Options options;
	sigset_t signals;
	bool pool_ended;

	options_read(argc, argv, &options);

	/* blocked before any thread starts, so that only wait_for_signal() gets them */
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
	/* with threads that connect, the libraries must not be torn down */
	if (!server_start(&options))
		_exit(1);

	wait_for_signal(&signals);
	server_quiesce();
	drain_requests(options.shutdown_timeout);
	pool_ended = pool_stop();
	/* send the 503s of requests that the pool refused */
	drain_requests(LAST_WRITES_SECONDS);
	if (!pool_ended)
		_exit(0);
	server_stop();
	return 0;
}
