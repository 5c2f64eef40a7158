"""The signing keys."""

from typing import Any

from .calls import Calls


class Keys(Calls):
    async def rotate_key(self, algorithm: str | None = None) -> str:
        """Lets the next key sign; returns its id."""
        return str(await self._call("rotate_key", algorithm=algorithm))

    async def get_jwks(self) -> dict[str, Any]:
        """The public signing keys."""
        keys: dict[str, Any] = await self._call("jwks")
        return keys
