"""Signing keys and cleaning up."""

from typing import Any

from .calls import Calls


class Upkeep(Calls):
    async def rotate_key(self, algorithm: str | None = None) -> str:
        """Lets the next key sign; returns its id."""
        return str(await self._call("rotate_key", algorithm=algorithm))

    async def get_jwks(self) -> dict[str, Any]:
        """The public signing keys."""
        keys: dict[str, Any] = await self._call("jwks")
        return keys

    async def cleanup_expired_keys(self) -> int:
        return int(await self._call("cleanup_expired_keys"))

    async def cleanup_expired_tokens(self) -> int:
        return int(await self._call("cleanup_expired_tokens"))

    async def cleanup_expired_sessions(self) -> int:
        return int(await self._call("cleanup_expired_sessions"))

    async def cleanup(self) -> dict[str, int]:
        """Removes all that has expired; returns how many rows of each kind."""
        database = await self._ready()
        rows = await database.rows("SELECT * FROM authfort.cleanup()")
        return rows[0]
