"""Connections: a pool for each event loop, opened when it is first used."""

import asyncio
import json
import logging
import re
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from .errors import Unavailable, failure, malformed, translate

logger = logging.getLogger("authfort_postgresql")

Connection = psycopg.AsyncConnection[Any]
Result = TypeVar("Result")
if TYPE_CHECKING:
    # generic from psycopg_pool 3.2 on
    _Pool = AsyncConnectionPool[Connection]
else:
    _Pool = AsyncConnectionPool


class _Work:
    """The queue of a worker, which is not given anything more once it has been cancelled."""

    def __init__(self, queue: Any):
        self._queue = queue

    async def get(self) -> Any:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        return await self._queue.get()


class Pool(_Pool):
    """A pool that ends with its event loop.

    From psycopg_pool 3.3 on, a worker that is cancelled while it connects takes
    that for a failed attempt and goes on.  ``asyncio.run()``, which cancels what
    its caller has left running, would wait for it forever.
    """

    @classmethod
    async def worker(cls, q: Any) -> None:
        work: Any = _Work(q)
        await super().worker(work)


# an escape could hide a character that PostgreSQL refuses
_dumps = partial(json.dumps, ensure_ascii=False)

# What an injected statement could leave behind, such as a temporary table that hides the
# application's own from the next caller.  DISCARD ALL would also throw away every plan.
_RESET = (
    "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *;"
    " SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"
)


class Database:
    """One role's connections.

    A connection belongs to the event loop that opened it, so every loop has a
    pool of its own.  ``timeout`` limits the wait for a connection, and
    ``statement_timeout`` one call, both in seconds.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        max_size: int = 10,
        timeout: float = 3.0,
        statement_timeout: float = 30.0,
        max_lifetime: float = 3600.0,
    ):
        self._conninfo = conninfo
        self._max_size = max_size
        self._timeout = timeout
        self._statement_timeout = statement_timeout
        self._max_lifetime = max_lifetime
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        self._lock = threading.Lock()
        # tasks that take connections and give them back, whether or not a request waits for them
        self._tasks: set[asyncio.Task[Any]] = set()
        self._complained = 0.0

    @asynccontextmanager
    async def connection(self, *, foreign: bool = False) -> AsyncIterator[Connection]:
        """A connection in autocommit mode.  An error of the block that is a failure becomes Unavailable.

        ``foreign`` says that it runs statements of the application: then no state of
        its session is left to the next user.
        """
        try:
            pool = await self._open_pool()
            connection = await self._take(pool)
            try:
                yield connection
            finally:
                if foreign:
                    self._run(self._clean(pool, connection))
                else:
                    await asyncio.shield(self._give_back(pool, connection))
        except psycopg.Error as error:
            unavailable = failure(error)
            if unavailable is None:
                raise
            self._complain(error)
            raise unavailable from None

    async def rows(self, query: str, arguments: Mapping[str, Any] | Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of one statement, in a transaction of its own."""
        try:
            async with asyncio.timeout(self._statement_timeout):
                async with self.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                    await cursor.execute(query, arguments)
                    return await cursor.fetchall()
        except TimeoutError:
            raise Unavailable("The request took too long", "timeout") from None
        except UnicodeEncodeError:
            # half of a surrogate pair, as JSON can have it
            raise malformed() from None
        except psycopg.Error as error:
            refused = translate(error)
            if refused is None:
                raise
            raise refused from None

    async def call(self, function: str, /, **arguments: Any) -> Any:
        """The result of a function of authfort, called with named arguments."""
        values = {name: Jsonb(value, _dumps) if isinstance(value, dict) else value for name, value in arguments.items()}
        rows = await self.rows(_call(function, tuple(values)), values)
        return rows[0]["result"]

    async def close(self) -> None:
        """Closes the pool of every loop.  The next use opens a new one."""
        with self._lock:
            pools, self._pools = self._pools, {}
        here = asyncio.get_running_loop()
        for loop, pool in pools.items():
            if loop is here:
                await pool.close()
                await asyncio.gather(*(task for task in list(self._tasks) if task.get_loop() is here), return_exceptions=True)
            elif loop.is_running():
                elsewhere = asyncio.run_coroutine_threadsafe(pool.close(), loop)
                await asyncio.wait([asyncio.wrap_future(elsewhere)], timeout=self._timeout)

    async def _open_pool(self) -> Pool:
        loop = asyncio.get_running_loop()
        with self._lock:
            pool = self._pools.get(loop)
            if pool is None:
                for other in [other for other in self._pools if other.is_closed()]:
                    del self._pools[other]
                pool = self._pools[loop] = Pool(
                    self._conninfo,
                    min_size=1,
                    max_size=self._max_size,
                    open=False,
                    timeout=self._timeout,
                    max_lifetime=self._max_lifetime,
                    # An attempt is repeated once; then the next request makes a new one.  The pool's
                    # own pauses between attempts grow, long after the database has come back.
                    reconnect_timeout=0.1,
                    # a pooler in transaction mode knows no prepared statements
                    kwargs={"autocommit": True, "prepare_threshold": None},
                )
        if pool.closed:
            await pool.open()
        return pool

    async def _take(self, pool: Pool) -> Connection:
        """A live connection.

        The pool loses a connection that it hands to a cancelled task, so the task
        that waits is one of our own.
        """
        for _ in range(self._max_size + 1):
            waiting = self._run(pool.getconn())
            try:
                connection: Connection = await asyncio.shield(waiting)
            except asyncio.CancelledError:
                waiting.add_done_callback(lambda done: self._give_back_late(pool, done))
                raise
            if _is_alive(connection):
                return connection
            await asyncio.shield(self._give_back(pool, connection))
        raise Unavailable()

    def _give_back(self, pool: Pool, connection: Connection) -> "asyncio.Task[None]":
        return self._run(pool.putconn(connection))

    async def _clean(self, pool: Pool, connection: Connection) -> None:
        """Resets the session, and gives the connection back, in the background."""
        try:
            async with asyncio.timeout(self._statement_timeout):
                if connection.info.transaction_status == TransactionStatus.IDLE:
                    await connection.execute(_RESET)
                else:
                    # the pool would roll back, and keep the rest
                    await connection.close()
        except (psycopg.Error, TimeoutError):
            await connection.close()
        await pool.putconn(connection)

    def _run(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _give_back_late(self, pool: Pool, waited: "asyncio.Task[Connection]") -> None:
        if not waited.cancelled() and waited.exception() is None:
            self._give_back(pool, waited.result())

    def _complain(self, error: Exception) -> None:
        """Logs a failure, once a second: clients must not be able to fill the log."""
        now = time.monotonic()
        if now >= self._complained + 1:
            self._complained = now
            logger.warning("the database is not available: %s: %s", type(error).__name__, str(error).strip())


def _is_alive(connection: Connection) -> bool:
    """Whether the server has not ended the session while it was idle.

    Needs no round trip: what a server sends last is already there.
    """
    try:
        # its last message, and the end of the stream after it
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return connection.pgconn.status == ConnStatus.OK


@lru_cache(maxsize=256)
def _call(function: str, names: tuple[str, ...]) -> str:
    for name in (function, *names):
        if not re.fullmatch("[a-z_]+", name):
            raise ValueError(f"not a name of authfort: {name!r}")
    arguments = ", ".join(f'"{name}" => %({name})s' for name in names)
    return f'SELECT authfort."{function}"({arguments}) AS result'


