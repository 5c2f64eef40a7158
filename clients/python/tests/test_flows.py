"""Emails, links, codes, and the second factor."""

import base64
import hashlib
import hmac
import struct
import time

from support import PASSWORD, AsyncCase, auth_of, query

from authfort_postgresql import AppCode, AuthResponse, MFAChallenge


def totp(secret: str, step: int = 0) -> str:
    """The code of an authenticator app (RFC 6238), so many steps from now."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.digest(key, counter, hashlib.sha1)
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1000000:06}"


class Mail(AsyncCase):
    database = "flows"

    async def test_verification(self):
        signed_in = await self.signed_in("verify@example.com")
        token = await self.auth.create_email_verification_token(signed_in.user.id)
        self.assertIs(await self.auth.verify_email(token, session_id=signed_in.user.session_id), True)
        self.assertTrue((await self.auth.get_user(signed_in.user.id)).email_verified)
        await self.refused("invalid_verification_token", 400, self.auth.verify_email(token))
        self.assertIsNone(await self.auth.create_email_verification_token(str(signed_in.user.id)))
        self.assertIsNone(await self.auth.create_email_verification_token("00000000-0000-0000-0000-000000000000"))

    async def test_magic_link(self):
        await self.auth.create_user("link@example.com", None)
        self.assertIsNone(await self.auth.create_magic_link_token("nobody@example.com"))
        token = await self.auth.create_magic_link_token("link@example.com")
        signed_in = await self.auth.verify_magic_link(token)
        self.assertIsInstance(signed_in, AuthResponse)
        self.assertEqual(signed_in.user.email, "link@example.com")
        await self.refused("invalid_magic_link", 400, self.auth.verify_magic_link(token))

    async def test_link_for_an_app(self):
        await self.auth.create_user("app@example.com", None)
        target = "com.example.app:/in"
        query("flows", f"ALTER DATABASE flows SET authfort.redirect_allowlist = '{target}'")
        auth = auth_of("flows")
        verifier = "v" * 43
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        token = await auth.create_magic_link_token(
            "app@example.com", redirect_to=target, code_challenge=challenge, code_challenge_method="S256"
        )
        given = await auth.verify_magic_link(token)
        self.assertIsInstance(given, AppCode)
        self.assertEqual(given.redirect_to, target)
        self.assertNotIn(given.code, repr(given))
        signed_in = await auth.exchange_oauth_code(given.code, verifier)
        self.assertEqual(signed_in.user.email, "app@example.com")
        await self.refused("oauth_code_invalid", 400, auth.exchange_oauth_code(given.code, verifier))
        await self.refused("invalid_redirect", 400, auth.create_magic_link_token(
            "app@example.com", redirect_to="https://evil.example", code_challenge=challenge, code_challenge_method="S256"
        ))
        await auth.dispose()

    async def test_code(self):
        await self.auth.create_user("code@example.com", None)
        self.assertIsNone(await self.auth.create_email_otp("nobody@example.com"))
        code = await self.auth.create_email_otp("code@example.com")
        for wrong in ("x", "", f"{(int(code) + 1) % 1000000:06}"):
            await self.refused("invalid_otp", 400, self.auth.verify_email_otp("code@example.com", wrong))
        signed_in = await self.auth.verify_email_otp("code@example.com", code, user_agent="test")
        self.assertIsInstance(signed_in, AuthResponse)
        await self.refused("invalid_otp", 400, self.auth.verify_email_otp("code@example.com", code))

    async def test_provider_tokens(self):
        user = (await self.auth.create_user("provider@example.com", None)).user
        self.assertIsNone(await self.auth.get_provider_tokens(user.id, "google"))


class SecondFactor(AsyncCase):
    database = "flows"

    async def enabled(self, email):
        """A user with an authenticator app: id, secret, backup codes."""
        user = (await self.signed_in(email)).user
        setup = await self.auth.enable_mfa_init(user.id)
        self.assertTrue(setup.qr_uri.startswith("otpauth://totp/"))
        self.assertNotIn(setup.secret, repr(setup))
        await self.refused("invalid_mfa_code", 400, self.auth.enable_mfa_confirm(user.id, "000"))
        codes = await self.auth.enable_mfa_confirm(user.id, totp(setup.secret))
        self.assertEqual(len(codes), 10)
        return user.id, setup.secret, codes

    async def test_sign_in(self):
        user_id, _, codes = await self.enabled("factor@example.com")
        challenge = await self.auth.login("factor@example.com", PASSWORD)
        self.assertIsInstance(challenge, MFAChallenge)
        self.assertTrue(challenge.mfa_required)
        self.assertNotIn(challenge.mfa_token, repr(challenge))
        await self.refused("invalid_mfa_code", 401, self.auth.complete_mfa_login(challenge.mfa_token, "000000x"))
        await self.refused("invalid_mfa_token", 401, self.auth.complete_mfa_login("x", codes[0]))
        signed_in = await self.auth.complete_mfa_login(challenge.mfa_token, codes[0])
        self.assertTrue(signed_in.user.mfa_enabled)
        self.assertEqual((await self.auth.get_mfa_status(user_id)).backup_codes_remaining, 9)
        link = await self.auth.create_magic_link_token("factor@example.com")
        self.assertIsInstance(await self.auth.verify_magic_link(link), MFAChallenge)
        code = await self.auth.create_email_otp("factor@example.com")
        self.assertIsInstance(await self.auth.verify_email_otp("factor@example.com", code), MFAChallenge)

    async def test_disable(self):
        user_id, secret, codes = await self.enabled("disable@example.com")
        # no code counts twice, so the next one
        new = await self.auth.regenerate_backup_codes(user_id, totp(secret, 1))
        self.assertTrue(set(new).isdisjoint(codes))
        await self.refused("invalid_mfa_code", 400, self.auth.disable_mfa(user_id, codes[0]))
        self.assertIsNone(await self.auth.disable_mfa(user_id, new[0]))
        self.assertFalse((await self.auth.get_mfa_status(user_id)).enabled)
        await self.refused("mfa_not_enabled", 400, self.auth.disable_mfa(user_id, new[1]))

    async def test_admin(self):
        user_id, *_ = await self.enabled("lost@example.com")
        self.assertIsNone(await self.auth.admin_disable_mfa(user_id))
        self.assertIsInstance(await self.auth.login("lost@example.com", PASSWORD), AuthResponse)
        await self.refused("mfa_not_enabled", 400, self.auth.admin_disable_mfa(user_id))
