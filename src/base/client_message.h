/*
 * client_message.h
 *		Whether the client message being processed is sensitive ("ours"), so
 *		that the log shows nothing of it (src/redact/README.md).
 */
#ifndef AUTHFORT_CLIENT_MESSAGE_H
#define AUTHFORT_CLIENT_MESSAGE_H

typedef enum ClientMessageKind
{
	CLIENT_MESSAGE_UNJUDGED,
	CLIENT_MESSAGE_FOREIGN,
	CLIENT_MESSAGE_OURS
} ClientMessageKind;

/* The verdict on the current message. */
extern ClientMessageKind client_message_kind(void);

/* Remembers it until the message ends.  Raises nothing and allocates nothing. */
extern void client_message_judge(ClientMessageKind kind);

/*
 * Records that the message has passed a secret.  Each C function and setting
 * that takes a secret calls this before anything that may raise or log.
 */
extern void client_message_mark(void);

/* Called when a message is found to be sensitive, if not NULL. */
extern void (*client_message_marked)(void);

#endif /* AUTHFORT_CLIENT_MESSAGE_H */
