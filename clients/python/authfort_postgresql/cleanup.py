"""Removing expired rows."""

from .calls import Calls


class Cleanup(Calls):
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
