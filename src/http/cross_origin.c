/*
 * cross_origin.c
 *		Requests from pages of other origins: the rule for cookie-authenticated
 *		requests, and CORS.
 *
 * A browser sends cookies with requests that pages of other sites make, or,
 * with SameSite, pages of sibling hosts.  It also says where a request comes
 * from, in headers that pages cannot write: Origin (RFC 6454), which is "null"
 * if the browser withholds it, and Sec-Fetch-Site (W3C Fetch Metadata).
 */
#include "postgres.h"

#include "base/origin.h"
#include "http/cross_origin.h"
#include "settings.h"

/* Seconds for which a browser may cache the response to a preflight request. */
#define PREFLIGHT_MAX_AGE "3600"

static const Refusal origin_not_allowed = {"origin_not_allowed",
										   "This request came from a page of another site", 403};

static bool
is_ours(const HttpRequest *request, const char *origin)
{
	char *host;

	if (origin_is_listed(origin, setting_cors_origins))
		return true;
	if (setting_site_url[0] != '\0')
		return strcmp(origin, setting_site_url) == 0;
	host = http_header(request, "host");
	return host != NULL && origin_has_host(origin, host);
}

/*
 * All values of both headers are read: a second one must not be overlooked.
 * Sec-Fetch-Site is also used if Origin does not match: a proxy may have
 * changed Host, and a page that sends no referrer has the Origin "null".
 */
RequestOrigin
cross_origin_of(const HttpRequest *request)
{
	char *origin = http_header_list(request, "origin");
	char *site = http_header_list(request, "sec-fetch-site");

	if (origin[0] == '\0' && site[0] == '\0')
		return ORIGIN_UNSTATED;
	if (strcmp(site, "same-origin") == 0 || is_ours(request, origin))
		return ORIGIN_OURS;
	return ORIGIN_FOREIGN;
}

/* Through PostgREST, the body itself is not seen: only its length, if the client states it. */
static bool
has_no_body(const HttpRequest *request)
{
	char *length = http_header_list(request, "content-length");

	if (length[0] != '\0')
		return strcmp(length, "0") == 0;
	return request->body_is_known && (request->body == NULL || request->body[0] == '\0');
}

/*
 * A page can send forms and plain text by POST without a preflight, always with
 * a content type.  For JSON and for other methods, a browser sends a preflight
 * request first (CORS).  A POST that has neither a body nor a type is made by
 * scripts only, and browsers state the origin of those.
 */
static bool
cannot_be_a_form(const HttpRequest *request)
{
	return strcmp(request->method, "POST") != 0 || http_has_json_type(request) ||
		   (http_header(request, "content-type") == NULL && has_no_body(request));
}

const Refusal *
cross_origin_check(const HttpRequest *request)
{
	switch (cross_origin_of(request))
	{
		case ORIGIN_OURS:
			return NULL;
		case ORIGIN_FOREIGN:
			return &origin_not_allowed;
		case ORIGIN_UNSTATED:
			break;
	}
	return cannot_be_a_form(request) ? NULL : &http_wrong_content_type;
}

static bool
has_listed_origin(const HttpRequest *request)
{
	return origin_is_listed(http_header_list(request, "origin"), setting_cors_origins);
}

/*
 * Caches must not serve one origin the response to another, so Vary is sent
 * even if the other headers are not.
 */
void
cors_add_headers(const HttpRequest *request, HttpResponse *response)
{
	if (setting_cors_origins[0] == '\0')
		return;
	http_add_header(response, "Vary", "Origin");
	if (!has_listed_origin(request))
		return;
	http_add_header(response, "Access-Control-Allow-Origin", http_header_list(request, "origin"));
	http_add_header(response, "Access-Control-Allow-Credentials", "true");
	if (!cors_is_preflight(request))
		http_add_header(response, "Access-Control-Expose-Headers",
						"Retry-After, WWW-Authenticate, " HTTP_TOTAL_COUNT);
}

/* https://fetch.spec.whatwg.org/#cors-preflight-fetch */
bool
cors_is_preflight(const HttpRequest *request)
{
	return setting_cors_origins[0] != '\0' && strcmp(request->method, "OPTIONS") == 0 &&
		   http_header(request, "origin") != NULL &&
		   http_header(request, "access-control-request-method") != NULL;
}

void
cors_respond_preflight(const HttpRequest *request, const char *methods, HttpResponse *response)
{
	response->status = 204;
	if (!has_listed_origin(request))
		return;
	http_add_header(response, "Access-Control-Allow-Methods", methods);
	http_add_header(response, "Access-Control-Allow-Headers", "Authorization, Content-Type");
	http_add_header(response, "Access-Control-Max-Age", PREFLIGHT_MAX_AGE);
}
