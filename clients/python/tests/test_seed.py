"""The application of the document, served by uvicorn: every route and every pattern."""

import json
import tempfile
import unittest
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import compare_seed
from support import PASSWORD, Server, bearer, client, make_database, query, wait_for

HERE = Path(__file__).parent


class Document(unittest.TestCase):
    """The application is that of the document."""

    application = (HERE / "seed_app.py").read_text()
    document = (HERE / "seed.txt").read_text()

    def test_equal(self):
        self.assertEqual(compare_seed.compare(self.application, self.document), [])

    def test_changes_are_found(self):
        for old, new in (
            ("exclude=user.session_id", "exclude=None"),
            ('prefix="/auth"', 'prefix="/api"'),
            ("    await auth.dispose()\n", "    pass\n"),
            ("# Show admin-specific data", "# Show it"),
        ):
            with self.subTest(old):
                self.assertIn(old, self.application)
                self.assertNotEqual(compare_seed.compare(self.application.replace(old, new), self.document), [])

    def test_missing_routes_are_found(self):
        blocks = self.application.split("\n\n\n")
        for block in blocks:
            if block.startswith("@app."):
                with self.subTest(block):
                    shorter = self.application.replace(block, "")
                    self.assertNotEqual(compare_seed.compare(shorter, self.document), [])


