"""Requests to the station, signed, one after the other over one connection. What the answers mean is up to who asks.

http.client and ssl: of the standard library, no larger in memory than h11, and with parts of a MiB nearly all of the work is TLS's.

Guarantees
- Nothing is sent to anybody who cannot show the station's name by a certificate that is trusted, except on a loopback address. While the
  camera's clock is not to be trusted the certificate's dates are not looked at; chain and name are.
- With `link` every byte goes over that network interface, or none does.
- A 401 that brings a nonce is answered once, with it; every other status is handed back. An answer is at most `MAX_ANSWER_BYTES` long.

Not guaranteed: that an answer comes. Each wait for the network ends after `timeout_seconds`, and an answer as a whole where it comes too
slowly.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from bodycamd.config.station_checks import StationAddress
from bodycamd.errors import ConfigError, PermissionDeniedError, UnavailableError
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.request_signing import NONCE_HEADER, Content, Target, signed_headers
from bodycamd.foreign_text import shown

TIMEOUT_SECONDS: Final = 30.0
FRESH_SECONDS: Final = 3.0
"""A connection that rested longer is made anew: servers close idle ones, uvicorn after 5 s."""
MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024
"""A roster and 16 orders, each as long as one may be, have less."""
PIECE_BYTES: Final = 64 * 1024
LEAST_BYTES_A_SECOND: Final = 1000
"""Of an answer, after one wait for the network: slower links carry no footage either."""
_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h); Python has no name for it."""
_NONCE = re.compile(r"[A-Za-z0-9._~+/=:-]{1,512}")
_SECONDS = re.compile(r"[0-9]{1,6}")


class StationError(UnavailableError):
    """The station cannot be asked, or does not answer as one. `after_seconds`: when it wants to be asked again, if it said so."""

    def __init__(self, why: str, after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class Reply(Struct, frozen=True):
    """An answer; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def number(self, header: str) -> int | None:
        """The value of a header that is a number of bytes; `None` where it is none."""
        text = self.headers.get(header, "")
        return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


class StationLink:
    """One camera's. `timed`: the clock is to be trusted. `close` it, or ask on: a broken connection is made anew by the next request."""

    def __init__(
        self, address: StationAddress, device: str, signer: Signer, ca: str | None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Raises `ConfigError` where `ca` has no certificates."""
        self._timeout_seconds = timeout_seconds
        self._address, self._device, self._signer, self._ca = address, device, signer, ca
        self._nonce = "none"
        self._connection: http.client.HTTPConnection | None = None
        self._made: tuple[str | None, bool] | None = None
        self._used = 0.0
        self.link: str | None = None
        """The network interface that is used; `None`: whichever the system takes."""
        self.timed = True
        _context(ca, timed=True)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, method: str, path: str, content: Content | None = None, query: str = "") -> Reply:
        """The answer to a request below the camera's own place. Raises `StationError`, `PermissionDeniedError` where the station does not
        take this camera's signature."""
        target = Target(method, self._address.authority, f"/v1/cameras/{self._device}/{path}", query)
        for _ in range(2):
            try:
                reply = self._asked(target, content)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise StationError(f"{self._address.authority}: {shown(reason or type(error).__name__, 200)}") from error
            fresh = reply.headers.get(NONCE_HEADER.lower(), "")
            if reply.status != 401 or not _NONCE.fullmatch(fresh):
                break
            self._nonce = fresh
        if reply.status in (401, 403):
            raise PermissionDeniedError(f"{self._address.authority}: {reply.status}: {told(reply)}: is this camera active in the roster?")
        if reply.status == 503:
            after = reply.headers.get("retry-after", "")
            raise StationError(f"503: {told(reply)}", float(after) if _SECONDS.fullmatch(after) else None)
        return reply

    def _asked(self, target: Target, content: Content | None) -> Reply:
        """Once more where a connection that was good before has gone: no request does anything else the second time."""
        connection = self._connected()
        used = connection.sock is not None
        try:
            return self._sent(target, content)
        except ConnectionError:
            if not used:
                raise
            self.close()
            return self._sent(target, content)

    def _sent(self, target: Target, content: Content | None) -> Reply:
        connection = self._connected()
        headers = signed_headers(target, content, self._nonce, self._signer)
        query = f"?{target.query}" if target.query else ""
        connection.putrequest(target.method, target.path + query, skip_host=True, skip_accept_encoding=True)
        connection.putheader("host", target.authority)
        for name, value in headers.items():
            connection.putheader(name, value)
        if content is None and target.method == "POST":
            connection.putheader("content-length", "0")
        connection.endheaders()
        if content is not None:
            connection.send(content.body)  # not with the headers: http.client would copy all of it
        answer = connection.getresponse()
        body = self._read(answer)
        if answer.length:
            raise http.client.IncompleteRead(body, answer.length)
        self._used = time.monotonic()
        found = {name.lower(): value for name, value in answer.getheaders()}
        if answer.will_close:
            self.close()
        return Reply(answer.status, found, body)

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        """All of it. A station that gives a byte now and then would hold this process as long as it likes: each wait would end in time."""
        found, size, began = [], 0, time.monotonic()
        while piece := answer.read1(PIECE_BYTES):
            found.append(piece)
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise http.client.HTTPException("a longer answer than any station gives")
            if time.monotonic() - began > self._timeout_seconds + size / LEAST_BYTES_A_SECOND:
                raise http.client.HTTPException("an answer that comes too slowly")
        answer.read(0)  # `read1` alone leaves an answer whose length is known open, and the connection with it
        return b"".join(found)

    def _connected(self) -> http.client.HTTPConnection:
        wanted = self.link, self.timed
        if self._made != wanted or time.monotonic() - self._used > FRESH_SECONDS:
            self.close()
        if self._connection is None:
            context = _context(self._ca, timed=self.timed) if self._address.tls else None
            self._connection = _Connection(self._address, context, self.link, self._timeout_seconds)
            self._made = wanted
        return self._connection


class _Connection(http.client.HTTPConnection):
    """Over one network interface, if one is named; with TLS where there is a context."""

    def __init__(self, address: StationAddress, context: ssl.SSLContext | None, link: str | None, timeout_seconds: float) -> None:
        super().__init__(address.host, address.port, timeout=timeout_seconds)
        self._seconds = timeout_seconds
        self._context, self._link = context, link

    def connect(self) -> None:
        """Raises `OSError`."""
        plain = _connected(self.host, self.port, self._link, self._seconds)
        try:
            self.sock = plain if self._context is None else self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def told(reply: Reply) -> str:
    """What an answer says for people, made harmless."""
    return shown(reply.body[:300].decode("utf-8", "replace").replace("\n", " "), 300) or "it does not say why"


def _connected(host: str, port: int, link: str | None, timeout_seconds: float) -> socket.socket:
    """To the first address that answers. Raises `OSError`."""
    last: OSError | None = None
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        found = socket.socket(family, kind, protocol)
        try:
            found.settimeout(timeout_seconds)
            if link is not None:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode() + b"\0")
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            found.connect(place)
        except OSError as error:
            found.close()
            last = error
        else:
            return found
    raise last or OSError(f"{host} has no address")


def _context(ca: str | None, *, timed: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"station.ca: {ca}: {error}; allowed: a file of certificates (PEM)") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not timed:
        context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
    return context
