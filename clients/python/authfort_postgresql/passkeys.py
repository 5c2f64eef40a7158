"""Passkeys: what belongs to the server of the two ceremonies of WebAuthn, and the list of a user's passkeys.

The browser does the rest, with the JSON that these calls give and take:
docs/passkeys.md shows a page.
"""

import base64
import binascii
from typing import Any

from .calls import Calls, UserId, accepted, session_uuid, signed_in, user_uuid
from .models import AuthResponse, MFAChallenge, PasskeyRegistration, PasskeyResponse

Json = dict[str, Any]


def _encoded(id: bytes) -> str:
    return base64.urlsafe_b64encode(id).rstrip(b"=").decode()


def _decoded(id: str | bytes) -> bytes:
    """The credential id of its base64url; text of another form is an id that no passkey has."""
    if isinstance(id, bytes):
        return id
    try:
        return base64.b64decode(id + "=" * (-len(id) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


class Passkeys(Calls):
    async def list_passkeys(self, user_id: UserId) -> list[PasskeyResponse]:
        database = await self._ready()
        rows = await database.rows("SELECT * FROM authfort.list_passkeys(%s)", (user_uuid(user_id),))
        return [PasskeyResponse(**{**row, "id": _encoded(row["id"])}) for row in rows]

    async def rename_passkey(self, user_id: UserId, passkey_id: str | bytes, name: str) -> bool:
        """Gives a passkey another name; False for an unknown one."""
        id = _decoded(passkey_id)
        return bool(await self._call("rename_passkey", user_id=user_uuid(user_id), id=id, name=name))

    async def delete_passkey(self, user_id: UserId, passkey_id: str | bytes) -> bool:
        """Removes a passkey; False for an unknown one.  ``last_credential`` if it is the last way to sign in."""
        id = _decoded(passkey_id)
        return bool(await self._call("delete_passkey", user_id=user_uuid(user_id), id=id))

    # adding one

    async def passkey_register_begin(self, user_id: UserId, *, session_id: UserId | None = None) -> Json:
        """The options for ``navigator.credentials.create()``.

        With the session, it has to have been authenticated recently; without, the
        caller has checked that.
        """
        options = await self._call(
            "passkey_register_begin", user_id=user_uuid(user_id), session_id=session_uuid(session_id)
        )
        return dict(accepted(options))

    async def passkey_register_finish(
        self,
        user_id: UserId,
        credential: Json,
        name: str | None = None,
        *,
        session_id: UserId | None = None,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> PasskeyRegistration:
        """Adds the passkey that the browser has made.

        A first second factor brings ``backup_codes``, and ``auth`` has new tokens of
        the session.
        """
        result = accepted(
            await self._call(
                "passkey_register_finish",
                user_id=user_uuid(user_id),
                credential=credential,
                name=name,
                session_id=session_uuid(session_id),
                user_agent=user_agent,
                ip_address=ip_address,
            )
        )
        return PasskeyRegistration(
            passkey=PasskeyResponse(**result),
            backup_codes=result.get("backup_codes"),
            auth=AuthResponse(**result) if "tokens" in result else None,
        )

    # signing in with one

    async def passkey_login_begin(self, email: str | None = None) -> Json:
        """The options for ``navigator.credentials.get()``, the same for every email."""
        return dict(accepted(await self._call("passkey_login_begin", email=email)))

    async def passkey_login_finish(
        self, credential: Json, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> AuthResponse | MFAChallenge:
        return signed_in(
            await self._call(
                "passkey_login_finish", credential=credential, user_agent=user_agent, ip_address=ip_address
            )
        )

    async def passkey_mfa_begin(self, mfa_token: str) -> Json:
        """The options for ``navigator.credentials.get()`` with the passkeys of the challenge's user."""
        return dict(accepted(await self._call("passkey_mfa_begin", mfa_token=mfa_token)))

    async def passkey_mfa_finish(
        self, mfa_token: str, credential: Json, *, user_agent: str | None = None, ip_address: str | None = None
    ) -> AuthResponse:
        """Answers an MFAChallenge with a passkey."""
        result = await self._call(
            "passkey_mfa_finish",
            mfa_token=mfa_token,
            credential=credential,
            user_agent=user_agent,
            ip_address=ip_address,
        )
        return AuthResponse(**accepted(result))

    async def passkey_step_up_begin(self, session_id: UserId) -> Json:
        """The options for ``navigator.credentials.get()`` with the passkeys of the session's user."""
        return dict(accepted(await self._call("passkey_step_up_begin", session_id=session_uuid(session_id))))

    async def passkey_step_up_finish(
        self,
        session_id: UserId,
        credential: Json,
        *,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> AuthResponse:
        """Raises a session to two factors; the response has its current tokens."""
        return await self._finish_in_session(
            "passkey_step_up_finish", session_id, credential, user_agent, ip_address
        )

    async def passkey_reauthenticate_begin(self, session_id: UserId) -> Json:
        """The same options for authenticating again."""
        result = await self._call("passkey_reauthenticate_begin", session_id=session_uuid(session_id))
        return dict(accepted(result))

    async def passkey_reauthenticate_finish(
        self,
        session_id: UserId,
        credential: Json,
        *,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> AuthResponse:
        """Authenticates the user of a session again; the response has its current tokens."""
        return await self._finish_in_session(
            "passkey_reauthenticate_finish", session_id, credential, user_agent, ip_address
        )

    async def _finish_in_session(
        self, function: str, session_id: UserId, credential: Json, user_agent: str | None, ip_address: str | None
    ) -> AuthResponse:
        result = await self._call(
            function,
            session_id=session_uuid(session_id),
            credential=credential,
            user_agent=user_agent,
            ip_address=ip_address,
        )
        return AuthResponse(**accepted(result))
