/*
 * redirect_target.h
 *		Where a browser may be sent after a sign-in.
 *
 * A target that an attacker can choose would give the visitor's trust, or a
 * token, to another site.
 */
#ifndef AUTHFORT_REDIRECT_TARGET_H
#define AUTHFORT_REDIRECT_TARGET_H

#include "postgres.h"

#include "base/refusal.h"

/*
 * Makes a URL of what a client asks for: a path, which is prefixed with
 * authfort.site_url, or an absolute URL that authfort.redirect_allowlist
 * covers.  Returns NULL or the refusal.  *target is NULL if none is asked for.
 */
extern const Refusal *redirect_target_resolve(const char *asked, char **target);

/*
 * The same for a target that gets a one-time code: a URL that is in the list as
 * it is.  It may have a scheme of an app, and on the loopback interface any
 * port (RFC 8252, sections 7.1 and 7.3).
 */
extern const Refusal *redirect_target_resolve_exact(const char *asked, char **target);

/* The target with a parameter in its query, or with another fragment. */
extern char *redirect_target_with_parameter(const char *target, const char *name, const char *value);
extern char *redirect_target_with_fragment(const char *target, const char *fragment);

#endif /* AUTHFORT_REDIRECT_TARGET_H */
