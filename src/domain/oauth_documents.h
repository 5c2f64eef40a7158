/*
 * oauth_documents.h
 *		Discovery documents and keys of OpenID providers, as they were last
 *		fetched: table authfort.oauth_documents.
 */
#ifndef AUTHFORT_OAUTH_DOCUMENTS_H
#define AUTHFORT_OAUTH_DOCUMENTS_H

#include "postgres.h"

#include "utils/jsonb.h"

/* In the order of their names in oauth_documents.c. */
typedef enum OAuthDocument
{
	OAUTH_DISCOVERY,
	OAUTH_KEYS
} OAuthDocument;

/*
 * The last good document that came from that URL, or NULL.
 * *fresh says whether it is less than a day old.
 */
extern Jsonb *
oauth_documents_find(const char *provider, OAuthDocument kind, const char *url, bool *fresh);

/*
 * Reserves the right to ask for a document.  Returns false if it was asked for
 * within the last minute and a good one is there: a token with an invented key
 * id must not make a door ask each time.  If none ever came, users wait for the
 * first one together, each with a fetch; only after ten useless answers in a
 * row is it asked for every five seconds.  A client can cause neither: what
 * counts is the provider's answer.
 */
extern bool oauth_documents_may_ask(const char *provider, OAuthDocument kind, const char *url);

/* Keeps a good document.  Nothing waits for another transaction that does the same. */
extern void
oauth_documents_keep(const char *provider, OAuthDocument kind, const char *url, Jsonb *document);

/* Counts a useless answer, or none, if no good document is there. */
extern void oauth_documents_note_failure(const char *provider, OAuthDocument kind, const char *url);

extern void oauth_documents_delete(const char *provider);

#endif /* AUTHFORT_OAUTH_DOCUMENTS_H */
