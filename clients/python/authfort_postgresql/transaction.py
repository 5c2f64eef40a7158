"""Transactions under the identity of a caller, in which row-level security applies."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg
from psycopg.pq import TransactionStatus
from starlette.requests import HTTPConnection

from .database import Connection, Database
from .errors import is_no_text, malformed, translate
from .models import UserResponse

SET_IDENTITY = "SELECT authfort.set_jwt(%s)"
# whatever the session has, by a setting of the role or from another client of a pooler
NO_IDENTITY = "SELECT pg_catalog.set_config('authfort.jwt', '', true)"


def token_of(user: UserResponse) -> str:
    """The token that a user signed in with; only ``current_user`` gives such users."""
    if user._token is None:
        raise ValueError("this user has no token: a transaction takes the user of auth.current_user, or the request")
    return user._token


class Transactions:
    """Opens transactions for a user of ``current_user``, a request, or, with None, without an identity."""

    def __init__(self, database: Database, current_user: Callable[[HTTPConnection], Awaitable[UserResponse]]):
        self._database = database
        self._current_user = current_user

    def open(self, caller: UserResponse | HTTPConnection | None) -> AbstractAsyncContextManager[Connection]:
        return self._open(caller)

    @asynccontextmanager
    async def _open(self, caller: UserResponse | HTTPConnection | None) -> AsyncIterator[Connection]:
        token = await self._token(caller)
        try:
            async with self._database.connection(foreign=True) as connection, connection.transaction():
                if token is None:
                    await connection.execute(NO_IDENTITY)
                else:
                    await self._identify(connection, token)
                yield connection
                # psycopg would send COMMIT, and be content that PostgreSQL rolls back
                if connection.info.transaction_status == TransactionStatus.INERROR:
                    raise psycopg.errors.InFailedSqlTransaction(
                        "the transaction is rolled back, because a statement of it has failed"
                    )
        except psycopg.DataError as error:
            if is_no_text(error):
                raise malformed() from error
            raise

    async def _token(self, caller: UserResponse | HTTPConnection | None) -> str | None:
        if caller is None:
            return None
        if isinstance(caller, HTTPConnection):
            caller = await self._current_user(caller)
        if not isinstance(caller, UserResponse):
            raise TypeError(f"a transaction is opened for a user or a request, not for {type(caller).__name__}")
        return token_of(caller)

    async def _identify(self, connection: Connection, token: str) -> None:
        """The identity ends with the transaction."""
        try:
            await connection.execute(SET_IDENTITY, (token,))
        except psycopg.Error as error:
            refused = translate(error)
            if refused is None:
                raise
            if refused.status_code == 401:
                refused.headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise refused from None

