"""Calls functions for the events in authfort.events, in order and without gaps.

One worker at a time follows, among all processes of an application: the one that
has the advisory lock.  The position is saved after a batch, so each event is handled
at least once: a worker that dies in between leaves it to be handled again.
docs/events.md explains the position.
"""

import asyncio
import inspect
import logging
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from .database import Connection, Database
from .errors import AuthError
from .events import EVENTS, Event, event_of

logger = logging.getLogger("authfort_postgresql")

Hook = Callable[[Any], Any]

BATCH = 50
ATTEMPTS = 5  # calls of a hook that raises, until its event is given up

SCHEMA = """\
CREATE SCHEMA IF NOT EXISTS authfort_client;
CREATE TABLE IF NOT EXISTS authfort_client.followed (
    follower text, cluster bigint, xid xid8 NOT NULL, id uuid NOT NULL,
    PRIMARY KEY (follower, cluster));"""

# An open transaction without a write does not hold back other followers.
_LOCK = """
    SELECT pg_try_advisory_xact_lock(hashtextextended('authfort_client.followed ' || %(follower)s, 0)) AS locked,
        set_config('idle_in_transaction_session_timeout', '0', true)"""

# A new follower begins with what happens from now on; one that is known, at the
# beginning of what another cluster has written.
_REGISTER = """
    INSERT INTO authfort_client.followed (follower, cluster, xid, id)
    SELECT %(follower)s, c.cluster,
        CASE WHEN k.known THEN '0'
            WHEN c.cluster = authfort.cluster_id() THEN pg_snapshot_xmin(pg_current_snapshot())
            ELSE (SELECT max(e.xid::text::numeric)::text::xid8 FROM authfort.events e WHERE e.cluster = c.cluster) END,
        CASE WHEN k.known OR c.cluster = authfort.cluster_id() THEN '00000000-0000-0000-0000-000000000000'::uuid
            ELSE 'ffffffff-ffff-ffff-ffff-ffffffffffff' END
    FROM (SELECT authfort.cluster_id() UNION SELECT cluster FROM authfort.events) AS c (cluster),
        (SELECT EXISTS (SELECT FROM authfort_client.followed WHERE follower = %(follower)s)) AS k (known)
    WHERE NOT EXISTS (SELECT FROM authfort_client.followed f WHERE f.follower = %(follower)s AND f.cluster = c.cluster)
    ON CONFLICT DO NOTHING"""

_NEXT = """
    SELECT e.* FROM authfort_client.followed f, LATERAL (
        SELECT id, event, created_at, payload, xid, cluster FROM authfort.events
        WHERE cluster = f.cluster AND (xid, id) > (f.xid, f.id)
            AND (cluster <> authfort.cluster_id() OR xid < pg_snapshot_xmin(pg_current_snapshot()))
        ORDER BY xid, id LIMIT %(batch)s) e
    WHERE f.follower = %(follower)s
    ORDER BY e.cluster = authfort.cluster_id(), e.cluster, e.xid, e.id
    LIMIT %(batch)s"""

_ADVANCE = """
    UPDATE authfort_client.followed SET xid = %(xid)s, id = %(id)s
    WHERE follower = %(follower)s AND cluster = %(cluster)s"""


class Follower:
    """The hooks of an application, and the worker that calls them."""

    def __init__(self, database: Database, name: str = "default", interval: float = 1.0):
        self._database = database
        self._name = name
        self._interval = interval
        self._hooks: dict[str, list[Hook]] = defaultdict(list)
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._failed: tuple[Any, int] = (None, 0)

    def add(self, event: str, hook: Hook) -> None:
        if event != "*" and event not in EVENTS:
            raise ValueError(f"Unknown event {event!r}: docs/events.md lists the events, and \"*\" is all of them")
        self._hooks[event].append(hook)

    def start(self) -> None:
        """Starts the worker in the running loop, if there are hooks and it does not run yet."""
        if not self._hooks:
            return
        task = self._task
        if task is None or task.done() or task.get_loop().is_closed():
            self._stopping = False
            self._task = asyncio.get_running_loop().create_task(self._follow(), name="authfort-events")

    async def stop(self, timeout: float = 10.0) -> None:
        """Lets the worker finish the hook that it calls, and save its position."""
        task, self._task = self._task, None
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            return
        self._stopping = True
        await asyncio.wait([task], timeout=timeout)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _follow(self) -> None:
        registered = False
        while not self._stopping:
            pause = self._interval
            try:
                if not registered:
                    await self._register()
                    registered = True
                if await self._follow_once():
                    pause = 0
            except AuthError as error:
                # has been logged; the position may be of another cluster when it is back
                registered = False
                logger.debug("the events are not followed at the moment: %s", error)
            except psycopg.Error as error:
                registered = False
                pause = 60.0
                logger.error("the events cannot be followed: %s (run authfort-postgresql migrate)", str(error).strip())
            await self._sleep(pause)

    async def _sleep(self, seconds: float) -> None:
        """Sleeps, in pieces, so that stop() need not wait long."""
        while seconds > 0 and not self._stopping:
            await asyncio.sleep(min(seconds, 0.2))
            seconds -= 0.2

    async def _register(self) -> None:
        async with self._database.connection() as connection:
            await connection.execute(_REGISTER, {"follower": self._name})

    async def _follow_once(self) -> bool:
        """Handles a batch; whether there may be more."""
        async with self._database.connection() as connection, connection.transaction():
            async with connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(_LOCK, {"follower": self._name})
                row = await cursor.fetchone()
                if row is None or not row["locked"]:
                    return False
                await cursor.execute(_NEXT, {"follower": self._name, "batch": BATCH})
                rows = await cursor.fetchall()
            handled = await self._handle(rows)
            await self._advance(connection, rows[:handled])
            return handled == BATCH

    async def _advance(self, connection: Connection, handled: list[dict[str, Any]]) -> None:
        last = {row["cluster"]: row for row in handled}
        for row in last.values():
            await connection.execute(
                _ADVANCE,
                {"follower": self._name, "xid": str(row["xid"]), "id": row["id"], "cluster": row["cluster"]},
            )

    async def _handle(self, rows: list[dict[str, Any]]) -> int:
        """Calls the hooks of the events; how many events are done with."""
        for done, row in enumerate(rows):
            if self._stopping or not await self._handle_one(row):
                return done
        return len(rows)

    async def _handle_one(self, row: dict[str, Any]) -> bool:
        """Whether the event is done with: its hooks have run, or failed too often."""
        hooks = self._hooks.get(row["event"], []) + self._hooks.get("*", [])
        try:
            for hook in hooks:
                await _run(hook, event_of(row))
        except Exception:
            return self._give_up(row)
        return True

    def _give_up(self, row: dict[str, Any]) -> bool:
        failed, attempts = self._failed
        attempts = attempts + 1 if failed == row["id"] else 1
        self._failed = (row["id"], attempts)
        if attempts < ATTEMPTS:
            logger.warning("a hook of %s failed, event %s will be repeated", row["event"], row["id"], exc_info=True)
            return False
        logger.error("a hook of %s failed, event %s is given up", row["event"], row["id"], exc_info=True)
        return True


async def _run(hook: Hook, event: Event) -> None:
    """Calls a hook; one that is not a coroutine function runs in a thread."""
    if inspect.iscoroutinefunction(hook):
        await hook(event)
        return
    result = await asyncio.to_thread(hook, event)
    if inspect.isawaitable(result):
        await result
