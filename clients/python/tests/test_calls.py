"""The calls: their names, arguments and results, and what they refuse."""

import inspect
import pickle
import time
import uuid
import warnings

from support import PASSWORD, AsyncCase, make_database, query, url

from authfort_postgresql import AuthError, AuthFort, AuthResponse, ConfigurationError, CookieConfig, RateLimitConfig, UserNotFound

NIL = "00000000-0000-0000-0000-000000000000"


class Users(AsyncCase):
    database = "calls"

    async def test_create_and_get(self):
        made = await self.auth.create_user("Ada@Example.com", PASSWORD, name="Ada", email_verified=True)
        self.assertIsNone(made.tokens)
        user = await self.auth.get_user(made.user.id)
        self.assertEqual((user.email, user.name, user.email_verified, user.session_id), ("ada@example.com", "Ada", True, None))
        self.assertEqual(await self.auth.get_user(str(user.id)), user)
        await self.refused("user_exists", 409, self.auth.create_user("ada@example.com", PASSWORD))
        await self.refused("invalid_email", 400, self.auth.create_user("ada", PASSWORD))
        await self.refused("password_too_short", 400, self.auth.create_user("b@example.com", "x"))
        await self.refused("invalid_request", 400, self.auth.create_user("b\0@example.com", PASSWORD))

    async def test_no_text(self):
        """What PostgreSQL cannot store is the fault of the client, wherever it is."""
        for wrong in ("a\0b", "\ud800"):
            for call in (
                self.auth.login(wrong, PASSWORD),
                self.auth.create_user("no-text@example.com", PASSWORD, roles=[wrong]),
                self.auth.invite_user("no-text@example.com", app_metadata={"a": [{wrong: 1}]}),
                self.auth.passkey_login_finish({"id": wrong}),
                self.auth.list_users(query=wrong),
            ):
                with self.subTest(wrong=wrong, call=call.__name__):
                    await self.refused("invalid_request", 400, call)

    async def test_transaction_of_no_one(self):
        """Has no identity, also where the session has one."""
        auth = AuthFort(url("calls", "py_app"), admin_database_url=url("calls", "py_admin"))
        token = query("calls", "SELECT authfort.signup('session@example.com', %s) #>> '{tokens,access_token}'", PASSWORD)[0][0]
        query("calls", f"ALTER ROLE py_app IN DATABASE calls SET authfort.jwt = '{token}'")
        try:
            async with auth.transaction(None) as db:
                self.assertEqual(await (await db.execute("SELECT authfort.uid()")).fetchone(), (None,))
            with self.assertRaises(AuthError) as refused:
                async with auth.transaction(None) as db:
                    await db.execute("SELECT %s", ("a\0b",))
            self.assertEqual((refused.exception.code, refused.exception.status_code), ("invalid_request", 400))
        finally:
            query("calls", "ALTER ROLE py_app IN DATABASE calls RESET authfort.jwt")
            await auth.dispose()

    async def test_ids(self):
        for unknown in (NIL, uuid.UUID(NIL), "x", "", "'", None, 7):
            for call in (
                self.auth.get_user, self.auth.delete_user, self.auth.ban_user, self.auth.unban_user,
                self.auth.get_roles, self.auth.get_sessions, self.auth.revoke_all_sessions,
            ):
                if str(unknown) == NIL and call.__name__ in ("get_roles", "get_sessions", "revoke_all_sessions"):
                    # lists that are empty
                    continue
                with self.subTest(unknown=unknown, call=call.__name__):
                    await self.refused("user_not_found", 404, call(unknown))

    async def test_update(self):
        user = (await self.auth.create_user("update@example.com", PASSWORD, name="Ada", phone="1")).user
        changed = await self.auth.update_user(user.id, name="Bob", phone=None)
        self.assertEqual((changed.name, changed.phone, changed.email), ("Bob", None, "update@example.com"))
        with self.assertRaises(ValueError):
            await self.auth.update_user(user.id)
        await self.refused("invalid_avatar_url", 400, self.auth.update_user(user.id, avatar_url="javascript:x"))

    async def test_list(self):
        for number in range(3):
            await self.auth.create_user(f"list{number}@example.com", PASSWORD)
        page = await self.auth.list_users(query="LIST", limit=2, sort_by="email", sort_order="asc")
        self.assertEqual((page.total, page.limit, page.offset, len(page.users)), (3, 2, 0, 2))
        self.assertEqual((await self.auth.list_users(query="list", limit=2, offset=2)).users[0].email, "list0@example.com")
        self.assertEqual(await self.auth.get_user_count(query="list"), 3)
        self.assertEqual(await self.auth.get_user_count(query="list", banned=True), 0)

    async def test_delete(self):
        user = (await self.auth.create_user("delete@example.com", PASSWORD)).user
        await self.auth.delete_user(user.id)
        await self.auth.delete_user(str(user.id))
        await self.refused("user_not_found", 404, self.auth.get_user(user.id))
        self.assertTrue((await self.auth.get_user(user.id, deleted=True)).is_deleted)
        await self.auth.delete_user(user.id, hard=True)
        await self.refused("user_not_found", 404, self.auth.get_user(user.id, deleted=True))

    async def test_roles(self):
        user = (await self.auth.create_user("roles@example.com", PASSWORD, roles=["editor"])).user
        await self.auth.add_role(user.id, "admin")
        self.assertEqual(sorted(await self.auth.get_roles(user.id)), ["admin", "editor"])
        self.assertTrue(await self.auth.has_role(user.id, "admin"))
        await self.auth.remove_role(user.id, "admin", immediate=False)
        self.assertFalse(await self.auth.has_role(str(user.id), "admin"))
        await self.refused("invalid_role", 400, self.auth.add_role(user.id, ""))
        with self.assertRaises(ValueError):
            self.auth.require_role([])
        with self.assertRaises(ValueError):
            self.auth.require_role("")

    async def test_ban(self):
        await self.auth.create_user("ban@example.com", PASSWORD)
        user = (await self.auth.login("ban@example.com", PASSWORD)).user
        await self.auth.ban_user(user.id)
        await self.refused("user_banned", 403, self.auth.login("ban@example.com", PASSWORD))
        await self.auth.unban_user(user.id)
        await self.auth.login("ban@example.com", PASSWORD)


