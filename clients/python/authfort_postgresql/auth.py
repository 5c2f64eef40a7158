"""The class AuthFort, which brings the parts together."""

import asyncio
import logging
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar, Unpack

import psycopg
from fastapi import APIRouter, FastAPI
from psycopg.rows import dict_row
from starlette.requests import HTTPConnection

from .assurance import Assurance
from .cleanup import Cleanup
from .config import CookieConfig, Expected, Options, RateLimitConfig, Setting, Settings, expectations, setting_options
from .connect import conninfo
from .database import Connection, Database
from .email_change import EmailChange
from .errors import ConfigurationError
from .fetch import Fetcher
from .follower import Follower, Hook
from .forward import Forwarder
from .identities import Identities
from .identity import CurrentUser, role_requirement
from .invitations import Invitations
from .keys import Keys
from .models import UserResponse
from .passkeys import Passkeys
from .passwords import Passwords
from .router import auth_router, jwks_router
from .second_factor import SecondFactor
from .sign_in import SignIn
from .transaction import Transactions
from .users import Users

logger = logging.getLogger("authfort_postgresql")

AnyHook = TypeVar("AnyHook", bound=Callable[..., Any])

_SETTINGS = """
    SELECT current_database() AS database, name, setting, unit, vartype,
        (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses
    FROM pg_settings WHERE starts_with(name, 'authfort.') AND name <> 'authfort.jwt'"""

_RECHECK_SECONDS = 1.0


