"""What the modules of calls share."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from .database import Database
from .errors import refusal, session_not_found, user_not_found
from .models import AuthResponse, MFAChallenge, auth_result

UserId = UUID | str


def user_uuid(user_id: UserId) -> UUID:
    """An id as UUID; any other text is treated as an unknown user."""
    if isinstance(user_id, UUID):
        return user_id
    try:
        return UUID(user_id)
    except (ValueError, AttributeError, TypeError):
        raise user_not_found() from None


def session_uuid(session_id: UserId | None) -> UUID | None:
    """The id of a session, which need not be given; any other text is treated as an unknown session."""
    if session_id is None or isinstance(session_id, UUID):
        return session_id
    try:
        return UUID(session_id)
    except (ValueError, AttributeError, TypeError):
        raise session_not_found() from None


def accepted(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The result of a function, which raises if it is a refusal."""
    if "error" in result:
        raise refusal(result)
    return result


def signed_in(result: Mapping[str, Any]) -> AuthResponse | MFAChallenge:
    return auth_result(dict(accepted(result)))


class Calls:
    """The base of the classes whose methods call functions of authfort, as a member of authfort_admin."""

    _admin: Database

    async def _ready(self) -> Database:
        """The administration's connections, once the configuration has been checked."""
        raise NotImplementedError

    async def _call(self, function: str, /, **arguments: Any) -> Any:
        database = await self._ready()
        return await database.call(function, **arguments)
