/*
 * client_statement.h
 *		What the client sent, shown without the secrets in it.
 */
#ifndef AUTHFORT_CLIENT_STATEMENT_H
#define AUTHFORT_CLIENT_STATEMENT_H

#include "postgres.h"

#include "redact/statement_text.h"

extern void client_statement_init(void);

/*
 * Whether the client's present statement has secrets, by what is known of it
 * and by its text.  With "names" that look into the catalog that is for good.
 */
extern bool client_statement_has_secrets(const StatementNames *names);

/* Shows it without its secrets, from here on. */
extern void client_statement_hide(const StatementNames *names);

/*
 * Its text as it was sent; NULL if there is none any more.  And that which is
 * shown, if it has secrets.
 */
extern const char *client_statement_sent(void);
extern const char *client_statement_shown(void);

/* The strings and parameters of it, and of what is being executed with secrets. */
extern void client_statement_each_value(void (*use) (const char *value, void *arg), void *arg);

#endif							/* AUTHFORT_CLIENT_STATEMENT_H */
