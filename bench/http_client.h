/*
 * http_client.h
 *		As much of an HTTP client as the benchmarks need.
 */
#ifndef BENCH_HTTP_CLIENT_H
#define BENCH_HTTP_CLIENT_H

#define ANSWER_SIZE 16384

extern void fail(const char *what);

/* Seconds on a clock that only goes forward. */
extern double now(void);

/* A connection to the gateway on this machine. */
extern int open_connection(int port);

/* Sends a request and reads the answer, by its Content-Length. */
extern void exchange(int fd, const char *request, int len, char answer[ANSWER_SIZE]);

#endif /* BENCH_HTTP_CLIENT_H */
