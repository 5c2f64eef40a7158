/*
 * server.c
 *		The HTTP side: reads requests, and writes the answers.
 *
 * One thread polls all clients and never waits for the database: a complete
 * request goes to the pool, and its connection is suspended until the answer.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clients.h"
#include "clock.h"
#include "framing.h"
#include "headers.h"
#include "pool.h"
#include "request.h"
#include "server.h"

#define MAX_LOGGED_PATH 200

/* Connections that were shut down, but that libmicrohttpd has not closed yet. */
#define CLOSING_CONNECTIONS 64

/* Bytes for the head of a response: two cookies that are set, and those that are cleared. */
#define ANSWER_HEAD_SIZE 16384

/* Bytes that libmicrohttpd takes for each field, cookie and parameter. */
#define FIELD_RECORD_SIZE 80

/* Versions before this option are not strict enough: see framing.c. */
#if MHD_VERSION >= 0x01000000
#define STRICT_OPTION MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1
#else
#define STRICT_OPTION MHD_OPTION_STRICT_FOR_CLIENT, 0
#endif

static const Options *options;
static struct MHD_Daemon *server_daemon;
static Text tls_cert;
static Text tls_key;

/* Requests whose first line was read and whose answer is not yet written. */
static struct
{
	pthread_mutex_t lock;
	pthread_cond_t none_left;
	long count;
	bool stopping;
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
	bool stopping;

	pthread_mutex_lock(&open_requests.lock);
	stopping = open_requests.stopping;
	pthread_mutex_unlock(&open_requests.lock);
	return stopping;
}

static Client *
client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static void
follow_connection(void *cls, struct MHD_Connection *connection, void **context,
				  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	int fd;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
	{
		client_disconnected(*context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	/* the next call may overwrite it */
	fd = info->connect_fd;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*context = client_connected(fd, info->client_addr);
}

/* The path in a target; an absolute one begins with scheme and authority (RFC 9112, section 3.2.2). */
static char *
path_in_target(char *target)
{
	char *authority = strncasecmp(target, "http://", 7) == 0    ? target + 7
					  : strncasecmp(target, "https://", 8) == 0 ? target + 8
																: NULL;

	return authority != NULL ? authority + strcspn(authority, "/?") : target;
}

/* Splits the URI before it is decoded; the result is *con_cls from then on. */
static void *
begin_request(void *cls, const char *uri, struct MHD_Connection *connection)
{
	Request *request = calloc(1, sizeof(Request));
	char *question;

	client_sends_request(client_of(connection));
	if (request == NULL)
		return NULL;
	request->connection = connection;
	request->received = clock_ms();
	request->target = strdup(uri != NULL ? uri : "");
	if (request->target == NULL)
	{
		free(request);
		return NULL;
	}
	request->path = path_in_target(request->target);
	question = strchr(request->path, '?');
	if (question != NULL)
	{
		*question = '\0';
		request->query = question + 1;
	}
	count_request(1);
	return request;
}

static enum MHD_Result
add_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
		   size_t len)
{
	Request *request = cls;

	if (headers_add_request(&request->headers, name, value != NULL ? value : "", len))
		return MHD_YES;
	request->malformed = true;
	return MHD_NO;
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

/*
 * libmicrohttpd keeps the head of a request, what it makes of that (records,
 * and a copy of the cookies), and the head of the answer in the same memory.
 * If no room is left for the last, it closes the connection: the request has
 * been executed, and its answer is lost.  So each of the three has its own
 * limit.  The memory's first half is for reading, the second for the rest.
 */
static size_t
connection_memory(void)
{
	return 2 * ((size_t) options->max_header_size + ANSWER_HEAD_SIZE);
}

static void
check_size(Request *request)
{
	struct MHD_Connection *connection = request->connection;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	const char *cookies =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_COOKIE);
	int records = MHD_get_connection_values(connection,
											MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND,
											NULL, NULL);
	size_t limit = options->max_header_size;
	size_t target = strlen(request->target) + (request->query != NULL ? strlen(request->query) : 0);
	size_t made = (size_t) records * FIELD_RECORD_SIZE + (cookies != NULL ? strlen(cookies) : 0);

	if (target > limit)
		request_refuse(request, 414, "uri_too_long", "The URI is too long", false);
	else if ((info != NULL && info->header_size > limit) || made > limit)
		request_refuse(request, 431, "headers_too_large", "The headers are too large", false);
	request->close = request->answered;
}

/* A request whose end is ambiguous is refused, and nothing after it is read. */
static void
check_framing(Request *request, const char *method, const char *version)
{
	int status = framing_check(request->connection, method, request->target, version);

	if (status == 501)
		request_refuse(request, 501, "unsupported_transfer_coding",
					   "The only transfer coding that is supported is chunked", false);
	else if (status != 0)
		request_refuse(request, status, "invalid_request", "The request is malformed", false);
	request->close = status != 0;
}

static void
read_head(Request *request, const char *method, const char *version)
{
	const char *length = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
													 MHD_HTTP_HEADER_CONTENT_LENGTH);

	request->begun = true;
	read_peer(request);
	snprintf(request->method, sizeof(request->method), "%s", method);
	check_size(request);
	if (!request->answered)
		check_framing(request, method, version);
	if (request->answered)
		return;
	if (strlen(method) >= sizeof(request->method) ||
		!text_is_utf8(request->path, strlen(request->path)) ||
		(request->query != NULL && !text_is_utf8(request->query, strlen(request->query))))
		request->malformed = true;
	if (request->path[0] == '\0')
		request->path = "/";
	MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, add_header, request);
	if (length != NULL && strtoll(length, NULL, 10) > options->max_body_size)
		request->too_large = true;
}

