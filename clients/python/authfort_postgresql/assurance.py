"""Tokens and sessions: the user of a token, and how recently and strongly a session was authenticated."""

from typing import Literal

from .calls import Calls, UserId, accepted, session_uuid, user_uuid
from .models import AuthResponse, UserResponse

Method = Literal["password", "email_otp", "totp", "backup_code"]


class Assurance(Calls):
    async def authenticate(self, token: str) -> UserResponse:
        """The user of an access token that came in another way than by a request; checked as by ``current_user``."""
        user = UserResponse(**await self._call("authenticate", token=token))
        user._token = token
        return user

    async def create_reauthentication_code(self, session_id: UserId) -> str | None:
        """Makes a code to be mailed to the user of a session; None where there is nobody to mail it to."""
        code: str | None = await self._call("create_reauthentication_code", session_id=session_uuid(session_id))
        return code

    async def reauthenticate(
        self,
        session_id: UserId,
        method: Method,
        secret: str,
        *,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> AuthResponse:
        """Authenticates the user of a session again; the response has its current tokens."""
        result = await self._call(
            "reauthenticate",
            session_id=session_uuid(session_id),
            method=method,
            secret=secret,
            user_agent=user_agent,
            ip_address=ip_address,
        )
        return AuthResponse(**accepted(result))

    async def mfa_step_up(
        self,
        user_id: UserId,
        session_id: UserId,
        code: str,
        *,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> AuthResponse:
        """Raises a session to two factors; the response has its current tokens."""
        result = await self._call(
            "mfa_step_up",
            user_id=user_uuid(user_id),
            session_id=session_uuid(session_id),
            code=code,
            user_agent=user_agent,
            ip_address=ip_address,
        )
        return AuthResponse(**accepted(result))
