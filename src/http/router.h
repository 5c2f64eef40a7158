/*
 * router.h
 *		The router: finds the handler of a request.
 */
#ifndef AUTHFORT_ROUTER_H
#define AUTHFORT_ROUTER_H

#include "postgres.h"

#include "http/message.h"

/* Who may use a route. */
typedef enum RouteAccess
{
	ROUTE_OPEN,
	ROUTE_SIGNED_IN, /* request->caller is set */
	ROUTE_ENROLLING, /* either that, or request->mfa_token, which is not verified yet */
	ROUTE_ADMIN      /* and has the role authfort.admin_role */
} RouteAccess;

typedef void (*RouteHandler)(HttpRequest *request, HttpResponse *response);

typedef struct Route
{
	const char *name; /* of its function in schema authfort_api */
	const char *method;
	const char *path; /* a segment {name} takes any one segment */
	RouteAccess access;
	RouteHandler handler;
	bool rooted; /* not under authfort.http_prefix */
} Route;

/* Serves a request; the response is complete except for the transport. */
extern void http_serve(HttpRequest *request, HttpResponse *response);

/* The steps before and after a handler, for one that the router does not call. */
extern void http_begin_response(const HttpRequest *request, HttpResponse *response);
extern void http_complete_response(const HttpRequest *request, HttpResponse *response);

/*
 * Like http_serve(), for PostgREST, which has already selected the route and
 * uses POST for every method other than GET. Responds with 404 if the path is
 * not the route's.
 */
extern const Route *http_find_route(const char *name);
extern void http_serve_route(const Route *route, HttpRequest *request, HttpResponse *response);

/*
 * Sets the caller of a request to an open route, if it has a valid access
 * token; otherwise request->caller is NULL.
 */
extern void http_identify_caller(HttpRequest *request);

/* The same; returns the caller's session, or NULL. */
extern const pg_uuid_t *http_own_session(HttpRequest *request);

/* The value of WWW-Authenticate that goes with a refusal of status 401. */
extern const char *http_challenge(const Refusal *refusal);

extern const Refusal http_not_found;

/* signin.c: signing up, in and out */
extern void handle_signup(HttpRequest *request, HttpResponse *response);
extern void handle_login(HttpRequest *request, HttpResponse *response);
extern void handle_refresh(HttpRequest *request, HttpResponse *response);
extern void handle_logout(HttpRequest *request, HttpResponse *response);
extern void handle_jwks(HttpRequest *request, HttpResponse *response);

/* introspection.c: introspection and revocation of tokens, and the document for them */
extern void handle_introspect(HttpRequest *request, HttpResponse *response);
extern void handle_revoke(HttpRequest *request, HttpResponse *response);
extern void handle_openid_configuration(HttpRequest *request, HttpResponse *response);

/* self.c: the caller's own account */
extern void handle_me(HttpRequest *request, HttpResponse *response);
extern void handle_update_me(HttpRequest *request, HttpResponse *response);
extern void handle_delete_me(HttpRequest *request, HttpResponse *response);
extern void handle_change_email(HttpRequest *request, HttpResponse *response);
extern void handle_confirm_email_change(HttpRequest *request, HttpResponse *response);
extern void handle_undo_email_change(HttpRequest *request, HttpResponse *response);
extern void handle_reauthenticate(HttpRequest *request, HttpResponse *response);
extern void handle_request_reauthentication_code(HttpRequest *request, HttpResponse *response);
extern void handle_forgot_password(HttpRequest *request, HttpResponse *response);
extern void handle_reset_password(HttpRequest *request, HttpResponse *response);
extern void handle_change_password(HttpRequest *request, HttpResponse *response);
extern void handle_set_password(HttpRequest *request, HttpResponse *response);
extern void handle_own_sessions(HttpRequest *request, HttpResponse *response);
extern void handle_revoke_own_session(HttpRequest *request, HttpResponse *response);
extern void handle_revoke_other_sessions(HttpRequest *request, HttpResponse *response);

/*
 * For routes that change credentials (flow/recent_auth.h).  Returns false if
 * the caller's session may not do it; the response is then complete.
 */
extern bool http_require_recent_auth(const HttpRequest *request, HttpResponse *response);

/* Responds with a page of a user's sessions, "current" being the caller's. */
extern void http_respond_sessions(HttpRequest *request, const pg_uuid_t *user_id,
								  const pg_uuid_t *current, HttpResponse *response);

/* mail.c: routes that a token or code from a message proves */
extern void handle_resend_verification(HttpRequest *request, HttpResponse *response);
extern void handle_verify_email(HttpRequest *request, HttpResponse *response);
extern void handle_magic_link(HttpRequest *request, HttpResponse *response);
extern void handle_verify_magic_link(HttpRequest *request, HttpResponse *response);
extern void handle_otp(HttpRequest *request, HttpResponse *response);
extern void handle_accept_invitation(HttpRequest *request, HttpResponse *response);
extern void handle_verify_otp(HttpRequest *request, HttpResponse *response);

