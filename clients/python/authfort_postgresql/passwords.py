"""Passwords and the verification of emails."""

from .calls import Calls, UserId, accepted, session_uuid, user_uuid


class Passwords(Calls):
    async def create_password_reset_token(self, email: str) -> str | None:
        """Makes a token to be mailed; None, after the same time, for an unknown email."""
        token: str | None = await self._call("create_password_reset_token", email=email)
        return token

    async def reset_password(self, token: str, new_password: str) -> bool:
        """Sets a new password; True, or raises."""
        accepted(await self._call("reset_password", token=token, new_password=new_password))
        return True

    async def change_password(
        self,
        user_id: UserId,
        old_password: str,
        new_password: str,
        *,
        session_id: UserId | None = None,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> None:
        """Changes the password and ends the user's sessions, except one that is named."""
        accepted(
            await self._call(
                "change_password",
                user_id=user_uuid(user_id),
                old_password=old_password,
                new_password=new_password,
                session_id=session_uuid(session_id),
                user_agent=user_agent,
                ip_address=ip_address,
            )
        )

    async def set_password(self, user_id: UserId, new_password: str, *, session_id: UserId | None = None) -> None:
        """Gives an account its first password, and ends the user's sessions, except one that is named."""
        session = session_uuid(session_id)
        accepted(
            await self._call(
                "set_password", user_id=user_uuid(user_id), new_password=new_password, session_id=session
            )
        )

    async def create_email_verification_token(self, user_id: UserId) -> str | None:
        """Makes a token to be mailed; None for users who are unknown or verified."""
        token: str | None = await self._call("create_email_verification_token", user_id=user_uuid(user_id))
        return token

    async def verify_email(self, token: str, *, session_id: UserId | None = None) -> bool:
        """Marks the email of a token as verified; True, or raises.

        A session of the account, in which the token was presented, also proves that
        the mailbox belongs to the person who signed up.
        """
        accepted(await self._call("verify_email", token=token, session_id=session_uuid(session_id)))
        return True
