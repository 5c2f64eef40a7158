/*
 * arguments.h
 *		Arguments of SQL functions: which may be NULL, and which may not.
 */
#ifndef AUTHFORT_ARGUMENTS_H
#define AUTHFORT_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

#include "base/client.h"

/* These raise null_value_not_allowed, naming the argument. */
extern void argument_require(FunctionCallInfo fcinfo, int number, const char *name);
extern char *argument_text(FunctionCallInfo fcinfo, int number, const char *name);

/*
 * The same for a password: the copy is wiped (secret.h), and the client's
 * message is marked as sensitive (client_message.h).
 */
extern char *argument_secret(FunctionCallInfo fcinfo, int number, const char *name);

extern pg_uuid_t *argument_uuid(FunctionCallInfo fcinfo, int number, const char *name);
extern bool argument_bool(FunctionCallInfo fcinfo, int number, const char *name);

/* NULL for NULL. */
extern pg_uuid_t *argument_optional_uuid(FunctionCallInfo fcinfo, int number);
extern char *argument_optional_text(FunctionCallInfo fcinfo, int number);
extern char *argument_optional_secret(FunctionCallInfo fcinfo, int number);
/* A token. It is not wiped, because it expires, but the message is marked as sensitive. */
extern char *argument_token(FunctionCallInfo fcinfo, int number);

/* A text[] as C strings; NULL elements raise. */
extern char **argument_texts(FunctionCallInfo fcinfo, int number, const char *name, int *count);

/* The reverse: C strings as a text[] datum. */
extern Datum texts_to_array(char *const *texts, int count);
extern char **texts_from_array(Datum array, int *count);

/* The two optional arguments that describe the client. */
extern Client argument_client(FunctionCallInfo fcinfo, int user_agent, int ip);

#endif /* AUTHFORT_ARGUMENTS_H */