/* passkeys.c */
extern void handle_passkey_mfa_options(HttpRequest *request, HttpResponse *response);
extern void handle_passkey_mfa(HttpRequest *request, HttpResponse *response);
extern void handle_passkey_register_options(HttpRequest *request, HttpResponse *response);
extern void handle_passkey_register(HttpRequest *request, HttpResponse *response);
extern void handle_passkey_login_options(HttpRequest *request, HttpResponse *response);
extern void handle_passkey_login(HttpRequest *request, HttpResponse *response);
extern void handle_passkey_step_up_options(HttpRequest *request, HttpResponse *response);
extern void handle_passkey_reauthenticate_options(HttpRequest *request, HttpResponse *response);
extern void handle_own_passkeys(HttpRequest *request, HttpResponse *response);
extern void handle_rename_passkey(HttpRequest *request, HttpResponse *response);
extern void handle_remove_passkey(HttpRequest *request, HttpResponse *response);
extern void handle_user_passkeys(HttpRequest *request, HttpResponse *response);
extern void handle_remove_user_passkey(HttpRequest *request, HttpResponse *response);
extern void handle_related_origins(HttpRequest *request, HttpResponse *response);

/* oauth.c: signing in with others */
extern void handle_oauth_providers(HttpRequest *request, HttpResponse *response);
extern void handle_oauth_token(HttpRequest *request, HttpResponse *response);
extern void handle_oauth_authorize(HttpRequest *request, HttpResponse *response);
extern void handle_oauth_callback(HttpRequest *request, HttpResponse *response);
extern void handle_oauth_callback_form(HttpRequest *request, HttpResponse *response);
extern void handle_oauth_id_token(HttpRequest *request, HttpResponse *response);
extern void handle_oauth_link(HttpRequest *request, HttpResponse *response);
extern void handle_own_identities(HttpRequest *request, HttpResponse *response);
extern void handle_unlink_identity(HttpRequest *request, HttpResponse *response);

/* The caller of a route that sets up a second factor. */
extern struct Enroller http_enroller(const HttpRequest *request);

/* mfa.c: the second factor */
extern void handle_mfa_init(HttpRequest *request, HttpResponse *response);
extern void handle_mfa_confirm(HttpRequest *request, HttpResponse *response);
extern void handle_mfa_verify(HttpRequest *request, HttpResponse *response);
extern void handle_mfa_disable(HttpRequest *request, HttpResponse *response);
extern void handle_mfa_regenerate(HttpRequest *request, HttpResponse *response);
extern void handle_mfa_status(HttpRequest *request, HttpResponse *response);
extern void handle_mfa_step_up(HttpRequest *request, HttpResponse *response);
extern void handle_reset_mfa(HttpRequest *request, HttpResponse *response);

/*
 * Reads the user id in the path of an admin route.  Returns false if it is
 * malformed, or belongs to no user where that is checked; the response is then
 * complete: user_not_found.
 */
extern bool http_read_user_id(const HttpRequest *request, pg_uuid_t *id, HttpResponse *response);
extern bool
http_read_known_user_id(const HttpRequest *request, pg_uuid_t *id, HttpResponse *response);

/* admin.c: administration */
extern void handle_list_users(HttpRequest *request, HttpResponse *response);
extern void handle_create_user(HttpRequest *request, HttpResponse *response);
extern void handle_get_user(HttpRequest *request, HttpResponse *response);
extern void handle_update_user(HttpRequest *request, HttpResponse *response);
extern void handle_delete_user(HttpRequest *request, HttpResponse *response);
extern void handle_ban_user(HttpRequest *request, HttpResponse *response);
extern void handle_unban_user(HttpRequest *request, HttpResponse *response);
extern void handle_add_role(HttpRequest *request, HttpResponse *response);
extern void handle_remove_role(HttpRequest *request, HttpResponse *response);
extern void handle_user_sessions(HttpRequest *request, HttpResponse *response);
extern void handle_revoke_user_sessions(HttpRequest *request, HttpResponse *response);
extern void handle_revoke_session(HttpRequest *request, HttpResponse *response);
extern void handle_invite_user(HttpRequest *request, HttpResponse *response);
extern void handle_list_keys(HttpRequest *request, HttpResponse *response);
extern void handle_rotate_key(HttpRequest *request, HttpResponse *response);
extern void handle_prepare_key(HttpRequest *request, HttpResponse *response);

#endif /* AUTHFORT_ROUTER_H */
