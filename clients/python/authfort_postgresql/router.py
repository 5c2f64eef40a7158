"""The routes of authfort as routers of FastAPI."""

import logging
import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Request, Response

from .config import Settings
from .errors import AuthError
from .forward import Forwarder, raw_path, refuse
from .identity import BearerScheme
from .routes import ROUTES, Route, openapi_extra

logger = logging.getLogger("authfort_postgresql")

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

Endpoint = Callable[[Request], Awaitable[Response]]


def jwks_router(forwarder: Forwarder) -> APIRouter:
    router = APIRouter(tags=["auth"])
    for route in ROUTES:
        if route.rooted:
            _add(router, route, forwarder.serve)
            router.add_api_route(route.path, forwarder.serve, methods=METHODS, include_in_schema=False)
    return router


def auth_router(forwarder: Forwarder, settings: Callable[[], Awaitable[Settings]]) -> APIRouter:
    """Every route below the prefix.

    The documented ones are there for OpenAPI.  The last one takes everything, so
    that the database answers for unknown paths, for CORS, and for routes that
    a later version has.
    """
    router = APIRouter(tags=["auth"])

    def at(path: str) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                wrong = wrong_prefix(request, path, (await settings()).text("http_prefix"))
            except AuthError as error:
                return refuse(error)
            if wrong is not None:
                logger.error("%s", wrong)
                return refuse(AuthError(wrong, "wrong_prefix", 500))
            return await forwarder.serve(request)

        return endpoint

    for route in ROUTES:
        if not route.rooted:
            _add(router, route, at(route.path))
    router.add_api_route("/{path:path}", at("/{path:path}"), methods=METHODS, include_in_schema=False)
    return router


def wrong_prefix(request: Request, path: str, prefix: str) -> str | None:
    """The complaint where the router is mounted elsewhere than the database believes."""
    relative = re.sub(r"\{(\w+)(:path)?\}", lambda name: str(request.path_params[name[1]]), path)
    mounted = unquote(raw_path(request.scope)).removesuffix(relative)
    if mounted == prefix:
        return None
    return (
        f"the router of authfort is mounted at {mounted!r}, but authfort.http_prefix is {prefix!r}: use"
        f" include_router(auth.fastapi_router(), prefix={prefix!r}), or ALTER DATABASE ... SET authfort.http_prefix"
    )


def _add(router: APIRouter, route: Route, endpoint: Endpoint) -> None:
    router.add_api_route(
        route.path,
        endpoint,
        methods=[route.method],
        name=f"authfort_{route.name}",
        summary=route.summary,
        openapi_extra=openapi_extra(route),
        # for OpenAPI alone: the database checks the token
        dependencies=[] if route.access == "open" else [Depends(BearerScheme())],
        response_model=None,
        status_code=200,
    )