/* Bytes beyond the limit are read and discarded, so that the client gets the response. */
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
	Text *body = cls;

	text_free(body);
	free(body);
}

/* libmicrohttpd refuses what is not a valid header. */
static void
add_reply_headers(struct MHD_Response *response, const Text *headers)
{
	HeaderReader reader;

	if (!headers_read(&reader, headers))
		return;
	while (headers_next(&reader))
		MHD_add_response_header(response, reader.name.data, reader.value.data);
	headers_end(&reader);
}

static enum MHD_Result
send_reply(Request *request)
{
	Text *body = malloc(sizeof(Text));
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
	if (request->close || is_stopping())
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	client_reads_answer(client_of(request->connection), body->len);
	result = MHD_queue_response(request->connection, request->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Answers health checks; returns false for every other request. */
static bool
answer_probe(Request *request)
{
	if (strcmp(request_method_for_router(request), "GET") != 0)
		return false;
	if (strcmp(request->path, "/healthz") == 0 ||
		(strcmp(request->path, "/readyz") == 0 && pool_is_ready()))
		request_respond(request, 200, "{\"status\":\"ok\"}");
	else if (strcmp(request->path, "/readyz") == 0)
		request_refuse(request, 503, "service_unavailable", "The database is not available", true);
	else
		return false;
	return true;
}

/* The request is complete: answer it, or pass it to the pool. */
static enum MHD_Result
finish_request(Request *request)
{
	if (request->too_large)
		request_refuse(request, 413, "body_too_large", "The request body is too large", false);
	else if (request->malformed ||
			 (request->body.data != NULL && !text_is_utf8(request->body.data, request->body.len)))
		request_refuse(request, 400, "invalid_request", "The request is not valid UTF-8", false);
	else if (!answer_probe(request))
	{
		/* the pool may resume it at once */
		client_waits(client_of(request->connection));
		if (pool_submit(request))
			return MHD_YES;
	}
	return send_reply(request);
}

static enum MHD_Result
handle_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
			   const char *version, const char *data, size_t *data_size, void **con_cls)
{
	Request *request = *con_cls;

	if (request == NULL)
		return MHD_NO;
	if (!request->begun)
	{
		read_head(request, method, version);
		return request->answered ? send_reply(request) : MHD_YES;
	}
	if (*data_size > 0)
	{
		read_body(request, data, *data_size);
		*data_size = 0;
		return MHD_YES;
	}
	return request->answered ? send_reply(request) : finish_request(request);
}

/*
 * Copies client input for the log; replaces characters that could forge a line
 * or send commands to a terminal.
 */
static void
copy_for_log(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	for (char *p = to; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p >= 0x7f || *p == '"' || *p == '\\')
			*p = '?';
	}
}

