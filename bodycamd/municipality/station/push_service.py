"""A message to a push service (RFC 8030): sealed to the browser (RFC 8291) and carried over HTTPS.

What the service and its name say is a stranger's: the name is looked up once, and the connection goes to an address that was judged; no
redirect is followed, no proxy asked, one line of an answer read, and all of it together has one end, whatever part of it is slow.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Final

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from bodycamd.errors import BodycamError, ConfigError, UnavailableError
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import read_named
from bodycamd.municipality.station.push_subscription import Endpoint, Network, Subscription, may_be_asked

MAX_CA_BYTES: Final = 1024 * 1024
MAX_WHY_BYTES: Final = 300
MOST_ADDRESSES: Final = 4


class PushAnswer(Struct, frozen=True):
    """What a push service said: its status, and the beginning of the rest where it did not take the message."""

    status: int
    why: str = ""

    @property
    def accepted(self) -> bool:
        """It has the message (RFC 8030, 5). Whether the browser gets it, and a person sees it, nobody has said."""
        return self.status == http.HTTPStatus.CREATED

    @property
    def over(self) -> bool:
        """There is no such subscription any more, and never will be again (RFC 8030, 7.3)."""
        return self.status in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE)


def sealed(subscription: Subscription, message: bytes) -> bytes:
    """The message, which only that browser opens: nobody on the way, the push service included. `message` is of at most 3,993 bytes."""
    once = ec.generate_private_key(ec.SECP256R1())
    found = http_ece.encrypt(message, private_key=once, dh=subscription.receiver, auth_secret=subscription.auth, version="aes128gcm")
    return bytes(found)


def trusted(ca: Path | None) -> ssl.SSLContext:
    """Whose certificates are believed: the system's, and those in `ca`. Raises `ConfigError`."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        try:
            context.load_verify_locations(cadata=read_named(ca, MAX_CA_BYTES).decode("ascii"))
        except BodycamError as error:
            raise ConfigError(f"help.push.ca: {error}; allowed: a file of certificates in PEM") from error
        except (ssl.SSLError, ValueError) as error:
            raise ConfigError(f"help.push.ca: {ca}: no certificates; allowed: a file of certificates in PEM") from error
    return context


class PushService:
    """Whoever an endpoint names. Safe for several threads."""

    def __init__(
        self,
        context: ssl.SSLContext,
        networks: Sequence[Network],
        timeout_seconds: float,
        lookup: Callable[[str, int], Sequence[str]] | None = None,
    ) -> None:
        """`networks`: those of push services of one's own, beside the whole internet's. `lookup`: the addresses of a name."""
        self._context, self._networks, self._timeout_seconds = context, networks, timeout_seconds
        self._lookup = lookup or _addresses

    def __call__(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> PushAnswer:
        """Raises `UnavailableError` where no whole answer comes in time."""
        asking = _Asking(endpoint, headers, body, self._context, self._timeout_seconds)
        answer = Future[PushAnswer]()
        # In a thread of its own: looking a name up has no end that anybody could set.
        threading.Thread(target=asking.run, args=(answer, self._judged), name="help push", daemon=True).start()
        try:
            return answer.result(self._timeout_seconds)
        except TimeoutError:
            asking.hang_up()
            raise UnavailableError(f"{endpoint.host}: no whole answer within {self._timeout_seconds:g} seconds") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnavailableError(f"{endpoint.host}: {shown(error, 200) or type(error).__name__}") from error

    def _judged(self, host: str, port: int) -> list[str]:
        """Where it may be asked. Raises `OSError`, `ValueError`."""
        found = [address for address in self._lookup(host, port) if may_be_asked(address, self._networks)]
        if not found:
            raise ValueError("its address is no push service's: not of the internet, nor in help.push.networks")
        return found[:MOST_ADDRESSES]


class _Asking:
    """One message on its way."""

    def __init__(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, context: ssl.SSLContext, timeout_seconds: float
    ) -> None:
        self._endpoint, self._headers, self._body, self._context = endpoint, headers, body, context
        self._ends = time.monotonic() + timeout_seconds
        self._lock = threading.Lock()
        self._over = False
        self._socket: socket.socket | None = None

    def run(self, answer: Future[PushAnswer], judged: Callable[[str, int], list[str]]) -> None:
        """In a thread of its own; what it raises is in `answer`."""
        try:
            answer.set_result(self._ask(judged(self._endpoint.host, self._endpoint.port)))
        except BaseException as error:
            answer.set_exception(error)
        finally:
            with self._lock:
                if self._socket is not None:
                    self._socket.close()

    def hang_up(self) -> None:
        """End it, wherever it is: nothing is sent afterwards."""
        with self._lock:
            self._over = True
            if self._socket is not None:
                with suppress(OSError):  # it is closed already
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _ask(self, addresses: list[str]) -> PushAnswer:
        host, port = self._endpoint.host, self._endpoint.port
        tls = self._context.wrap_socket(
            self._connected(addresses, port),
            server_hostname=host,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,  # what somebody on the way has cut off is no answer
        )
        self._keep(tls)
        tls.do_handshake()
        connection = http.client.HTTPSConnection(host, port, context=self._context)
        connection.auto_open = 0
        connection.sock = tls
        connection.request("POST", self._endpoint.target, self._body, dict(self._headers))
        response = connection.getresponse()
        if response.status == http.HTTPStatus.CREATED:
            return PushAnswer(response.status)
        why = b""
        with suppress(OSError):  # it has not said why
            why = response.read1(MAX_WHY_BYTES)
        return PushAnswer(response.status, shown(why.decode("utf-8", "replace"), 160))

    def _connected(self, addresses: list[str], port: int) -> socket.socket:
        """To the first address that answers; each has its share of the time. Raises `OSError`."""
        for number, address in enumerate(addresses):
            try:
                found = socket.create_connection((address, port), self._left() / (len(addresses) - number))
            except OSError:
                if number + 1 == len(addresses):
                    raise
            else:
                found.settimeout(self._left())
                return found
        raise OSError("it has no address")

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("too late")
        return left

    def _keep(self, opened: socket.socket) -> None:
        with self._lock:
            self._socket = opened
            if self._over:
                raise TimeoutError("too late")


def _addresses(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
