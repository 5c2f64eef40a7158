/*
 * admin.c
 *		HTTP: the admin routes.  The router has checked the caller's role.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/uuid.h"
#include "domain/signing_keys.h"
#include "flow/flows.h"
#include "flow/invitations.h"
#include "flow/key_admin.h"
#include "flow/role_admin.h"
#include "flow/session_admin.h"
#include "flow/user_admin.h"
#include "http/router.h"

bool
http_read_user_id(const HttpRequest *request, pg_uuid_t *id, HttpResponse *response)
{
	if (uuid_read(request->segments[0], id))
		return true;
	http_respond_refusal(response, &refusal_user_not_found);
	return false;
}

bool
http_read_known_user_id(const HttpRequest *request, pg_uuid_t *id, HttpResponse *response)
{
	if (!http_read_user_id(request, id, response))
		return false;
	if (users_find(id) != NULL)
		return true;
	http_respond_refusal(response, &refusal_user_not_found);
	return false;
}

/* Responds with a user, or with the refusal unless it is NULL. */
static void
respond_user(HttpResponse *response, const Refusal *refusal, int status, const User *user)
{
	if (refusal != NULL)
	{
		http_respond_refusal(response, refusal);
		return;
	}
	response->status = status;
	users_append_profile_json(&response->body, user, NULL);
}

static bool
read_order(const HttpRequest *request, UserPage *page, HttpResponse *response)
{
	char *sort_by = "created_at";
	char *sort_order = "desc";

	if (!http_query_text(request, "sort_by", &sort_by, response) ||
		!http_query_text(request, "sort_order", &sort_order, response))
		return false;
	if (!user_order_by_name(sort_by, &page->order))
		return http_refuse_parameter("sort_by", "literal_error",
									 "Input should be created_at, email or name", response);
	if (!user_direction_by_name(sort_order, &page->ascending))
		return http_refuse_parameter("sort_order", "literal_error", "Input should be asc or desc",
									 response);
	return true;
}

void
handle_list_users(HttpRequest *request, HttpResponse *response)
{
	UserFilter filter = {0};
	UserPage page = {0};
	bool banned;
	bool has_banned;
	bool has_deleted;

	page.limit = HTTP_DEFAULT_PAGE;
	if (!http_query_text(request, "query", (char **) &filter.query, response) ||
		!http_query_text(request, "role", (char **) &filter.role, response) ||
		!http_query_boolean(request, "banned", &banned, &has_banned, response) ||
		!http_query_boolean(request, "deleted", &filter.deleted, &has_deleted, response) ||
		!http_query_integer(request, "limit", 1, USER_PAGE_MAX, &page.limit, response) ||
		!http_query_integer(request, "offset", 0, INT_MAX, &page.offset, response) ||
		!read_order(request, &page, response))
		return;
	if (has_banned)
		filter.banned = &banned;
	response->status = 200;
	user_admin_append_list(&response->body, &filter, &page);
}

void
handle_create_user(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {
		{"email", true},
		{"password"},
		{"name"},
		{"avatar_url"},
		{"phone"},
		{"email_verified", false, FIELD_BOOLEAN},
		{"roles", false, FIELD_STRINGS},
	};
	SignupForm form;
	const Refusal *refusal;
	User *user;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	form.email = fields[0].value;
	form.password = fields[1].value;
	form.name = fields[2].value;
	form.avatar_url = fields[3].value;
	form.phone = fields[4].value;
	refusal = flow_create_user(&form, fields[5].boolean, fields[6].values, fields[6].count, &user);
	respond_user(response, refusal, 201, user);
}

void
handle_invite_user(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {
		{"email", true},
		{"roles", false, FIELD_STRINGS},
		{"name"},
		{"app_metadata", false, FIELD_OBJECT},
	};
	InvitationForm form;
	const Refusal *refusal;
	User *user;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	form.email = fields[0].value;
	form.roles = fields[1].values;
	form.role_count = fields[1].count;
	form.name = fields[2].value;
	form.app_metadata = fields[3].present ? fields[3].object : NULL;
	refusal = flow_invite_user(&form, &request->client, &user);
	respond_user(response, refusal, 201, user);
}

void
handle_get_user(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;
	bool deleted = false;
	bool has_deleted;
	User *user;

	if (!http_read_user_id(request, &id, response) ||
		!http_query_boolean(request, "deleted", &deleted, &has_deleted, response))
		return;
	user = deleted ? users_find_any(&id) : users_find(&id);
	respond_user(response, (user == NULL) ? &refusal_user_not_found : NULL, 200, user);
}

void
handle_update_user(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;
	const Refusal *refusal;
	User *user;

	if (!http_read_user_id(request, &id, response) || !http_read_object(request, response))
		return;
	refusal = user_admin_update(&id, request->json, NULL, NULL, &user);
	respond_user(response, refusal, 200, user);
}

void
handle_delete_user(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;
	bool hard = false;
	bool has_hard;

	if (http_read_user_id(request, &id, response) &&
		http_query_boolean(request, "hard", &hard, &has_hard, response))
		http_respond_nothing(response, user_admin_try_delete(&id, hard, NULL, NULL, NULL));
}

void
handle_ban_user(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;

	if (http_read_user_id(request, &id, response))
		http_respond_nothing(response, user_admin_ban(&id, true));
}

void
handle_unban_user(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;

	if (http_read_user_id(request, &id, response))
		http_respond_nothing(response, user_admin_ban(&id, false));
}

/* Changes take effect at once: previously issued access tokens become invalid. */
static void
respond_role_change(HttpRequest *request, bool grant, HttpResponse *response)
{
	pg_uuid_t id;

	if (http_read_user_id(request, &id, response))
		http_respond_nothing(response, role_admin_change(&id, request->segments[1], grant, true));
}

void
handle_add_role(HttpRequest *request, HttpResponse *response)
{
	respond_role_change(request, true, response);
}

void
handle_remove_role(HttpRequest *request, HttpResponse *response)
{
	respond_role_change(request, false, response);
}

void
handle_user_sessions(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;

	if (http_read_known_user_id(request, &id, response))
		http_respond_sessions(request, &id, NULL, response);
}

void
handle_revoke_user_sessions(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;
	int revoked;

	if (http_read_user_id(request, &id, response))
		http_respond_nothing(response, session_admin_revoke_all(&id, NULL, NULL, &revoked));
}

void
handle_revoke_session(HttpRequest *request, HttpResponse *response)
{
	pg_uuid_t id;
	bool was_live;
	const Refusal *refusal = &refusal_session_not_found;

	if (uuid_read(request->segments[0], &id))
		refusal = session_admin_revoke(&id, NULL, NULL, &was_live);
	http_respond_nothing(response, refusal);
}

void
handle_list_keys(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	signing_keys_append_json(&response->body);
}

static void
respond_key(HttpRequest *request, char *(*change)(const SignatureAlgorithm *), HttpResponse *response)
{
	BodyField fields[] = {{"algorithm"}};
	SignatureAlgorithm algorithm;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	if (fields[0].value != NULL && !pkey_algorithm_by_name(fields[0].value, &algorithm))
	{
		http_respond_refusal(response, &refusal_unknown_algorithm);
		return;
	}
	response->status = 200;
	json_open(&response->body);
	json_write_string(&response->body, "kid", change((fields[0].value != NULL) ? &algorithm : NULL));
	json_close(&response->body);
}

void
handle_rotate_key(HttpRequest *request, HttpResponse *response)
{
	respond_key(request, key_admin_rotate, response);
}

void
handle_prepare_key(HttpRequest *request, HttpResponse *response)
{
	respond_key(request, key_admin_prepare, response);
}
