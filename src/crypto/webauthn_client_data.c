/*
 * webauthn_client_data.c
 *		The data that the browser adds to a ceremony (Web Authentication, section 5.8.1).
 */
#include "postgres.h"

#include "base/json.h"
#include "crypto/webauthn_client_data.h"

/* What "UTF-8 decode" of the Encoding standard skips, which section 7 asks for. */
static const char byte_order_mark[] = "\xef\xbb\xbf";

static size_t
mark_length(const unsigned char *json, size_t len)
{
	size_t mark_len = sizeof(byte_order_mark) - 1;

	return (len >= mark_len && memcmp(json, byte_order_mark, mark_len) == 0) ? mark_len : 0;
}

/* Browsers before Level 2 omit crossOrigin; topOrigin is there only if it is true. */
static bool
read_cross_origin(Jsonb *object, bool *cross_origin)
{
	JsonbValue *value = json_member(object, "crossOrigin");

	*cross_origin = json_member(object, "topOrigin") != NULL;
	if (value == NULL)
		return true;
	if (value->type != jbvBool)
		return false;
	*cross_origin |= value->val.boolean;
	return true;
}

bool
webauthn_read_client_data(const unsigned char *json, size_t len, WebauthnClientData *data)
{
	size_t skip = mark_length(json, len);
	Jsonb *object;

	if (json_read_foreign_object((const char *) json + skip, len - skip, &object) != JSON_READ)
		return false;
	data->type = json_member_string(object, "type");
	data->challenge = json_member_string(object, "challenge");
	data->origin = json_member_string(object, "origin");
	return data->type != NULL && data->challenge != NULL && data->origin != NULL &&
		   read_cross_origin(object, &data->cross_origin);
}
