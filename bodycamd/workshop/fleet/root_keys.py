"""The municipality's root keys: Ed25519, each in a file of its own, sealed with a passphrase as `age -p` does.

`age -d root-1.key.age | openssl pkey -text` shows what is in it. A root key signs rosters and nothing else. Two people keep them, apart,
and no computer sees them but while a roster is signed.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from bodycamd.errors import DataError, PermissionDeniedError
from bodycamd.evidence.keys import SigningKey
from bodycamd.foreign_text import shown
from bodycamd.linux.age_library import pyrage
from bodycamd.linux.foreign import read_named

SUFFIX = ".key.age"
MAX_KEY_BYTES = 16 * 1024
_AGE = (b"-----BEGIN AGE ENCRYPTED FILE-----", b"age-encryption.org/v1\n")
"""How an age file begins, as text and as bytes (https://age-encryption.org/v1)."""
LEAST_PASSPHRASE = 12
"""Characters. age's scrypt makes each guess cost about a second; it cannot make a short one long."""


def check_length(passphrase: str) -> None:
    """Raises `PermissionDeniedError` for a passphrase that is too short."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise PermissionDeniedError(f"this passphrase is too short: at least {LEAST_PASSPHRASE} characters, such as five words")


def sealed(passphrase: str) -> tuple[SigningKey, bytes]:
    """A new root key, and its file. Raises `PermissionDeniedError` for a passphrase that is too short."""
    check_length(passphrase)
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    content: bytes = pyrage.passphrase.encrypt(pem, passphrase, armored=True)
    return SigningKey(private), content


def check_file(path: Path) -> None:
    """To be asked before its passphrase is. Raises `DataError` for a file that age did not make, `NotFoundError`, `StorageError`."""
    if not read_named(path, MAX_KEY_BYTES).lstrip().startswith(_AGE):
        raise DataError(f"{path}: not a root key that is sealed with a passphrase: `bodycamd fleet init` makes them, NAME{SUFFIX}")


def opened(path: Path, passphrase: str) -> SigningKey:
    """The key in a sealed file. Raises `PermissionDeniedError` where the passphrase is another one, `DataError` for what is no root key,
    `NotFoundError`, `StorageError`.
    """
    try:
        pem = pyrage.passphrase.decrypt(read_named(path, MAX_KEY_BYTES), passphrase)
    except pyrage.DecryptError as error:
        if "Decryption failed" in str(error):
            raise PermissionDeniedError(f"{path}: this is not its passphrase") from error
        raise DataError(f"{path}: not a root key that is sealed with a passphrase ({shown(error, 100)})") from error
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise DataError(f"{path}: what is sealed in it is not a private key") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise DataError(f"{path}: a private key, but not Ed25519")
    return SigningKey(private)
