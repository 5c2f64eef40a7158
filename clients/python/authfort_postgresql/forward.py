"""Passes a request on to authfort.http(), and its answer back."""

import ipaddress
import logging
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import psycopg
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from psycopg.types.json import Jsonb
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from .database import Database
from .errors import AuthError
from .fetch import Fetcher

logger = logging.getLogger("authfort_postgresql")

MAX_BODY = 64 * 1024
MAX_FETCHES = 8  # of one request; the database stops earlier

HTTP = "SELECT * FROM authfort.http(%s, %s, %s, %s, %s, %s)"
RESUME = "SELECT * FROM authfort.http_resume(%s, %s, %s, %s)"


def client_address(client: Any) -> str | None:
    """The address of the peer; None for a Unix socket, or the name that a test client gives itself."""
    if client is None:
        return None
    try:
        return str(ipaddress.ip_address(client.host.partition("%")[0]))
    except ValueError:
        return None


# what PostgreSQL cannot have in a text, and what no header should have
_UNUSABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ufffd]")


def header_objects(headers: Iterable[tuple[bytes, bytes]]) -> list[dict[str, str]]:
    """The headers as authfort.http() takes them, by the rule of the gateway.

    Clients, proxies and other hosts of the same site put arbitrary bytes into
    headers.  A cookie with such bytes is left out, so that it does not hide the
    others; in another header they become question marks, because without the header
    a wrong token would be a missing one.
    """
    objects = []
    for name, value in headers:
        key = name.decode("latin-1").lower()
        text = value.decode(errors="replace")
        if key == "cookie":
            text = ";".join(pair for pair in text.split(";") if not _UNUSABLE.search(pair))
        if key.isascii():
            objects.append({key: _UNUSABLE.sub("?", text)})
    return objects


def ascii_of(raw: bytes) -> str:
    """A part of a URL, with non-ASCII characters escaped."""
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


def raw_path(scope: Scope) -> str:
    """The path as the client sent it, below the root path of the application."""
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    path = ascii_of(raw.partition(b"?")[0])
    root = quote(scope.get("root_path", "").rstrip("/"))
    # servers and versions of Starlette differ in whether the path still has it
    if root and path.startswith(root + "/") and _has_root(scope, path):
        path = path[len(root):]
    return path


def _has_root(scope: Scope, path: str) -> bool:
    """Whether the raw path is longer than the routed one."""
    root: str = scope["root_path"].rstrip("/")
    routed: str = scope["path"]
    decoded = unquote_to_bytes(path).decode("utf-8", "replace")
    return routed.startswith(root + "/") or decoded == root + routed


async def read_body(request: Request) -> str | None:
    """The body, which is read before a connection to the database is taken."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise AuthError("The request body is too large", "body_too_large", 413)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise AuthError("The request is not valid UTF-8", "invalid_request", 400)
    return text or None


def respond(row: dict[str, Any]) -> Response:
    response = Response(row["body"], row["status"])
    for one in row["headers"] or []:
        for name, value in one.items():
            response.raw_headers.append((name.lower().encode(), value.encode()))
    return response


def refuse(error: AuthError) -> Response:
    headers = {"Cache-Control": "no-store", **(error.headers or {})}
    return JSONResponse({"detail": error.detail}, error.status_code, headers)


class Forwarder:
    """Serves requests by the router of the database."""

    def __init__(self, database: Database, fetcher: Fetcher):
        self._database = database
        self._fetcher = fetcher

    async def serve(self, request: Request) -> Response:
        try:
            return respond(await self._answer(request))
        except ClientDisconnect:
            # the client has gone
            return Response(status_code=400)
        except AuthError as error:
            return refuse(error)
        except psycopg.Error as error:
            logger.error("authfort.http() failed: %s", str(error).strip())
            return refuse(AuthError("Internal error", "internal_error", 500))

    async def _answer(self, request: Request) -> dict[str, Any]:
        body = await read_body(request)
        arguments = (
            request.method,
            raw_path(request.scope),
            ascii_of(request.scope["query_string"]) or None,
            Jsonb(header_objects(request.scope["headers"])),
            body,
            client_address(request.client),
        )
        rows = await self._database.rows(HTTP, arguments)
        for _ in range(MAX_FETCHES):
            fetch = rows[0].get("fetch")
            if fetch is None:
                break
            # no connection is held meanwhile
            answer = await self._fetcher.send(fetch)
            if answer.error is not None:
                logger.warning("fetch from %s failed: %s", urlsplit(fetch["url"]).hostname, answer.error)
            resume = (fetch["resume"], answer.status, Jsonb(answer.headers), answer.body)
            rows = await self._database.rows(RESUME, resume)
        return rows[0]
