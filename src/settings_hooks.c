/*
 * settings_hooks.c
 *		Check, assign and show hooks of the settings.
 *
 * They use only their arguments.  They run in the postmaster, outside
 * transactions and in parallel workers, so they must not access a catalog or
 * verify a token.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "base/address.h"
#include "base/client_message.h"
#include "base/origin.h"
#include "base/rate.h"
#include "compat.h"
#include "settings.h"
#include "settings_hooks.h"

uint64 settings_token_generation = 1;
uint64 settings_verdict_generation = 1;
void (*settings_token_changed)(void) = NULL;
int setting_notices;

static bool is_preloaded;

/* In the order of NoticeKind. */
static const char *const notice_names[] = {
	"password_changed", "email_changed", "new_sign_in",     "mfa_changed",
	"mfa_locked",       "passkey_added", "identity_linked",
};

StaticAssertDecl(lengthof(notice_names) == NOTICE_IDENTITY_LINKED + 1, "each NoticeKind needs a name");

const char *
settings_notice_name(NoticeKind kind)
{
	return notice_names[kind];
}

void
settings_hooks_init(void)
{
	is_preloaded = process_shared_preload_libraries_in_progress;
}

void
settings_note_token_change(void)
{
	settings_token_generation++;
	if (settings_token_changed != NULL)
		settings_token_changed();
}

void
settings_assign_token_setting(const char *newval, void *extra)
{
	settings_note_token_change();
}

void
settings_assign_verdict_setting(const char *newval, void *extra)
{
	settings_verdict_generation++;
	settings_assign_token_setting(newval, extra);
}

/*
 * Check hook of a setting that is a secret.  Marks the client message only if
 * a statement sets the value, not if it comes from a file, from the catalog or
 * from a parallel leader.
 */
bool
settings_check_secret(char **newval, void **extra, GucSource source)
{
	if (source >= PGC_S_INTERACTIVE && !InitializingParallelWorker)
		client_message_mark();
	return true;
}

bool
settings_check_not_empty(char **newval, void **extra, GucSource source)
{
	if (*newval != NULL && (*newval)[0] != '\0')
		return true;
	GUC_check_errdetail("The value must not be empty.");
	return false;
}

bool
settings_check_identifier_list(char **newval, void **extra, GucSource source)
{
	List *names;
	char *copy = pstrdup(*newval);
	bool valid = SplitIdentifierString(copy, ',', &names);

	list_free(names);
	pfree(copy);
	if (!valid)
		GUC_check_errdetail("List syntax is invalid.");
	return valid;
}

/* Without preloading, backends have no shared memory to count in. */
bool
settings_check_max_concurrent_hashes(int *newval, void **extra, GucSource source)
{
	if (source != PGC_S_DEFAULT && !is_preloaded)
		ereport(WARNING,
				(errmsg("\"authfort.max_concurrent_hashes\" has no effect"),
				 errhint("Add authfort to \"shared_preload_libraries\".")));
	return true;
}

/* Without preloading no worker runs; this warning is the only sign of it. */
bool
settings_check_cleanup_interval(int *newval, void **extra, GucSource source)
{
	if (source != PGC_S_DEFAULT && *newval > 0 && !is_preloaded)
		ereport(WARNING,
				(errmsg("\"authfort.cleanup_interval\" has no effect"),
				 errhint("Add authfort to \"shared_preload_libraries\", or run authfort.cleanup() on a schedule.")));
	return true;
}

bool
settings_check_rate(char **newval, void **extra, GucSource source)
{
	Rate rate;

	if (rate_read(*newval, &rate))
		return true;
	GUC_check_errdetail("The value must be empty, or a number, a slash, and sec, min, hour or day.");
	return false;
}

bool
settings_check_networks(char **newval, void **extra, GucSource source)
{
	if (address_is_network_list(*newval))
		return true;
	GUC_check_errdetail("The value must be a list of networks in CIDR notation, separated by commas.");
	return false;
}

/* Adds the bit of a notice; false for an unknown name. */
static bool
add_notice(const char *name, int *bits)
{
	for (size_t i = 0; i < lengthof(notice_names); i++)
	{
		if (strcmp(name, notice_names[i]) == 0)
		{
			*bits |= 1 << i;
			return true;
		}
	}
	GUC_check_errdetail("Unrecognized notice \"%s\".", name);
	return false;
}

