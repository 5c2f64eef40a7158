"""Users, their roles and their sessions."""

from typing import Any
from uuid import UUID

from .calls import Calls, UserId, accepted, session_uuid, user_uuid
from .errors import AuthError
from .models import AuthResponse, ListUsersResponse, SessionResponse, UserResponse

_UNSET: Any = object()

_MOST_USERS = 1000
_LAST_OFFSET = 2**31 - 1

_SORT_BY = ("created_at", "email", "name")

_SESSIONS = (
    "SELECT id, user_agent, host(ip_address) AS ip_address, created_at, last_used_at, expires_at, revoked"
    " FROM authfort.get_sessions(%s, %s)"
)


class Users(Calls):
    async def create_user(
        self,
        email: str,
        password: str | None,
        *,
        name: str | None = None,
        avatar_url: str | None = None,
        phone: str | None = None,
        email_verified: bool = False,
        roles: list[str] | None = None,
    ) -> AuthResponse:
        """Creates a user, also where sign-up is closed.  The response has no tokens, because the user has not signed in."""
        user = await self._call(
            "create_user",
            email=email,
            password=password,
            name=name,
            avatar_url=avatar_url,
            phone=phone,
            email_verified=email_verified,
            roles=roles or [],
        )
        return AuthResponse(user=UserResponse(**accepted(user)))

    async def get_user(self, user_id: UserId, *, deleted: bool = False) -> UserResponse:
        """A user, or ``user_not_found``; with ``deleted`` also one that has been deleted."""
        return UserResponse(**await self._call("get_user", user_id=user_uuid(user_id), include_deleted=deleted))

    async def list_users(
        self,
        *,
        limit: int = 50,
        offset: int = 0,
        query: str | None = None,
        banned: bool | None = None,
        role: str | None = None,
        deleted: bool = False,
        sort_by: str = "created_at",
        sort_order: str = "desc",
    ) -> ListUsersResponse:
        """A page of at most 1000 users; ``query`` is a part of an email or a name."""
        if not (1 <= limit <= _MOST_USERS and 0 <= offset <= _LAST_OFFSET):
            raise AuthError(f"limit is 1 to {_MOST_USERS}, and offset 0 or more", "invalid_request", 400)
        if sort_by not in _SORT_BY:
            raise ValueError(f"Invalid sort_by {sort_by!r}: it is one of {', '.join(_SORT_BY)}")
        if sort_order not in ("asc", "desc"):
            raise ValueError(f"Invalid sort_order {sort_order!r}: it is asc or desc")
        return ListUsersResponse(
            **await self._call(
                "list_users",
                query=query,
                banned=banned,
                role=role,
                include_deleted=deleted,
                sort_by=sort_by,
                sort_order=sort_order,
                limit_=limit,
                offset_=offset,
            )
        )

    async def get_user_count(
        self,
        *,
        query: str | None = None,
        banned: bool | None = None,
        role: str | None = None,
        deleted: bool = False,
    ) -> int:
        return int(await self._call("get_user_count", query=query, banned=banned, role=role, include_deleted=deleted))

    async def update_user(
        self,
        user_id: UserId,
        *,
        name: str | None = _UNSET,
        avatar_url: str | None = _UNSET,
        phone: str | None = _UNSET,
        email_verified: bool = _UNSET,
        email: str = _UNSET,
    ) -> UserResponse:
        """Changes the members that are given; None clears one.  A new email is not confirmed by the user."""
        named = {
            "name": name,
            "avatar_url": avatar_url,
            "phone": phone,
            "email_verified": email_verified,
            "email": email,
        }
        changes = {member: value for member, value in named.items() if value is not _UNSET}
        if not changes:
            raise ValueError("No fields to update")
        return UserResponse(**await self._call("update_user", user_id=user_uuid(user_id), changes=changes))

    async def delete_user(self, user_id: UserId, *, hard: bool = False) -> None:
        """Erases the person and keeps the row; with ``hard`` deletes the row as well."""
        await self._call("delete_user", user_id=user_uuid(user_id), hard=hard)

    async def ban_user(self, user_id: UserId) -> None:
        await self._call("ban_user", user_id=user_uuid(user_id))

    async def unban_user(self, user_id: UserId) -> None:
        await self._call("unban_user", user_id=user_uuid(user_id))

    async def add_role(self, user_id: UserId, role: str, *, immediate: bool = True) -> None:
        """Gives a role; with ``immediate``, access tokens that do not show it stop working."""
        await self._call("add_role", user_id=user_uuid(user_id), role=role, immediate=immediate)

    async def remove_role(self, user_id: UserId, role: str, *, immediate: bool = True) -> None:
        await self._call("remove_role", user_id=user_uuid(user_id), role=role, immediate=immediate)

    async def get_roles(self, user_id: UserId) -> list[str]:
        return list(await self._call("get_roles", user_id=user_uuid(user_id)))

    async def has_role(self, user_id: UserId, role: str) -> bool:
        return bool(await self._call("user_has_role", user_id=user_uuid(user_id), role=role))

    async def get_sessions(self, user_id: UserId, *, active_only: bool = False) -> list[SessionResponse]:
        database = await self._ready()
        return [SessionResponse(**row) for row in await database.rows(_SESSIONS, (user_uuid(user_id), active_only))]

    async def revoke_session(self, session_id: UUID | str) -> bool:
        """Ends a session; False for an unknown one."""
        try:
            id = session_uuid(session_id)
        except AuthError:
            return False
        return id is not None and bool(await self._call("revoke_session", session_id=id))

    async def revoke_all_sessions(self, user_id: UserId, *, exclude: UUID | str | None = None) -> None:
        """Signs a user out everywhere, or everywhere but in the session ``exclude``."""
        await self._call("revoke_sessions", user_id=user_uuid(user_id), exclude=session_uuid(exclude))
