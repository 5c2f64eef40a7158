/*
 * server.c
 *		The HTTP side: reads requests, and writes the answers.
 *
 * One thread polls all clients and never waits for the database: a request
 * that is complete goes to the pool, and its connection sleeps meanwhile.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pool.h"
#include "request.h"
#include "server.h"

#define MAX_LOGGED_PATH 200

static const Options *options;
static struct MHD_Daemon *server_daemon;
static Text tls_cert;
static Text tls_key;

/* Requests whose first line was read and whose answer is not yet written. */
static struct
{
	pthread_mutex_t lock;
	pthread_cond_t none_left;
	long		count;
	bool		stopping;
} open_requests = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
count_request(long change)
{
	pthread_mutex_lock(&open_requests.lock);
	open_requests.count += change;
	if (open_requests.count == 0)
		pthread_cond_broadcast(&open_requests.none_left);
	pthread_mutex_unlock(&open_requests.lock);
}

static bool
is_stopping(void)
{
	bool		stopping;

	pthread_mutex_lock(&open_requests.lock);
	stopping = open_requests.stopping;
	pthread_mutex_unlock(&open_requests.lock);
	return stopping;
}

/* Splits the URI before anybody decodes it; the result is *con_cls from then on. */
static void *
begin_request(void *cls, const char *uri, struct MHD_Connection *connection)
{
	Request    *request = calloc(1, sizeof(Request));
	char	   *question;

	(void) cls;
	if (request == NULL)
		return NULL;
	request->connection = connection;
	clock_gettime(CLOCK_MONOTONIC, &request->received);
	request->path = strdup(uri);
	if (request->path == NULL)
	{
		free(request);
		return NULL;
	}
	question = strchr(request->path, '?');
	if (question != NULL)
	{
		*question = '\0';
		request->query = question + 1;
	}
	count_request(1);
	return request;
}

/* Turns the header into an element of the JSON array; names in lower case. */
static enum MHD_Result
add_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	Request    *request = cls;
	char		lower[256];
	size_t		len = strlen(name);

	(void) kind;
	if (value == NULL)
		value = "";
	if (len >= sizeof(lower) || !text_is_utf8(name, len) || !text_is_utf8(value, strlen(value)))
	{
		request->malformed = true;
		return MHD_NO;
	}
	for (size_t i = 0; i <= len; i++)
		lower[i] = (name[i] >= 'A' && name[i] <= 'Z') ? name[i] - 'A' + 'a' : name[i];
	if (!text_append(&request->headers, request->headers.len > 1 ? ",{" : "{",
					 request->headers.len > 1 ? 2 : 1) ||
		!text_append_json(&request->headers, lower) ||
		!text_append(&request->headers, ":", 1) ||
		!text_append_json(&request->headers, value) ||
		!text_append(&request->headers, "}", 1))
	{
		request->malformed = true;
		return MHD_NO;
	}
	return MHD_YES;
}

static void
read_peer(Request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (info == NULL || info->client_addr == NULL)
		return;
	if (info->client_addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *) info->client_addr)->sin_addr,
				  request->peer, sizeof(request->peer));
	else if (info->client_addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) info->client_addr)->sin6_addr,
				  request->peer, sizeof(request->peer));
}

static void
read_head(Request *request, const char *method)
{
	const char *length = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
													 MHD_HTTP_HEADER_CONTENT_LENGTH);

	request->begun = true;
	read_peer(request);
	if (strlen(method) >= sizeof(request->method) || !text_is_utf8(method, strlen(method)) ||
		!text_is_utf8(request->path, strlen(request->path)) ||
		(request->query != NULL && !text_is_utf8(request->query, strlen(request->query))))
		request->malformed = true;
	snprintf(request->method, sizeof(request->method), "%s", method);
	if (!text_append(&request->headers, "[", 1))
		request->malformed = true;
	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_header, request);
	if (!text_append(&request->headers, "]", 1))
		request->malformed = true;
	if (length != NULL && strtoll(length, NULL, 10) > options->max_body_size)
		request->too_large = true;
}

/* What is past the limit is read and thrown away, so that the answer gets through. */
static void
read_body(Request *request, const char *data, size_t len)
{
	if (request->too_large || request->body.len + len > (size_t) options->max_body_size)
	{
		request->too_large = true;
		text_free(&request->body);
	}
	else if (!text_append(&request->body, data, len))
		request->malformed = true;
}

