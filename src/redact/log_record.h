/*
 * log_record.h
 *		A record of the server's log without the secrets in it.
 */
#ifndef AUTHFORT_LOG_RECORD_H
#define AUTHFORT_LOG_RECORD_H

#include "postgres.h"

/* Whether it quotes, besides the client's statement, another one that has secrets. */
extern bool log_record_shows_secrets(const ErrorData *record);

/* Whether it is of pgaudit or auto_explain, about a statement that has some. */
extern bool log_record_reports_secrets(const ErrorData *record);

/*
 * The record without what the client's statement hides.  All texts are new,
 * in the current memory context; the two may be the same.
 */
extern void log_record_redact(const ErrorData *record, ErrorData *redacted);

#endif							/* AUTHFORT_LOG_RECORD_H */
