"""What the tests share: databases, servers, and a client.

The environment names a cluster (PGHOST, PGPORT, and PGUSER for a superuser), and
AUTHFORT_PG_CTL the command that stops and starts it.
"""

import contextlib
import http.server
import os
import shlex
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

HERE = Path(__file__).parent
PACKAGE = HERE.parent

sys.path.insert(0, str(PACKAGE))

from authfort_postgresql import AuthFort, cli  # noqa: E402

PASSWORD = "correct horse"


def superuser(database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(dbname=database, autocommit=True)


def query(database: str, statement: str, *arguments):
    with superuser(database) as connection:
        cursor = connection.execute(statement, arguments or None)
        return cursor.fetchall() if cursor.description else None


def make_database(name: str, *arguments: str) -> None:
    """A database made by the command that users run."""
    with superuser() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'").format(sql.Identifier(name))
        )
    migrate(name, "--yes", *arguments)


def migrate(name: str, *arguments: str, expected: int = 0) -> str:
    with tempfile.TemporaryFile("w+") as out:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = cli.main(["migrate", "--database-url", f"dbname={name}", *arguments])
        out.seek(0)
        text = out.read()
    assert status == expected, text
    return text


def url(database: str, role: str) -> str:
    return f"postgresql+asyncpg://{role}@/{database}"


def auth_of(database: str, **options) -> AuthFort:
    return AuthFort(url(database, "py_app"), admin_database_url=url(database, "py_admin"), **options)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def pg_ctl(*arguments: str) -> None:
    subprocess.run([*shlex.split(os.environ["AUTHFORT_PG_CTL"]), *arguments], check=True, stdout=subprocess.DEVNULL)


def stop_database(mode: str = "fast") -> None:
    pg_ctl("-w", "-m", mode, "stop")


def start_database() -> None:
    pg_ctl("-w", "-l", os.environ.get("AUTHFORT_PG_LOG", os.devnull), "start")


def wait_for(condition, seconds: float = 60.0):
    """Waits for something to be true, and gives it."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("it did not come true in time")
        time.sleep(0.05)
    return value


class Server:
    """uvicorn with an application of this folder."""

    def __init__(self, application: str, *arguments: str, **environment: str):
        self.port = free_port()
        self.at = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        path = os.pathsep.join([str(PACKAGE), str(HERE)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(self.port), *arguments, application],
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(self._listens)
        except AssertionError:
            self.stop()
            raise AssertionError(self.text()) from None

    def _listens(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def text(self) -> str:
        return Path(self.log.name).read_text()

    def stop(self) -> int:
        """Ends the server as its supervisor would; its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not end:\n" + self.text()) from None


class HttpsServer(http.server.ThreadingHTTPServer):
    """An https server for "localhost", with a certificate of its own."""

    daemon_threads = True

    def __init__(self, handler: type):
        self.folder = tempfile.TemporaryDirectory()
        key, self.certificate = (str(Path(self.folder.name) / name) for name in ("key.pem", "certificate.pem"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", key, "-out", self.certificate],
            check=True, capture_output=True,
        )
        super().__init__(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """Clients that give up are what is tested."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self.folder.cleanup()


def client(at: str = "") -> httpx.Client:
    return httpx.Client(base_url=at, timeout=30, trust_env=False)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def sign_up(http: httpx.Client, email: str) -> dict:
    response = http.post("/auth/signup", json={"email": email, "password": PASSWORD})
    assert response.status_code == 201, response.text
    http.cookies.clear()
    return response.json()


class AsyncCase(unittest.IsolatedAsyncioTestCase):
    """A case with an AuthFort on the database of its class, disposed of after each test."""

    database: str
    options: dict = {}

    @classmethod
    def setUpClass(cls):
        make_database(cls.database, "--app-role", "py_app", "--admin-role", "py_admin", "--set", "cookies=on")

    async def asyncSetUp(self):
        self.auth = auth_of(self.database, **self.options)

    async def asyncTearDown(self):
        await self.auth.dispose()

    async def signed_in(self, email: str):
        await self.auth.create_user(email, PASSWORD)
        return await self.auth.login(email, PASSWORD)

    async def refused(self, code: str, status: int, call):
        """Awaits a call that is to be refused; gives the error."""
        from authfort_postgresql import AuthError

        with self.assertRaises(AuthError) as caught:
            await call
        self.assertEqual((caught.exception.code, caught.exception.status_code), (code, status))
        return caught.exception
