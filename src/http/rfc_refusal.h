/*
 * rfc_refusal.h
 *		Refusals of the routes that RFCs define (6749, 7009, 7662).
 *
 * They have "error" and "error_description" at the top, for clients that were
 * written for the RFCs, beside the "detail" of all refusals.
 */
#ifndef AUTHFORT_RFC_REFUSAL_H
#define AUTHFORT_RFC_REFUSAL_H

#include "postgres.h"

#include "http/message.h"

/* "error" is a code of RFC 6749, section 5.2, such as invalid_client. */
extern void
http_respond_rfc_refusal(HttpResponse *response, const Refusal *refusal, const char *error);

/*
 * Completes the response that a function which reads bodies has made, with
 * invalid_request.  For a form its status becomes the one of the RFCs, 400.
 */
extern void http_complete_rfc_faults(HttpResponse *response);

#endif /* AUTHFORT_RFC_REFUSAL_H */