class Sessions(AsyncCase):
    database = "calls"

    async def test_login_refresh_logout(self):
        first = await self.signed_in("session@example.com")
        self.assertIsInstance(first, AuthResponse)
        self.assertNotIn(first.tokens.access_token, repr(first))
        second = await self.auth.refresh(first.tokens.refresh_token)
        self.assertEqual(second.user.session_id, first.user.session_id)
        await self.auth.logout(second.tokens.refresh_token)
        await self.auth.logout("unknown")
        await self.refused("refresh_token_revoked", 401, self.auth.refresh(second.tokens.refresh_token))
        await self.refused("refresh_token_invalid", 401, self.auth.refresh("x"))
        await self.refused("invalid_credentials", 401, self.auth.login("session@example.com", "wrong"))

    async def test_cross_check(self):
        mine, other = await self.signed_in("mine@example.com"), await self.signed_in("other@example.com")
        crossed = self.auth.refresh(mine.tokens.refresh_token, access_token_cookie=other.tokens.access_token)
        await self.refused("refresh_token_mismatch", 401, crossed)

    async def test_sessions(self):
        first = await self.signed_in("sessions@example.com")
        second = await self.auth.login("sessions@example.com", PASSWORD, user_agent="test", ip_address="192.0.2.1")
        sessions = {session.id: session for session in await self.auth.get_sessions(first.user.id)}
        self.assertEqual(len(sessions), 2)
        there = sessions[second.user.session_id]
        self.assertEqual((there.user_agent, there.ip_address, there.revoked), ("test", "192.0.2.1", False))
        self.assertTrue(await self.auth.revoke_session(first.user.session_id))
        self.assertFalse(await self.auth.revoke_session(NIL))
        for unknown in ("x", "", None, 7, []):
            self.assertFalse(await self.auth.revoke_session(unknown))
        third = await self.auth.login("sessions@example.com", PASSWORD)
        self.assertIsNone(await self.auth.revoke_all_sessions(first.user.id, exclude=third.user.session_id))
        active = await self.auth.get_sessions(first.user.id, active_only=True)
        self.assertEqual([session.id for session in active], [third.user.session_id])


