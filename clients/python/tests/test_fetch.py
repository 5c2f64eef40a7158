"""Fetches: where they may go, and what may come back."""

import asyncio
import http.server
import ipaddress
import socket
import time
import unittest
from unittest import mock

from support import HttpsServer

from authfort_postgresql.fetch import Fetcher, is_public


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list = []

    def do_GET(self):
        Handler.seen.append((self.command, self.path, dict(self.headers), self._body()))
        getattr(self, "answer" + self.path.partition("?")[0].replace("/", "_"))()

    do_POST = do_GET

    def _body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def _send(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self):
        self._send(200, b'{"a": 1}', Content_Type="application/json")

    def answer_error(self):
        self._send(400, b"no")

    def answer_redirect(self):
        self._send(302, b"", Location="/json")

    def answer_large(self):
        self._send(200, b"x" * 5000)

    def answer_endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 1000)
        except OSError:
            self.close_connection = True

    def answer_slow(self):
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        time.sleep(10)
        self.close_connection = True

    def answer_zip(self):
        self._send(200, b"\x1f\x8b", Content_Encoding="gzip")

    def answer_binary(self):
        self._send(200, b"\xff\xfe")

    def answer_zero(self):
        self._send(200, b"a\0b")

    def log_message(self, *arguments):
        pass


