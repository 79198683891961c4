"""Signing keys of people of the municipality, and the list of whose keys count. For their own computers, never for a camera.

A person signs what happens to copies of footage: Ed25519, as PKCS#8 in PEM, which `openssl pkey` reads; with a passphrase, if the person
wants one. The list of people is text: a pseudonym, a space and the 64 hex digits of the raw public key on each line; `#` begins a comment
line. It is public, and worth what the way is worth by which it came: compare fingerprints with the person.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bodycamd.errors import DataError, PermissionDeniedError
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.pseudonyms import PSEUDONYM
from bodycamd.linux.foreign import read_named
from bodycamd.linux.new_file import write_new

MAX_KEY_BYTES = 16 * 1024
MAX_PEOPLE_BYTES = 1024 * 1024
MAX_PEOPLE = 1000
_LINE = re.compile(r"(\S+)[ \t]+([0-9a-f]{64})")

People = Mapping[str, tuple[str, PublicKey]]
"""By the id of the key (SHA-256 of its 32 raw bytes): the person's pseudonym, and the key."""


def new_person_key(out: Path, passphrase: bytes | None = None, public: Path | None = None) -> PublicKey:
    """Make a key, write it to a new file (0600, durable) and return the public half, which gets a file of its own where `public` names
    one: both files are made, or none.

    Raises `OutputError` where the file exists already or cannot be written: a key is never overwritten.
    """
    private = Ed25519PrivateKey.generate()
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    key = SigningKey(private).public
    files = {out: private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)}
    write_new(files if public is None else {**files, public: key.pem()})
    return key


def load_person_key(path: Path, passphrase: Callable[[], bytes]) -> SigningKey:
    """The key in a file that only its owner may read. `passphrase` is asked where the file needs one.

    Raises `PermissionDeniedError` where others may read it or the passphrase is wrong, `DataError` for what is no such key,
    `NotFoundError`, `StorageError`.
    """
    content = read_named(path, MAX_KEY_BYTES)
    try:
        if os.stat(path).st_mode & 0o077:
            raise PermissionDeniedError(f"{path}: other users may read this private key: chmod 600 {path}")
    except OSError as error:
        raise DataError(f"{path}: cannot be looked at: {error.strerror}") from error
    sealed = b"ENCRYPTED PRIVATE KEY" in content
    try:
        private = load_pem_private_key(content, password=passphrase() if sealed else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if sealed:
            raise PermissionDeniedError(f"{path}: this passphrase does not open it") from error
        raise DataError(f"{path}: not a private key in PEM, as `bodycamd keys person new` makes it") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise DataError(f"{path}: a private key, but not Ed25519")
    return SigningKey(private)


def read_people(path: Path) -> People:
    """The list of people whose keys count. Raises `DataError` with file and line, `NotFoundError`, `StorageError`."""
    content = read_named(path, MAX_PEOPLE_BYTES)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not text in UTF-8") from error
    people: dict[str, tuple[str, PublicKey]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        if "PRIVATE KEY" in said:
            raise DataError(f"{path}: line {number}: a private key has no place in a list of people")
        match = _LINE.fullmatch(said)
        if match is None or re.match(PSEUDONYM, match[1]) is None:
            raise DataError(f"{path}: line {number}: not a pseudonym such as E-03, a space and 64 hex digits")
        key = PublicKey.from_hex(match[2])
        if key.id in people:
            raise DataError(f"{path}: line {number}: this key is listed twice")
        people[key.id] = match[1], key
        if len(people) > MAX_PEOPLE:
            raise DataError(f"{path}: more than {MAX_PEOPLE} people")
    if not people:
        raise DataError(f"{path}: nobody is listed in it")
    return people


def spoken_id(key: PublicKey) -> str:
    """The key's id, in groups to read aloud: SHA-256 of the raw public key. Not the fingerprint of a person of the fleet, which covers the
    recipient too (`fleet.fingerprints`).
    """
    return " ".join(key.id[at : at + 4] for at in range(0, 64, 4))
