"""The code of a card, and the file that says whose it is.

A code stands for a card without having its number: scrypt (RFC 7914) over the number (UID), with the municipality's salt. A number has 4
bytes, or 7 of which the first three are mostly the maker's; that number often opens the doors of the town hall too, so whoever finds the
file must not read it off. A plain hash of 4 bytes is searched through within a minute; this one costs 16 MB and tens of milliseconds for
each try.

What is **not** guaranteed: anything about who shows a card. A number is told to any reader, and can be copied onto another card. The code
is no secret key either: who has configuration and file, and much time, finds numbers of 4 bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from bodycamd.errors import BodycamError, ConfigError, UsageError
from bodycamd.evidence.pseudonyms import pseudonym
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import read_named

CODE_PATTERN = r"^[0-9a-f]{64}\Z"
Code = Annotated[str, Meta(pattern=CODE_PATTERN)]
MAX_BYTES = 64 * 1024
MAX_CARDS = 500
COST, BLOCK, LANES = 2**14, 8, 1
"""scrypt's N, r and p: 16 MB for one code."""
_ALLOWED = "a pseudonym and the code of its card a line, as `bodycamd shift card` prints them; blank lines and # comments"


def code_of(uid: bytes, salt: str) -> str:
    """The code of the card with this number; `salt` as in the configuration."""
    return hashlib.scrypt(uid, salt=bytes.fromhex(salt), n=COST, r=BLOCK, p=LANES, maxmem=64 * 1024 * 1024, dklen=32).hex()


def line_of(officer: str, code: str) -> str:
    """What stands in the file for this card."""
    return f"{officer} {code}"


def read_officers(path: Path) -> Mapping[str, str]:
    """The officers' pseudonyms by their cards' codes. Raises `ConfigError` with the file, the line and the reason."""
    try:
        text = read_named(path, MAX_BYTES).decode("ascii")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not ASCII at byte {error.start}; allowed: {_ALLOWED}") from error
    except BodycamError as error:
        raise ConfigError(str(error)) from error
    officers: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{path}: line {number}"
        if len(words) != 2 or re.match(CODE_PATTERN, words[1]) is None:
            raise ConfigError(f"{where}: {shown(repr(line), 80)} is no card; allowed: {_ALLOWED}")
        try:
            officer = pseudonym(words[0], "the officer")
        except UsageError as error:
            raise ConfigError(f"{where}: {error}") from error
        if words[1] in officers:
            raise ConfigError(f"{where}: this card is already that of {officers[words[1]]}; a card has one officer")
        officers[words[1]] = officer
    if len(officers) > MAX_CARDS:
        raise ConfigError(f"{path}: {len(officers)} cards; allowed: at most {MAX_CARDS}")
    return officers
