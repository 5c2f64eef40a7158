/*
 * log_redaction.h
 *		What the server logs about a sensitive client message.
 */
#ifndef AUTHFORT_LOG_REDACTION_H
#define AUTHFORT_LOG_REDACTION_H

extern void log_redaction_init(void);

#endif /* AUTHFORT_LOG_REDACTION_H */
