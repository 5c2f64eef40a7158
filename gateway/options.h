/*
 * options.h
 *		Settings of the gateway, from flags and the environment.
 */
#ifndef GATEWAY_OPTIONS_H
#define GATEWAY_OPTIONS_H

#include "option_table.h"

typedef struct Options
{
	const char *dsn;         /* libpq connection string */
	const char *listen;      /* HOST:PORT or [HOST]:PORT */
	const char *log;         /* "on" or "off" */
	const char *slow_routes; /* path suffixes, separated by commas */
	const char *tls_cert;    /* file names; "": no TLS */
	const char *tls_key;
	long pool_size;
	long max_connections_per_route; /* of the pool; 0: half */
	long queue_size;
	long request_timeout; /* seconds, as all of these */
	long reconnect_wait;
	long request_read_timeout;
	long connection_timeout;
	long shutdown_timeout;
	long max_connections;
	long max_connections_per_ip; /* 0: no limit; or OPTION_AUTO */
	long max_header_size;        /* bytes */
	long max_body_size;          /* bytes */
	long max_fetches;            /* at a time */
	const char *allow_fetch_to;  /* networks that are not public */
	const char *fetch_ca_file;   /* "": the system's */
} Options;

/* Exits after --help and --version, and with status 2 for an invalid option. */
extern void options_read(int argc, char **argv, Options *options);

#endif /* GATEWAY_OPTIONS_H */