class Passwords(AsyncCase):
    database = "calls"

    async def test_change(self):
        signed_in = await self.signed_in("change@example.com")
        user_id, session_id = signed_in.user.id, signed_in.user.session_id
        await self.refused("invalid_password", 400, self.auth.change_password(user_id, "wrong", "another horse"))
        self.assertIsNone(await self.auth.change_password(user_id, PASSWORD, "another horse", session_id=session_id))
        self.assertEqual(len(await self.auth.get_sessions(user_id, active_only=True)), 1)
        await self.auth.change_password(str(user_id), "another horse", PASSWORD)
        self.assertEqual(await self.auth.get_sessions(user_id, active_only=True), [])

    async def test_set(self):
        user = (await self.auth.create_user("set@example.com", None)).user
        await self.refused("no_password", 400, self.auth.login("set@example.com", PASSWORD))
        self.assertIsNone(await self.auth.set_password(user.id, PASSWORD))
        await self.refused("password_already_set", 400, self.auth.set_password(user.id, PASSWORD))

    async def test_reset(self):
        await self.auth.create_user("reset@example.com", PASSWORD)
        self.assertIsNone(await self.auth.create_password_reset_token("nobody@example.com"))
        token = await self.auth.create_password_reset_token("reset@example.com")
        await self.refused("password_too_short", 400, self.auth.reset_password(token, "x"))
        self.assertIs(await self.auth.reset_password(token, "another horse"), True)
        await self.refused("invalid_reset_token", 400, self.auth.reset_password(token, "another horse"))


class KeysAndCleanup(AsyncCase):
    database = "calls"

    async def test_keys(self):
        kid = await self.auth.rotate_key()
        self.assertIn(kid, [key["kid"] for key in (await self.auth.get_jwks())["keys"]])

    async def test_cleanup(self):
        for call in (self.auth.cleanup_expired_keys, self.auth.cleanup_expired_tokens, self.auth.cleanup_expired_sessions):
            self.assertIsInstance(await call(), int)
        self.assertIn("sessions", await self.auth.cleanup())


