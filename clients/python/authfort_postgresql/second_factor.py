"""The second factor."""

from .calls import Calls, UserId, accepted, user_uuid
from .models import MFASetup, MFAStatus


class SecondFactor(Calls):
    async def enable_mfa_init(self, user_id: UserId) -> MFASetup:
        """Begins the set-up: the secret, and the URI that the QR code shows."""
        result = accepted(await self._call("mfa_init", user_id=user_uuid(user_id)))
        return MFASetup(secret=result["secret"], qr_uri=result["qr_uri"])

    async def enable_mfa_confirm(
        self, user_id: UserId, code: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> list[str]:
        """Completes the set-up with a first code; returns the backup codes."""
        result = accepted(
            await self._call(
                "mfa_confirm", user_id=user_uuid(user_id), code=code, user_agent=user_agent, ip_address=ip_address
            )
        )
        return list(result["backup_codes"])

    async def disable_mfa(
        self, user_id: UserId, code: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> None:
        accepted(
            await self._call(
                "mfa_disable", user_id=user_uuid(user_id), code=code, user_agent=user_agent, ip_address=ip_address
            )
        )

    async def admin_disable_mfa(self, user_id: UserId) -> None:
        """Helps a user who has lost the second factor."""
        await self._call("reset_mfa", user_id=user_uuid(user_id))

    async def regenerate_backup_codes(
        self, user_id: UserId, totp_code: str, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> list[str]:
        result = accepted(
            await self._call(
                "mfa_regenerate_backup_codes",
                user_id=user_uuid(user_id),
                code=totp_code,
                user_agent=user_agent,
                ip_address=ip_address,
            )
        )
        return list(result["backup_codes"])

    async def get_mfa_status(self, user_id: UserId) -> MFAStatus:
        result = await self._call("mfa_status", user_id=user_uuid(user_id))
        return MFAStatus(enabled=result["enabled"], backup_codes_remaining=result["backup_codes_remaining"])
