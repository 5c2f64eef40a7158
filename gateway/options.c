/*
 * options.c
 *		Settings of the gateway, from flags and environment variables.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "options.h"

#define STRING(field) offsetof(Options, field), OPTION_STRING, 0, 0
#define NUMBER(field, min, max) offsetof(Options, field), OPTION_NUMBER, min, max
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
	{"slow-routes",
	 "/signup,/login,/forgot-password,/reset-password,/resend-verification,/magic-link,/otp,/otp/verify,/accept-invitation,/change-password,/set-password,/change-email,/reauthenticate,/admin/users",
	 "path suffixes whose POST requests are slow; they share one route's limits", STRING(slow_routes)},
	{"queue-size", "256", "requests that may wait; one route may use half",
	 NUMBER(queue_size, 1, 100000)},
	{"request-timeout", "15", "seconds that a request may wait, and again that it may run",
	 NUMBER(request_timeout, 1, 3600)},
	{"reconnect-wait", "5", "seconds that requests wait while the database is unavailable",
	 NUMBER(reconnect_wait, 0, 3600)},
	{"request-read-timeout", "15", "seconds in which a request must arrive",
	 NUMBER(request_read_timeout, 1, 3600)},
	{"connection-timeout", "30", "seconds after which an idle client is disconnected",
	 NUMBER(connection_timeout, 1, 3600)},
	{"shutdown-timeout", "10", "seconds for finishing running requests after SIGTERM",
	 NUMBER(shutdown_timeout, 0, 3600)},
	{"max-connections", "1000", "concurrent client connections", NUMBER(max_connections, 1, 100000)},
	{"max-connections-per-ip", "auto",
	 "the same from one address; 0: unlimited; auto: 100, but unlimited for loopback",
	 NUMBER_OR_AUTO(max_connections_per_ip, 100000)},
	{"max-header-size", "32768", "bytes of memory for a request's headers",
	 NUMBER(max_header_size, 4096, 1048576)},
	{"max-body-size", "65536", "bytes of a request body", NUMBER(max_body_size, 1, 16777216)},
	{"max-fetches", "100", "requests to other servers at a time", NUMBER(max_fetches, 0, 10000)},
	{"allow-fetch-to", "", "networks, such as 10.0.0.0/8, to which fetches may go beside public ones",
	 STRING(allow_fetch_to)},
	{"fetch-ca-file", "", "file with the certificates that fetches trust, PEM; the system's if empty",
	 STRING(fetch_ca_file)},
};

static const OptionTable table = {
	"authfort-gateway", "serves authfort.http() over HTTP",           "AUTHFORT_GATEWAY_",
	definitions,        sizeof(definitions) / sizeof(definitions[0]),
};

static void
check_options(const Options *options)
{
	if ((options->tls_cert[0] == '\0') != (options->tls_key[0] == '\0'))
		option_table_refuse(&table, "--tls-cert and --tls-key must be set together");
	if (strcmp(options->log, "on") != 0 && strcmp(options->log, "off") != 0)
		option_table_refuse(&table, "--log must be on or off");
	if (options->max_connections_per_route > options->pool_size)
		option_table_refuse(&table, "--max-connections-per-route must not be larger than --pool-size");
	if (!address_is_network_list(options->allow_fetch_to))
		option_table_refuse(&table, "--allow-fetch-to must be a list of networks such as 10.0.0.0/8");
	if (options->fetch_ca_file[0] != '\0' && access(options->fetch_ca_file, R_OK) != 0)
		option_table_refuse(&table, "--fetch-ca-file must name a file that can be read");
}

void
options_read(int argc, char **argv, Options *options)
{
	option_table_read(&table, argc, argv, options);
	check_options(options);
}
