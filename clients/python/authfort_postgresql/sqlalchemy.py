"""The identity of a caller in sessions of SQLAlchemy 2.

    from authfort_postgresql.sqlalchemy import identify

    async with AsyncSession(engine) as session:
        identify(session, user)
        ...
"""

from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from .models import UserResponse
from .transaction import token_of

_KEY = "authfort_postgresql.token"
_SET_IDENTITY = text("SELECT authfort.set_jwt(:token)")


def identify(session: Session | AsyncSession, user: UserResponse) -> None:
    """Gives each transaction that the session begins from now on the user's identity."""
    target = session.sync_session if isinstance(session, AsyncSession) else session
    if target.in_transaction():
        raise RuntimeError("the session has begun a transaction: identify() comes before its first statement")
    target.info[_KEY] = token_of(user)
    if not event.contains(target, "after_begin", _after_begin):
        event.listen(target, "after_begin", _after_begin)


def _after_begin(session: Session, _transaction: Any, connection: Connection) -> None:
    connection.execute(_SET_IDENTITY, {"token": session.info[_KEY]})
