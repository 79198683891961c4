"""The evidence officer's private keys: age identities from a file, as `age-keygen` writes it. They are never on a camera.

Messages never repeat a line of the file.
"""

from __future__ import annotations

from pathlib import Path

import pyrage

from bodycamd.errors import DataError, PermissionDeniedError
from bodycamd.footage import check_age_header
from bodycamd.linux.foreign import read_named

MAX_FILE_BYTES = 64 * 1024


class Identities:
    """Opens footage. `source` is the file's name, for messages."""

    def __init__(self, keys: list[pyrage.x25519.Identity], source: str) -> None:
        self._keys = keys
        self.source = source

    @classmethod
    def load(cls, path: Path) -> Identities:
        """Read an identity file. Raises `NotFoundError`, `PermissionDeniedError`, or `DataError` with the line's number."""
        try:
            raw = read_named(path, MAX_FILE_BYTES)
        except DataError as error:
            raise DataError(f"{error}; it is not an identity file as age-keygen writes it") from error
        if raw.startswith(b"age-encryption.org/"):
            raise DataError(f"{path}: the identity file is itself encrypted; decrypt it first: age -d -o identity.txt {path.name}")
        try:
            lines = raw.decode("ascii").splitlines()
        except UnicodeDecodeError:
            lines = None
        if lines is None:
            raise DataError(f"{path}: not an identity file as age-keygen writes it")
        keys = [_parse(line.strip(), f"{path}: line {n}") for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
        if not keys:
            raise DataError(f"{path}: no identity in it; a line AGE-SECRET-KEY-1… is needed")
        return cls(keys, str(path))

    def open(self, age: bytes, where: str) -> bytes:
        """The plaintext. Raises `PermissionDeniedError` where it is sealed to others, `DataError` where it is damaged."""
        check_age_header(age, where)
        try:
            plaintext: bytes = pyrage.decrypt(age, self._keys)
        except pyrage.DecryptError as error:
            if "No matching keys" in str(error):
                raise PermissionDeniedError(f"{where}: not sealed to the identity in {self.source}; use another identity") from error
            raise DataError(f"{where}: the age file is damaged ({error})") from error
        return plaintext


def _parse(line: str, where: str) -> pyrage.x25519.Identity:
    if line.startswith("age1"):
        raise DataError(f"{where}: this is a recipient (a public key); the identity file with AGE-SECRET-KEY-1… is needed")
    try:
        return pyrage.x25519.Identity.from_str(line)
    except pyrage.IdentityError as error:
        raise DataError(f"{where}: not an age identity (AGE-SECRET-KEY-1…)") from error