class Fetches(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = HttpsServer(Handler)
        cls.certificate, cls.port = cls.server.certificate, cls.server.port

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        Handler.seen.clear()

    def fetch(self, path, *, at=None, allow=("127.0.0.0/8", "::1/128"), trusted=True, **fetch):
        url = (at or f"https://localhost:{self.port}") + path
        fetcher = Fetcher(allow, self.certificate if trusted else None)
        return asyncio.run(fetcher.send({"method": "GET", "url": url, "timeout_ms": 20000, "max_bytes": 4096, **fetch}))

    def failed(self, answer, text):
        self.assertEqual((answer.status, answer.headers, answer.body), (None, [], None))
        self.assertIn(text, answer.error)

    def test_answers(self):
        answer = self.fetch("/json", method="POST", headers={"accept": "application/json"}, body="a=b")
        self.assertEqual((answer.status, answer.body, answer.error), (200, '{"a": 1}', None))
        self.assertIn({"content-type": "application/json"}, [{name.lower(): value} for one in answer.headers for name, value in one.items()])
        method, _, headers, body = Handler.seen[0]
        self.assertEqual((method, body, headers["accept"], headers["Host"]), ("POST", "a=b", "application/json", f"localhost:{self.port}"))
        self.assertEqual(self.fetch("/error").status, 400)

    def test_no_redirects(self):
        self.assertEqual(self.fetch("/redirect").status, 302)
        self.assertEqual(len(Handler.seen), 1)

    def test_limits(self):
        self.failed(self.fetch("/large"), "too large")
        self.failed(self.fetch("/endless"), "too large")
        begin = time.monotonic()
        self.failed(self.fetch("/slow", timeout_ms=500), "took too long")
        self.assertLess(time.monotonic() - begin, 9)
        self.failed(self.fetch("/zip"), "compressed")
        self.failed(self.fetch("/binary"), "UnicodeDecodeError")
        self.failed(self.fetch("/zero"), "zero byte")

    def test_private_addresses(self):
        self.failed(self.fetch("/json", allow=()), "not public")
        for host in ("127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"):
            with self.subTest(host):
                answer = self.fetch("/json", at=f"https://{host}:{self.port}", allow=())
                self.assertIsNone(answer.status)
                self.assertNotIn("took too long", answer.error)
        self.assertEqual(Handler.seen, [])

    def test_one_resolution(self):
        """A name whose addresses change between the check and the connection gains nothing."""
        answers = iter([[(2, 1, 6, "", ("127.0.0.1", self.port))], [(2, 1, 6, "", ("10.0.0.1", self.port))]])

        async def resolve(*arguments, **more):
            return next(answers)

        with mock.patch("asyncio.base_events.BaseEventLoop.getaddrinfo", resolve):
            self.assertEqual(self.fetch("/json").status, 200)

    def test_international_names(self):
        """A name is resolved, and its certificate verified, in the form that the URL has: "ß" once meant "ss"."""
        asked = []

        async def resolve(loop, host, port, **more):
            asked.append(host)
            return [(2, 1, 6, "", ("127.0.0.1", self.port))]

        verified = []

        def wrap(context, incoming, outgoing, server_side=False, server_hostname=None, session=None):
            verified.append(context.name)
            raise ConnectionError("far enough")

        with (
            mock.patch("asyncio.base_events.BaseEventLoop.getaddrinfo", resolve),
            mock.patch("authfort_postgresql.fetch._Context.wrap_bio", wrap),
        ):
            self.assertIsNone(self.fetch("/json", at=f"https://xn--fa-hia.example:{self.port}").status)
        self.assertEqual((asked[0], set(verified)), ("xn--fa-hia.example", {"xn--fa-hia.example"}))

    def test_one_private_address_is_enough(self):
        async def resolve(*arguments, **more):
            return [(2, 1, 6, "", ("203.0.114.1", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]

        with mock.patch("asyncio.base_events.BaseEventLoop.getaddrinfo", resolve):
            self.failed(self.fetch("/json", allow=()), "not public")

    def test_number(self):
        """A host that hangs leaves room for others, and all of them together are limited."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]

            async def send_all(fetcher):
                def send(host):
                    url = f"https://{host}:{port}"
                    return asyncio.create_task(fetcher.send({"method": "GET", "url": url, "timeout_ms": 1000}))

                hosts = ["127.0.0.1"] * 4 + ["127.0.0.2"] * 2 + ["localhost"]
                return await asyncio.gather(*map(send, hosts))

            fetcher = Fetcher(("127.0.0.0/8", "::1/128"), None, 4)
            refused = [None] * 3 + ["127.0.0.1"] + [None, "127.0.0.2", "localhost"]
            for _ in range(2):
                for answer, host in zip(asyncio.run(send_all(fetcher)), refused, strict=True):
                    self.assertIsNone(answer.status)
                    self.assertEqual("too many requests wait" in answer.error, host is not None, answer.error)
                    self.assertTrue(host is None or answer.error.endswith(f"for {host}:{port}"), answer.error)

    def test_lookups_are_shared(self):
        """One that hangs holds a thread: a hundred requests for the same name must not hold a hundred."""
        asked = []

        async def resolve(loop, host, port, **more):
            asked.append(host)
            await asyncio.sleep(3600)

        async def send_all():
            fetcher = Fetcher(())
            sent = [
                fetcher.send({"method": "GET", "url": f"https://{host}", "timeout_ms": 200})
                for host in ["a.example"] * 5 + ["b.example"]
            ]
            return await asyncio.gather(*sent)

        with mock.patch("asyncio.base_events.BaseEventLoop.getaddrinfo", resolve):
            for answer in asyncio.run(send_all()):
                self.failed(answer, "took too long")
        self.assertEqual(sorted(asked), ["a.example", "b.example"])

    def test_schemes(self):
        for url in ("http://localhost", "ftp://localhost", "file:///etc/passwd", "//localhost", "localhost", "", "https://", "https://u:p@localhost"):
            with self.subTest(url):
                self.assertIsNone(self.fetch("/", at=url).status)

    def test_certificates(self):
        self.failed(self.fetch("/json", trusted=False), "CERTIFICATE_VERIFY_FAILED")
        # the certificate is for the name, not for the address
        self.failed(self.fetch("/json", at=f"https://127.0.0.1:{self.port}"), "CERTIFICATE_VERIFY_FAILED")

    def test_no_proxies(self):
        with mock.patch.dict("os.environ", {"HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}):
            self.assertEqual(self.fetch("/json").status, 200)

    def test_nobody_there(self):
        self.failed(self.fetch("/json", at="https://localhost:1"), "ConnectError")
        self.failed(self.fetch("/json", at="https://no-such-host.invalid"), "gaierror")


class Addresses(unittest.TestCase):
    def test_public(self):
        for text in (
            "8.8.8.8", "168.63.129.15", "192.0.1.0", "198.20.0.0", "223.255.255.255", "2001:200::", "2001:4860:4860::8888",
            "2620:4f:8000::", "3ffe::", "::ffff:8.8.8.8", "64:ff9b::808:808",
        ):
            self.assertTrue(is_public(ipaddress.ip_address(text)), text)
        for text in (
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.2.1", "192.168.1.1",
            "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "ff02::1",
            "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
            "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2002:808:808::", "::10.0.0.1", "::8.8.8.8",
            "168.63.129.16", "192.0.0.8", "192.0.0.9", "192.88.99.1", "::ffff:168.63.129.16", "64:ff9b:1::808:808", "100::1",
            "2001:1ff:ffff::", "3fff::1", "4000::", "5f00::1", "fec0::1", "1fff:ffff::",
        ):
            self.assertFalse(is_public(ipaddress.ip_address(text)), text)
