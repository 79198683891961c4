"""Encrypts footage: plaintext in, an age v1 file for the municipality's X25519 recipients out.

Guarantees: every file has a file key of its own; only public keys are ever read here; nothing leaves `encrypt` and `encrypt_in_pieces`
readable. If encryption fails, or gives something that is not an age file, `EncryptError` is raised and the footage is not passed on: there
is no way round it.

Not guaranteed: that somebody still holds the private key. A test decryption belongs to the people who do.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from bodycamd.config.checks import MAX_RECIPIENTS_BYTES
from bodycamd.config.private_keys import WHAT_TO_DO, line_of_private_key
from bodycamd.errors import BodycamError, ConfigError, DataError
from bodycamd.footage import beginning, check_age_header
from bodycamd.linux.age_library import pyrage
from bodycamd.linux.foreign import read_named

MAX_RECIPIENTS = 64
_ALLOWED = "one age X25519 recipient (age1…) a line, blank lines and # comments"


class EncryptError(BodycamError):
    """The footage could not be encrypted; it has not left the process."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """The public keys that footage is encrypted to, in the file's order; `names` are their `age1…` spellings."""

    names: tuple[str, ...]
    keys: tuple[pyrage.x25519.Recipient, ...] = field(repr=False)


def load_recipients(path: Path) -> Recipients:
    """Read a recipients file. Raises `ConfigError` with the file, the line number and the reason."""
    try:
        text = read_named(path, MAX_RECIPIENTS_BYTES).decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; allowed: {_ALLOWED}") from error
    except BodycamError as error:
        raise ConfigError(str(error)) from error
    return parse_recipients(text, str(path))


def parse_recipients(text: str, source: str = "recipients") -> Recipients:
    """The recipients in `text`. Raises `ConfigError` with `source` and the line number in front, also for a private key anywhere in it,
    which is never repeated.
    """
    if (secret := line_of_private_key(text.encode())) is not None:
        raise ConfigError(f"{source}: line {secret}: {WHAT_TO_DO}")
    found: dict[str, int] = {}
    keys: list[pyrage.x25519.Recipient] = []
    for number, line in enumerate(text.splitlines(), start=1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        where = f"{source}: line {number}"
        if name in found:
            raise ConfigError(f"{where}: the same recipient as in line {found[name]}")
        if len(found) == MAX_RECIPIENTS:
            raise ConfigError(f"{where}: more than {MAX_RECIPIENTS} recipients")
        keys.append(_parse(name, where))
        found[name] = number
    if not found:
        raise ConfigError(f"{source}: no recipient in it; allowed: {_ALLOWED}")
    return Recipients(names=tuple(found), keys=tuple(keys))


def _parse(name: str, where: str) -> pyrage.x25519.Recipient:
    if not name.startswith("age1"):
        raise ConfigError(f"{where}: not an age X25519 recipient; allowed: {_ALLOWED}")
    try:
        return pyrage.x25519.Recipient.from_str(name)
    except (pyrage.RecipientError, ValueError) as error:
        raise ConfigError(f"{where}: not a valid age X25519 recipient ({error}); allowed: {_ALLOWED}") from error


class _Pieces:
    """The file that pyrage writes to: its pieces, as they come."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self.pieces.append(piece)
        return len(piece)

    def flush(self) -> None: ...


def encrypt(plaintext: bytes, recipients: Recipients) -> bytes:
    """`plaintext` as one age file for all `recipients`. Raises `EncryptError`."""
    return b"".join(encrypt_in_pieces(plaintext, recipients))


def encrypt_in_pieces(plaintext: bytes, recipients: Recipients) -> list[bytes]:
    """As `encrypt`: the file is what the pieces are one after the other. Each is written once, while the processor has it at hand; a file
    in one piece would be copied three times more, which takes as long as the encryption itself.

    Holds the interpreter lock for most of the time (1.3 ms a megabyte on a PC).
    """
    if not recipients.keys:
        raise EncryptError("no recipients to encrypt to")
    written = _Pieces()
    try:
        pyrage.encrypt_io(io.BytesIO(plaintext), written, list(recipients.keys))
    except Exception as error:  # whatever the library raises, the footage stays here
        raise EncryptError(f"encryption failed: {error}") from error
    try:
        check_age_header(beginning(written.pieces), "its result")
    except DataError as error:
        raise EncryptError(f"encryption gave something that is not an age file: {error}") from error
    if sum(map(len, written.pieces)) <= len(plaintext):
        raise EncryptError("encryption gave something that is not an age file: it is too short")
    return written.pieces
