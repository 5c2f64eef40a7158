/*
 * failure.c
 *		The response to the client for an error of PostgreSQL.
 *
 * Only messages that the application raises deliberately are passed on: RAISE
 * EXCEPTION without a SQLSTATE, and the class PT, as with PostgREST.  The text
 * of any other error may reveal the structure of the database.
 */
#include <stddef.h>
#include <string.h>

#include "failure.h"

typedef struct FailureRule
{
	const char *state; /* a SQLSTATE or its beginning */
	Failure failure;
} FailureRule;

#define UNAVAILABLE "service_unavailable", "The database is not available", true

/* The first match is used. */
static const FailureRule rules[] = {
	{"57014", {503, "timeout", "The request took too long", true, false, false}},
	{"40001", {503, "server_busy", "The server is busy", true, true, false}},
	{"40P01", {503, "server_busy", "The server is busy", true, true, false}},
	{"55P03", {503, "server_busy", "The server is busy", true, false, false}}, /* lock_timeout */
	{"25006", {503, UNAVAILABLE, false, true}}, /* a read-only server */
	{"57P", {503, UNAVAILABLE, false, true}},   /* shutdown, crash, start-up */
	{"08", {503, UNAVAILABLE, false, true}},    /* also a pooler's errors */
	{"53", {503, UNAVAILABLE, false, false}},   /* disk full, out of memory */
	{"58", {503, UNAVAILABLE, false, false}},   /* files that cannot be read */
	{"F0", {503, UNAVAILABLE, false, false}},   /* the master key */
};

static const Failure internal_error = {500,  "internal_error", "Internal error", false, false,
									   false};

static bool
starts_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The status of "PTnnn"; 0 if it is not the status of an error. */
static int
status_of_state(const char *state)
{
	int status = 0;

	for (const char *p = state + 2; *p != '\0'; p++)
	{
		if (*p < '0' || *p > '9')
			return 0;
		status = status * 10 + (*p - '0');
	}
	return status >= 400 && status <= 599 ? status : 0;
}

static Failure
raised_on_purpose(int status, const char *message)
{
	Failure failure = {status, "request_refused", message, false, false, false};

	if (message == NULL)
		failure.message = "The request was refused";
	return failure;
}

Failure
failure_of_result(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (state == NULL)
		return internal_error;
	if (strcmp(state, "P0001") == 0)
		return raised_on_purpose(400, message);
	if (starts_with(state, "PT") && status_of_state(state) != 0)
		return raised_on_purpose(status_of_state(state), message);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
	{
		if (starts_with(state, rules[i].state))
			return rules[i].failure;
	}
	return internal_error;
}
