"""The events of authfort, with the names that AuthFort gives them.

Every member of an event's payload is an attribute; docs/events.md lists them.
Tokens and codes are in no event: they go through the outbox.
"""

from datetime import datetime
from typing import Any
from uuid import UUID


class Event:
    """What happened: its id, its name, when, and the payload, whose members are attributes as well."""

    id: UUID
    event: str
    timestamp: datetime
    payload: dict[str, Any]

    def __init__(self, row: dict[str, Any]):
        payload = row["payload"]
        members = {name: None for name in _annotations(type(self))}
        members.update({name: _value(name, value) for name, value in payload.items()})
        members.update(id=row["id"], event=row["event"], timestamp=row["created_at"], payload=payload)
        vars(self).update(members)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the event {self.payload.get('event', type(self).__name__)} has no member {name!r}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id}, event={self.event!r})"


def _annotations(cls: type) -> list[str]:
    return [name for one in cls.__mro__ for name in vars(one).get("__annotations__", {})]


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if (name.endswith("_id") and name != "passkey_id") or name == "access_sub":
            return UUID(value)
        if name.endswith(("_at", "_until")):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    return value


class UserEvent(Event):
    """An event of one user."""

    user_id: UUID


class EmailEvent(UserEvent):
    email: str


class AccountEvent(UserEvent):
    """``email`` is None for an account without one."""

    email: str | None


class UserCreated(AccountEvent):
    name: str | None
    provider: str


class Login(AccountEvent):
    provider: str
    ip_address: str | None
    user_agent: str | None


class LoginFailed(Event):
    email: str | None
    reason: str
    ip_address: str | None
    user_agent: str | None


class OAuthLink(AccountEvent):
    provider: str


class UserBanned(UserEvent):
    pass


class UserUnbanned(UserEvent):
    pass


class UserUpdated(UserEvent):
    fields: list[str]


class UserDeleted(AccountEvent):
    pass


class RoleAdded(UserEvent):
    role: str


class RoleRemoved(UserEvent):
    role: str


class SessionRevoked(UserEvent):
    session_id: UUID | None
    revoke_all: bool


class TokenRefreshed(UserEvent):
    ip_address: str | None
    user_agent: str | None


class RefreshTokenMismatch(Event):
    refresh_user_id: UUID
    access_sub: UUID | None
    session_id: UUID | None


class Logout(UserEvent):
    pass


class KeyRotated(Event):
    old_kid: str
    new_kid: str


class PasswordResetRequested(EmailEvent):
    pass


class PasswordReset(UserEvent):
    pass


class PasswordChanged(UserEvent):
    pass


class PasswordSet(UserEvent):
    pass


class PasswordPwnedRejected(Event):
    email_hash: str | None
    ip_address: str | None


class PasswordReuseRejected(UserEvent):
    pass


class EmailVerificationRequested(EmailEvent):
    pass


class EmailVerified(EmailEvent):
    pass


class MagicLinkRequested(EmailEvent):
    pass


class MagicLinkLogin(EmailEvent):
    pass


class EmailOTPRequested(EmailEvent):
    pass


class EmailOTPLogin(EmailEvent):
    pass


class RateLimitExceeded(Event):
    endpoint: str
    ip_address: str | None
    email: str | None
    limit: str
    key_type: str


class MFAEnabled(AccountEvent):
    method: str


class MFADisabled(AccountEvent):
    method: str


class MFALogin(AccountEvent):
    method: str
    ip_address: str | None


class MFAFailed(AccountEvent):
    ip_address: str | None


class MFALocked(AccountEvent):
    ip_address: str | None
    locked_until: datetime | None


class BackupCodeUsed(AccountEvent):
    remaining: int


class BackupCodesRegenerated(AccountEvent):
    remaining: int


class SignupAttempt(EmailEvent):
    pass


class EmailChangeRequested(AccountEvent):
    new_email: str


class EmailChanged(UserEvent):
    old_email: str | None
    new_email: str


class EmailChangeUndoRequested(EmailEvent):
    pass


