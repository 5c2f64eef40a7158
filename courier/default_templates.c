/*
 * default_templates.c
 *		Templates for the messages of authfort, in English.
 *
 * None shows the name of the user: a stranger can sign up with an address of
 * another person, and would choose words of the mail that this person gets.
 * Where authfort.site_url is not set, there is a token instead of a link.
 */
#include <string.h>

#include "default_templates.h"

#define SECURITY_FOOTER \
	"{{#time}}Time: {{time}}\n{{/time}}" \
	"{{#ip_address}}Address: {{ip_address}}\n{{/ip_address}}" \
	"{{#user_agent}}Browser: {{user_agent}}\n{{/user_agent}}\n" \
	"If this was not you, set a new password at once, and check the settings of your account.\n"

static const DefaultTemplate templates[] = {
	{"email_verification", "Confirm your email address",
	 "Please confirm that this is your email address for {{app}}.\n\n"
	 "{{#link}}{{link}}{{/link}}{{^link}}Your confirmation token:\n\n{{token}}{{/link}}\n\n"
	 "It is valid for {{expires_in}}. If you did not ask for this, you can ignore this message.\n",
	 "Confirm email address"},
	{"magic_link", "Sign in to {{app}}",
	 "{{#link}}Use this link to sign in to {{app}}:\n\n{{link}}{{/link}}"
	 "{{^link}}Use this token to sign in to {{app}}:\n\n{{token}}{{/link}}\n\n"
	 "It can be used once, within {{expires_in}}. Do not forward this message: anyone who has it "
	 "can sign in as you.\n\n"
	 "If you did not ask for this, you can ignore this message.\n",
	 "Sign in"},
	{"email_otp", "{{code}} is your code for {{app}}",
	 "Your code for {{app}}:\n\n{{code}}\n\n"
	 "It is valid for {{expires_in}}. Do not share it with anyone.\n\n"
	 "If you did not ask for this, you can ignore this message.\n",
	 NULL},
	{"reauthentication", "{{code}} is your code for {{app}}",
	 "Your code to confirm that it is you, for {{app}}:\n\n{{code}}\n\n"
	 "It is valid for {{expires_in}}. Do not share it with anyone.\n\n"
	 "If you did not ask for this, another person is signed in to your account: set a new password "
	 "at once.\n",
	 NULL},
	{"password_reset", "Set a new password",
	 "A new password was requested for your account at {{app}}.\n\n"
	 "{{#link}}Use this link to set one:\n\n{{link}}{{/link}}"
	 "{{^link}}Use this token to set one:\n\n{{token}}{{/link}}\n\n"
	 "It can be used once, within {{expires_in}}. If you did not ask for this, you can ignore this "
	 "message; your password does not change.\n",
	 "Set a new password"},
	{"email_change", "Confirm your new email address",
	 "Please confirm that "
	 "{{#new_email}}{{new_email}}{{/new_email}}{{^new_email}}this{{/new_email}} should become the email "
	 "address of your account at {{app}}.\n\n"
	 "{{#link}}{{link}}{{/link}}{{^link}}Your confirmation token:\n\n{{token}}{{/link}}\n\n"
	 "It is valid for {{expires_in}}. If you did not ask for this, you can ignore this message; nothing "
	 "will change.\n",
	 "Confirm new address"},
	{"email_changed", "The email address of your account was changed",
	 "The email address of your account at {{app}} was changed.\n\n"
	 "{{#token}}If this was not you, undo it now. This restores this address, ends all sessions, "
	 "and removes a password and other ways to sign in that were added since.\n\n"
	 "{{#link}}{{link}}{{/link}}{{^link}}Your token for this:\n\n{{token}}{{/link}}\n\n"
	 "This is possible for {{expires_in}}.\n{{/token}}"
	 "{{^token}}If you did not expect this, please contact {{app}}.\n{{/token}}",
	 "Undo the change"},
	{"invitation", "You are invited to {{app}}",
	 "You are invited to join {{app}}.\n\n"
	 "{{#link}}{{link}}{{/link}}{{^link}}Your token to accept the "
	 "invitation:\n\n{{token}}{{/link}}\n\n"
	 "The invitation is valid for {{expires_in}}. If you do not know what this is about, you can "
	 "ignore this message.\n",
	 "Accept the invitation"},
	{"signup_attempt", "You already have an account",
	 "Someone, perhaps you, tried to use this email address for another account at {{app}}. It "
	 "already has an account: sign in instead, or request a new password if you have forgotten "
	 "yours.\n\n"
	 "If it was not you, you can ignore this message.\n",
	 NULL},
	{"password_changed", "Your password was changed",
	 "The password of your account at {{app}} was changed.\n\n" SECURITY_FOOTER, NULL},
	{"new_sign_in", "New sign-in to your account",
	 "There was a sign-in to your account at {{app}} from a new "
	 "device.\n\n" SECURITY_FOOTER,
	 NULL},
	{"mfa_changed", "The second factor of your account was changed",
	 "The settings of the second factor of your account at {{app}} were "
	 "changed.\n\n" SECURITY_FOOTER,
	 NULL},
	{"mfa_locked", "Wrong codes for your account",
	 "There were several wrong codes for the second factor of your account at {{app}}. They came "
	 "after the right password: if this was not you, another person knows your "
	 "password.\n\n" SECURITY_FOOTER,
	 NULL},
	{"passkey_added", "A passkey was added to your account",
	 "A passkey{{#passkey}}, {{passkey}},{{/passkey}} was added to your account at {{app}}. It can "
	 "be used to sign "
	 "in.\n\n" SECURITY_FOOTER,
	 NULL},
	{"identity_linked", "Another way to sign in was added to your account",
	 "{{#provider}}An account at {{provider}}{{/provider}}{{^provider}}An account at another "
	 "provider{{/provider}} was linked to your account at {{app}}. It can be used to sign "
	 "in.\n\n" SECURITY_FOOTER,
	 NULL},
};

const DefaultTemplate *
default_template(const char *kind)
{
	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++)
	{
		if (strcmp(templates[i].kind, kind) == 0)
			return &templates[i];
	}
	return NULL;
}
