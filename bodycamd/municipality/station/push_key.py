"""The station's key for Web Push (VAPID, RFC 8292): with it a push service knows who sends, and a browser's subscription is for this key
alone. It opens nothing and signs no receipt."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key
from py_vapid import Vapid02, VapidException

from bodycamd.errors import BodycamError, ConfigError, DataError, StorageError
from bodycamd.evidence.keys import KEY_FILE_BYTES
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_named
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.station.push_subscription import Endpoint

WORD_SECONDS: Final = 43_200
"""So long the station's word to a push service holds: half of the day that is allowed, so that neither clock need be right."""


class PushKey:
    """`public`, in base64url without padding, is what a page gives `PushManager.subscribe` as `applicationServerKey`."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def authorization(self, endpoint: Endpoint, contact: str, now_us: int) -> str:
        """The header by which this push service, and no other one, knows who sends. Raises `DataError` where it cannot be made."""
        claims = {"aud": endpoint.origin, "exp": now_us // 1_000_000 + WORD_SECONDS, "sub": contact}
        try:
            return str(Vapid02(self._private).sign(claims)["Authorization"])
        except VapidException as error:
            raise DataError(f"the station's word to {endpoint.origin} cannot be made: {error}") from error


def load(path: Path) -> PushKey:
    """Raises `ConfigError`."""
    allowed = "allowed: the file that `bodycamd station push-key` made"
    try:
        private = load_pem_private_key(read_named(path, KEY_FILE_BYTES), None)
    except BodycamError as error:
        raise ConfigError(f"help.push.key: {error}; {allowed}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"help.push.key: {path}: not a key in PEM; {allowed}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise ConfigError(f"help.push.key: {path}: not a key of P-256; {allowed}")
    return PushKey(private)


def make(path: Path) -> tuple[PushKey, bool]:
    """The key in this file, which only its owner reads, and whether it is new: one that is there is never replaced, for every
    subscription would be lost. Raises `ConfigError` where it is none, `StorageError`."""
    private = ec.generate_private_key(ec.SECP256R1())
    try:
        _write(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except FileExistsError:
        return load(path), False
    except OSError as error:
        raise StorageError(f"{path}: cannot be made: {error.strerror}") from error
    return PushKey(private), True


def _write(path: Path, content: bytes) -> None:
    """Whole before it has its name: a full disk or a kill leaves nothing that would stand in the way of the next try. Raises `OSError`."""
    with UnnamedFile(path.parent, path.name) as made:
        with open(made.descriptor, "wb", closefd=False) as file:
            file.write(content)
        made.sync()
        made.link(path)
    durable.sync_folder(path.parent)