class EmailChangeUndone(UserEvent):
    old_email: str
    new_email: str


class UserInvited(EmailEvent):
    pass


class InvitationAccepted(EmailEvent):
    pass


class ReauthenticationRequested(EmailEvent):
    pass


class Reauthenticated(UserEvent):
    method: str


class UnprovenDeleted(UserEvent):
    pass


class MessageFailed(UserEvent):
    message_id: UUID
    kind: str
    attempts: int
    reason: str


class NoticeSent(EmailEvent):
    kind: str


class PasskeyEvent(UserEvent):
    """``passkey_id`` is the base64url text that browsers use."""

    passkey_id: str
    name: str


class PasskeyAdded(PasskeyEvent):
    pass


class PasskeyRemoved(PasskeyEvent):
    pass


class PasskeyRenamed(PasskeyEvent):
    pass


class PasskeyCounterAnomaly(PasskeyEvent):
    stored: int
    received: int


class IdentityUnlinked(AccountEvent):
    provider: str


class ServiceTokenCreated(Event):
    name: str
    scopes: list[str]


class ServiceTokenRevoked(Event):
    name: str


class DatabaseIdentityReset(Event):
    database_id: UUID
    sessions_revoked: int


EVENTS: dict[str, type[Event]] = {
    "user_created": UserCreated,
    "login": Login,
    "login_failed": LoginFailed,
    "oauth_link": OAuthLink,
    "user_banned": UserBanned,
    "user_unbanned": UserUnbanned,
    "user_updated": UserUpdated,
    "user_deleted": UserDeleted,
    "role_added": RoleAdded,
    "role_removed": RoleRemoved,
    "session_revoked": SessionRevoked,
    "token_refreshed": TokenRefreshed,
    "refresh_token_mismatch": RefreshTokenMismatch,
    "logout": Logout,
    "key_rotated": KeyRotated,
    "password_reset_requested": PasswordResetRequested,
    "password_reset": PasswordReset,
    "password_changed": PasswordChanged,
    "password_set": PasswordSet,
    "password_pwned_rejected": PasswordPwnedRejected,
    "password_reuse_rejected": PasswordReuseRejected,
    "email_verification_requested": EmailVerificationRequested,
    "email_verified": EmailVerified,
    "magic_link_requested": MagicLinkRequested,
    "magic_link_login": MagicLinkLogin,
    "email_otp_requested": EmailOTPRequested,
    "email_otp_login": EmailOTPLogin,
    "rate_limit_exceeded": RateLimitExceeded,
    "mfa_enabled": MFAEnabled,
    "mfa_disabled": MFADisabled,
    "mfa_login": MFALogin,
    "mfa_failed": MFAFailed,
    "mfa_locked": MFALocked,
    "backup_code_used": BackupCodeUsed,
    "backup_codes_regenerated": BackupCodesRegenerated,
    "signup_attempt": SignupAttempt,
    "email_change_requested": EmailChangeRequested,
    "email_changed": EmailChanged,
    "email_change_undo_requested": EmailChangeUndoRequested,
    "email_change_undone": EmailChangeUndone,
    "user_invited": UserInvited,
    "invitation_accepted": InvitationAccepted,
    "reauthentication_requested": ReauthenticationRequested,
    "reauthenticated": Reauthenticated,
    "unproven_deleted": UnprovenDeleted,
    "message_failed": MessageFailed,
    "notice_sent": NoticeSent,
    "passkey_added": PasskeyAdded,
    "passkey_removed": PasskeyRemoved,
    "passkey_renamed": PasskeyRenamed,
    "passkey_counter_anomaly": PasskeyCounterAnomaly,
    "identity_unlinked": IdentityUnlinked,
    "service_token_created": ServiceTokenCreated,
    "service_token_revoked": ServiceTokenRevoked,
    "database_identity_reset": DatabaseIdentityReset,
}


def event_of(row: dict[str, Any]) -> Event:
    """The event of a row of authfort.events; one without a class of its own is a plain Event."""
    return EVENTS.get(row["event"], Event)(row)
