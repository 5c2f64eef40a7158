/*
 * webauthn_client_data.h
 *		The data that the browser adds to a ceremony (Web Authentication, section 5.8.1).
 */
#ifndef AUTHFORT_WEBAUTHN_CLIENT_DATA_H
#define AUTHFORT_WEBAUTHN_CLIENT_DATA_H

#include "postgres.h"

typedef struct WebauthnClientData
{
	char *type;      /* webauthn.create or webauthn.get */
	char *challenge; /* base64url */
	char *origin;
	bool cross_origin; /* of a page inside one of another origin */
} WebauthnClientData;

/* False unless it is JSON with these members; others are ignored.  Never raises. */
extern bool
webauthn_read_client_data(const unsigned char *json, size_t len, WebauthnClientData *data);

#endif /* AUTHFORT_WEBAUTHN_CLIENT_DATA_H */
