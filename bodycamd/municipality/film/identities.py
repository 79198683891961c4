"""The evidence officer's private keys: age identities from a file, as `age-keygen` writes it. They are never on a camera.

A file that is sealed with a passphrase (`age -p`) is opened with what the person says. An identity of a plugin (`AGE-PLUGIN-…`: a
smartcard, a security key) is worked with by the plugin's own program, `age-plugin-…`, found on the PATH as `age` finds it: it gets the age
header's stanzas and returns the file key; footage never passes through it.

Messages never repeat a line of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from bodycamd.errors import BodycamError, DataError, PermissionDeniedError, UnavailableError
from bodycamd.footage import check_age_header
from bodycamd.foreign_text import shown
from bodycamd.linux.age_library import pyrage
from bodycamd.linux.foreign import read_named

MAX_FILE_BYTES = 64 * 1024
_AGE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")
_PLUGIN = "AGE-PLUGIN-"
_OTHER_TEXT = ((b"\xef\xbb\xbf", "begins with a byte order mark (BOM)"), (b"\xff\xfe", "is UTF-16 text"), (b"\xfe\xff", "is UTF-16 text"))
"""How Windows begins files that look the same in an editor."""

Key: TypeAlias = "pyrage.x25519.Identity | pyrage.plugin.IdentityPluginV1"


class Person(Protocol):
    """Who is asked. Nothing of it may be called from a library's callback except by `_Callbacks`: an exception would end the process."""

    def passphrase(self, of: str) -> str:
        """A secret, not shown while it is typed. Raises `BodycamError` where there is nobody to ask."""

    def answer(self, question: str) -> str:
        """A line that may be shown."""

    def agree(self, question: str) -> bool:
        """Yes or no."""

    def tell(self, message: str) -> None:
        """Something to do, such as to touch the security key."""


class Identities:
    """Opens footage. `source` is the file's name, for messages."""

    def __init__(self, keys: Sequence[Key], source: str) -> None:
        self._keys = keys
        self.source = source

    @classmethod
    def load(cls, path: Path, person: Person | None = None) -> Identities:
        """Read an identity file. Where it is sealed, or a plugin asks, `person` answers; without one such a file is refused.

        Raises `NotFoundError`, `PermissionDeniedError`, `UnavailableError` where a plugin is not there, or `DataError` with the line's
        number.
        """
        try:
            raw = read_named(path, MAX_FILE_BYTES)
        except DataError as error:
            raise DataError(f"{error}; it is not an identity file as age-keygen writes it") from error
        if raw.lstrip().startswith(_AGE):
            raw = _unsealed(raw, path, person)
        for mark, what in _OTHER_TEXT:
            if raw.startswith(mark):
                raise DataError(f"{path}: not an identity file as age-keygen writes it: it {what}; save it as UTF-8 without BOM")
        try:
            lines = raw.decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            broken = raw.count(b"\n", 0, error.start) + 1
            raise DataError(f"{path}: line {broken}: not UTF-8, so not an identity file as age-keygen writes it") from None
        keys: list[Key] = []
        plugins: dict[str, list[pyrage.plugin.Identity]] = {}
        for number, line in enumerate(map(str.strip, lines), 1):
            if not line or line.startswith("#"):
                continue
            where = f"{path}: line {number}"
            if line.startswith(_PLUGIN):
                identity = _parse_plugin(line, where)
                plugins.setdefault(identity.plugin(), []).append(identity)
            else:
                keys.append(_parse(line, where))
        keys += [_started(name, identities, path, person) for name, identities in plugins.items()]
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
            raise DataError(f"{where}: the age file is damaged ({shown(error, 200)})") from error
        return plaintext


def _unsealed(raw: bytes, path: Path, person: Person | None) -> bytes:
    """What is in an identity file that is sealed with a passphrase."""
    if person is None:
        raise DataError(f"{path}: the identity file is itself encrypted, and nobody can be asked for its passphrase")
    passphrase = person.passphrase(str(path))
    try:
        content: bytes = pyrage.passphrase.decrypt(raw, passphrase)
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            advice = "decrypt it first: age -d -i OTHER -o identity.txt"
            raise DataError(f"{path}: the identity file is itself encrypted, and not with a passphrase; {advice} {path.name}") from error
        if "Decryption failed" in str(error):
            raise PermissionDeniedError(f"{path}: this is not its passphrase") from error
        if "Excessive work" in str(error):
            why = "the work factor of its passphrase is too high for this machine to try it"
            raise DataError(f"{path}: {why}; open it with the program that sealed it, and seal it anew with age -p") from error
        raise DataError(f"{path}: the identity file is itself encrypted, and damaged ({shown(error, 200)})") from error
    return content


def _parse(line: str, where: str) -> pyrage.x25519.Identity:
    if line.startswith("age1"):
        raise DataError(f"{where}: this is a recipient (a public key); the identity file with AGE-SECRET-KEY-1… is needed")
    try:
        return pyrage.x25519.Identity.from_str(line)
    except pyrage.IdentityError as error:
        raise DataError(f"{where}: not an age identity (AGE-SECRET-KEY-1… or AGE-PLUGIN-…)") from error


def _parse_plugin(line: str, where: str) -> pyrage.plugin.Identity:
    try:
        return pyrage.plugin.Identity.from_str(line)
    except pyrage.IdentityError as error:
        raise DataError(f"{where}: not an age identity of a plugin (AGE-PLUGIN-NAME-1…)") from error


def _started(name: str, identities: list[pyrage.plugin.Identity], path: Path, person: Person | None) -> pyrage.plugin.IdentityPluginV1:
    try:
        return pyrage.plugin.IdentityPluginV1(name, identities, _Callbacks(person))
    except pyrage.DecryptError as error:
        program = shown(f"age-plugin-{name}", 60)
        raise UnavailableError(f"{path}: this identity needs the program {program}, which is not on the PATH; install it") from error


class _Callbacks:
    """What the plugin library calls. No exception may leave it: the library would end the process. Nothing said is no answer."""

    def __init__(self, person: Person | None) -> None:
        self._person = person

    def display_message(self, message: str) -> None:
        if self._person is not None:
            try:
                self._person.tell(message)
            except BodycamError:
                return

    def confirm(self, message: str, yes: str, no: str | None) -> bool | None:
        if self._person is None:
            return None
        try:
            return self._person.agree(f"{message} ({yes}{f' / {no}' if no else ''})")
        except BodycamError:
            return None

    def request_public_string(self, description: str) -> str | None:
        if self._person is None:
            return None
        try:
            return self._person.answer(description)
        except BodycamError:
            return None

    def request_passphrase(self, description: str) -> str | None:
        if self._person is None:
            return None
        try:
            return self._person.passphrase(description)
        except BodycamError:
            return None