bool
settings_check_notices(char **newval, void **extra, GucSource source)
{
	char *copy = pstrdup(*newval);
	List *names = NIL;
	bool valid = SplitIdentifierString(copy, ',', &names);
	int bits = 0;
	ListCell *cell;

	foreach (cell, names)
	{
		if (valid)
			valid = add_notice(lfirst(cell), &bits);
	}
	list_free(names);
	pfree(copy);
	if (!valid)
		return false;
	*extra = compat_guc_alloc(sizeof(bits));
	if (*extra == NULL)
		return false;
	memcpy(*extra, &bits, sizeof(bits));
	return true;
}

void
settings_assign_notices(const char *newval, void *extra)
{
	memcpy(&setting_notices, extra, sizeof(setting_notices));
}

/*
 * Writes the value in its normal form, which is not longer.  A value that is
 * refused stays as it was given, and the error shows it.
 */
static bool
normalize_value(char *value, bool (*normalize)(char *text))
{
	char *normal = pstrdup(value);
	bool valid = normalize(normal);

	if (valid)
		strcpy(value, normal);
	pfree(normal);
	return valid;
}

/* Browsers compare it with the host of the page, which is in lower case. */
static bool
normalize_rp_id(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	return text[0] == '\0' || origin_is_host_name(text);
}

bool
settings_check_rp_id(char **newval, void **extra, GucSource source)
{
	if (normalize_value(*newval, normalize_rp_id))
		return true;
	GUC_check_errdetail("The value must be a host name in ASCII, or empty.");
	return false;
}

/* The form in which browsers send an origin. */
static bool
normalize_site_url(char *text)
{
	return text[0] == '\0' || (origin_normalize(text) && origin_is_web(text));
}

bool
settings_check_site_url(char **newval, void **extra, GucSource source)
{
	if (normalize_value(*newval, normalize_site_url))
		return true;
	GUC_check_errdetail(
		"The value must be empty, or http or https, \"://\", a host, and a port if it is not the default, without a path.");
	return false;
}

bool
settings_check_cors_origins(char **newval, void **extra, GucSource source)
{
	if (normalize_value(*newval, origin_normalize_list))
		return true;
	GUC_check_errdetail(
		"The value must be a list of origins, scheme://host or scheme://host:port, separated by commas, without paths or wildcards.");
	return false;
}

bool
settings_check_passkey_origins(char **newval, void **extra, GucSource source)
{
	if (normalize_value(*newval, origin_normalize_passkey_list))
		return true;
	GUC_check_errdetail(
		"The value must be a list of origins, scheme://host, scheme://host:port or android:apk-key-hash:HASH, separated by commas, without paths or wildcards.");
	return false;
}

/*
 * True if every character is printable ASCII and does not occur in
 * "forbidden".  The values are written into response headers, where a line
 * break or a semicolon would start a new header or attribute.
 */
static bool
is_header_safe(const char *value, const char *forbidden)
{
	for (const char *p = value; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p >= 0x7f || strchr(forbidden, *p) != NULL)
		{
			GUC_check_errdetail("The value must consist of printable ASCII characters, without spaces or any of: %s",
								forbidden);
			return false;
		}
	}
	return true;
}

bool
settings_check_http_prefix(char **newval, void **extra, GucSource source)
{
	size_t len = strlen(*newval);

	if (len == 0)
		return true;
	if ((*newval)[0] != '/' || (*newval)[len - 1] == '/')
	{
		GUC_check_errdetail("The value must be empty, or begin with a slash and not end with one.");
		return false;
	}
	return is_header_safe(*newval, "?#;%\"\\");
}

bool
settings_check_cookie_name(char **newval, void **extra, GucSource source)
{
	/* RFC 6265: a cookie name is an RFC 7230 token */
	return settings_check_not_empty(newval, extra, source) &&
		   is_header_safe(*newval, "()<>@,;:\\\"/[]?={}");
}

bool
settings_check_cookie_path(char **newval, void **extra, GucSource source)
{
	if ((*newval)[0] != '/')
	{
		GUC_check_errdetail("The value must begin with a slash.");
		return false;
	}
	return is_header_safe(*newval, ";,\"\\");
}

bool
settings_check_cookie_domain(char **newval, void **extra, GucSource source)
{
	/* browsers ignore a leading dot */
	if ((*newval)[0] == '\0' || origin_is_host_name(*newval + ((*newval)[0] == '.')))
		return true;
	GUC_check_errdetail("The value must be a host name in ASCII, or empty.");
	return false;
}
