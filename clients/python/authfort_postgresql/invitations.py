"""Invitations, and links that an application mails itself."""

from typing import Any, Literal

from .calls import Calls, signed_in
from .models import AuthResponse, LinkResponse, MFAChallenge, UserResponse

LinkKind = Literal["magic_link", "email_verification", "password_reset", "invitation"]


class Invitations(Calls):
    async def invite_user(
        self,
        email: str,
        *,
        roles: list[str] | None = None,
        name: str | None = None,
        app_metadata: dict[str, Any] | None = None,
    ) -> UserResponse:
        """Makes an account, and puts the invitation into the outbox.  The roles are given when it is accepted."""
        user = await self._call("invite_user", email=email, roles=roles or [], name=name, app_metadata=app_metadata)
        return UserResponse(**user)

    async def accept_invitation(
        self,
        token: str,
        password: str | None = None,
        *,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> AuthResponse | MFAChallenge:
        """Accepts an invitation, sets the password if there is one, and signs in."""
        return signed_in(
            await self._call(
                "accept_invitation", token=token, password=password, user_agent=user_agent, ip_address=ip_address
            )
        )

    async def generate_link(self, kind: LinkKind, email: str) -> LinkResponse:
        """Makes a token, and the link that has it, to be mailed by the application."""
        return LinkResponse(**await self._call("generate_link", kind=kind, email=email))
