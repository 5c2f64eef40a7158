/*
 * log_redaction.h
 *		Keeps passwords, tokens, codes and keys out of the server's log,
 *		pg_stat_activity and pg_stat_statements.
 */
#ifndef AUTHFORT_LOG_REDACTION_H
#define AUTHFORT_LOG_REDACTION_H

extern void log_redaction_init(void);

#endif							/* AUTHFORT_LOG_REDACTION_H */
