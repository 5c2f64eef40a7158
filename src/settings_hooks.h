/*
 * settings_hooks.h
 *		Check, assign and show hooks of the settings; only settings.c uses them.
 */
#ifndef AUTHFORT_SETTINGS_HOOKS_H
#define AUTHFORT_SETTINGS_HOOKS_H

#include "postgres.h"

#include "utils/guc.h"

/* Before the settings are defined. */
extern void settings_hooks_init(void);

extern bool settings_check_secret(char **newval, void **extra, GucSource source);
extern bool settings_check_not_empty(char **newval, void **extra, GucSource source);
extern bool settings_check_cookie_name(char **newval, void **extra, GucSource source);
extern bool settings_check_cookie_path(char **newval, void **extra, GucSource source);
extern bool settings_check_cookie_domain(char **newval, void **extra, GucSource source);
extern bool settings_check_site_url(char **newval, void **extra, GucSource source);
extern bool settings_check_passkey_origins(char **newval, void **extra, GucSource source);
extern bool settings_check_cors_origins(char **newval, void **extra, GucSource source);
extern bool settings_check_http_prefix(char **newval, void **extra, GucSource source);
extern bool settings_check_identifier_list(char **newval, void **extra, GucSource source);
extern bool settings_check_max_concurrent_hashes(int *newval, void **extra, GucSource source);
extern bool settings_check_cleanup_interval(int *newval, void **extra, GucSource source);
extern bool settings_check_notices(char **newval, void **extra, GucSource source);
extern bool settings_check_rp_id(char **newval, void **extra, GucSource source);
extern bool settings_check_rate(char **newval, void **extra, GucSource source);
extern bool settings_check_networks(char **newval, void **extra, GucSource source);
extern void settings_assign_token_setting(const char *newval, void *extra);
extern void settings_assign_verdict_setting(const char *newval, void *extra);
extern void settings_assign_notices(const char *newval, void *extra);

#endif /* AUTHFORT_SETTINGS_HOOKS_H */
