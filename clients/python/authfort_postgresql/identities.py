"""A user's accounts at other providers."""

from typing import Any

from .calls import Calls, UserId, accepted, user_uuid
from .models import IdentityResponse


class Identities(Calls):
    async def list_identities(self, user_id: UserId) -> list[IdentityResponse]:
        """The oldest first."""
        database = await self._ready()
        rows = await database.rows("SELECT * FROM authfort.list_identities(%s)", (user_uuid(user_id),))
        return [IdentityResponse(**row) for row in rows]

    async def unlink_identity(self, user_id: UserId, provider: str) -> None:
        accepted(await self._call("unlink_identity", user_id=user_uuid(user_id), provider=provider))

    async def get_provider_tokens(self, user_id: UserId, provider: str) -> dict[str, Any] | None:
        """The tokens of a provider; None where the user has no account there, or ``keep_tokens`` is off for it."""
        tokens: dict[str, Any] | None = await self._call(
            "provider_tokens", user_id=user_uuid(user_id), provider=provider
        )
        return tokens