class Seed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # the document has one URL, so its role does everything
        make_database("seed", "--app-role", "seed_app", "--set", "cookies=on", "--set", "cookie_secure=on")
        query("seed", "GRANT authfort_admin TO seed_app")
        cls.mails = tempfile.NamedTemporaryFile("w+")
        cls.server = Server("serve_seed:app", MAIL_FILE=cls.mails.name)
        cls.http = client(cls.server.at)

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        try:
            cls.server.stop()
        finally:
            log = cls.server.text()
        assert "Traceback" not in log, log

    def account(self, roles=()):
        """A new account that is signed in, by bearer."""
        email = f"{uuid.uuid4().hex}@example.com"
        response = self.http.post("/auth/signup", json={"email": email, "password": PASSWORD, "name": "Ada"})
        self.assertEqual(response.status_code, 201, response.text)
        self.http.cookies.clear()
        user = response.json()["user"]
        for role in roles:
            query("seed", "SELECT authfort.add_role(%s, %s)", user["id"], role)
        tokens = self.login(email) if roles else response.json()["tokens"]
        return user, tokens

    def login(self, email, password=PASSWORD, status=200):
        response = self.http.post("/auth/login", json={"email": email, "password": password})
        self.assertEqual(response.status_code, status, response.text)
        self.http.cookies.clear()
        return response.json().get("tokens") or response.json()["detail"]

    def get(self, path, tokens=None, **options):
        return self.http.get(path, headers=bearer(tokens["access_token"]) if tokens else {}, **options)

    def post(self, path, tokens=None, **options):
        return self.http.post(path, headers=bearer(tokens["access_token"]) if tokens else {}, **options)

    def detail(self, response):
        return response.status_code, response.json()["detail"]["error"]

    def test_sign_up_to_logout_by_cookie(self):
        with client(self.server.at) as browser:
            email = f"{uuid.uuid4().hex}@example.com"
            response = browser.post("/auth/signup", json={"email": email, "password": PASSWORD})
            self.assertEqual(response.status_code, 201)
            self.assertEqual(len(response.headers.get_list("set-cookie")), 2)
            # the cookies are Secure, which the client takes seriously
            cookies = dict(one.split(";")[0].split("=", 1) for one in response.headers.get_list("set-cookie"))
            jar = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            profile = browser.get("/api/profile", headers=jar)
            self.assertEqual(profile.json()["email"], email)
            self.assertEqual(browser.get("/auth/me", headers=jar).json()["id"], profile.json()["id"])
            changing = {**jar, "Origin": self.server.at}
            refreshed = browser.post("/auth/refresh", headers=changing)
            self.assertEqual(refreshed.status_code, 200, refreshed.text)
            self.assertEqual(refreshed.json()["user"]["session_id"], profile.json()["session_id"])
            self.assertEqual(browser.post("/api/sign-out-others", headers=jar).status_code, 200)
            out = browser.post("/auth/logout", headers=changing)
            self.assertEqual(out.status_code, 204)
            self.assertTrue(all("Max-Age=0" in one for one in out.headers.get_list("set-cookie")))
            self.assertEqual(browser.get("/api/profile", headers=jar).status_code, 401)

    def test_sign_up_to_logout_by_bearer(self):
        user, tokens = self.account()
        me = self.get("/auth/me", tokens).json()
        self.assertEqual((me["id"], me["name"]), (user["id"], "Ada"))
        refreshed = self.http.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
        self.http.cookies.clear()
        self.assertNotEqual(refreshed["tokens"]["access_token"], tokens["access_token"])
        self.assertEqual(self.get("/api/profile", refreshed["tokens"]).status_code, 200)
        out = self.http.post("/auth/logout", json={"refresh_token": refreshed["tokens"]["refresh_token"]})
        self.assertEqual(out.status_code, 204)
        self.assertEqual(self.detail(self.get("/api/profile", refreshed["tokens"])), (401, "token_invalid"))

    def test_profile(self):
        user, tokens = self.account()
        profile = self.get("/api/profile", tokens)
        self.assertEqual(
            profile.json(),
            {
                "id": user["id"], "email": user["email"], "name": "Ada", "roles": [],
                "session_id": user["session_id"],
            },
        )
        self.assertEqual(self.detail(self.get("/api/profile")), (401, "token_missing"))
        self.assertEqual(self.get("/api/profile").headers["www-authenticate"], "Bearer")

    def test_roles(self):
        _, plain = self.account()
        _, editor = self.account(["editor"])
        admin_user, admin = self.account(["admin"])
        for tokens, expected in ((plain, (403, 403)), (editor, (403, 200)), (admin, (200, 200))):
            self.assertEqual((self.get("/api/admin", tokens).status_code, self.get("/api/manage", tokens).status_code), expected)
        self.assertEqual(self.detail(self.get("/api/admin", plain)), (403, "insufficient_role"))
        self.assertEqual(self.get("/api/admin").status_code, 401)
        self.assertEqual(self.get("/api/admin", admin).json(), {"message": f"Welcome, {admin_user['email']}"})
        self.assertEqual(self.get("/api/manage", editor).json(), {"roles": ["editor"]})
        self.assertEqual(self.get("/api/dashboard", admin).json(), {"email": admin_user["email"], "roles": ["admin"]})

    def test_sign_out_others(self):
        user, here = self.account()
        elsewhere = self.login(user["email"])
        self.assertEqual(self.post("/api/sign-out-others", here).json(), {"message": "All other sessions revoked"})
        self.assertEqual(self.get("/api/profile", here).status_code, 200)
        self.assertEqual(self.get("/api/profile", elsewhere).status_code, 401)

    def test_forgot_and_reset(self):
        user, before = self.account()
        answer = self.post("/api/forgot-password", params={"email": user["email"]})
        unknown = self.post("/api/forgot-password", params={"email": "nobody@example.com"})
        self.assertEqual((answer.status_code, answer.json()), (unknown.status_code, unknown.json()))
        mail = wait_for(lambda: [one for one in self.mails_sent() if one["to"] == user["email"]])[0]
        token = parse_qs(urlsplit(mail["body"]).query)["token"][0]
        reset = {"token": token, "new_password": "another horse"}
        self.assertEqual(self.post("/api/reset-password", params=reset).json(), {"message": "Password reset successfully"})
        self.assertEqual(self.detail(self.post("/api/reset-password", params=reset)), (400, "invalid_reset_token"))
        self.assertEqual(self.get("/api/profile", before).status_code, 401)
        self.assertEqual(self.login(user["email"], status=401)["error"], "invalid_credentials")
        self.login(user["email"], "another horse")

    def mails_sent(self):
        return [json.loads(line) for line in Path(self.mails.name).read_text().splitlines()]

    def test_change_password(self):
        user, tokens = self.account()
        wrong = self.post("/api/change-password", tokens, params={"old_password": "x", "new_password": "another horse"})
        self.assertEqual(self.detail(wrong), (400, "invalid_password"))
        short = self.post("/api/change-password", tokens, params={"old_password": PASSWORD, "new_password": "x"})
        self.assertEqual(self.detail(short), (400, "password_too_short"))
        right = self.post("/api/change-password", tokens, params={"old_password": PASSWORD, "new_password": "another horse"})
        self.assertEqual(right.json(), {"message": "Password changed"})
        self.login(user["email"], "another horse")

    def test_administration(self):
        user, plain = self.account()
        _, admin = self.account(["admin"])
        page = self.get("/admin/users", admin, params={"query": user["email"]}).json()
        self.assertEqual((page["total"], page["limit"], page["offset"]), (1, 20, 0))
        self.assertEqual(page["users"][0]["id"], user["id"])
        self.assertEqual(set(page["users"][0]), {
            "id", "email", "name", "email_verified", "avatar_url", "phone", "banned", "is_deleted", "deleted_at",
            "roles", "created_at", "session_id", "mfa_enabled",
        })
        self.assertEqual(self.get("/admin/users", plain).status_code, 403)
        for wrong in ({"limit": 0}, {"limit": 1001}, {"limit": 10**30}, {"offset": -1}, {"offset": 2**31}):
            self.assertEqual(self.detail(self.get("/admin/users", admin, params=wrong)), (400, "invalid_request"))
        self.assertEqual(self.get("/admin/users", admin, params={"limit": 1000, "offset": 2**31 - 1}).json()["users"], [])
        self.assertEqual(self.get(f"/admin/users/{user['id']}", admin).json()["email"], user["email"])
        for unknown in (str(uuid.uuid4()), "no-uuid"):
            self.assertEqual(self.detail(self.get(f"/admin/users/{unknown}", admin)), (404, "user_not_found"))
        gone = self.http.delete(f"/admin/users/{user['id']}", headers=bearer(admin["access_token"]))
        self.assertEqual(gone.json(), {"deleted": True})
        self.assertEqual(self.detail(self.get(f"/admin/users/{user['id']}", admin)), (404, "user_not_found"))
        self.assertEqual(self.detail(self.get("/api/profile", plain)), (401, "user_not_found"))

    def test_key_set(self):
        keys = self.http.get("/.well-known/jwks.json")
        self.assertEqual(keys.headers["cache-control"], "public, max-age=3600")
        self.assertEqual(keys.json()["keys"][0]["use"], "sig")