class Configuration(AsyncCase):
    database = "calls"

    async def test_equal(self):
        auth = self.other(
            cookie=CookieConfig(), access_token_ttl=900, refresh_token_ttl=30 * 86400, jwt_issuer="authfort",
            allow_signup=True, min_password_length=8, frontend_url=None, password_reset_ttl=3600, rsa_key_size=2048,
            key_rotation_ttl=172800, trusted_proxies=None, password_history_count=0,
        )
        await auth.check()
        await auth.dispose()

    def other(self, **options):
        return AuthFort(url("calls", "py_app"), admin_database_url=url("calls", "py_admin"), **options)

    async def differs(self, *expected, **options):
        auth = self.other(**options)
        with self.assertLogs("authfort_postgresql", "ERROR"), self.assertRaises(ConfigurationError) as caught:
            await auth.check()
        for statement in expected:
            self.assertIn(statement, str(caught.exception))
            # what is asked for can be run, and helps
            query("calls", statement)
        self.assertEqual(caught.exception.status_code, 503)
        self.assertNotIn("ALTER", str(caught.exception.detail))
        await auth.check()
        await auth.dispose()
        for statement in expected:
            query("calls", statement.split(" = ")[0].replace(" SET ", " RESET ") + ";")

    async def test_different(self):
        await self.differs("ALTER DATABASE \"calls\" SET authfort.access_token_ttl = '60s';", access_token_ttl=60)
        await self.differs("ALTER DATABASE \"calls\" SET authfort.jwt_issuer = 'it''s';", jwt_issuer="it's")
        await self.differs(
            "ALTER DATABASE \"calls\" SET authfort.site_url = 'https://example.com';", frontend_url="https://example.com"
        )
        await self.differs(
            "ALTER DATABASE \"calls\" SET authfort.cookie_secure = 'off';",
            "ALTER DATABASE \"calls\" SET authfort.access_cookie_name = 'a';",
            cookie=CookieConfig(secure=False, access_cookie_name="a"),
        )
        await self.differs("ALTER DATABASE \"calls\" SET authfort.trusted_proxies = '10.0.0.0/8, ::1';", trusted_proxies=["10.0.0.0/8", "::1"])

    async def test_rate_limits(self):
        auth = self.other(rate_limit=RateLimitConfig(login="7/min"))
        with self.assertLogs("authfort_postgresql", "ERROR"), self.assertRaises(ConfigurationError) as caught:
            await auth.check()
        self.assertIn("authfort.rate_limit_login = '7/min'", str(caught.exception))
        await auth.dispose()

    async def test_arguments(self):
        for options in (
            {"providers": ["x"]}, {"introspect_secret": "x"}, {"no_such": 1}, {"rate_limit_store": object()},
            {"trust_proxy": True}, {"check_pwned_passwords": True}, {"mfa_backup_code_count": 8},
            {"pwned_check_cache_ttl": 1.0}, {"email_deliverability_fail_open": False},
        ):
            with self.subTest(options), self.assertRaises(TypeError) as caught:
                self.other(**options)
            self.assertIn(next(iter(options)), str(caught.exception))
        # what it does anyway
        self.other(
            providers=[], introspect_secret=None, rate_limit_store=None, trust_proxy=False, check_pwned_passwords=False,
            pwned_check_timeout=2.0, email_deliverability_check=False, mfa_backup_code_count=10,
        )
        for options in ({"rsa_key_size": 1024}, {"trusted_proxies": ["10.0.0.0/8", "x"]}):
            with self.subTest(options), self.assertRaises(ValueError):
                self.other(**options)
        with self.assertRaises(ValueError):
            CookieConfig(httponly=False)

    async def test_urls(self):
        for bad in ("sqlite+aiosqlite:///auth.db", "mysql://x:secret@y/z"):
            with self.assertRaises(ValueError) as caught:
                AuthFort(bad, admin_database_url=bad)
            self.assertNotIn("secret", str(caught.exception))
        for bad in ("dbname='secret", "postgresql://user:secret@host/app?no_such=1", "postgresql://[::1/app?password=secret"):
            with self.assertRaises(ValueError) as caught:
                AuthFort(bad, admin_database_url=bad)
            self.assertNotIn("secret", str(caught.exception))
            self.assertNotIn("secret", repr(caught.exception.__cause__))
        for good in (
            "postgresql://py_app@/calls", "postgres://py_app@/calls", "dbname=calls user=py_app",
            "postgresql+asyncpg://py_app@/calls?ssl=disable&prepared_statement_cache_size=0",
        ):
            auth = AuthFort(good, admin_database_url=good)
            await auth.check()
            await auth.dispose()

    async def test_warning(self):
        with self.assertWarns(UserWarning) as caught:
            AuthFort(url("calls", "py_app"))
        self.assertIn("admin_database_url", str(caught.warning))
        self.assertEqual(caught.filename, __file__)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.other()

    async def test_no_extension(self):
        query("postgres", "DROP DATABASE IF EXISTS without WITH (FORCE)")
        query("postgres", "CREATE DATABASE without")
        auth = AuthFort(url("without", "py_app"), admin_database_url=url("without", "py_admin"))
        with self.assertLogs("authfort_postgresql", "ERROR") as logged, self.assertRaises(ConfigurationError):
            await auth.get_user(NIL)
        self.assertIn("authfort-postgresql migrate", logged.output[0])
        await auth.dispose()

    async def test_rights(self):
        """The role of the routes administers nothing."""
        auth = AuthFort(url("calls", "py_app"), admin_database_url=url("calls", "py_app"))
        import psycopg

        with self.assertRaises(psycopg.errors.InsufficientPrivilege):
            await auth.list_users()
        await auth.dispose()


