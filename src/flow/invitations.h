/*
 * invitations.h
 *		Inviting a user, who accepts by the token of a message.
 *
 * Until then the account has no sessions and none of its roles, and no other
 * mail opens it.
 */
#ifndef AUTHFORT_INVITATIONS_H
#define AUTHFORT_INVITATIONS_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "flow/auth_result.h"

/* As it was typed; name and app_metadata may be NULL. */
typedef struct InvitationForm
{
	const char *email;
	char **roles;
	int role_count;
	const char *name;
	Jsonb *app_metadata;
} InvitationForm;

/* Returns NULL or the refusal. */
extern const Refusal *flow_invite_user(const InvitationForm *form, const Client *client, User **user);

/* The password may be NULL. */
extern AuthResult
flow_accept_invitation(const char *token, const char *password, const Client *client);

#endif /* AUTHFORT_INVITATIONS_H */
