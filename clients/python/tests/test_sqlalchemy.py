"""Sessions of SQLAlchemy 2 under a caller's identity."""

import asyncio
import unittest

from support import PASSWORD, auth_of, make_database

try:
    import sqlalchemy
except ImportError:
    sqlalchemy = None

AVAILABLE = sqlalchemy is not None and sqlalchemy.__version__ >= "2"


@unittest.skipUnless(AVAILABLE, "there is no SQLAlchemy 2 here")
class Identity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_database("alchemy", "--app-role", "py_app", "--admin-role", "py_admin")

    def user(self, email):
        """A user as current_user gives one."""

        async def sign_in():
            auth = auth_of("alchemy")
            await auth.create_user(email, PASSWORD)
            signed_in = await auth.login(email, PASSWORD)
            await auth.dispose()
            signed_in.user._token = signed_in.tokens.access_token
            return signed_in.user

        return asyncio.run(sign_in())

    def test_session(self):
        from sqlalchemy import create_engine, text
        from sqlalchemy.orm import Session

        from authfort_postgresql.sqlalchemy import identify

        ada, bob = self.user("ada@example.com"), self.user("bob@example.com")
        engine = create_engine("postgresql+psycopg://py_app@/alchemy", pool_size=1, max_overflow=0)
        uid = text("SELECT authfort.uid()")
        with Session(engine) as session:
            identify(session, ada)
            for _ in range(2):
                self.assertEqual(session.scalar(uid), ada.id)
                session.commit()
            # in the middle of a transaction it would come too late
            session.scalar(uid)
            with self.assertRaises(RuntimeError):
                identify(session, bob)
            session.rollback()
            identify(session, bob)
            self.assertEqual(session.scalar(uid), bob.id)
        # the same connection, without an identity
        with Session(engine) as session:
            self.assertIsNone(session.scalar(uid))
        with Session(engine) as session:
            without_token = type(ada)(id=ada.id, created_at=ada.created_at)
            with self.assertRaises(ValueError):
                identify(session, without_token)
        engine.dispose()

    async def in_async_session(self, driver, user):
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

        from authfort_postgresql.sqlalchemy import identify

        engine = create_async_engine(f"postgresql+{driver}://py_app@/alchemy", pool_size=1, max_overflow=0)
        uid = text("SELECT authfort.uid()")
        async with AsyncSession(engine) as session:
            identify(session, user)
            self.assertEqual(await session.scalar(uid), user.id)
            await session.rollback()
            async with session.begin(), session.begin_nested():
                self.assertEqual(await session.scalar(uid), user.id)
        async with AsyncSession(engine) as session:
            self.assertIsNone(await session.scalar(uid))
        await engine.dispose()

    def test_async_session(self):
        asyncio.run(self.in_async_session("psycopg", self.user("async@example.com")))

    def test_asyncpg(self):
        asyncio.run(self.in_async_session("asyncpg", self.user("asyncpg@example.com")))
