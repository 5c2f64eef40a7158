/*
 * options.c
 *		Settings of the gateway, from flags and environment variables.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

typedef struct OptionDefinition
{
	const char *name;			/* of the flag; variable_name() derives the variable's name */
	const char *initial;
	const char *help;
	size_t		offset;			/* in Options */
	bool		is_number;
	long		min;
	long		max;
} OptionDefinition;

#define STRING(field) offsetof(Options, field), false, 0, 0
#define NUMBER(field, min, max) offsetof(Options, field), true, min, max
#define NUMBER_OR_AUTO(field, max) NUMBER(field, OPTION_AUTO, max)

static const OptionDefinition definitions[] = {
	{"dsn", "", "libpq connection string; PGHOST etc. work too", STRING(dsn)},
	{"listen", "127.0.0.1:8080", "address and port; port 0 chooses a free one", STRING(listen)},
	{"log", "on", "access log on standard output: on or off", STRING(log)},
	{"tls-cert", "", "file with the certificate chain, PEM", STRING(tls_cert)},
	{"tls-key", "", "file with the private key, PEM", STRING(tls_key)},
	{"pool-size", "8", "connections to PostgreSQL", NUMBER(pool_size, 1, 1000)},
	{"max-connections-per-route", "0", "connections that one route may use; 0 means half",
	NUMBER(max_connections_per_route, 0, 1000)},
	{"slow-routes", "/signup,/login,/forgot-password,/reset-password,/change-password,/set-password,/admin/users",
	"path suffixes whose POST requests are slow; they share one route's limits", STRING(slow_routes)},
	{"queue-size", "256", "requests that may wait; one route may use half", NUMBER(queue_size, 1, 100000)},
	{"request-timeout", "15", "seconds that a request may wait, and again that it may run", NUMBER(request_timeout, 1, 3600)},
	{"reconnect-wait", "5", "seconds that requests wait while the database is unavailable", NUMBER(reconnect_wait, 0, 3600)},
	{"request-read-timeout", "15", "seconds in which a request must arrive", NUMBER(request_read_timeout, 1, 3600)},
	{"connection-timeout", "30", "seconds after which an idle client is disconnected", NUMBER(connection_timeout, 1, 3600)},
	{"shutdown-timeout", "10", "seconds for finishing running requests after SIGTERM", NUMBER(shutdown_timeout, 0, 3600)},
	{"max-connections", "1000", "concurrent client connections", NUMBER(max_connections, 1, 100000)},
	{"max-connections-per-ip", "auto", "the same from one address; 0: unlimited; auto: 100, but unlimited for loopback",
	NUMBER_OR_AUTO(max_connections_per_ip, 100000)},
	{"max-header-size", "32768", "bytes of memory for a request's headers", NUMBER(max_header_size, 4096, 1048576)},
	{"max-body-size", "65536", "bytes of a request body", NUMBER(max_body_size, 1, 16777216)},
};

#define COUNT (sizeof(definitions) / sizeof(definitions[0]))

static void
variable_name(const OptionDefinition *definition, char *name, size_t size)
{
	snprintf(name, size, "AUTHFORT_GATEWAY_%s", definition->name);
	for (char *p = name; *p != '\0'; p++)
		*p = (*p == '-') ? '_' : toupper((unsigned char) *p);
}

static void
set_option(Options *options, const OptionDefinition *definition, const char *value, const char *from)
{
	void	   *field = (char *) options + definition->offset;
	char	   *end;
	long		number;

	if (!definition->is_number)
	{
		*(const char **) field = value;
		return;
	}
	if (definition->min == OPTION_AUTO && strcmp(value, "auto") == 0)
	{
		*(long *) field = OPTION_AUTO;
		return;
	}
	errno = 0;
	number = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' ||
		number < definition->min || number > definition->max || number == OPTION_AUTO)
	{
		fprintf(stderr, "authfort-gateway: %s must be %sa number from %ld to %ld\n", from,
				definition->min == OPTION_AUTO ? "auto or " : "",
				definition->min == OPTION_AUTO ? 0 : definition->min, definition->max);
		exit(2);
	}
	*(long *) field = number;
}

static void
print_help(void)
{
	printf("authfort-gateway serves authfort.http() over HTTP.\n\n"
		   "Usage: authfort-gateway [OPTION]...\n\n");
	for (size_t i = 0; i < COUNT; i++)
		printf("  --%-28s%s (default \"%s\")\n", definitions[i].name, definitions[i].help,
			   definitions[i].initial);
	printf("  --%-28s%s\n  --%-28s%s\n\n", "help", "show this help", "version", "show the version");
	printf("An option can also be set by an environment variable such as AUTHFORT_GATEWAY_POOL_SIZE.\n"
		   "Flags have precedence.\n");
}

static void
refuse_options(const char *message)
{
	fprintf(stderr, "authfort-gateway: %s\n", message);
	exit(2);
}

static void
check_options(const Options *options)
{
	if ((options->tls_cert[0] == '\0') != (options->tls_key[0] == '\0'))
		refuse_options("--tls-cert and --tls-key must be set together");
	if (strcmp(options->log, "on") != 0 && strcmp(options->log, "off") != 0)
		refuse_options("--log must be on or off");
	if (options->max_connections_per_route > options->pool_size)
		refuse_options("--max-connections-per-route must not be larger than --pool-size");
}

void
options_read(int argc, char **argv, Options *options)
{
	struct option flags[COUNT + 3];
	char		name[128];
	int			which;
	int			code;

	memset(flags, 0, sizeof(flags));
	for (size_t i = 0; i < COUNT; i++)
	{
		const char *value;

		flags[i] = (struct option) {definitions[i].name, required_argument, NULL, 'o'};
		set_option(options, &definitions[i], definitions[i].initial, "");
		variable_name(&definitions[i], name, sizeof(name));
		value = getenv(name);
		if (value != NULL)
			set_option(options, &definitions[i], value, name);
	}
	flags[COUNT] = (struct option) {"help", no_argument, NULL, 'h'};
	flags[COUNT + 1] = (struct option) {"version", no_argument, NULL, 'v'};

	while ((code = getopt_long(argc, argv, "", flags, &which)) != -1)
	{
		switch (code)
		{
			case 'o':
				snprintf(name, sizeof(name), "--%s", definitions[which].name);
				set_option(options, &definitions[which], optarg, name);
				break;
			case 'h':
				print_help();
				exit(0);
			case 'v':
				printf("authfort-gateway %s\n", AUTHFORT_VERSION);
				exit(0);
			default:
				fprintf(stderr, "Try authfort-gateway --help.\n");
				exit(2);
		}
	}
	if (optind < argc)
		refuse_options("only options are accepted as arguments");
	check_options(options);
}
