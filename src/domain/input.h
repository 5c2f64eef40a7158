/*
 * input.h
 *		The rules for user input: email, name, phone, avatar, password.
 *
 * Each function returns NULL if the input is valid, and then has converted it
 * to its stored form, in the current memory context.  Otherwise it returns the
 * refusal.  Lengths are in characters after normalization.  Optional fields
 * take NULL, and turn what is empty into NULL.  The stored form of an email or
 * a role is taken as it is when it comes in again.
 */
#ifndef AUTHFORT_INPUT_H
#define AUTHFORT_INPUT_H

#include "postgres.h"

#include "base/refusal.h"

/*
 * The domain of the emails that deleted users get.  Sign-up with it is
 * refused, or an account could prevent another from being deleted.
 */
#define DELETED_EMAIL_DOMAIN "deleted.invalid"

extern const Refusal *input_email(const char *raw, char **email);
extern const Refusal *input_name(const char *raw, char **name);
extern const Refusal *input_phone(const char *raw, char **phone);
extern const Refusal *input_avatar_url(const char *raw, char **url);
/* A language tag of letters, digits and single hyphens (BCP 47), at most 35 of them. */
extern const Refusal *input_locale(const char *raw, char **locale);
extern bool input_is_language_tag(const char *text);
extern const Refusal *input_new_password(const char *password);

/* Case is kept: "Admin" and "admin" are two roles. */
extern const Refusal *input_role(const char *raw, char **role);

/* The same for callers for whom an invalid name is misuse: raises. */
extern char *input_require_role(const char *raw);

/*
 * The form in which a role that is asked for is compared with those that are
 * stored; NULL if it is longer than any of them.
 */
extern char *input_asked_role(const char *raw);

/* The user agent, truncated. */
extern char *input_user_agent(const char *raw);

#endif /* AUTHFORT_INPUT_H */
