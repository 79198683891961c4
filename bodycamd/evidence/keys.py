"""The camera's signing keys: Ed25519, and always a new one, so that a stolen camera cannot sign its past again.

A key in a file signs one thing only: the entry that begins a start. That entry names the first of the keys that live in memory
(`EvolvingSigner`), which sign everything else of the start; each signs last the entry that names its successor. Neither kind can be had
again once it has been replaced.

The folder holds one file of 4 KiB for each key that may still sign: PKCS#8 PEM, padded with line ends, mode 0600. The first is made by
`provision`, whose answer is registered outside the camera. At each start the ledger's start entry names the next key; then the old one is
overwritten in place and removed. After a cut at any point exactly one key is accepted: the one that the last whole start entry names, or
`000001.key` where there is no start entry.

Not guaranteed: that flash or a copy-on-write file system keeps no old block; that the process's memory holds no copy of the key file's text
until it ends. The keys that live in memory never leave the cryptography library, which overwrites them when they are dropped.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bodycamd.config.private_keys import line_of_private_key
from bodycamd.errors import BodycamError, DataError, StorageError
from bodycamd.linux import durable, foreign

KEY_FILE_BYTES = 4096
SIGNATURE_BYTES = 64
_KEY_NAME = re.compile(r"[0-9]{6}\.key")
_PUBLIC_DER = bytes.fromhex("302a300506032b6570032100")
"""Before the 32 bytes of a public key: RFC 8410, section 4."""
_PRIVATE_DER = bytes.fromhex("302e020100300506032b657004220420")
"""Before the 32 bytes of a private key: RFC 8410, section 7."""


class PublicKey:
    """An Ed25519 public key. `id` is the SHA-256 of its 32 raw bytes, in hex: the `key` of a statement."""

    def __init__(self, raw: bytes) -> None:
        """Raises `DataError` unless `raw` is 32 bytes."""
        if len(raw) != 32:
            raise DataError(f"a public key has 32 bytes, not {len(raw)}")
        self.raw = raw
        self.id = hashlib.sha256(raw).hexdigest()
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    @classmethod
    def from_hex(cls, text: str) -> PublicKey:
        """From the ledger's hex. Raises `DataError`."""
        try:
            return cls(bytes.fromhex(text))
        except ValueError as error:
            raise DataError("a public key is 64 hex digits") from error

    @classmethod
    def from_pem(cls, pem: bytes) -> PublicKey:
        """From SubjectPublicKeyInfo in PEM, as `openssl pkey -pubout` writes it. Raises `DataError`, also for a private key beside it."""
        # Here, as the recorder reads no public key in PEM, and this brings SSH, RSA and a dozen others: 30 modules.
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if line_of_private_key(pem) is not None:
            raise DataError("this is a private key, and a public one is asked for; nobody but the camera may have it: treat it as exposed")
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise DataError("not a public key in PEM") from error
        if not isinstance(key, Ed25519PublicKey):
            raise DataError("not an Ed25519 public key")
        return cls(key.public_bytes_raw())

    def pem(self) -> bytes:
        """For `openssl pkeyutl -verify -pubin -inkey`."""
        return _pem(b"PUBLIC KEY", _PUBLIC_DER + self.raw)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether the signature is this key's, over exactly these bytes."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"PublicKey({self.id[:16]}…)"


class Signer(Protocol):
    """Who signs now. The key may change between two signatures; `public` is the one that signs next."""

    @property
    def public(self) -> PublicKey:
        """The public half of the key that `sign` uses."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes: Ed25519 over `data`."""


class SigningKey:
    """A private key in memory: a `Signer` that never changes. Its `repr` and its errors never show it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self._public = PublicKey(private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's random source."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """64 bytes: Ed25519 over `data`."""
        return self._private.sign(data)

    def file_bytes(self) -> bytes:
        """The content of the key's file."""
        return _pem(b"PRIVATE KEY", _PRIVATE_DER + self._private.private_bytes_raw()).ljust(KEY_FILE_BYTES, b"\n")


class EvolvingSigner:
    """A `Signer` whose key is replaced while a start runs. The key before is dropped, and nothing can bring it back.

    Who replaces it must have made durable the entry that names the next key: otherwise a cut leaves signatures that no reader accepts.
    """

    def __init__(self, first: SigningKey) -> None:
        self._key = first

    @property
    def public(self) -> PublicKey:
        """The public half of the key that signs next."""
        return self._key.public

    def sign(self, data: bytes) -> bytes:
        """64 bytes: Ed25519 over `data`."""
        return self._key.sign(data)

    def replace(self, following: SigningKey) -> None:
        """Sign with `following` from now on."""
        self._key = following


