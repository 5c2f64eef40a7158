/*
 * framing.h
 *		Checks that every parser sees the same beginning and end of a request
 *		(RFC 9112).
 */
#ifndef GATEWAY_FRAMING_H
#define GATEWAY_FRAMING_H

#include <microhttpd.h>

/* 0, or the status with which the request is to be refused. */
extern int framing_check(struct MHD_Connection *connection, const char *method, const char *target,
						 const char *version);

#endif /* GATEWAY_FRAMING_H */
