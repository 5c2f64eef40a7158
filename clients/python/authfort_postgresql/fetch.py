"""Sends the requests that authfort asks for: to public addresses, by https, within limits."""

import asyncio
import ipaddress
import ssl
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = tuple[asyncio.AbstractEventLoop, str, int]

# What a provider's answer may be at most, whatever the database asks for.
MAX_SECONDS = 30.0
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` is None where the fetch failed, and ``error`` says why, for the log."""

    status: int | None
    headers: list[dict[str, str]]
    body: str | None
    error: str | None = None


class FetchError(Exception):
    """A fetch that was not made, or whose answer cannot be used."""


class _Context(ssl.SSLContext):
    """Verifies the certificate of a name, where the URL has an address of it."""

    name: str

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(incoming, outgoing, server_side, self.name, session)


class Fetcher:
    """Makes fetches.

    ``allow`` has networks that are not public but may be reached, and ``cafile``
    certificates to trust instead of the system's; both are for tests.
    ``maximum`` is how many fetches may wait at a time; one host gets three
    quarters of them, so that users of other providers can sign in while it hangs.
    """

    def __init__(self, allow: Iterable[str] = (), cafile: str | None = None, maximum: int = 100):
        self._allow = [ipaddress.ip_network(network) for network in allow]
        self._cafile = cafile
        self._maximum = maximum
        # event loops of several threads share these
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._lookups: dict[Lookup, asyncio.Future[list[Any]]] = {}

    def _context(self, name: str) -> ssl.SSLContext:
        context = _Context(ssl.PROTOCOL_TLS_CLIENT)
        context.name = name
        if self._cafile is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(self._cafile)
        return context

    async def send(self, fetch: dict[str, Any]) -> Answer:
        seconds = min(float(fetch.get("timeout_ms") or 10_000) / 1000, MAX_SECONDS)
        limit = min(int(fetch.get("max_bytes") or MAX_BYTES), MAX_BYTES)
        # A task of its own can be given up whatever the libraries in between make of a cancellation.
        task = asyncio.create_task(self._send(fetch, limit))
        try:
            await asyncio.wait([task], timeout=seconds)
        finally:
            task.cancel()
        await asyncio.wait([task], timeout=1.0)
        return _answer_of(task)

    @contextmanager
    def _counted(self, host: str) -> Iterator[None]:
        with self._lock:
            mine = self._running[host]
            if self._running.total() >= self._maximum or mine >= self._maximum - self._maximum // 4:
                raise FetchError(f"too many requests wait, {mine} of them for {host}")
            self._running[host] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[host] -= 1
                if self._running[host] == 0:
                    del self._running[host]

    async def _send(self, fetch: dict[str, Any], limit: int) -> Answer:
        url = httpx.URL(fetch["url"])
        with self._counted(url.netloc.decode("ascii")):
            return await self._send_to(url, fetch, limit)

    async def _send_to(self, url: httpx.URL, fetch: dict[str, Any], limit: int) -> Answer:
        if url.scheme != "https" or not url.host or url.userinfo:
            raise FetchError("only https is fetched, and no URL with a user in it")
        # url.host would be Unicode, which names another host in the IDNA of 2003 (that of the standard library)
        host = url.raw_host.decode("ascii")
        addresses = await self._resolve(host, url.port or 443)
        headers = [*_pairs(fetch.get("headers")), ("Host", url.netloc.decode("ascii")), ("Accept-Encoding", "identity")]
        async with httpx.AsyncClient(
            verify=self._context(host), trust_env=False, follow_redirects=False, timeout=None
        ) as client:
            for number, address in enumerate(addresses, 1):
                # The name is resolved once: a second answer of its server could be another address.
                request = client.build_request(
                    fetch.get("method") or "GET",
                    url.copy_with(host=str(address)),
                    headers=headers,
                    content=_bytes(fetch.get("body")),
                )
                try:
                    response = await client.send(request, stream=True)
                except httpx.ConnectError:
                    if number == len(addresses):
                        raise
                    continue
                return await _read(response, limit)
        raise FetchError("the host has no address")

    async def _resolve(self, host: str, port: int) -> list[Address]:
        found = await self._look_up(host, port)
        addresses = list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))
        for address in addresses:
            if not self._may_reach(address):
                raise FetchError(f"{host} has an address that is not public")
        return addresses[:3]

    async def _look_up(self, host: str, port: int) -> list[Any]:
        """One at a time for a name: one that hangs holds one of the few threads of the event loop."""
        loop = asyncio.get_running_loop()
        key = (loop, host, port)
        found = self._lookups.get(key)
        if found is None:
            found = self._lookups[key] = asyncio.ensure_future(loop.getaddrinfo(host, port, type=1))
            found.add_done_callback(lambda done: self._forget_lookup(key, done))
        return await asyncio.shield(found)

    def _forget_lookup(self, key: Lookup, done: "asyncio.Future[list[Any]]") -> None:
        del self._lookups[key]
        if not done.cancelled():
            # the requests that waited for it may have been given up
            done.exception()

    def _may_reach(self, address: Address) -> bool:
        if any(address in network for network in self._allow):
            return True
        return is_public(address)


def _networks(text: str) -> list[Any]:
    return [ipaddress.ip_network(network) for network in text.split()]


# As in the gateway.  What the standard library calls global depends on its version, and includes an address of
# Azure's hosts.  Of IPv6, only 2000::/3 is assigned.
_INTERNAL_IPV4 = _networks("""
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3
""")
_UNICAST_IPV6 = ipaddress.IPv6Network("2000::/3")
_INTERNAL_IPV6 = _networks("2001::/23 2001:db8::/32 2002::/16 3fff::/20")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


def _unwrapped(address: Address) -> Address:
    """The IPv4 address in one of IPv6: mapped, or of NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def is_public(address: Address) -> bool:
    """Whether an address is of the internet, also where it wraps one of IPv4."""
    address = _unwrapped(address)
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _INTERNAL_IPV4)
    return address in _UNICAST_IPV6 and not any(address in network for network in _INTERNAL_IPV6)


def _pairs(headers: Any) -> list[tuple[str, str]]:
    """The headers of a fetch: an object, or an array of objects as in a response."""
    objects = headers if isinstance(headers, list) else [headers or {}]
    return [
        (name, str(value))
        for one in objects
        for name, value in one.items()
        if name.lower() not in ("host", "accept-encoding", "content-length", "connection", "transfer-encoding")
    ]


def _bytes(body: Any) -> bytes | None:
    return None if body is None else str(body).encode()


def _answer_of(task: "asyncio.Task[Answer]") -> Answer:
    if not task.done() or task.cancelled():
        return Answer(None, [], None, "it took too long")
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, (FetchError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)):
        return Answer(None, [], None, f"{type(error).__name__}: {error}")
    raise error


async def _read(response: httpx.Response, limit: int) -> Answer:
    try:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise FetchError("the answer is compressed, though it was not asked to be")
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > limit:
                raise FetchError("the answer is too large")
    finally:
        await response.aclose()
    text = body.decode()
    if "\0" in text:
        raise FetchError("the answer has a zero byte")
    return Answer(response.status_code, [{name: value} for name, value in response.headers.multi_items()], text)
