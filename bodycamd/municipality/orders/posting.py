"""An order, sent to a station by the person who signs it: one request, signed with the same key (`evidence.request_signing`)."""

from __future__ import annotations

import http.client
import re
import ssl
from pathlib import Path
from typing import Final

from msgspec import Struct

from bodycamd.config.station_checks import StationAddress, address
from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError, UnavailableError, UsageError
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.request_signing import NONCE_HEADER, Content, Target, signed_headers
from bodycamd.foreign_text import shown

TIMEOUT_SECONDS: Final = 10.0
MAX_ANSWER_BYTES: Final = 16 * 1024
PATH: Final = "/v1/orders"
_NONCE = re.compile(r"[A-Za-z0-9._~+/=:-]{1,512}")


class Station(Struct, frozen=True):
    """Where it is, and whose certificates count; `None`: those that this system trusts."""

    address: StationAddress
    ca: str | None

    def post(self, order: bytes, key: Signer) -> None:
        """Send it. Raises `UnavailableError` where the station cannot be reached, `PermissionDeniedError` where it does not know the key,
        `DataError` where it does not take the order."""
        nonce = "none"
        for _ in range(2):
            status, fresh, body = self._sent(order, key, nonce)
            if status != 401 or not _NONCE.fullmatch(fresh):
                break
            nonce = fresh
        told = shown(body[:300].decode("utf-8", "replace").replace("\n", " "), 300)
        if status in (401, 403):
            raise PermissionDeniedError(f"{self.address.authority}: {status}: {told}: is this person active in the station's roster?")
        if status in (413, 422):
            raise DataError(f"{self.address.authority}: {status}: {told}")
        if status not in (200, 201):
            raise UnavailableError(f"{self.address.authority}: {status}: {told}")

    def _sent(self, order: bytes, key: Signer, nonce: str) -> tuple[int, str, bytes]:
        connection = self._connection()
        try:
            headers = signed_headers(Target("POST", self.address.authority, PATH), Content(order), nonce, key)
            connection.request("POST", PATH, order, {"host": self.address.authority, **headers})
            answer = connection.getresponse()
            return answer.status, answer.getheader(NONCE_HEADER, ""), answer.read(MAX_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
            raise UnavailableError(f"{self.address.authority}: {shown(reason, 200)}") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if not self.address.tls:
            return http.client.HTTPConnection(self.address.host, self.address.port, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context(cafile=self.ca)
        return http.client.HTTPSConnection(self.address.host, self.address.port, timeout=TIMEOUT_SECONDS, context=context)


def target(url: str, ca: Path | None) -> Station:
    """The station at this address. Raises `UsageError` for what is none, `NotFoundError` and `DataError` for certificates that are none."""
    found = address(url)
    if found is None:
        wanted = "https:// and a name in small letters, perhaps a port, and no path; http:// for a loopback address only"
        raise UsageError(f"--station {shown(repr(url), 100)}: {wanted}")
    if ca is not None:
        try:
            ssl.create_default_context(cafile=str(ca))
        except FileNotFoundError as error:
            raise NotFoundError(f"--ca: {ca}: not there") from error
        except (OSError, ssl.SSLError) as error:
            raise DataError(f"--ca: {ca}: no certificates (PEM)") from error
    return Station(found, None if ca is None else str(ca))
