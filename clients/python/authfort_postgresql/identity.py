"""The caller of a request, as dependencies of FastAPI."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from unicodedata import normalize

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from psycopg.types.json import Jsonb
from starlette.exceptions import WebSocketException
from starlette.requests import HTTPConnection

from .config import Settings
from .database import Database
from .errors import AuthError
from .forward import HTTP, header_objects
from .models import UserResponse

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


def bearer_token(connection: HTTPConnection) -> str | None:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def cookie_values(connection: HTTPConnection, name: str) -> list[str]:
    """Every value of a cookie: a browser can send several of one name."""
    values = []
    for header in connection.headers.getlist("cookie"):
        for pair in header.split(";"):
            key, _, value = pair.partition("=")
            if key.strip() == name:
                values.append(value.strip().strip('"'))
    return [value for value in values if value]


def _claims(token: str) -> dict[str, Any]:
    """The payload of a token that the database has verified."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, UnicodeDecodeError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _newest(tokens: Iterable[str], session_id: str | None) -> str | None:
    """Which of several tokens the database chose: the newest of the session that it found."""
    ranked = [(claims.get("iat"), token) for token in tokens if (claims := _claims(token)).get("sid") == session_id]
    ranked = [(issued, token) for issued, token in ranked if isinstance(issued, (int, float))]
    return max(ranked)[1] if ranked else None


def check_origin(connection: HTTPConnection, settings: Settings) -> None:
    """Refuses a request that changes something by the cookie of a page of another site.

    The rule is that of the routes (docs/http.md).  A request with neither header
    comes from no browser of today; SameSite is what protects older ones.
    """
    if connection.scope["type"] == "http" and connection.scope["method"] in SAFE_METHODS:
        return
    site = ", ".join(connection.headers.getlist("sec-fetch-site"))
    origin = ", ".join(connection.headers.getlist("origin"))
    if site == "same-origin" or not (site or origin):
        return
    if origin in settings.elements("cors_origins") or _is_own(origin, connection, settings):
        return
    raise AuthError("This request came from a page of another site", "origin_not_allowed", 403)


def _is_own(origin: str, connection: HTTPConnection, settings: Settings) -> bool:
    own = settings.text("site_url")
    if own:
        return origin == own
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and host == connection.headers.get("host", "").lower()


def refused_by(connection: HTTPConnection, error: AuthError) -> Exception:
    """What to raise: a web socket has no status, and is closed for a violation of policy."""
    if connection.scope["type"] == "websocket":
        return WebSocketException(1008, error.code)
    return error


def detail_error(row: dict[str, Any]) -> AuthError:
    """The exception for a refused answer of authfort.http()."""
    detail = json.loads(row["body"])["detail"]
    extra = {name: value for name, value in detail.items() if name not in ("error", "message")}
    error = AuthError(detail["message"], detail["error"], row["status"], extra)
    headers = {name: value for one in row["headers"] for name, value in one.items()}
    error.headers = {name: headers[name] for name in ("WWW-Authenticate", "Retry-After") if name in headers} or None
    return error


class BearerScheme(SecurityBase):
    """Says in OpenAPI that a route takes an access token."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel(bearerFormat="JWT")
        self.scheme_name = "authfort"

    async def __call__(self) -> None:
        """Checks nothing."""


class CurrentUser(SecurityBase):
    """The dependency ``auth.current_user``: the caller, or 401.  One round trip."""

    def __init__(self, database: Database, settings: Callable[[], Awaitable[Settings]]):
        scheme = BearerScheme()
        self.model = scheme.model
        self.scheme_name = scheme.scheme_name
        self._database = database
        self._settings = settings

    async def __call__(self, connection: HTTPConnection) -> UserResponse:
        try:
            return await self._find(connection)
        except AuthError as error:
            raise refused_by(connection, error) from None

    async def _find(self, connection: HTTPConnection) -> UserResponse:
        settings = await self._settings()
        token = bearer_token(connection)
        cookies: list[str] = []
        if token is None and settings.text("cookies") == "on":
            cookies = cookie_values(connection, settings.text("access_cookie_name"))
        if cookies:
            check_origin(connection, settings)
        row = await self._ask(connection, settings)
        if row["status"] != 200:
            raise detail_error(row)
        user = UserResponse(**json.loads(row["body"]))
        if token is None:
            session_id = str(user.session_id) if user.session_id else None
            token = cookies[0] if len(cookies) == 1 else _newest(cookies, session_id)
        user._token = token
        return user

    async def _ask(self, connection: HTTPConnection, settings: Settings) -> dict[str, Any]:
        """Asks the route that knows the caller, which reads the token or the cookies itself."""
        headers = header_objects(
            (name, value) for name, value in connection.scope["headers"] if name.lower() in (b"authorization", b"cookie")
        )
        path = settings.text("http_prefix") + "/me"
        rows = await self._database.rows(HTTP, ("GET", path, None, Jsonb(headers), None, None))
        return rows[0]


def role_requirement(current_user: CurrentUser, role: str | Iterable[str]) -> Callable[..., Awaitable[UserResponse]]:
    """A dependency that lets in who has one of the roles, and answers 403 to others."""
    roles = [role] if isinstance(role, str) else list(role)
    if not roles or not all(roles):
        raise ValueError("require_role() needs a role")
    wanted = {normalize("NFC", one) for one in roles}

    async def require_role(connection: HTTPConnection, user: UserResponse = Depends(current_user)) -> UserResponse:
        if wanted.isdisjoint(user.roles):
            error = AuthError(f"Requires one of: {', '.join(roles)}", "insufficient_role", 403)
            raise refused_by(connection, error)
        return user

    return require_role
