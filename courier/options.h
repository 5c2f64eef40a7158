/*
 * options.h
 *		Settings of the courier, from flags and the environment.
 */
#ifndef COURIER_OPTIONS_H
#define COURIER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "option_table.h"

#define MAX_WEBHOOK_SECRETS 8

typedef struct WebhookSecret
{
	unsigned char key[64];
	size_t len;
} WebhookSecret;

typedef struct Options
{
	const char *dsn;      /* libpq connection string */
	const char *smtp_url; /* "": no mail */
	const char *smtp_user;
	const char *smtp_password_file;
	const char *smtp_tls; /* "auto", "on" or "off" */
	const char *from;
	const char *app;
	const char *webhook_url; /* "": no webhook */
	const char *webhook_secret_file;
	const char *webhook_kinds; /* separated by commas */
	const char *ca_file;       /* "": the system's certificates */
	long concurrency;
	long poll_interval; /* seconds, as all of these */
	long send_timeout;
	long retry_min;
	long retry_max;
	long shutdown_timeout;
	const char *log; /* "on" or "off" */
	bool once;
	bool dry_run;

	/* what follows from them */
	char *smtp_password; /* NULL: none */
	bool smtp_needs_tls;
	char *from_name; /* "": none */
	char *from_address;
	WebhookSecret webhook_secrets[MAX_WEBHOOK_SECRETS];
	int webhook_secret_count;
} Options;

/* Exits after --help and --version, and with status 2 for an invalid option. */
extern void options_read(int argc, char **argv, Options *options);

#endif /* COURIER_OPTIONS_H */
