"""Changing a user's email."""

from .calls import Calls, UserId, accepted, session_uuid, user_uuid


class EmailChange(Calls):
    async def request_email_change(
        self, user_id: UserId, new_email: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> None:
        """Puts a token for the new address into the outbox.

        The caller has checked that the user was authenticated recently.  A taken
        address is not reported: its owner gets a message instead.
        """
        accepted(
            await self._call(
                "request_email_change",
                user_id=user_uuid(user_id),
                new_email=new_email,
                user_agent=user_agent,
                ip_address=ip_address,
            )
        )

    async def confirm_email_change(
        self,
        token: str,
        *,
        session_id: UserId | None = None,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> bool:
        """Confirms the new email; False while authfort.secure_email_change waits for the other address.

        The session is the one in which the token was presented.  Without it, a user
        with a second factor is refused.
        """
        result = accepted(
            await self._call(
                "confirm_email_change",
                token=token,
                session_id=session_uuid(session_id),
                user_agent=user_agent,
                ip_address=ip_address,
            )
        )
        return not result.get("waiting", False)

    async def undo_email_change(
        self, token: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> None:
        """Restores the old email with the token that was mailed to it, and ends all sessions."""
        accepted(await self._call("undo_email_change", token=token, user_agent=user_agent, ip_address=ip_address))
