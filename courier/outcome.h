/*
 * outcome.h
 *		The outcome of an attempt to send a message.
 */
#ifndef COURIER_OUTCOME_H
#define COURIER_OUTCOME_H

#include <stdbool.h>

typedef enum OutcomeType
{
	OUTCOME_SENT,
	OUTCOME_DEFERRED,   /* this message can be tried again */
	OUTCOME_FAILED,     /* and this one can not */
	OUTCOME_UNAVAILABLE /* no message can be sent now */
} OutcomeType;

typedef struct Outcome
{
	OutcomeType type;
	bool at_server;   /* it was tried there, so it shows whether messages can be sent */
	long retry_after; /* seconds that the server asks for; 0: none */
	char reason[160]; /* never a part of the message, or of an answer to it */
} Outcome;

extern void outcome_set(Outcome *outcome, OutcomeType type, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* COURIER_OUTCOME_H */
