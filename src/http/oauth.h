/*
 * oauth.h
 *		HTTP: signing in with others.
 */
#ifndef AUTHFORT_HTTP_OAUTH_H
#define AUTHFORT_HTTP_OAUTH_H

#include "postgres.h"

#include "http/fetching.h"

/* Continues one of these requests with a provider's answer. */
extern void handle_oauth_answer(HttpRequest *request, FetchFlow *flow, const FetchAnswer *answer,
								HttpResponse *response);

#endif /* AUTHFORT_HTTP_OAUTH_H */
