"""A browser's subscription to Web Push, as its `PushManager` gives it: where a message for a person goes, and to which key it is sealed.

The address in it is a stranger's word: a browser made it, and whoever sends the file could have written another one. So it is `https`
alone, a name and a path without anything that steers a request, and what the name leads to is looked at before a connection is made:
the station's own network is nobody's push service, unless the configuration says so.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Final, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta, Struct

from bodycamd.errors import DataError

MAX_SUBSCRIPTION_BYTES: Final = 8192
HTTPS_PORT: Final = 443
Network: TypeAlias = IPv4Network | IPv6Network

_ENDPOINT = re.compile(r"https://([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::([1-9][0-9]{0,4}))?(/[!\"$-~]{0,1900})\Z")
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052): the last 32 bits are the address."""


class _Keys(Struct, frozen=True):
    p256dh: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{87}=?\Z")]
    auth: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}(==)?\Z")]


class _Given(Struct, frozen=True):
    """As `JSON.stringify(subscription)` has it. What else a browser writes is passed over."""

    endpoint: Annotated[str, Meta(max_length=2200)]
    keys: _Keys


class Endpoint(Struct, frozen=True):
    """Where a push service takes messages for one browser. Whoever knows it and has the station's key can send there."""

    host: str
    port: int
    target: str
    """Path and query."""

    @property
    def origin(self) -> str:
        """For whom the station's word is meant (RFC 8292, `aud`)."""
        return f"https://{self.host}" + ("" if self.port == HTTPS_PORT else f":{self.port}")


class Subscription(Struct, frozen=True):
    """`receiver` is the browser's public key (65 bytes, a point of P-256), `auth` its 16 bytes that only it and the station know."""

    endpoint: Endpoint
    receiver: bytes
    auth: bytes

    @property
    def sha256(self) -> str:
        """By which it is known in the log: of its address and keys, which name nobody, and cannot be guessed. One with other keys is
        another subscription, even at the same address."""
        words = (self.endpoint.origin + self.endpoint.target, self.receiver.hex(), self.auth.hex())
        return hashlib.sha256("\n".join(words).encode()).hexdigest()


def decode(raw: bytes, where: str) -> Subscription:
    """A subscription. Raises `DataError` for what is none."""
    try:
        given = msgspec.json.decode(raw, type=_Given)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{where}: no subscription: {error}; allowed: what JSON.stringify(subscription) gives in a browser") from error
    found = _ENDPOINT.fullmatch(given.endpoint)
    if found is None or int(found[2] or HTTPS_PORT) > 65535:
        raise DataError(f"{where}: endpoint: no address of a push service; allowed: https://NAME/PATH")
    receiver = _decoded(given.keys.p256dh)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver)
    except ValueError as error:
        raise DataError(f"{where}: keys.p256dh: no public key of P-256") from error
    return Subscription(Endpoint(found[1].lower(), int(found[2] or HTTPS_PORT), found[3]), receiver, _decoded(given.keys.auth))


def _decoded(text: str) -> bytes:
    bare = text.rstrip("=")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def may_be_asked(address: str, networks: Sequence[Network]) -> bool:
    """Whether a push service may stand at this address: one of the whole internet's, or of `networks`. What leads to another address, of
    IPv4 in IPv6, is judged by where it leads."""
    found = ip_address(address.partition("%")[0])
    if any(found in network for network in networks):
        return True
    if isinstance(found, IPv6Address):
        inner = _inner(found)
        if inner is not None:
            return may_be_asked(str(inner), networks)
        if found.is_site_local:  # fec0::/10, which nobody gives out any more, and some networks still have
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
