"""A time-stamping authority over HTTP (RFC 3161, 3.4): a request goes out, its answer comes back, and is judged by somebody else."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_pem_x509_certificates

from bodycamd.errors import BodycamError, ConfigError, StorageError
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import read_named
from bodycamd.municipality.station.stamps import MAX_STAMP_BYTES

TIMEOUT_SECONDS: Final = 30.0
MAX_ROOTS_BYTES: Final = 1024 * 1024


class TimestampAuthority:
    """At this URL. It goes straight there: no redirect is followed, and no proxy is asked."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url, self._timeout_seconds = url, timeout_seconds

    def __call__(self, request: bytes) -> bytes:
        """The answer to a request. Raises `StorageError` where none comes in time."""
        at = urlsplit(self._url)
        connection: http.client.HTTPConnection
        if at.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(at.hostname or "", at.port, timeout=self._timeout_seconds, context=context)
        else:
            connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=self._timeout_seconds)
        # Each wait for the network has an end of its own; this one is the end of all of them together, headers and all.
        over = threading.Event()
        watchdog = threading.Timer(self._timeout_seconds, _hang_up, (connection, over))
        watchdog.start()
        found = bytearray()
        try:
            target = (at.path or "/") + (f"?{at.query}" if at.query else "")
            connection.request("POST", target, request, {"Content-Type": "application/timestamp-query"})
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise StorageError(f"{self._url}: answers {answer.status}")
            while chunk := answer.read1(MAX_STAMP_BYTES):
                found += chunk
                if len(found) > MAX_STAMP_BYTES:
                    raise StorageError(f"{self._url}: answers with more than {MAX_STAMP_BYTES} bytes")
            if over.is_set():  # what was hung up on looks like an answer's end
                raise StorageError(f"{self._url}: cannot be asked: no whole answer within {self._timeout_seconds:.0f} seconds")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise StorageError(f"{self._url}: cannot be asked: {shown(error, 200) or type(error).__name__}") from error
        finally:
            watchdog.cancel()
            connection.close()
        return bytes(found)


def _hang_up(connection: http.client.HTTPConnection, over: threading.Event) -> None:
    over.set()
    if isinstance(connection.sock, socket.socket):
        with suppress(OSError):  # it is closed already
            connection.sock.shutdown(socket.SHUT_RDWR)


def load_roots(path: Path) -> list[Certificate]:
    """Those in whose word on time is believed, in PEM. Raises `ConfigError`."""
    try:
        return load_pem_x509_certificates(read_named(path, MAX_ROOTS_BYTES))
    except BodycamError as error:
        raise ConfigError(f"timestamp_authority.ca: {error}; allowed: a file of certificates in PEM") from error
    except ValueError as error:
        raise ConfigError(f"timestamp_authority.ca: {path}: no certificates; allowed: a file of certificates in PEM") from error
