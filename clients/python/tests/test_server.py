"""The package in a server: its routes, its transactions, and what goes wrong."""

import json
import socket
import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support import (
    PASSWORD,
    Server,
    bearer,
    client,
    make_database,
    query,
    sign_up,
    start_database,
    stop_database,
    superuser,
    url,
    wait_for,
)

SCHEMA = """
    CREATE TABLE note (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        owner uuid NOT NULL DEFAULT authfort.uid() REFERENCES authfort.users ON DELETE CASCADE,
        body text NOT NULL);
    ALTER TABLE note ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON note USING (owner = authfort.uid());
    GRANT SELECT, INSERT (body) ON note TO py_app;"""


class ServerCase(unittest.TestCase):
    arguments: tuple = ()
    environment: dict = {}
    expected_in_log: tuple = ()

    @classmethod
    def setUpClass(cls):
        make_database("served", "--app-role", "py_app", "--admin-role", "py_admin", "--set", "cookies=on")
        query("served", SCHEMA)
        cls.server = cls.serve(*cls.arguments, **cls.environment)
        cls.http = client(cls.server.at)

    @classmethod
    def serve(cls, *arguments, **environment):
        return Server(
            "app:app", *arguments,
            APP_URL=url("served", "py_app"), ADMIN_URL=url("served", "py_admin"), **environment,
        )

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        try:
            cls.server.stop()
        finally:
            log = cls.server.text()
        # only the application's own mistake has a stack trace
        for expected in cls.expected_in_log:
            assert expected in log, log
        assert log.count("Exception in ASGI application") == log.count("ValueError: a mistake of the application"), log

    def account(self):
        email = f"{uuid.uuid4().hex}@example.com"
        return sign_up(self.http, email)

    def get(self, path, auth, **options):
        return self.http.get(path, headers=bearer(auth["tokens"]["access_token"]), **options)

    def detail(self, response):
        return response.status_code, response.json()["detail"]["error"]


