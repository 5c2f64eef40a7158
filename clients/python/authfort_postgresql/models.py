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
    """The answer to a login that needs the second factor."""

    mfa_required: bool = True
    mfa_token: str = Field(repr=False)
    expires_in: int


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


class ListUsersResponse(BaseModel):
    users: list[UserResponse]
    total: int
    limit: int
    offset: int


def auth_result(result: dict[str, Any]) -> AuthResponse | MFAChallenge:
    """The model of an auth result that is not a refusal."""
    if result.get("mfa_required"):
        return MFAChallenge(**{name: result[name] for name in ("mfa_token", "expires_in")})
    return AuthResponse(**result)
