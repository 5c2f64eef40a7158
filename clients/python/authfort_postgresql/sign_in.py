"""Signing in and out."""

from .calls import Calls, accepted, signed_in
from .models import AppCode, AuthResponse, MFAChallenge


class SignIn(Calls):
    """Each way to sign in gives an AuthResponse, or an MFAChallenge where a second factor is to follow."""

    async def signup(
        self,
        email: str,
        password: str,
        *,
        name: str | None = None,
        avatar_url: str | None = None,
        phone: str | None = None,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> AuthResponse | MFAChallenge:
        """Signs a new user up and in, where sign-up is open."""
        return signed_in(
            await self._call(
                "signup",
                email=email,
                password=password,
                name=name,
                avatar_url=avatar_url,
                phone=phone,
                user_agent=user_agent,
                ip_address=ip_address,
            )
        )

    async def login(
        self, email: str, password: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> AuthResponse | MFAChallenge:
        """Signs in with email and password."""
        return signed_in(
            await self._call("login", email=email, password=password, user_agent=user_agent, ip_address=ip_address)
        )

    async def refresh(
        self,
        raw_refresh_token: str,
        *,
        access_token_cookie: str | None = None,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> AuthResponse:
        """Exchanges a refresh token for its successor and a new access token."""
        result = await self._call(
            "refresh",
            refresh_token=raw_refresh_token,
            access_token=access_token_cookie,
            user_agent=user_agent,
            ip_address=ip_address,
        )
        return AuthResponse(**accepted(result))

    async def logout(
        self, raw_refresh_token: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> None:
        """Ends the session of a refresh token; silent for an unknown one."""
        await self._call(
            "logout", refresh_token=raw_refresh_token, user_agent=user_agent, ip_address=ip_address
        )

    async def create_magic_link_token(
        self,
        email: str,
        *,
        redirect_to: str | None = None,
        code_challenge: str | None = None,
        code_challenge_method: str | None = None,
    ) -> str | None:
        """Makes the token of a magic link; None for an unknown email.

        With the other arguments, the link is for an app: it leads to a one-time code,
        which the app exchanges.
        """
        token: str | None = await self._call(
            "create_magic_link_token",
            email=email,
            redirect_to=redirect_to,
            code_challenge=code_challenge,
            code_challenge_method=code_challenge_method,
        )
        return token

    async def verify_magic_link(
        self, token: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> AuthResponse | MFAChallenge | AppCode:
        """Signs in; an AppCode for a link that an app has asked for, which signs in nobody yet."""
        result = accepted(
            await self._call("verify_magic_link", token=token, user_agent=user_agent, ip_address=ip_address)
        )
        return AppCode(**result) if "code" in result else signed_in(result)

    async def exchange_oauth_code(
        self, code: str, code_verifier: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> AuthResponse | MFAChallenge:
        """Signs an app in with its one-time code, of a provider or a magic link."""
        return signed_in(
            await self._call(
                "exchange_oauth_code",
                code=code,
                code_verifier=code_verifier,
                user_agent=user_agent,
                ip_address=ip_address,
            )
        )

    async def create_email_otp(self, email: str) -> str | None:
        """Makes a code of six digits to sign in with; None for an unknown email."""
        code: str | None = await self._call("create_email_otp", email=email)
        return code

    async def verify_email_otp(
        self, email: str, code: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> AuthResponse | MFAChallenge:
        return signed_in(
            await self._call(
                "verify_email_otp", email=email, code=code, user_agent=user_agent, ip_address=ip_address
            )
        )

    async def complete_mfa_login(
        self, mfa_token: str, code: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> AuthResponse:
        """Answers an MFAChallenge with a code of the authenticator or a backup code."""
        result = await self._call(
            "complete_mfa_login", mfa_token=mfa_token, code=code, user_agent=user_agent, ip_address=ip_address
        )
        return AuthResponse(**accepted(result))