static void
free_reply(void *cls)
{
	Text	   *body = cls;

	text_free(body);
	free(body);
}

/* Adds the lines "name: value" as headers; libmicrohttpd refuses what is none. */
static void
add_reply_headers(struct MHD_Response *response, Text *lines)
{
	char	   *line = lines->data;

	while (line != NULL && *line != '\0')
	{
		char	   *end = strchr(line, '\n');
		char	   *colon = strstr(line, ": ");

		if (end == NULL)
			break;
		*end = '\0';
		if (colon != NULL && colon < end)
		{
			*colon = '\0';
			MHD_add_response_header(response, line, colon + 2);
		}
		line = end + 1;
	}
}

static enum MHD_Result
reply(Request *request)
{
	Text	   *body = malloc(sizeof(Text));
	struct MHD_Response *response;
	enum MHD_Result result;

	if (body == NULL)
		return MHD_NO;
	*body = request->reply_body;
	memset(&request->reply_body, 0, sizeof(Text));
	request->reply_length = body->len;
	response = MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data,
																	  free_reply, body);
	if (response == NULL)
	{
		free_reply(body);
		return MHD_NO;
	}
	add_reply_headers(response, &request->reply_headers);
	if (is_stopping())
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	result = MHD_queue_response(request->connection, request->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Answered here, without the database's help. */
static void
answer_health(Request *request)
{
	static const char ok[] = "{\"status\":\"ok\"}";

	if (!pool_is_up())
	{
		request_refuse(request, 503, "service_unavailable", "The database is not available", true);
		return;
	}
	request_refuse(request, 200, "", "", false);
	text_free(&request->reply_body);
	text_append(&request->reply_body, ok, sizeof(ok) - 1);
}

static bool
is_health_check(const Request *request)
{
	return strcmp(request->path, "/healthz") == 0 &&
		(strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0);
}

/* The request is complete: answer it, or hand it to the pool. */
static enum MHD_Result
finish_request(Request *request)
{
	if (request->too_large)
		request_refuse(request, 413, "body_too_large", "The request body is too large", false);
	else if (request->malformed ||
			 (request->body.data != NULL && !text_is_utf8(request->body.data, request->body.len)))
		request_refuse(request, 400, "invalid_request", "The request is not valid UTF-8", false);
	else if (is_health_check(request))
		answer_health(request);
	else if (pool_submit(request))
		return MHD_YES;
	return reply(request);
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
	   const char *version, const char *data, size_t *data_size, void **con_cls)
{
	Request    *request = *con_cls;

	(void) cls;
	(void) connection;
	(void) url;
	(void) version;
	if (request == NULL)
		return MHD_NO;
	if (!request->begun)
	{
		read_head(request, method);
		return MHD_YES;
	}
	if (*data_size > 0)
	{
		read_body(request, data, *data_size);
		*data_size = 0;
		return MHD_YES;
	}
	return request->answered ? reply(request) : finish_request(request);
}

/*
 * One line a request: no query, which may carry a code, no header and no body.
 * Anybody can send any path, so what could forge a line is replaced.
 */
static void
log_request(const Request *request)
{
	struct timespec now;
	time_t		clock = time(NULL);
	struct tm	utc;
	char		when[32];
	char		path[MAX_LOGGED_PATH + 1];
	long		ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - request->received.tv_sec) * 1000 +
		(now.tv_nsec - request->received.tv_nsec) / 1000000;
	gmtime_r(&clock, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	snprintf(path, sizeof(path), "%s", request->path);
	for (char *p = path; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p >= 0x7f)
			*p = '?';
	}
	printf("%s %s %s %s %d %zu %ldms\n", when, request->peer, request->method, path,
		   request->status, request->reply_length, ms);
	fflush(stdout);
}

static void
end_request(void *cls, struct MHD_Connection *connection, void **con_cls,
			enum MHD_RequestTerminationCode code)
{
	Request    *request = *con_cls;

	(void) cls;
	(void) connection;
	(void) code;
	if (request == NULL)
		return;
	if (request->answered && strcmp(options->log, "on") == 0)
		log_request(request);
	request_free(request);
	*con_cls = NULL;
	count_request(-1);
}

/* The path goes to the router as it was sent. */
static size_t
leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	(void) cls;
	(void) connection;
	return strlen(text);
}