/* One line a request: no query, which may carry a code, no header and no body. */
static void
log_request(const Request *request)
{
	time_t clock = time(NULL);
	struct tm utc;
	char when[32];
	char method[sizeof(request->method)];
	char path[MAX_LOGGED_PATH + 1];

	gmtime_r(&clock, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	copy_for_log(method, sizeof(method), request->method);
	copy_for_log(path, sizeof(path), request->path);
	printf("%s %s %s %s %d %zu %lldms\n", when, request->peer, method, path, request->status,
		   request->reply_length, (long long) (clock_ms() - request->received));
	fflush(stdout);
}

static void
end_request(void *cls, struct MHD_Connection *connection, void **con_cls,
			enum MHD_RequestTerminationCode code)
{
	Request *request = *con_cls;

	client_is_idle(client_of(connection));
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
	return strlen(text);
}

/* Returns a listening socket, or -1 after reporting the reason on standard error. */
static int
open_socket(const char *address)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char host[256];
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t) (colon - address) : sizeof(host);
	int fd = -1;
	int on = 1;

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
announce_address(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[NI_MAXHOST];
	char port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *) &address, &len) == 0 &&
		getnameinfo((struct sockaddr *) &address, len, host, sizeof(host), port, sizeof(port),
					NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		fprintf(stderr,
				address.ss_family == AF_INET6 ? "listening on %s://[%s]:%s\n"
											  : "listening on %s://%s:%s\n",
				options->tls_cert[0] ? "https" : "http", host, port);
}

static bool
read_file(const char *name, Text *text)
{
	FILE *file = fopen(name, "r");
	char buffer[4096];
	size_t len;
	bool ok = file != NULL;

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

/* Each client takes a descriptor, and the usual limit is 1024. */
static void
allow_descriptors(void)
{
	rlim_t needed = options->max_connections + CLOSING_CONNECTIONS + options->pool_size * 4 +
					options->max_fetches * 4 + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
		return;
	limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < needed)
		fprintf(stderr,
				"authfort-gateway: the limit of open files, %llu, is low for --max-connections=%ld\n",
				(unsigned long long) limit.rlim_cur, options->max_connections);
}

static void
init_open_requests(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&open_requests.none_left, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* False, with a message, if a file cannot be read; true without TLS. */
static bool
read_tls_files(void)
{
	return options->tls_cert[0] == '\0' ||
		   (read_file(options->tls_cert, &tls_cert) && read_file(options->tls_key, &tls_key));
}

static struct MHD_Daemon *
start_daemon(int fd)
{
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls_cert.data},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls_key.data},
		{MHD_OPTION_END, 0, NULL},
	};

	if (options->tls_cert[0] != '\0')
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, NULL, NULL, handle_request, NULL, MHD_OPTION_LISTEN_SOCKET,
							fd, MHD_OPTION_URI_LOG_CALLBACK, begin_request, NULL,
							MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
							MHD_OPTION_NOTIFY_CONNECTION, follow_connection, NULL, STRICT_OPTION,
							MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL,
							MHD_OPTION_CONNECTION_TIMEOUT,
							(unsigned int) options->connection_timeout, MHD_OPTION_CONNECTION_LIMIT,
							(unsigned int) (options->max_connections + CLOSING_CONNECTIONS),
							MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory(),
							MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

bool
server_start(const Options *given)
{
	int fd;

	options = given;
	clients_init(options);
	allow_descriptors();
	init_open_requests();
	if (!read_tls_files())
		return false;
	fd = open_socket(options->listen);
	if (fd < 0)
		return false;
	server_daemon = start_daemon(fd);
	if (server_daemon == NULL)
	{
		fprintf(stderr, "authfort-gateway: cannot start the HTTP server\n");
		close(fd);
		return false;
	}
	announce_address(fd);
	return true;
}

void
server_quiesce(void)
{
	int fd = MHD_quiesce_daemon(server_daemon);

	if (fd >= 0)
		close(fd);
	pthread_mutex_lock(&open_requests.lock);
	open_requests.stopping = true;
	pthread_mutex_unlock(&open_requests.lock);
}

bool
server_is_drained(long ms)
{
	struct timespec until;
	int error = 0;
	bool drained;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&open_requests.lock);
	while (open_requests.count > 0 && error == 0)
		error = pthread_cond_timedwait(&open_requests.none_left, &open_requests.lock, &until);
	drained = open_requests.count == 0;
	pthread_mutex_unlock(&open_requests.lock);
	return drained;
}

void
server_stop(void)
{
	MHD_stop_daemon(server_daemon);
	text_free(&tls_cert);
	text_free(&tls_key);
}
