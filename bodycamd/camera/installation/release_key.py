"""The release keys that a camera trusts, and whether one of them signed a bundle: Ed25519, checked by `openssl`.

`openssl` is on every Raspberry Pi OS (ca-certificates needs it); Python has no Ed25519 of its own, and the package that has is in the very
bundle that is to be checked. The same check by hand is in docs/install.md.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bodycamd.camera.installation.manifest import SIGNATURE_BYTES, SIGNED_PREFIX
from bodycamd.errors import DataError, NotFoundError, StorageError, UnavailableError

MAX_KEY_FILE_BYTES = 16 * 1024
MAX_KEYS = 8
OPENSSL_SECONDS = 30
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]{1,400})-----END PUBLIC KEY-----")
_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""Before the 32 bytes of the key: RFC 8410, section 4."""


@dataclass(frozen=True, slots=True)
class ReleaseKey:
    """A public key: its PEM, its 32 raw bytes, and the SHA-256 of these in hex."""

    pem: bytes
    raw: bytes

    @property
    def id(self) -> str:
        """What it is called."""
        return hashlib.sha256(self.raw).hexdigest()


def read_release_keys(path: Path) -> tuple[ReleaseKey, ...]:
    """The keys in a file of public keys in PEM. Raises `DataError` for one without, or with anything but Ed25519 public keys,
    `NotFoundError`, `StorageError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no release key here: without one no bundle is accepted") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    if b"PRIVATE KEY" in content:
        raise DataError(f"{path}: a private key has no place on a camera: treat it as exposed, and make a new one")
    keys = tuple(_key(match, path) for match in _PEM.finditer(content))
    rest = _PEM.sub(b"", content)
    if len(content) > MAX_KEY_FILE_BYTES or not 0 < len(keys) <= MAX_KEYS or b"-----" in rest:
        raise DataError(f"{path}: not 1 to {MAX_KEYS} public keys in PEM")
    return keys


def signer(keys: tuple[ReleaseKey, ...], manifest: bytes, signature: bytes) -> ReleaseKey | None:
    """The key that signed this manifest; `None` where it is none of these. Raises `UnavailableError` where openssl cannot be run."""
    return next((key for key in keys if _verifies(key, SIGNED_PREFIX + manifest, signature)), None)


def _key(match: re.Match[bytes], path: Path) -> ReleaseKey:
    try:
        der = binascii.a2b_base64(match[1])
    except binascii.Error as error:
        raise DataError(f"{path}: a public key that is not base64") from error
    if len(der) != len(_ED25519) + 32 or not der.startswith(_ED25519):
        raise DataError(f"{path}: a public key that is not Ed25519")
    return ReleaseKey(match[0] + b"\n", der[len(_ED25519) :])


def _verifies(key: ReleaseKey, signed: bytes, signature: bytes) -> bool:
    """Through files in memory, since openssl signs and verifies Ed25519 from files only."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    files = [_in_memory(content) for content in (key.pem, signature, signed)]
    try:
        pem, sig, data = (f"/proc/self/fd/{file}" for file in files)
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", pem, "-sigfile", sig, "-in", data]
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, pass_fds=files, timeout=OPENSSL_SECONDS, check=False, env=_plain()
        )
    except FileNotFoundError as error:
        raise UnavailableError("openssl is not installed, and a bundle's signature is checked with it: apt-get install openssl") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"openssl did not end within {OPENSSL_SECONDS} s") from error
    finally:
        for file in files:
            os.close(file)
    return ended.returncode == 0


def _in_memory(content: bytes) -> int:
    descriptor = os.memfd_create("bodycamd")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    return descriptor


def _plain() -> dict[str, str]:
    """Without what would load other code or configuration into openssl."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