class Routes(ServerCase):
    def test_transactions(self):
        ada, bob = self.account(), self.account()
        for who, body in ((ada, "of ada"), (bob, "of bob")):
            headers = bearer(who["tokens"]["access_token"])
            self.assertEqual(self.http.post("/notes", params={"body": body}, headers=headers).status_code, 201)
        for path in ("/notes", "/notes-of-request"):
            self.assertEqual(self.get(path, ada).json(), ["of ada"])
            self.assertEqual(self.get(path, bob).json(), ["of bob"])
            self.assertEqual(self.http.get(path).status_code, 401)
        self.assertEqual(self.http.get("/notes-of-no-one").json(), [])

    def test_rolled_back(self):
        ada = self.account()
        # uvicorn closes the connection after it
        headers = {**bearer(ada["tokens"]["access_token"]), "Connection": "close"}
        self.assertEqual(self.http.get("/broken", headers=headers).status_code, 500)
        self.assertEqual(self.get("/notes", ada).json(), [])

    def test_user_has_no_token_in_responses(self):
        ada = self.account()
        text = self.get("/profile", ada).text
        self.assertEqual(json.loads(text)["id"], ada["user"]["id"])
        self.assertNotIn(ada["tokens"]["access_token"], text)

    def test_router_of_the_database(self):
        ada = self.account()
        self.assertEqual(self.detail(self.get("/auth/nothing", ada)), (404, "not_found"))
        self.assertEqual(self.detail(self.http.put("/auth/login")), (405, "method_not_allowed"))
        self.assertEqual(self.http.put("/auth/login").headers["allow"], "POST")
        self.assertEqual(self.http.head("/auth/me", headers=bearer(ada["tokens"]["access_token"])).status_code, 200)
        self.assertEqual(self.get("/auth/me/", ada).status_code, 200)
        self.assertEqual(self.http.delete("/auth/sessions/", headers=bearer(ada["tokens"]["access_token"])).status_code, 404)
        self.assertEqual(self.detail(self.http.options("/auth/login")), (405, "method_not_allowed"))
        self.assertEqual(self.detail(self.http.post("/.well-known/jwks.json")), (405, "method_not_allowed"))
        listed = self.get("/auth/sessions", ada)
        self.assertEqual((listed.headers["x-total-count"], listed.json()[0]["ip_address"]), ("1", "127.0.0.1"))

    def test_paths_are_passed_on_as_they_are(self):
        ada = self.account()
        query("served", "SELECT authfort.add_role(%s, 'admin')", ada["user"]["id"])
        admin = self.http.post("/auth/login", json={"email": ada["user"]["email"], "password": PASSWORD}).json()
        self.http.cookies.clear()
        headers = bearer(admin["tokens"]["access_token"])
        role = f"/auth/admin/users/{self.account()['user']['id']}/roles/a%2Fb"
        self.assertEqual(self.http.put(role, headers=headers).status_code, 204)
        found = self.http.get("/auth/admin/users?role=a%2Fb", headers=headers).json()
        self.assertEqual([user["roles"] for user in found["users"]], [["a/b"]])

    def test_bodies(self):
        def post(content, kind="application/json"):
            return self.http.post("/auth/login", content=content, headers={"content-type": kind})

        self.assertEqual(self.detail(post(b'{"email": "\xff", "password": "x"}')), (400, "invalid_request"))
        self.assertEqual(self.detail(post(b'{"email": "\0", "password": "x"}')), (400, "invalid_request"))
        self.assertEqual(self.detail(post(b" " * (64 * 1024 + 1))), (413, "body_too_large"))
        self.assertEqual(self.detail(post(b"{}", "text/plain")), (415, "unsupported_media_type"))
        self.assertEqual(post(b"[1").status_code, 422)
        self.assertEqual(post(b"").status_code, 422)

    def test_bad_requests(self):
        """What no client library sends."""
        for request in (
            b"GET /auth/\xff\xfe HTTP/1.1\r\n",
            b"GET /auth/%ff%00 HTTP/1.1\r\n",
            b"GET /auth/me?\xff=%00 HTTP/1.1\r\n",
            b"GET /auth/me HTTP/1.1\r\nAuthorization: Bearer \xff\r\n",
            b"GET /profile HTTP/1.1\r\nAuthorization: Bearer \xff\r\n",
            b"GET /profile HTTP/1.1\r\nCookie: access_token=\xff; access_token=x.y.z; ;=;\r\n",
            b"GET /profile HTTP/1.1\r\nAuthorization: Bearer\r\nCookie: access_token\r\n",
        ):
            with self.subTest(request), socket.create_connection(("127.0.0.1", self.server.port)) as connection:
                connection.sendall(request + b"Host: x\r\nConnection: close\r\n\r\n")
                status = int(connection.makefile("rb").readline().split()[1])
                self.assertIn(status, (400, 401, 404))

    def test_bytes_that_are_not_text(self):
        """A cookie with them hides no other, and a token with them is a wrong one, not a missing one."""
        token = self.account()["tokens"]["access_token"].encode()

        def status(path, header):
            with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
                connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n")
                answer = connection.makefile("rb").read()
            return int(answer.split()[1]), b"token_missing" in answer

        for path in (b"/auth/me", b"/profile", b"/notes-of-request"):
            for broken in (b"other=\xff", b"access_token=\xff", b"\xa0access_token=x"):
                with self.subTest(path=path, broken=broken):
                    self.assertEqual(status(path, b"Cookie: " + broken + b"; access_token=" + token), (200, False))
            for wrong in (token + b"\xff", token + b" x", b"\xff"):
                with self.subTest(path=path, wrong=wrong):
                    self.assertEqual(status(path, b"Authorization: Bearer " + wrong), (401, False))

    def test_tokens_of_others(self):
        for token in ("x", "a.b.c", "x" * 10000, "."):
            self.assertEqual(self.detail(self.http.get("/profile", headers=bearer(token))), (401, "token_invalid"))
        refused = self.http.get("/profile", headers=bearer("x"))
        self.assertIn("invalid_token", refused.headers["www-authenticate"])
        # another database signs with a key of its own
        make_database("elsewhere")
        elsewhere = query("elsewhere", "SELECT authfort.signup('ada@example.com', %s)", PASSWORD)[0][0]
        self.assertEqual(self.detail(self.get("/profile", elsewhere)), (401, "token_invalid"))
        self.assertEqual(self.get("/notes-of-request", elsewhere).status_code, 401)
        # the same key, for another issuer
        with superuser("served") as connection:
            connection.execute("SELECT authfort.version()")
            connection.execute("SET authfort.jwt_issuer = 'elsewhere'")
            other = connection.execute(
                "SELECT authfort.signup(%s, %s)", (f"{uuid.uuid4().hex}@example.com", PASSWORD)
            ).fetchone()[0]
        self.assertEqual(self.detail(self.get("/profile", other)), (401, "token_invalid"))

    def test_banned_and_deleted(self):
        ada, bob = self.account(), self.account()
        query("served", "SELECT authfort.ban_user(%s)", ada["user"]["id"])
        query("served", "SELECT authfort.delete_user(%s)", bob["user"]["id"])
        self.assertEqual(self.detail(self.get("/profile", ada)), (403, "user_banned"))
        self.assertEqual(self.detail(self.get("/notes-of-request", ada)), (403, "user_banned"))
        self.assertEqual(self.detail(self.get("/profile", bob)), (401, "user_not_found"))

    def test_cookies_of_other_sites(self):
        """The application's own routes are protected as those of authfort are."""
        ada = self.account()
        cookie = {"Cookie": f"access_token={ada['tokens']['access_token']}"}

        def post(**headers):
            return self.http.post("/profile", headers={**cookie, **{name.replace("_", "-"): value for name, value in headers.items()}})

        self.assertEqual(self.http.get("/profile", headers=cookie).status_code, 200)
        self.assertEqual(self.http.get("/profile", headers={**cookie, "Sec-Fetch-Site": "cross-site"}).status_code, 200)
        self.assertEqual(post().status_code, 200)
        self.assertEqual(post(Sec_Fetch_Site="same-origin").status_code, 200)
        self.assertEqual(post(Origin=self.server.at).status_code, 200)
        for foreign in (
            {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": "null"},
            {"Origin": "https://evil.example"}, {"Origin": f"{self.server.at}.evil.example"},
        ):
            with self.subTest(foreign):
                self.assertEqual(self.detail(post(**foreign)), (403, "origin_not_allowed"))
        # a bearer token is no browser's own doing
        both = {**cookie, **bearer(ada["tokens"]["access_token"]), "Origin": "https://evil.example"}
        self.assertEqual(self.http.post("/profile", headers=both).status_code, 200)

    def test_several_cookies(self):
        ada, bob = self.account(), self.account()

        def profile(*tokens):
            pairs = "; ".join(f"access_token={token}" for token in tokens)
            return self.http.get("/notes", headers={"Cookie": pairs})

        self.http.post("/notes", params={"body": "mine"}, headers=bearer(ada["tokens"]["access_token"]))
        newer = self.http.post("/auth/refresh", json={"refresh_token": ada["tokens"]["refresh_token"]}).json()
        self.http.cookies.clear()
        mine = (ada["tokens"]["access_token"], newer["tokens"]["access_token"])
        self.assertEqual(profile("x.y.z", *mine).json(), ["mine"])
        self.assertEqual(profile(*reversed(mine), "").json(), ["mine"])
        self.assertEqual(profile(mine[0], bob["tokens"]["access_token"]).status_code, 401)

    def test_openapi(self):
        document = self.http.get("/openapi.json").json()
        routes = query("served", "SELECT method, path, access FROM authfort.routes()")
        for method, path, access in routes:
            operation = document["paths"][path][method.lower()]
            self.assertEqual("security" in operation, access != "open", path)
        self.assertIn("authfort", document["components"]["securitySchemes"])
        self.assertEqual(
            document["paths"]["/auth/login"]["post"]["requestBody"]["content"]["application/json"]["schema"]["required"],
            ["email", "password"],
        )
        self.assertIn("security", document["paths"]["/profile"]["get"])


class Prefix(ServerCase):
    environment = {"PREFIX": "/api/auth"}
    expected_in_log = ("is mounted at '/api/auth', but authfort.http_prefix is '/auth'",)

    def test_another_prefix(self):
        response = self.http.post("/api/auth/login", json={})
        self.assertEqual(self.detail(response), (500, "wrong_prefix"))
        self.assertIn("authfort.http_prefix", response.json()["detail"]["message"])
        self.assertEqual(self.detail(self.http.get("/api/auth/nothing")), (500, "wrong_prefix"))


class RootPath(ServerCase):
    arguments = ("--root-path", "/below")

    def test_behind_a_proxy(self):
        """The proxy takes its part of the path away."""
        # Ubuntu 24.04: uvicorn 0.27 adds it to the path, where Starlette 0.31 does not expect it
        if self.http.get("/openapi.json").status_code == 404:
            self.skipTest("NOT TESTED: a root path, on which uvicorn and Starlette do not agree here")
        self.assertEqual(self.detail(self.http.get("/auth/me")), (401, "token_missing"))


class Misconfigured(ServerCase):
    expected_in_log = ("ALTER DATABASE \"served\" SET authfort.cookie_samesite = 'lax';",)

    def test_settings_differ(self):
        query("served", "ALTER DATABASE served SET authfort.cookie_samesite = 'strict'")
        for path in ("/auth/me", "/profile"):
            self.assertEqual(self.detail(self.http.get(path)), (503, "service_unavailable"))
        self.assertNotIn("samesite", self.http.get("/auth/me").text)
        # the pool makes new connections for it, and the application need not be restarted
        query("served", "ALTER DATABASE served RESET authfort.cookie_samesite")
        wait_for(lambda: self.http.get("/auth/me").status_code == 401)


class NoConnection(ServerCase):
    """What a request gets that waits for a connection in vain."""

    environment = {"POOL_TIMEOUT": "2"}

    def test_database_away(self):
        ada = self.account()
        self.assertEqual(self.get("/profile", ada).status_code, 200)
        for mode in ("fast", "immediate"):
            with self.subTest(mode):
                stop_database(mode)
                try:
                    for path in ("/profile", "/auth/me", "/notes"):
                        begin = time.monotonic()
                        response = self.get(path, ada)
                        self.assertEqual(response.status_code, 503)
                        self.assertIn(response.json()["detail"]["error"], ("service_unavailable", "server_busy"))
                        self.assertIn("retry-after", response.headers)
                        self.assertLess(time.monotonic() - begin, 20)
                    self.assertEqual(self.http.get("/public").status_code, 200)
                finally:
                    start_database()
                wait_for(lambda: self.get("/profile", ada).status_code == 200)

    def test_used_up_pool(self):
        ada = self.account()
        with ThreadPoolExecutor(8) as pool:
            held = [pool.submit(self.get, "/hold?seconds=8", ada) for _ in range(2)]
            wait_for(lambda: query("served", "SELECT count(*) = 2 FROM pg_stat_activity WHERE query LIKE '%%pg_sleep%%' AND usename = 'py_app'")[0][0])
            waiting = [pool.submit(self.get, "/profile", ada) for _ in range(4)]
            for one in waiting:
                self.assertEqual(self.detail(one.result()), (503, "server_busy"))
                self.assertIn("retry-after", one.result().headers)
            self.assertEqual([one.result().status_code for one in held], [200, 200])
        self.assertEqual(self.get("/profile", ada).status_code, 200)


class Failures(ServerCase):
    def test_restart_between_requests(self):
        """Connections that ended while they were idle are replaced, and no request fails."""
        ada = self.account()
        for mode in ("fast", "immediate"):
            with ThreadPoolExecutor(2) as pool:
                self.assertEqual(list(pool.map(lambda _: self.get("/hold?seconds=0.2", ada).status_code, range(2))), [200] * 2)
            stop_database(mode)
            start_database()
            self.assertEqual([self.get("/profile", ada).status_code for _ in range(5)], [200] * 5, mode)

    def test_terminated_in_the_middle(self):
        ada = self.account()
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(self.get, "/hold?seconds=20", ada)
            wait_for(lambda: query("served", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%%pg_sleep%%' AND usename = 'py_app'"))
            self.assertEqual(self.detail(held.result()), (503, "service_unavailable"))
        self.assertEqual(self.get("/profile", ada).status_code, 200)

    def test_cancelled(self):
        """A cancelled statement costs its connection, and the pool none of its places."""
        ada = self.account()
        for _ in range(6):
            self.assertEqual(self.get("/hurry", ada).json(), {"cancelled": True})
        with ThreadPoolExecutor(2) as pool:
            self.assertEqual(list(pool.map(lambda _: self.get("/hold?seconds=0.2", ada).status_code, range(2))), [200, 200])

    def test_client_disconnects(self):
        ada = self.account()
        token = ada["tokens"]["access_token"].encode()
        for request in (
            # in the middle of its body
            b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
            # while its statement runs
            b"GET /hold?seconds=0.5 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n\r\n",
        ):
            for _ in range(4):
                with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
                    connection.sendall(request)
                    time.sleep(0.1)
        wait_for(lambda: self.get("/profile", ada).status_code == 200)
        with ThreadPoolExecutor(2) as pool:
            self.assertEqual(list(pool.map(lambda _: self.get("/hold?seconds=0.2", ada).status_code, range(2))), [200, 200])

    def test_many_at_once(self):
        def sessions():
            return query("served", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'py_app'")[0][0]

        ada = self.account()
        # those that other tests gave up may still be ending
        wait_for(lambda: sessions() <= 2)
        with ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(lambda _: self.get("/profile", ada).status_code, range(200)))
        self.assertEqual(set(statuses), {200})
        self.assertLessEqual(sessions(), 2)


class Reload(ServerCase):
    arguments = ("--reload", "--reload-dir", "RELOADED")

    @classmethod
    def serve(cls, *arguments, **environment):
        import tempfile

        cls.folder = tempfile.TemporaryDirectory()
        cls.file = Path(cls.folder.name) / "changed.py"
        cls.file.write_text("")
        arguments = [cls.folder.name if one == "RELOADED" else one for one in arguments]
        return super().serve(*arguments, **environment)

    def test_reload(self):
        ada = self.account()
        self.assertEqual(self.get("/profile", ada).status_code, 200)
        before = query("served", "SELECT pid FROM pg_stat_activity WHERE usename = 'py_app'")
        self.file.write_text("changed = True")
        wait_for(lambda: "Reloading" in self.server.text(), 30)

        def gone():
            now = query("served", "SELECT pid FROM pg_stat_activity WHERE usename = 'py_app'")
            return not set(before) & set(now)

        wait_for(gone)

        def answers():
            try:
                return self.get("/profile", ada).status_code == 200
            except Exception:
                return False

        wait_for(answers)


class Stopping(unittest.TestCase):
    def test_ends_with_connections_open(self):
        """Without dispose(), as where the framework is too old for the document's lifespan."""
        make_database("served", "--app-role", "py_app", "--admin-role", "py_admin", "--set", "cookies=on")
        server = ServerCase.serve()
        try:
            with client(server.at) as http:
                self.assertEqual(http.get("/auth/me").status_code, 401)
        finally:
            status = server.stop()
        self.assertIn(status, (0, -15))
        self.assertNotIn("Traceback", server.text())
        wait_for(lambda: not query("served", "SELECT 1 FROM pg_stat_activity WHERE usename = 'py_app'"))