class Limits(AsyncCase):
    database = "calls"
    options = {"statement_timeout": 3.0}

    async def test_statement_timeout(self):
        user = (await self.auth.create_user("slow@example.com", PASSWORD)).user
        from support import superuser

        with superuser("calls") as blocker, blocker.transaction():
            blocker.execute("SELECT 1 FROM authfort.users WHERE id = %s FOR UPDATE", (user.id,))
            begin = time.monotonic()
            await self.refused("timeout", 503, self.auth.ban_user(user.id))
            self.assertLess(time.monotonic() - begin, 30)
        await self.auth.ban_user(user.id)


class Errors(AsyncCase):
    database = "calls"

    async def test_unknown_user(self):
        again = pickle.loads(pickle.dumps(UserNotFound()))
        self.assertIsInstance(again, ValueError)
        self.assertEqual((again.code, again.status_code, str(again)), ("user_not_found", 404, "User not found"))

    async def test_error(self):
        error = AuthError("No", "no", 400, {"providers": ["x"]}, more=1)
        self.assertEqual((str(error), error.message, error.code, error.status_code), ("No", "No", "no", 400))
        self.assertEqual(error.detail, {"error": "no", "message": "No", "providers": ["x"], "more": 1})
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((again.detail, again.status_code), (error.detail, 400))
        self.assertEqual(AuthError("No", "no", 429, retry_after=7).headers, {"Retry-After": "7"})

    async def test_everything_is_a_coroutine(self):
        """Names of AuthFort's calls, each with the arguments that it has there."""
        expected = {
            "create_user": "email password name avatar_url phone email_verified", "login": "email password",
            "refresh": "raw_refresh_token access_token_cookie", "logout": "raw_refresh_token",
            "add_role": "user_id role immediate", "remove_role": "user_id role immediate", "get_roles": "user_id",
            "has_role": "user_id role", "create_password_reset_token": "email", "reset_password": "token new_password",
            "change_password": "user_id old_password new_password", "set_password": "user_id new_password",
            "create_email_verification_token": "user_id", "verify_email": "token", "create_magic_link_token": "email",
            "verify_magic_link": "token", "create_email_otp": "email", "verify_email_otp": "email code",
            "enable_mfa_init": "user_id", "enable_mfa_confirm": "user_id code", "complete_mfa_login": "mfa_token code",
            "disable_mfa": "user_id code", "admin_disable_mfa": "user_id", "regenerate_backup_codes": "user_id totp_code",
            "get_mfa_status": "user_id", "list_users": "limit offset query banned role deleted sort_by sort_order",
            "get_user": "user_id deleted", "delete_user": "user_id hard", "get_user_count": "query banned role deleted",
            "update_user": "user_id name avatar_url phone email_verified", "get_provider_tokens": "user_id provider",
            "ban_user": "user_id", "unban_user": "user_id", "get_sessions": "user_id active_only",
            "revoke_session": "session_id", "revoke_all_sessions": "user_id exclude", "rotate_key": "",
            "cleanup_expired_keys": "", "cleanup_expired_tokens": "", "cleanup_expired_sessions": "", "get_jwks": "",
            "dispose": "", "migrate": "",
        }
        for name, arguments in expected.items():
            method = getattr(self.auth, name)
            self.assertTrue(inspect.iscoroutinefunction(method), name)
            ours = inspect.signature(method).parameters
            self.assertLessEqual(set(arguments.split()), set(ours), name)
            places = [one.name for one in ours.values() if one.kind is not one.KEYWORD_ONLY and name != "rotate_key"]
            self.assertEqual(arguments.split()[: len(places)], places, name)
