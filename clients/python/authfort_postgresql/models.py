"""What the calls return.  Works with pydantic 1 and 2."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, PrivateAttr


class UserResponse(BaseModel):
    """A user; of the caller where ``session_id`` is set.

    The token of the caller is in a private attribute: it is in no response, and
    ``AuthFort.transaction(user)`` can use it.
    """

    id: UUID
    email: str | None = None
    name: str | None = None
    email_verified: bool = False
    avatar_url: str | None = None
    phone: str | None = None
    banned: bool = False
    is_deleted: bool = False
    deleted_at: datetime | None = None
    roles: list[str] = []
    created_at: datetime
    session_id: UUID | None = None
    mfa_enabled: bool = False

    _token: str | None = PrivateAttr(default=None)


class AuthTokens(BaseModel):
    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    expires_in: int


class AuthResponse(BaseModel):
    """A user and their tokens; ``tokens`` is None after ``create_user()``."""

    user: UserResponse
    tokens: AuthTokens | None = None


class MFAChallenge(BaseModel):
    """The answer to a login that needs the second factor.

    With ``enrol``, the user has none yet, and has to set one up: the routes take
    ``mfa_token`` for that.
    """

    mfa_required: bool = True
    mfa_token: str = Field(repr=False)
    expires_in: int
    methods: list[str] = []
    enrol: bool = False


class MFASetup(BaseModel):
    secret: str = Field(repr=False)
    qr_uri: str = Field(repr=False)


class MFAStatus(BaseModel):
    enabled: bool
    backup_codes_remaining: int


class SessionResponse(BaseModel):
    id: UUID
    user_agent: str | None = None
    ip_address: str | None = None
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime
    revoked: bool = False


class AppCode(BaseModel):
    """A one-time code for an app, and the URL that opens the app, to which it is added as ``code``."""

    code: str = Field(repr=False)
    redirect_to: str


class PasskeyResponse(BaseModel):
    """A passkey; ``id`` is the base64url text that browsers use."""

    id: str
    name: str
    transports: list[str] = []
    aaguid: UUID
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None = None


class PasskeyRegistration(BaseModel):
    """A new passkey.  The first second factor of a user brings backup codes, and new tokens for the session."""

    passkey: PasskeyResponse
    backup_codes: list[str] | None = Field(default=None, repr=False)
    auth: AuthResponse | None = None


class IdentityResponse(BaseModel):
    """A user's account at a provider; the email is that of the last sign-in."""

    provider: str
    provider_user_id: str
    email: str | None = None
    created_at: datetime
    last_sign_in_at: datetime


class LinkResponse(BaseModel):
    """A token to be mailed; ``link`` is None without authfort.site_url."""

    token: str = Field(repr=False)
    link: str | None = Field(default=None, repr=False)
    expires_at: datetime


class ListUsersResponse(BaseModel):
    users: list[UserResponse]
    total: int
    limit: int
    offset: int


def auth_result(result: dict[str, Any]) -> AuthResponse | MFAChallenge:
    """The model of an auth result that is not a refusal."""
    if result.get("mfa_required"):
        return MFAChallenge(**result)
    return AuthResponse(**result)