class KeyFolder:
    """The folder of signing keys on the camera. One process at a time: the store's lock is held around every use but `provision`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def accept(self, named: PublicKey | None) -> tuple[SigningKey, Path]:
        """The one key that may sign the next start entry, with its file; every other key file is erased before this returns.

        `named` is the next key of the last whole start entry, `None` where the ledger has none yet: then it is `000001.key`. Raises
        `StorageError`, and erases nothing, where that key is missing or damaged: a new identity is never made silently.
        """
        chosen: tuple[SigningKey, Path] | None = None
        others: list[Path] = []
        for path, key in self._read_all():
            if chosen is None and key is not None and (path.name == _name(1) if named is None else key.public == named):
                chosen = key, path
            else:
                others.append(path)
        if chosen is None:
            wanted = f"the key that the ledger names ({named.id})" if named else f"the first key ({_name(1)}, as no start is in the ledger)"
            raise StorageError(
                f"{self.folder}: {wanted} is missing or damaged. Put back the folder and the ledger that belong together, "
                "or provision the camera again with an empty store"
            )
        for path in others:
            self.erase(path)
        return chosen

    def holds(self, key: PublicKey) -> bool:
        """Whether the private half of this key is here. Raises `StorageError`."""
        return any(held is not None and held.public == key for _, held in self._read_all())

    def create(self, number: int) -> SigningKey:
        """Make the key for start `number`; its file is durable when this returns. Raises `StorageError`."""
        key = SigningKey.generate()
        try:
            durable.create(self.folder / _name(number), key.file_bytes())
        except OSError as error:
            raise StorageError(f"{self.folder / _name(number)}: cannot create the signing key: {error.strerror}") from error
        return key

    def erase(self, path: Path) -> None:
        """Overwrite a key file in place and remove it, durably. Raises `StorageError`."""
        try:
            durable.erase(path)
        except OSError as error:
            raise StorageError(f"{path}: cannot erase the signing key: {error.strerror}") from error

    def _read_all(self) -> Iterator[tuple[Path, SigningKey | None]]:
        """Every key file in order of its number, with its key where it is whole. Other files are passed over."""
        try:
            names = sorted(name for name in os.listdir(self.folder) if _KEY_NAME.fullmatch(name))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot read the signing keys: {error.strerror}") from error
        for name in names:
            yield self.folder / name, load_key_file(self.folder / name)


def provision(folder: Path) -> bytes:
    """Make the first signing key and return its public half in PEM, to be registered outside the camera.

    Done again before the first start, it returns the same key; a torn file of a cut first attempt, which nobody can have registered, is
    replaced. Raises `StorageError` where the camera has already started with a key of this folder.
    """
    keys = KeyFolder(folder)
    first = folder / _name(1)
    found = dict(keys._read_all())
    if set(found) - {first}:
        raise StorageError(f"{folder}: this camera is already provisioned and has been started; its first key cannot be made again")
    key = found.get(first)
    try:
        durable.make_folder(folder)
        if key is not None:
            durable.settle(first)
            durable.sync_folder(folder)
            return key.public.pem()
    except OSError as error:
        raise StorageError(f"{folder}: cannot create the folder of signing keys: {error.strerror}") from error
    if first in found:
        keys.erase(first)
    return keys.create(1).public.pem()


def _pem(label: bytes, der: bytes) -> bytes:
    """One line of base64, as it is for all that is not longer than 48 bytes: RFC 7468."""
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, binascii.b2a_base64(der), label)


def _name(number: int) -> str:
    return f"{number:06d}.key"


def load_key_file(path: Path) -> SigningKey | None:
    """The key in the file; `None` where it is torn, erased or no key. Raises `StorageError` where it cannot be read."""
    try:
        with foreign.open_file(path) as file:
            content = file.read(KEY_FILE_BYTES + 1)
    except OSError as error:
        raise StorageError(f"{path}: cannot read the signing key: {error.strerror}") from error
    except BodycamError as error:
        raise StorageError(f"cannot read the signing key: {error}") from error
    lines = content.split(b"\n", 2)
    try:
        key = SigningKey(Ed25519PrivateKey.from_private_bytes(binascii.a2b_base64(lines[1])[len(_PRIVATE_DER) :]))
    except (IndexError, ValueError):
        return None
    return key if key.file_bytes() == content else None  # exactly what is written here, and nothing like it
