"""The routes of authfort.http(), for OpenAPI.  A test holds them against authfort.routes()."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Route:
    """One route.  A member of the body that ends with ? may be absent."""

    name: str
    method: str
    path: str
    access: str  # open, signed_in or admin
    summary: str
    body: tuple[str, ...]
    rooted: bool


# name, method, path, access | summary | body, if there is one.  A rooted path has no prefix.
_TABLE = """
signup POST /signup open | Create an account and sign in | email password name? avatar_url? phone?
login POST /login open | Sign in | email password
refresh POST /refresh open | Exchange the refresh token for new tokens | refresh_token?
logout POST /logout open | End the session | refresh_token?
me GET /me signed_in | The caller
update_me PATCH /me signed_in | Change the caller's profile | name? avatar_url? phone? locale? user_metadata?
delete_me DELETE /me signed_in | Delete the caller's account
change_email POST /change-email signed_in | Ask for another email | new_email
confirm_email_change POST /change-email/confirm open | Confirm the new email | token
undo_email_change POST /change-email/undo open | Restore the old email | token
forgot_password POST /forgot-password open | Ask for a password reset | email
reset_password POST /reset-password open | Set a new password with a mailed token | token new_password
change_password POST /change-password signed_in | Change the password | old_password new_password
set_password POST /set-password signed_in | Set the first password | password
resend_verification POST /resend-verification open | Ask for another verification of the email | email?
verify_email POST /verify-email open | Verify the email with a mailed token | token
reauthenticate POST /reauthenticate signed_in | Authenticate the session anew | method? secret? password? code? credential?
reauthentication_code POST /reauthenticate/code signed_in | Ask for a code to authenticate anew
accept_invitation POST /accept-invitation open | Accept an invitation and sign in | token password?
magic_link POST /magic-link open | Ask for a link | email mode? redirect_to? code_challenge? code_challenge_method?
verify_magic_link POST /magic-link/verify open | Sign in with a mailed link | token
otp POST /otp open | Ask for a code to sign in with | email
verify_otp POST /otp/verify open | Sign in with a mailed code | email code
mfa_init POST /mfa/init signed_in | Begin to set up an authenticator app
mfa_confirm POST /mfa/confirm signed_in | Turn the second factor on | code
mfa_verify POST /mfa/verify open | Sign in with the second factor | mfa_token code
mfa_disable POST /mfa/disable signed_in | Turn the second factor off | code
mfa_regenerate POST /mfa/backup-codes/regenerate signed_in | Make new backup codes | code?
mfa_status GET /mfa/status signed_in | Whether the caller has a second factor
mfa_step_up POST /mfa/step-up signed_in | Confirm a session with the second factor | code? credential?
introspect POST /introspect open | Whether a token is valid, for services | token
revoke POST /revoke open | End the session of a token | token
oauth_providers GET /oauth/providers open | The providers to sign in with
oauth_token POST /oauth/token open | Exchange a one-time code for tokens | code code_verifier
oauth_authorize GET /oauth/{provider}/authorize open | Sign in with a provider
oauth_callback GET /oauth/{provider}/callback open | Where a provider sends the browser back
oauth_callback_form POST /oauth/{provider}/callback open | The same, for providers that post a form
oauth_id_token POST /oauth/{provider}/id-token open | Sign in with an id_token | id_token nonce
oauth_link POST /oauth/{provider}/link signed_in | Link an account at a provider | redirect_to? mode?
own_identities GET /identities signed_in | The caller's accounts at providers
unlink_identity DELETE /identities/{provider} signed_in | Unlink an account at a provider
own_sessions GET /sessions signed_in | The caller's sessions
revoke_other_sessions DELETE /sessions signed_in | End the caller's other sessions
revoke_own_session DELETE /sessions/{id} signed_in | End one of the caller's sessions
passkey_register_options POST /passkeys/register/options signed_in | Begin to add a passkey
passkey_register POST /passkeys/register/verify signed_in | Add a passkey | credential name?
passkey_login_options POST /passkeys/login/options open | Begin to sign in with a passkey
passkey_login POST /passkeys/login/verify open | Sign in with a passkey | credential
passkey_mfa_options POST /passkeys/mfa/options open | Begin to use a passkey as second factor | mfa_token
passkey_mfa POST /passkeys/mfa/verify open | Sign in with a passkey as second factor | mfa_token credential
passkey_step_up_options POST /passkeys/step-up/options signed_in | Begin to confirm a session with a passkey
passkey_reauthenticate_options POST /passkeys/reauthenticate/options signed_in | Begin to authenticate anew with a passkey
own_passkeys GET /passkeys signed_in | The caller's passkeys
rename_passkey PATCH /passkeys/{id} signed_in | Rename a passkey | name
remove_passkey DELETE /passkeys/{id} signed_in | Remove a passkey
invite_user POST /admin/invitations admin | Invite a user | email roles? name? app_metadata?
list_users GET /admin/users admin | Search users
create_user POST /admin/users admin | Create a user | email password? name? avatar_url? phone? email_verified? roles?
get_user GET /admin/users/{id} admin | A user
update_user PATCH /admin/users/{id} admin | Change a user | email? name? avatar_url? phone? email_verified?
delete_user DELETE /admin/users/{id} admin | Delete a user
ban_user PUT /admin/users/{id}/ban admin | Ban a user
unban_user DELETE /admin/users/{id}/ban admin | Lift a ban
add_role PUT /admin/users/{id}/roles/{role} admin | Give a user a role
remove_role DELETE /admin/users/{id}/roles/{role} admin | Take a role from a user
user_sessions GET /admin/users/{id}/sessions admin | A user's sessions
revoke_user_sessions DELETE /admin/users/{id}/sessions admin | End a user's sessions
user_passkeys GET /admin/users/{id}/passkeys admin | A user's passkeys
remove_user_passkey DELETE /admin/users/{id}/passkeys/{passkey} admin | Remove a user's passkey
reset_mfa DELETE /admin/users/{id}/mfa admin | Remove a user's second factors
revoke_session DELETE /admin/sessions/{id} admin | End a session
list_keys GET /admin/keys admin | The signing keys
rotate_key POST /admin/keys/rotate admin | Let the next key sign | algorithm?
prepare_key POST /admin/keys/prepare admin | Publish the next key | algorithm?
jwks GET /.well-known/jwks.json open | The public signing keys
openid_configuration GET /.well-known/openid-configuration open | Where the keys and routes are
related_origins GET /.well-known/webauthn open | Other origins that may use the passkeys
"""


def _route(line: str) -> Route:
    head, summary, body = (part.strip() for part in f"{line}|".split("|")[:3])
    name, method, path, access = head.split()
    return Route(name, method, path, access, summary, tuple(body.split()), path.startswith("/.well-known/"))


ROUTES = tuple(_route(line) for line in _TABLE.strip().splitlines())

# Members that are not strings.
_TYPES: dict[str, dict[str, Any]] = {
    "email_verified": {"type": "boolean"},
    "roles": {"type": "array", "items": {"type": "string"}},
    "credential": {"type": "object"},
    "user_metadata": {"type": "object"},
    "app_metadata": {"type": "object"},
}

_PASSWORDS = ("password", "old_password", "new_password", "secret")


def _member(name: str) -> dict[str, Any]:
    if name in _PASSWORDS:
        return {"type": "string", "format": "password"}
    return _TYPES.get(name, {"type": "string"})


def openapi_extra(route: Route) -> dict[str, Any]:
    """What FastAPI cannot know of a route: its body and its parameters."""
    names = route.body
    extra: dict[str, Any] = {"operationId": f"authfort_{route.name}"}
    if names:
        required = [name for name in names if not name.endswith("?")]
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {name.rstrip("?"): _member(name.rstrip("?")) for name in names},
        }
        if required:
            schema["required"] = required
        extra["requestBody"] = {"required": bool(required), "content": {"application/json": {"schema": schema}}}
    parameters = [part.strip("{}") for part in route.path.split("/") if part.startswith("{")]
    if parameters:
        extra["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ]
    return extra
