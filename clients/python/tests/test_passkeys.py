"""Passkeys, with the authenticator in SQL of the extension's tests."""

from psycopg.types.json import Jsonb
from support import PACKAGE, PASSWORD, AsyncCase, query

from authfort_postgresql import AuthResponse, MFAChallenge

DEVICE = PACKAGE.parent.parent / "sql" / "include" / "device.sql"


class Passkeys(AsyncCase):
    database = "passkeys"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        query(cls.database, DEVICE.read_text())
        for setting, value in (("rp_id", "example.org"), ("origins", "https://app.example.org")):
            query(cls.database, f"ALTER DATABASE {cls.database} SET authfort.webauthn_{setting} = '{value}'")

    def created(self, options, id):
        """What ``navigator.credentials.create()`` returns."""
        return query(self.database, "SELECT device.register(%s, %s)", Jsonb(options), id)[0][0]

    def signed(self, options, id, user_id):
        """What ``navigator.credentials.get()`` returns."""
        return query(self.database, "SELECT device.sign_in(%s, %s, %s)", Jsonb(options), id, user_id)[0][0]

    async def registered(self, email, id):
        user = (await self.signed_in(email)).user
        options = await self.auth.passkey_register_begin(user.id, session_id=user.session_id)
        made = self.created(options, id)
        return user, await self.auth.passkey_register_finish(user.id, made, "Key", session_id=user.session_id)

    async def test_register(self):
        user, registration = await self.registered("register@example.org", b"\xfb\x01")
        self.assertEqual((registration.passkey.id, registration.passkey.name), ("-wE", "Key"))
        self.assertEqual(len(registration.backup_codes), 10)
        self.assertEqual(registration.auth.user.session_id, user.session_id)
        self.assertNotIn(registration.backup_codes[0], repr(registration))
        await self.auth.authenticate(registration.auth.tokens.access_token)
        # the second one brings no codes
        options = await self.auth.passkey_register_begin(user.id)
        second = await self.auth.passkey_register_finish(user.id, self.created(options, b"\x02"))
        self.assertEqual((second.backup_codes, second.auth), (None, None))
        again = self.created(options, b"\x03")
        await self.refused("invalid_passkey", 400, self.auth.passkey_register_finish(user.id, again))
        await self.refused("user_not_found", 404, self.auth.passkey_register_begin("x"))
        await self.refused("invalid_passkey", 400, self.auth.passkey_register_finish(user.id, {}))

    async def test_list(self):
        user, registration = await self.registered("list@example.org", b"\xff\xfe\x01")
        id = registration.passkey.id
        (passkey,) = await self.auth.list_passkeys(user.id)
        self.assertEqual((passkey.id, passkey.name, passkey.last_used_at), (id, "Key", None))
        self.assertIs(await self.auth.rename_passkey(user.id, id, "Other"), True)
        self.assertIs(await self.auth.rename_passkey(user.id, b"\xff\xfe\x01", "Another"), True)
        self.assertEqual((await self.auth.list_passkeys(user.id))[0].name, "Another")
        await self.refused("invalid_name", 400, self.auth.rename_passkey(user.id, id, "\u200b"))
        for unknown in ("AAAA", "", "+/", "é", "A", b""):
            self.assertIs(await self.auth.rename_passkey(user.id, unknown, "x"), False)
            self.assertIs(await self.auth.delete_passkey(user.id, unknown), False)
        other = (await self.auth.create_user("list-other@example.org", PASSWORD)).user
        self.assertIs(await self.auth.delete_passkey(other.id, id), False)
        self.assertIs(await self.auth.delete_passkey(user.id, id), True)
        self.assertEqual(await self.auth.list_passkeys(user.id), [])
        await self.refused("user_not_found", 404, self.auth.list_passkeys("x"))

    async def test_sign_in(self):
        user, _ = await self.registered("login@example.org", b"\x05")
        options = await self.auth.passkey_login_begin()
        self.assertEqual(options["rpId"], "example.org")
        answer = self.signed(options, b"\x05", user.id)
        signed_in = await self.auth.passkey_login_finish(answer, user_agent="test", ip_address="192.0.2.1")
        self.assertIsInstance(signed_in, AuthResponse)
        self.assertEqual(signed_in.user.id, user.id)
        await self.refused("invalid_passkey", 400, self.auth.passkey_login_finish(answer))

    async def test_second_factor(self):
        user, _ = await self.registered("factor@example.org", b"\x06")
        challenge = await self.auth.login("factor@example.org", PASSWORD)
        self.assertIsInstance(challenge, MFAChallenge)
        self.assertIn("passkey", challenge.methods)
        options = await self.auth.passkey_mfa_begin(challenge.mfa_token)
        answer = self.signed(options, b"\x06", user.id)
        signed_in = await self.auth.passkey_mfa_finish(challenge.mfa_token, answer)
        self.assertEqual(signed_in.user.id, user.id)
        await self.refused("invalid_mfa_token", 401, self.auth.passkey_mfa_begin("x"))

    async def test_in_a_session(self):
        user, _ = await self.registered("session@example.org", b"\x07")
        answer = self.signed(await self.auth.passkey_login_begin(), b"\x07", user.id)
        tokens = (await self.auth.passkey_login_finish(answer)).tokens
        session = (await self.auth.authenticate(tokens.access_token)).session_id
        options = await self.auth.passkey_step_up_begin(session)
        self.assertEqual([c["id"] for c in options["allowCredentials"]], ["Bw"])
        answer = self.signed(options, b"\x07", user.id)
        await self.refused("invalid_passkey", 400, self.auth.passkey_reauthenticate_finish(session, answer))
        self.assertEqual((await self.auth.passkey_step_up_finish(session, answer)).user.id, user.id)
        answer = self.signed(await self.auth.passkey_reauthenticate_begin(session), b"\x07", user.id)
        again = await self.auth.passkey_reauthenticate_finish(session, answer, ip_address="192.0.2.1")
        self.assertEqual((await self.auth.authenticate(again.tokens.access_token)).session_id, session)
        await self.refused("session_not_found", 404, self.auth.passkey_step_up_begin("x"))


class Unconfigured(AsyncCase):
    database = "passkeys_off"

    async def test_refusal(self):
        await self.refused("passkeys_not_configured", 400, self.auth.passkey_login_begin())
