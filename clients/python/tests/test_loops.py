"""Event loops, cancellation, and sockets of the web."""

import asyncio
import contextlib
import gc
import random
import socket
import threading
import unittest

import psycopg
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from support import PASSWORD, auth_of, bearer, make_database, query, sign_up, wait_for

from authfort_postgresql import AuthFort, UserResponse
from authfort_postgresql.database import Pool


def connections() -> int:
    return query("loops", "SELECT count(*) FROM pg_stat_activity WHERE usename IN ('py_app', 'py_admin')")[0][0]


class Loops(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_database("loops", "--app-role", "py_app", "--admin-role", "py_admin", "--set", "cookies=on")

    def test_one_after_another(self):
        auth = auth_of("loops")

        async def use():
            return (await auth.list_users()).total

        for _ in range(3):
            self.assertEqual(asyncio.run(use()), 0)
        asyncio.run(auth.dispose())
        gc.collect()
        wait_for(lambda: connections() == 0)

    def test_loop_ends_while_connecting(self):
        # a server that accepts connections and never answers
        with socket.create_server(("127.0.0.1", 0)) as server:
            silent = f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/loops"
            auth = AuthFort(silent, admin_database_url=silent, pool_timeout=0.2)
            outcome: list[BaseException] = []

            def run():
                try:
                    asyncio.run(auth.login("ada@example.com", PASSWORD))
                except Exception as error:
                    outcome.append(error)

            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            thread.join(30)
            self.assertFalse(thread.is_alive(), "asyncio.run() ends")
            self.assertEqual([error.status_code for error in outcome], [503])

    def test_worker_ends_when_cancelled(self):
        class Stubborn:
            """Work of a pool that takes its cancellation for a failure."""

            def __init__(self):
                self.begun = asyncio.Event()

            async def run(self):
                with contextlib.suppress(asyncio.CancelledError):
                    self.begun.set()
                    await asyncio.sleep(3600)

        async def cancel():
            queue: asyncio.Queue = asyncio.Queue()
            worker = asyncio.create_task(Pool.worker(queue))
            work = Stubborn()
            queue.put_nowait(work)
            await work.begun.wait()
            worker.cancel()
            await asyncio.wait([worker], timeout=30)
            done = worker.done()
            worker.cancel()
            return done

        self.assertTrue(asyncio.run(cancel()))

    def test_two_at_once(self):
        auth = auth_of("loops")
        totals: list[int] = []
        barrier = threading.Barrier(2)

        def thread():
            async def use():
                barrier.wait()
                for _ in range(20):
                    totals.append(await auth.get_user_count())
                barrier.wait()
                await auth.dispose()

            asyncio.run(use())

        threads = [threading.Thread(target=thread) for _ in range(2)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)
            self.assertFalse(one.is_alive())
        self.assertEqual(totals, [0] * 40)
        gc.collect()
        wait_for(lambda: connections() == 0)

    def test_first_use_by_many(self):
        """However many requests come first, the settings are read once."""

        async def use():
            auth = auth_of("loops", pool_size=2, pool_timeout=30.0)
            reads = []
            read = auth._read_settings

            async def counted():
                reads.append(1)
                return await read()

            auth._read_settings = counted
            self.assertEqual(await asyncio.gather(*(auth.get_user_count() for _ in range(50))), [0] * 50)
            self.assertEqual(len(reads), 1)
            await auth.dispose()

        asyncio.run(use())

    def test_dispose_and_use_again(self):
        async def use():
            auth = auth_of("loops")
            for _ in range(3):
                await auth.list_users()
                await auth.dispose()
                await auth.dispose()

        asyncio.run(use())
        wait_for(lambda: connections() == 0)

    def test_cancelled_anywhere(self):
        """However many tasks are cancelled, and wherever, the pool keeps its places."""

        async def use():
            auth = auth_of("loops", pool_size=2, pool_timeout=5.0)
            await auth.check()

            async def work():
                async with auth.transaction(None) as db:
                    await db.execute("SELECT pg_sleep(0.01)")

            for _ in range(40):
                tasks = [asyncio.create_task(work()) for _ in range(6)]
                await asyncio.sleep(random.random() * 0.03)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            # both places at once
            both = asyncio.Barrier(2)

            async def hold():
                async with auth.transaction(None) as db:
                    await both.wait()
                    await db.execute("SELECT 1")

            await asyncio.wait_for(asyncio.gather(hold(), hold()), 20)
            await auth.dispose()

        asyncio.run(use())
        wait_for(lambda: connections() == 0)

    def test_no_state_is_left(self):
        """What an injected statement leaves in the session is gone for the next caller."""

        async def use():
            auth = auth_of("loops", pool_size=1, pool_timeout=10.0)
            async with auth.transaction(None) as db:
                own = (await (await db.execute("SELECT pg_backend_pid()")).fetchone())[0]
                await db.execute("CREATE TEMP TABLE note (body text)")
                await db.execute("SET search_path = nowhere")
                await db.execute("SET SESSION statement_timeout = '1ms'")
                await db.execute("PREPARE later AS SELECT 1")
                await db.execute("SELECT pg_advisory_lock(1)")
                await db.execute("DECLARE held CURSOR WITH HOLD FOR SELECT 1")
                await db.execute("SELECT set_config('authfort.jwt', 'x', false), set_config('role', 'authfort_http', false)")
            async with auth.transaction(None) as db:
                cursor = await db.execute(
                    "SELECT pg_backend_pid(), to_regclass('note'), current_setting('search_path'),"
                    " current_setting('statement_timeout'), current_setting('authfort.jwt'), current_user::text,"
                    " (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors),"
                    " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
                )
                row = await cursor.fetchone()
            self.assertEqual(row, (own, None, '"$user", public', "0", "", "py_app", 0, 0, 0))
            await auth.dispose()

        asyncio.run(use())

    def test_no_silent_rollback(self):
        """A block that goes on after an error of a statement does not look as if it were committed."""

        async def use():
            auth = auth_of("loops", pool_size=1, pool_timeout=10.0)
            with self.assertRaises(psycopg.errors.InFailedSqlTransaction):
                async with auth.transaction(None) as db:
                    with self.assertRaises(psycopg.errors.DivisionByZero):
                        await db.execute("SELECT 1 / 0")
            async with auth.transaction(None) as db:
                async with db.transaction() as inner:
                    with self.assertRaises(psycopg.errors.DivisionByZero):
                        await db.execute("SELECT 1 / 0")
                    raise psycopg.Rollback(inner)
                await db.execute("SELECT 1")
            await auth.dispose()

        asyncio.run(use())

    def test_callers(self):
        """What a transaction is opened for."""

        async def use():
            auth = auth_of("loops")
            with self.assertRaises(TypeError):
                async with auth.transaction("user"):
                    pass
            made = await auth.create_user("caller@example.com", PASSWORD)
            await auth.delete_user(made.user.id, hard=True)
            with self.assertRaises(ValueError):
                async with auth.transaction(made.user):
                    pass
            async with auth.transaction(None) as db:
                row = await (await db.execute("SELECT authfort.uid()")).fetchone()
            self.assertEqual(row, (None,))
            await auth.dispose()

        asyncio.run(use())


class Sockets(unittest.TestCase):
    """Web sockets have the same identity; a page of another site opens none by cookie."""

    @classmethod
    def setUpClass(cls):
        make_database("loops", "--app-role", "py_app", "--admin-role", "py_admin", "--set", "cookies=on")
        cls.auth = auth_of("loops")
        app = FastAPI()
        cls.auth.install_fastapi(app)

        @app.websocket("/socket")
        async def socket(websocket: WebSocket, user: UserResponse = Depends(cls.auth.current_user)):
            await websocket.accept()
            async with cls.auth.transaction(user) as db:
                row = await (await db.execute("SELECT authfort.uid()")).fetchone()
            await websocket.send_json({"email": user.email, "uid": str(row[0])})
            await websocket.close()

        cls.app = app

    def test_socket(self):
        with TestClient(self.app, base_url="https://testserver") as http:
            ada = sign_up(http, "ada@example.com")
            token = ada["tokens"]["access_token"]
            with http.websocket_connect("/socket", headers=bearer(token)) as socket:
                self.assertEqual(socket.receive_json(), {"email": "ada@example.com", "uid": ada["user"]["id"]})
            cookie = {"Cookie": f"access_token={token}"}
            for headers, accepted in (
                ({**cookie, "Origin": "https://testserver"}, True),
                ({**cookie, "Origin": "https://evil.example"}, False),
                ({}, False),
                (bearer("x"), False),
            ):
                with self.subTest(headers):
                    try:
                        with http.websocket_connect("/socket", headers=headers) as socket:
                            socket.receive_json()
                        opened = True
                    except WebSocketDisconnect:
                        opened = False
                    self.assertEqual(opened, accepted)
            http.portal.call(self.auth.dispose)