/* A socket that listens; -1, with the reason on standard error, if there is none. */
static int
open_socket(const char *address)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char		host[256];
	const char *colon = strrchr(address, ':');
	size_t		len = colon != NULL ? (size_t) (colon - address) : sizeof(host);
	int			fd = -1;
	int			on = 1;

	if (len >= sizeof(host))
	{
		fprintf(stderr, "authfort-gateway: --listen must be HOST:PORT\n");
		return -1;
	}
	memcpy(host, address, len);
	host[len] = '\0';
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']')
	{
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	if (getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found) == 0)
	{
		fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0)
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (fd >= 0 && (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 511) != 0))
		{
			close(fd);
			fd = -1;
		}
		freeaddrinfo(found);
	}
	if (fd < 0)
		fprintf(stderr, "authfort-gateway: cannot listen on %s: %m\n", address);
	return fd;
}

static void
announce(int fd)
{
	struct sockaddr_storage address;
	socklen_t	len = sizeof(address);
	char		host[NI_MAXHOST];
	char		port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *) &address, &len) == 0 &&
		getnameinfo((struct sockaddr *) &address, len, host, sizeof(host), port, sizeof(port),
					NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		fprintf(stderr, address.ss_family == AF_INET6 ? "listening on %s://[%s]:%s\n"
				: "listening on %s://%s:%s\n",
				options->tls_cert[0] ? "https" : "http", host, port);
}

static bool
read_file(const char *name, Text *text)
{
	FILE	   *file = fopen(name, "r");
	char		buffer[4096];
	size_t		len;
	bool		ok = file != NULL;

	if (ok)
		setvbuf(file, NULL, _IONBF, 0);
	while (ok && (len = fread(buffer, 1, sizeof(buffer), file)) > 0)
		ok = text_append(text, buffer, len);
	explicit_bzero(buffer, sizeof(buffer));
	if (file != NULL)
		fclose(file);
	if (!ok || text->len == 0)
		fprintf(stderr, "authfort-gateway: cannot read %s\n", name);
	return ok && text->len > 0;
}

bool
server_start(const Options *given)
{
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}
	};
	pthread_condattr_t attributes;
	int			fd;

	options = given;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&open_requests.none_left, &attributes);
	pthread_condattr_destroy(&attributes);
	if (options->tls_cert[0] != '\0')
	{
		if (!read_file(options->tls_cert, &tls_cert) || !read_file(options->tls_key, &tls_key))
			return false;
		flags |= MHD_USE_TLS;
		tls[0] = (struct MHD_OptionItem) {MHD_OPTION_HTTPS_MEM_CERT, 0, tls_cert.data};
		tls[1] = (struct MHD_OptionItem) {MHD_OPTION_HTTPS_MEM_KEY, 0, tls_key.data};
	}
	fd = open_socket(options->listen);
	if (fd < 0)
		return false;
	server_daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, NULL,
									 MHD_OPTION_LISTEN_SOCKET, fd,
									 MHD_OPTION_URI_LOG_CALLBACK, begin_request, NULL,
									 MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
									 MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL,
									 MHD_OPTION_CONNECTION_TIMEOUT,
									 (unsigned int) options->connection_timeout,
									 MHD_OPTION_CONNECTION_LIMIT,
									 (unsigned int) options->max_connections,
									 MHD_OPTION_PER_IP_CONNECTION_LIMIT,
									 (unsigned int) options->max_connections_per_ip,
									 MHD_OPTION_CONNECTION_MEMORY_LIMIT,
									 (size_t) options->max_header_size,
									 MHD_OPTION_ARRAY, tls,
									 MHD_OPTION_END);
	if (server_daemon == NULL)
	{
		fprintf(stderr, "authfort-gateway: cannot start the HTTP server\n");
		close(fd);
		return false;
	}
	announce(fd);
	return true;
}

void
server_quiesce(void)
{
	int			fd = MHD_quiesce_daemon(server_daemon);

	if (fd >= 0)
		close(fd);
	pthread_mutex_lock(&open_requests.lock);
	open_requests.stopping = true;
	pthread_mutex_unlock(&open_requests.lock);
}

void
server_drain(long seconds)
{
	struct timespec until;
	int			error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&open_requests.lock);
	while (open_requests.count > 0 && error == 0)
		error = pthread_cond_timedwait(&open_requests.none_left, &open_requests.lock, &until);
	pthread_mutex_unlock(&open_requests.lock);
}

void
server_stop(void)
{
	MHD_stop_daemon(server_daemon);
	text_free(&tls_cert);
	text_free(&tls_key);
}
