"""Invitations, another email, sessions that are confirmed, and accounts at providers."""

import uuid

from support import PASSWORD, AsyncCase, query
from test_flows import totp

from authfort_postgresql import AuthResponse, UserNotFound

NIL = uuid.UUID(int=0)


def messages(kind: str) -> list[dict]:
    """The messages of a kind that wait, oldest first; they count as sent."""
    taken = query("accounts", "SELECT id, message FROM authfort.take_messages(100, ARRAY[%s])", kind)
    for id, _ in taken:
        query("accounts", "SELECT authfort.message_sent(%s)", id)
    return [message for _, message in taken]


class Invitations(AsyncCase):
    database = "accounts"

    async def test_accept(self):
        user = await self.auth.invite_user("Guest@example.com", roles=["editor"], name="Guest", app_metadata={"plan": 1})
        self.assertEqual((user.email, user.name, user.roles), ("guest@example.com", "Guest", []))
        token = messages("invitation")[0]["token"]
        await self.refused("invalid_invitation", 400, self.auth.accept_invitation("x", PASSWORD))
        await self.refused("password_too_short", 400, self.auth.accept_invitation(token, "x"))
        signed_in = await self.auth.accept_invitation(token, PASSWORD, user_agent="test", ip_address="192.0.2.1")
        self.assertIsInstance(signed_in, AuthResponse)
        self.assertEqual((signed_in.user.id, signed_in.user.roles), (user.id, ["editor"]))
        self.assertIsInstance(await self.auth.login("guest@example.com", PASSWORD), AuthResponse)
        await self.refused("user_exists", 409, self.auth.invite_user("guest@example.com"))
        await self.refused("invalid_role", 400, self.auth.invite_user("other@example.com", roles=[""]))

    async def test_link(self):
        await self.auth.invite_user("link@example.com")
        link = await self.auth.generate_link("invitation", "link@example.com")
        self.assertIsNone(link.link)
        self.assertNotIn(link.token, repr(link))
        self.assertIsInstance(await self.auth.accept_invitation(link.token), AuthResponse)
        await self.refused("user_not_found", 404, self.auth.generate_link("magic_link", "nobody@example.com"))

    async def test_signup(self):
        signed_up = await self.auth.signup("new@example.com", PASSWORD, name="New")
        self.assertTrue(signed_up.tokens.access_token)
        await self.refused("user_exists", 409, self.auth.signup("new@example.com", PASSWORD))


class EmailChange(AsyncCase):
    database = "accounts"

    async def test_change_and_undo(self):
        user = (await self.signed_in("old@example.com")).user
        self.assertIsNone(await self.auth.request_email_change(user.id, "new-one@example.com"))
        await self.refused("email_unchanged", 400, self.auth.request_email_change(user.id, "old@example.com"))
        await self.refused("invalid_email", 400, self.auth.request_email_change(user.id, "x"))
        await self.refused("user_not_found", 404, self.auth.request_email_change("x", "a@example.com"))
        await self.refused("invalid_email_change", 400, self.auth.confirm_email_change("x"))
        token = messages("email_change")[0]["token"]
        self.assertIs(await self.auth.confirm_email_change(token, session_id=user.session_id), True)
        self.assertEqual((await self.auth.get_user(user.id)).email, "new-one@example.com")
        undo = messages("email_changed")[0]["token"]
        self.assertIsNone(await self.auth.undo_email_change(undo))
        self.assertEqual((await self.auth.get_user(user.id)).email, "old@example.com")
        await self.refused("invalid_email_change", 400, self.auth.undo_email_change(undo))

    async def test_by_an_admin(self):
        user = (await self.auth.create_user("before@example.com", PASSWORD)).user
        self.assertEqual((await self.auth.update_user(user.id, email="after@example.com")).email, "after@example.com")


class Assurance(AsyncCase):
    database = "accounts"

    async def test_authenticate(self):
        signed_in = await self.signed_in("token@example.com")
        user = await self.auth.authenticate(signed_in.tokens.access_token)
        self.assertEqual((user.id, user.session_id), (signed_in.user.id, signed_in.user.session_id))
        async with self.auth.transaction(user) as db:
            row = await (await db.execute("SELECT authfort.uid()")).fetchone()
        self.assertEqual(row, (user.id,))
        await self.refused("token_invalid", 401, self.auth.authenticate("x"))
        await self.auth.revoke_session(user.session_id)
        await self.refused("token_invalid", 401, self.auth.authenticate(signed_in.tokens.access_token))

    async def test_reauthenticate(self):
        user = (await self.signed_in("again@example.com")).user
        again = await self.auth.reauthenticate(user.session_id, "password", PASSWORD)
        self.assertEqual(again.user.session_id, user.session_id)
        await self.refused("invalid_password", 400, self.auth.reauthenticate(user.session_id, "password", "wrong"))
        code = await self.auth.create_reauthentication_code(str(user.session_id))
        self.assertIsInstance(await self.auth.reauthenticate(user.session_id, "email_otp", code), AuthResponse)
        for unknown in (NIL, "x"):
            await self.refused("session_not_found", 404, self.auth.reauthenticate(unknown, "password", PASSWORD))
        self.assertIsNone(await self.auth.create_reauthentication_code(NIL))

    async def test_step_up(self):
        user = (await self.signed_in("step@example.com")).user
        await self.refused("mfa_not_enabled", 400, self.auth.mfa_step_up(user.id, user.session_id, "000000"))
        secret = (await self.auth.enable_mfa_init(user.id)).secret
        await self.auth.enable_mfa_confirm(user.id, totp(secret))
        await self.refused("invalid_mfa_code", 400, self.auth.mfa_step_up(user.id, user.session_id, "000000"))
        raised = await self.auth.mfa_step_up(user.id, user.session_id, totp(secret, 1))
        self.assertEqual(raised.user.session_id, user.session_id)


class Identities(AsyncCase):
    database = "accounts"

    async def test_identities(self):
        user = (await self.auth.create_user("identity@example.com", PASSWORD)).user
        self.assertEqual(await self.auth.list_identities(user.id), [])
        query(
            "accounts",
            "INSERT INTO authfort.identities (user_id, provider, provider_user_id, created_at, last_sign_in_at)"
            " VALUES (%s, 'idp', '7', now(), now())",
            user.id,
        )
        (identity,) = await self.auth.list_identities(user.id)
        self.assertEqual((identity.provider, identity.provider_user_id, identity.email), ("idp", "7", None))
        self.assertIsNone(await self.auth.get_provider_tokens(user.id, "idp"))
        self.assertIsNone(await self.auth.unlink_identity(user.id, "idp"))
        await self.refused("identity_not_found", 404, self.auth.unlink_identity(user.id, "idp"))


class Unknown(AsyncCase):
    database = "accounts"

    async def test_value_error(self):
        """What an application of AuthFort catches."""
        for call in (self.auth.delete_user, self.auth.ban_user, self.auth.unban_user, self.auth.get_user):
            with self.subTest(call.__name__), self.assertRaises(ValueError) as caught:
                await call(NIL)
            self.assertIsInstance(caught.exception, UserNotFound)
            self.assertEqual((str(caught.exception), caught.exception.status_code), ("User not found", 404))
        with self.assertRaisesRegex(ValueError, "Invalid sort_by"):
            await self.auth.list_users(sort_by="password_hash")
        with self.assertRaisesRegex(ValueError, "Invalid sort_order"):
            await self.auth.list_users(sort_order="asc; DROP TABLE x")
