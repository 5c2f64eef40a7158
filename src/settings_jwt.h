/*
 * settings_jwt.h
 *		The setting authfort.jwt, the access token that gives a session its
 *		identity.
 */
#ifndef AUTHFORT_SETTINGS_JWT_H
#define AUTHFORT_SETTINGS_JWT_H

#include "postgres.h"

#include "utils/guc.h"

/* The text of the setting, which can be a sealed token; only settings.c uses it. */
extern char *settings_jwt_text;

/* The token, "" if there is none; valid until the setting changes. */
extern const char *settings_jwt(void);

extern bool settings_check_jwt(char **newval, void **extra, GucSource source);
extern void settings_assign_jwt(const char *newval, void *extra);
extern const char *settings_show_jwt(void);

#endif /* AUTHFORT_SETTINGS_JWT_H */
