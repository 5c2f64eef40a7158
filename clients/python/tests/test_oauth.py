"""Signing in with a provider: the router fetches for the database."""

import http.server
import json
import time
from urllib.parse import parse_qs, urlsplit

from support import HttpsServer, client, query
import test_server


class Provider(http.server.BaseHTTPRequestHandler):
    """As much of OAuth 2 as is needed: every code is good, and is the user's name."""

    protocol_version = "HTTP/1.1"
    delay = 0.0
    waiting: list[str] = []

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        Provider.waiting.append(form["code"][0])
        time.sleep(Provider.delay)
        code = form["code"][0]
        if code == "bad":
            self._send(400, {"error": "invalid_grant"})
        else:
            self._send(200, {"access_token": code, "token_type": "Bearer"})

    def do_GET(self):
        name = self.headers["Authorization"].split()[1]
        self._send(200, {"id": name, "email": f"{name}@example.com", "email_verified": True, "name": name})

    def _send(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class OAuth(test_server.ServerCase):
    @classmethod
    def setUpClass(cls):
        cls.provider = HttpsServer(Provider)
        cls.environment = {"FETCH_CAFILE": cls.provider.certificate}
        super().setUpClass()
        at = f"https://localhost:{cls.provider.port}"
        config = {
            "preset": "oauth2", "client_id": "us", "client_secret": "secret", "trust_email": True,
            "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
            "userinfo_endpoint": f"{at}/userinfo", "scopes": ["email"],
            "mapping": {"id": "id", "email": "email", "email_verified": "email_verified", "name": "name"},
        }
        query("served", "ALTER DATABASE served SET authfort.public_url = 'https://app.example.com'")
        query("served", "SELECT authfort.set_oauth_provider('fake', %s)", json.dumps(config))

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.provider.stop()

    def sign_in(self, code):
        with client(self.server.at) as browser:
            begun = browser.get("/auth/oauth/fake/authorize")
            self.assertEqual(begun.status_code, 302, begun.text)
            state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
            cookies = "; ".join(one.split(";")[0] for one in begun.headers.get_list("set-cookie"))
            return browser.get(
                "/auth/oauth/fake/callback", params={"code": code, "state": state}, headers={"Cookie": cookies}
            )

    def test_sign_in(self):
        response = self.sign_in("ada")
        self.assertEqual(response.status_code, 200, response.text)
        answer = response.json()
        self.assertEqual((answer["user"]["email"], answer["user"]["name"]), ("ada@example.com", "ada"))
        self.assertEqual(self.get("/profile", answer).json()["email"], "ada@example.com")

    def test_refused(self):
        self.assertEqual(self.detail(self.sign_in("bad")), (400, "oauth_exchange_failed"))

    def test_holds_no_connection(self):
        """The pool has two places, and four flows wait for the provider at once."""
        from concurrent.futures import ThreadPoolExecutor

        Provider.delay, Provider.waiting = 6.0, []
        try:
            with ThreadPoolExecutor(4) as pool:
                flows = [pool.submit(self.sign_in, f"user{number}") for number in range(4)]
                test_server.wait_for(lambda: len(Provider.waiting) == 4)
                begin = time.monotonic()
                self.assertEqual(self.http.get("/auth/me").status_code, 401)
                self.assertLess(time.monotonic() - begin, 5)
                self.assertEqual([flow.result().status_code for flow in flows], [200] * 4)
        finally:
            Provider.delay = 0.0

    def test_provider_away(self):
        query("served", "SELECT authfort.set_oauth_provider('away', %s)", json.dumps({
            "preset": "oauth2", "client_id": "us", "client_secret": "secret",
            "authorization_endpoint": "https://localhost:1/authorize", "token_endpoint": "https://localhost:1/token",
            "userinfo_endpoint": "https://localhost:1/userinfo", "mapping": {"id": "id", "email": "email"},
        }))
        with client(self.server.at) as browser:
            begun = browser.get("/auth/oauth/away/authorize")
            state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
            cookies = "; ".join(one.split(";")[0] for one in begun.headers.get_list("set-cookie"))
            answer = browser.get(
                "/auth/oauth/away/callback", params={"code": "x", "state": state}, headers={"Cookie": cookies}
            )
        self.assertIn(answer.status_code, (400, 502))
        self.assertIn("fetch from localhost failed", self.server.text())