class AuthFort(
    SignIn, Passwords, SecondFactor, Passkeys, Assurance, Users, Invitations, EmailChange, Identities, Keys,
    Cleanup,
):
    """Authentication in PostgreSQL, for FastAPI.

    ``database_url`` is for what strangers cause: the routes, the identity of
    callers, and their transactions.  Its role is a member of authfort_http, and
    of authfort_fetch for OAuth.  ``admin_database_url`` is for calls such as
    ``list_users()``; its role is a member of authfort_admin.  Two roles keep one
    injection from owning everything.

    Options with the names of AuthFort's are settings of the database here.  Those
    that are given are compared with it at the first use; ``check()`` does so at
    once.
    """

    def __init__(
        self,
        database_url: str,
        *,
        admin_database_url: str | None = None,
        cookie: CookieConfig | None = None,
        rate_limit: RateLimitConfig | None = None,
        pool_size: int = 10,
        pool_timeout: float = 3.0,
        pool_recycle: float = 3600.0,
        statement_timeout: float = 30.0,
        follower: str = "default",
        max_fetches: int = 100,
        fetch_allow: Iterable[str] = (),
        fetch_cafile: str | None = None,
        **options: Unpack[Options],
    ):
        settings = setting_options(options)

        def database(url: str) -> Database:
            return Database(
                conninfo(url),
                max_size=pool_size,
                timeout=pool_timeout,
                statement_timeout=statement_timeout,
                max_lifetime=pool_recycle,
            )

        self._database = database(database_url)
        if admin_database_url is None:
            warnings.warn(
                "AuthFort() without admin_database_url administers with database_url: an attacker who can inject SQL there"
                " owns every account.  Give it the URL of a role of its own, a member of authfort_admin.",
                stacklevel=2,
            )
            self._admin = self._database
        else:
            self._admin = database(admin_database_url)
        self._expected: list[Expected] = list(expectations(cookie, rate_limit, settings))
        self._settings: Settings | None = None
        self._loading: dict[asyncio.AbstractEventLoop, asyncio.Task[Settings]] = {}
        self._mistaken: tuple[float, list[str]] | None = None
        self._follower = Follower(self._admin, follower)
        self._forwarder = Forwarder(self._database, Fetcher(fetch_allow, fetch_cafile, max_fetches))
        self._current_user = CurrentUser(self._database, self._get_settings)
        self._transactions = Transactions(self._database, self._current_user)

    # FastAPI

    def fastapi_router(self) -> APIRouter:
        """Every route; to be included with authfort.http_prefix (/auth) as prefix."""
        return auth_router(self._forwarder, self._get_settings)

    def jwks_router(self) -> APIRouter:
        """The public signing keys, at /.well-known/jwks.json; to be included without a prefix."""
        return jwks_router(self._forwarder)

    def install_fastapi(
        self,
        app: FastAPI,
        *,
        prefix: str = "/auth",
        jwks_prefix: str = "",
        register_exception_handler: bool = True,
    ) -> None:
        """Includes both routers.

        AuthError needs no handler, because it is an HTTPException;
        ``register_exception_handler`` is taken for applications that were written for
        AuthFort.
        """
        app.include_router(self.fastapi_router(), prefix=prefix)
        app.include_router(self.jwks_router(), prefix=jwks_prefix)

    @property
    def current_user(self) -> CurrentUser:
        """The dependency that gives the caller, a UserResponse, or answers 401."""
        return self._current_user

    def require_role(self, role: str | list[str]) -> Callable[..., Any]:
        """A dependency that gives a caller with the role, or one of the roles, and answers 403 to others."""
        return role_requirement(self._current_user, role)

    # the application's own data

    def transaction(self, caller: UserResponse | HTTPConnection | None) -> AbstractAsyncContextManager[Connection]:
        """A connection in a transaction under the caller's identity: row-level security applies.

        The caller is the user of ``current_user``, or the request itself.  None is
        no identity.
        """
        return self._transactions.open(caller)

    # events

    def on(self, event_name: str) -> Callable[[AnyHook], AnyHook]:
        """Decorates a function that is called for each event of a name; "*" is all."""

        def decorate(hook: AnyHook) -> AnyHook:
            self.add_hook(event_name, hook)
            return hook

        return decorate

    def add_hook(self, event_name: str, callback: Hook) -> None:
        """Registers a function that is called for each event of a name, at least once."""
        self._follower.add(event_name, callback)

    # life

    async def start(self) -> None:
        """Checks the configuration, and starts to follow events, which the first use does otherwise."""
        await self._get_settings()

    async def migrate(self) -> None:
        """Checks that the database is prepared; ``authfort-postgresql migrate``, as superuser, prepares it."""
        await self.check()

    async def check(self) -> None:
        """Compares the configuration with the database's; raises ConfigurationError with what differs."""
        self._settings = self._mistaken = None
        await self._get_settings()

    async def dispose(self) -> None:
        """Ends the connections.  Another use opens new ones."""
        await self._follower.stop()
        await self._database.close()
        if self._admin is not self._database:
            await self._admin.close()

    async def _ready(self) -> Database:
        await self._get_settings()
        return self._admin

    async def _get_settings(self) -> Settings:
        if self._settings is None:
            self._settings = await asyncio.shield(self._loading_settings())
        self._follower.start()
        return self._settings

    def _loading_settings(self) -> "asyncio.Task[Settings]":
        """One task of the event loop loads the settings, however many requests wait for them."""
        loop = asyncio.get_running_loop()
        task = self._loading.get(loop)
        if task is None:
            task = self._loading[loop] = loop.create_task(self._load_settings())
            task.add_done_callback(lambda done: self._loaded(loop, done))
        return task

    def _loaded(self, loop: asyncio.AbstractEventLoop, task: "asyncio.Task[Settings]") -> None:
        self._loading.pop(loop, None)
        if not task.cancelled():
            # is raised where it is awaited, unless all who waited have gone
            task.exception()

    async def _load_settings(self) -> Settings:
        if self._mistaken is not None and time.monotonic() < self._mistaken[0] + _RECHECK_SECONDS:
            raise ConfigurationError(self._mistaken[1])
        try:
            settings = await self._read_settings()
            problems = settings.differences(self._expected)
        except psycopg.Error as error:
            problems = [f"{str(error).strip()} (run authfort-postgresql migrate)"]
        if problems:
            self._mistaken = (time.monotonic(), problems)
            for problem in problems:
                logger.error("the database is configured differently: %s", problem)
            # ALTER DATABASE concerns new connections only
            await self._database.close()
            await self._admin.close()
            raise ConfigurationError(problems)
        self._mistaken = None
        return settings

    async def _read_settings(self) -> Settings:
        async with self._database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            # the library, unless it is preloaded, defines its settings when a function of it is first called
            await cursor.execute("SELECT authfort.uid()")
            await cursor.execute(_SETTINGS)
            rows = await cursor.fetchall()
        if rows[0]["bypasses"]:
            logger.warning("row-level security does not apply to the role of database_url")
        values = {row["name"]: Setting(row["setting"], row["unit"], row["vartype"]) for row in rows}
        return Settings(rows[0]["database"], values)
