/*
 * options.c
 *		Settings of the courier, from flags and environment variables.
 *
 * Secrets are read from files, because other users can see the command line.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail_header.h"
#include "options.h"

#define MAX_FILE 4096
#define SECRET_PREFIX "whsec_"
#define MIN_SECRET_BYTES 24

#define STRING(field) offsetof(Options, field), OPTION_STRING, 0, 0
#define NUMBER(field, min, max) offsetof(Options, field), OPTION_NUMBER, min, max
#define SWITCH(field) offsetof(Options, field), OPTION_SWITCH, 0, 0

static const OptionDefinition definitions[] = {
	{"dsn", "", "libpq connection string; PGHOST etc. work too", STRING(dsn)},
	{"smtp-url", "", "mail server: smtps://HOST[:PORT], or smtp://HOST[:PORT] for STARTTLS",
	 STRING(smtp_url)},
	{"smtp-user", "", "user name at the mail server", STRING(smtp_user)},
	{"smtp-password-file", "", "file with its password", STRING(smtp_password_file)},
	{"smtp-tls", "auto", "on, off, or auto: on unless the server is on loopback", STRING(smtp_tls)},
	{"from", "", "sender of mails: ADDRESS or NAME <ADDRESS>", STRING(from)},
	{"app", "", "name of the application in mails; else the sender's name", STRING(app)},
	{"webhook-url", "", "where messages are posted, https", STRING(webhook_url)},
	{"webhook-secret-file", "", "file with secrets that sign them, whsec_... one per line",
	 STRING(webhook_secret_file)},
	{"webhook-kinds", "", "kinds of messages that are posted, separated by commas; others are mailed",
	 STRING(webhook_kinds)},
	{"ca-file", "", "file with trusted certificates, PEM; else the system's", STRING(ca_file)},
	{"concurrency", "8", "messages sent at the same time, by mail and by webhook each",
	 NUMBER(concurrency, 1, 256)},
	{"poll-interval", "1", "seconds between checks for messages that were not announced",
	 NUMBER(poll_interval, 1, 3600)},
	{"send-timeout", "60", "seconds that sending one message may take", NUMBER(send_timeout, 1, 3600)},
	{"retry-min", "5", "seconds before the second attempt; doubled for each further one",
	 NUMBER(retry_min, 1, 3600)},
	{"retry-max", "900", "seconds between two attempts at most", NUMBER(retry_max, 1, 86400)},
	{"shutdown-timeout", "10", "seconds for finishing messages after SIGTERM",
	 NUMBER(shutdown_timeout, 0, 3600)},
	{"log", "on", "log of messages on standard output: on or off", STRING(log)},
	{"once", "off", "deliver the messages that are due, and exit", SWITCH(once)},
	{"dry-run", "off",
	 "show the messages that are due, without secrets, and exit; nothing is sent or changed",
	 SWITCH(dry_run)},
};

static const OptionTable table = {"authfort-courier", "sends the messages of authfort's outbox",
								  "AUTHFORT_COURIER_", definitions,
								  sizeof(definitions) / sizeof(definitions[0])};

static void
refuse(const char *message)
{
	option_table_refuse(&table, message);
}

/* The contents of a file; exits if it cannot be read. */
static char *
read_file(const char *name)
{
	char *text = calloc(1, MAX_FILE + 1);
	FILE *file = fopen(name, "re");
	size_t len;

	if (text == NULL || file == NULL)
	{
		fprintf(stderr, "authfort-courier: cannot open \"%s\": %m\n", name);
		exit(2);
	}
	len = fread(text, 1, MAX_FILE, file);
	if (ferror(file) || len == MAX_FILE)
	{
		fprintf(stderr, "authfort-courier: cannot read \"%s\", or it is too long\n", name);
		exit(2);
	}
	fclose(file);
	return text;
}

