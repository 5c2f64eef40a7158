/*
 * log.h
 *		The courier's log.
 *
 * Messages are named by their id and kind: no address, and no secret.
 */
#ifndef COURIER_LOG_H
#define COURIER_LOG_H

#include <stdbool.h>

#include "outcome.h"

struct Job;

/* The log of messages, on standard output. */
extern void log_init(bool log_messages);
extern void log_job(const struct Job *job);

/* The log of all else, on standard error. */
extern void log_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* COURIER_LOG_H */
