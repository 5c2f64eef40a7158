"""Refusals and failures, as exceptions that FastAPI answers by itself."""

import re
from collections.abc import Mapping
from typing import Any

import psycopg
import psycopg_pool
from fastapi import HTTPException


class AuthError(HTTPException):
    """A refusal: its code, its text and the status of the response.

    ``extra`` are further members of the response, such as ``mfa_token``.
    """

    def __init__(
        self,
        message: str,
        code: str,
        status_code: int = 400,
        extra: Mapping[str, Any] | None = None,
        **more: Any,
    ):
        self.message = message
        self.code = code
        self.extra: dict[str, Any] = {**(extra or {}), **more}
        super().__init__(status_code, {**self.extra, "error": code, "message": message}, _headers_of(self))

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        # without the extra members, which may be tokens
        return f"{type(self).__name__}({self.code!r}, {self.status_code})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.code, self.status_code, self.extra))


class Unavailable(AuthError):
    """The database, or a place in its pool, cannot be had at the moment."""

    def __init__(self, message: str = "The database is not available", code: str = "service_unavailable"):
        super().__init__(message, code, 503)
        self.headers = {"Retry-After": "1"}


class ConfigurationError(AuthError):
    """The application and the database are configured differently.

    The client gets a 503 without details; ``problems`` are for the log.
    """

    def __init__(self, problems: list[str]):
        super().__init__("The service is not configured", "service_unavailable", 503)
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(self.problems)


class UserNotFound(AuthError, ValueError):
    """There is no such user.  A ValueError as well, which some calls of AuthFort raise for that."""

    def __init__(self) -> None:
        super().__init__("User not found", "user_not_found", 404)


def _rebuild(cls: type[AuthError], message: str, code: str, status_code: int, extra: dict[str, Any]) -> AuthError:
    error = cls.__new__(cls)
    AuthError.__init__(error, message, code, status_code, extra)
    return error


def _headers_of(error: AuthError) -> dict[str, str] | None:
    retry_after = error.extra.get("retry_after")
    return {"Retry-After": str(retry_after)} if retry_after is not None else None


def user_not_found() -> AuthError:
    return UserNotFound()


def session_not_found() -> AuthError:
    return AuthError("Session not found", "session_not_found", 404)


def refusal(result: Mapping[str, Any]) -> AuthError:
    """The exception for a refusal that a function of authfort returned."""
    if result["error"] == "user_not_found" and result["status"] == 404:
        return user_not_found()
    extra = {name: value for name, value in result.items() if name not in ("error", "message", "status")}
    return AuthError(result["message"], result["error"], result["status"], extra)


# The first match is used; as in the gateway.
_FAILURES = (
    ("57014", "timeout", "The request took too long"),
    ("40001", "server_busy", "The server is busy"),
    ("40P01", "server_busy", "The server is busy"),
    ("55P03", "server_busy", "The server is busy"),
    ("25006", "service_unavailable", "The database is not available"),
    ("57P", "service_unavailable", "The database is not available"),
    ("08", "service_unavailable", "The database is not available"),
    ("53", "service_unavailable", "The database is not available"),
    ("58", "service_unavailable", "The database is not available"),
    ("F0", "service_unavailable", "The database is not available"),
)

_STATUSES = {
    "insufficient_role": 403,
    "insufficient_assurance": 403,
    "reauthentication_required": 403,
    "user_banned": 403,
    "user_not_found": 404,
    "session_not_found": 404,
    "unknown_provider": 404,
    "user_exists": 409,
    "user_in_use": 409,
    "account_exists": 409,
    "identity_taken": 409,
    "rate_limit_exceeded": 429,
    "mfa_locked": 429,
    "server_busy": 503,
}


def _status_of(code: str, sqlstate: str) -> int:
    if sqlstate == "28000":
        return 403 if code == "user_banned" else 401
    return _STATUSES.get(code, 400)


def failure(error: Exception) -> Unavailable | None:
    """The response to an error that neither the application nor the client has caused."""
    if isinstance(error, (psycopg_pool.PoolTimeout, psycopg_pool.TooManyRequests)):
        return Unavailable("The server is busy", "server_busy")
    if not isinstance(error, psycopg.Error):
        return None
    if error.sqlstate is None:
        is_ours = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return Unavailable() if is_ours else None
    for beginning, code, text in _FAILURES:
        if error.sqlstate.startswith(beginning):
            return Unavailable(text, code)
    return None


def malformed() -> AuthError:
    return AuthError("The request is malformed", "invalid_request", 400)


def is_no_text(error: psycopg.Error) -> bool:
    """Whether a value cannot be a text of PostgreSQL, such as one with a zero byte, which psycopg itself refuses."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError)
    return error.sqlstate in ("22021", "22P05")


def translate(error: psycopg.Error) -> AuthError | None:
    """The refusal or failure that an error of a function of authfort stands for.

    None where it is a mistake of the application, which it should see as it is.
    """
    detail = error.diag.message_detail
    if error.sqlstate is not None and detail is not None and re.fullmatch("[a-z]+(_[a-z]+)*", detail):
        # a DETAIL that is one word is a code
        if detail == "user_not_found" and error.sqlstate != "28000":
            return user_not_found()
        message = error.diag.message_primary or detail
        return AuthError(message[:1].upper() + message[1:], detail, _status_of(detail, error.sqlstate))
    if is_no_text(error):
        return malformed()
    return failure(error)