/* A name such as 127.example.com is not. */
static bool
is_loopback(const char *host)
{
	struct in_addr address;

	if (inet_pton(AF_INET, host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

/*
 * Exits unless it is a URL with one of the two schemes and without credentials.
 * Returns whether the host is this machine, and in *secure whether the scheme
 * is the first.  libcurl resolves "localhost" to loopback addresses only.
 */
static bool
check_url(const char *option, const char *text, const char *secure_scheme, const char *plain_scheme,
		  bool *secure)
{
	CURLU *url = curl_url();
	char *scheme = NULL;
	char *host = NULL;
	char *user = NULL;
	char message[256] = "";
	bool loopback;

	if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		(strcmp(scheme, secure_scheme) != 0 && strcmp(scheme, plain_scheme) != 0))
		snprintf(message, sizeof(message), "%s must be a URL that begins with %s:// or %s://",
				 option, secure_scheme, plain_scheme);
	else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
		snprintf(message, sizeof(message), "%s must not contain a user or password", option);
	if (message[0] != '\0')
		refuse(message);
	*secure = strcmp(scheme, secure_scheme) == 0;
	loopback = is_loopback(host);
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(url);
	return loopback;
}

static void
check_smtp(Options *options)
{
	bool secure;
	bool loopback = check_url("--smtp-url", options->smtp_url, "smtps", "smtp", &secure);
	bool off = strcmp(options->smtp_tls, "off") == 0;

	if (!off && strcmp(options->smtp_tls, "on") != 0 && strcmp(options->smtp_tls, "auto") != 0)
		refuse("--smtp-tls must be on, off or auto");
	if (off && (secure || !loopback))
		refuse("--smtp-tls=off is for smtp:// to a mail server on loopback");
	options->smtp_needs_tls = secure || strcmp(options->smtp_tls, "on") == 0 || (!off && !loopback);
	if ((options->smtp_user[0] == '\0') != (options->smtp_password_file[0] == '\0'))
		refuse("--smtp-user and --smtp-password-file must be set together");
	if (options->smtp_user[0] != '\0')
	{
		options->smtp_password = read_file(options->smtp_password_file);
		options->smtp_password[strcspn(options->smtp_password, "\r\n")] = '\0';
	}
	if (!mail_header_parse_sender(options->from, &options->from_name, &options->from_address))
		refuse("--from must be ADDRESS or NAME <ADDRESS>");
}

/* One line of the file: base64, after the prefix. */
static bool
read_secret(const char *line, WebhookSecret *secret)
{
	size_t len = strlen(line);
	unsigned char bytes[sizeof(secret->key) + 3];
	int decoded;

	if (strncmp(line, SECRET_PREFIX, strlen(SECRET_PREFIX)) != 0)
		return false;
	line += strlen(SECRET_PREFIX);
	len -= strlen(SECRET_PREFIX);
	if (len % 4 != 0 || len / 4 * 3 > sizeof(bytes))
		return false;
	decoded = EVP_DecodeBlock(bytes, (const unsigned char *) line, (int) len);
	/* it counts the padding as zero bytes */
	for (size_t i = len; decoded > 0 && i > 0 && line[i - 1] == '='; i--)
		decoded--;
	if (decoded < MIN_SECRET_BYTES || decoded > (int) sizeof(secret->key))
		return false;
	memcpy(secret->key, bytes, decoded);
	secret->len = decoded;
	return true;
}

static void
read_secrets(Options *options)
{
	char *text = read_file(options->webhook_secret_file);
	char *rest = text;
	char *line;

	while ((line = strtok_r(rest, " \t\r\n", &rest)) != NULL)
	{
		if (options->webhook_secret_count == MAX_WEBHOOK_SECRETS ||
			!read_secret(line, &options->webhook_secrets[options->webhook_secret_count++]))
			refuse("--webhook-secret-file must have up to 8 lines of whsec_ and the base64 of 24 "
				   "to 64 bytes");
	}
	free(text);
	if (options->webhook_secret_count == 0)
		refuse("--webhook-secret-file has no secret");
}

static void
check_webhook(Options *options)
{
	bool secure;

	if (!check_url("--webhook-url", options->webhook_url, "https", "http", &secure) && !secure)
		refuse("--webhook-url must be https unless its host is on loopback");
	if (options->webhook_secret_file[0] == '\0')
		refuse("--webhook-url needs --webhook-secret-file");
	read_secrets(options);
	if (options->smtp_url[0] != '\0' && options->webhook_kinds[0] == '\0')
		refuse("--webhook-kinds must be set where there is a mail server too");
}

/* The names become an array in SQL as they are. */
static bool
is_list_of_names(const char *names)
{
	size_t len = strlen(names);

	return strspn(names, "abcdefghijklmnopqrstuvwxyz0123456789_,") == len && names[0] != ',' &&
		   (len == 0 || names[len - 1] != ',') && strstr(names, ",,") == NULL;
}

static void
check_options(Options *options)
{
	if (options->smtp_url[0] == '\0' && options->webhook_url[0] == '\0')
		refuse("--smtp-url or --webhook-url must be set");
	if (strcmp(options->log, "on") != 0 && strcmp(options->log, "off") != 0)
		refuse("--log must be on or off");
	if (options->retry_max < options->retry_min)
		refuse("--retry-max must not be smaller than --retry-min");
	if (!is_list_of_names(options->webhook_kinds))
		refuse("--webhook-kinds must be names separated by commas");
	if (options->smtp_url[0] != '\0')
		check_smtp(options);
	if (options->webhook_url[0] != '\0')
		check_webhook(options);
	if (options->app[0] == '\0' && options->from_address != NULL)
		options->app = options->from_name[0] != '\0' ? options->from_name
													 : strrchr(options->from_address, '@') + 1;
}

void
options_read(int argc, char **argv, Options *options)
{
	memset(options, 0, sizeof(*options));
	option_table_read(&table, argc, argv, options);
	check_options(options);
}
