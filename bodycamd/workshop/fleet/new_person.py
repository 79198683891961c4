"""All keys of a person at once: one that signs orders and, with the role evidence, an age identity that opens footage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from msgspec import Struct

from bodycamd.errors import UsageError
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.pseudonyms import Role
from bodycamd.foreign_text import shown
from bodycamd.linux.age_library import pyrage
from bodycamd.workshop.fleet.fingerprints import person_fingerprint
from bodycamd.workshop.fleet.root_keys import check_length


class MadeKeys(Struct, frozen=True):
    """The files, by name, each sealed with the passphrase; and the public halves."""

    files: dict[str, bytes]
    public: PublicKey
    recipient: str | None

    @property
    def fingerprint(self) -> str:
        """As who signs the roster sees it."""
        return person_fingerprint(self.public.raw.hex(), self.recipient)


def wanted_roles(text: str) -> tuple[Role, ...]:
    """Roles that are written with commas between them. Raises `UsageError`."""
    known: dict[str, Role] = {role: role for role in get_args(Role)}
    words = [word.strip() for word in text.split(",")]
    if unknown := [word for word in words if word not in known]:
        raise UsageError(f"--roles {shown(unknown[0], 60)!r}: one or more of {', '.join(known)}")
    return tuple(dict.fromkeys(known[word] for word in words))


def make(pseudonym: str, roles: Sequence[Role], passphrase: str) -> MadeKeys:
    """New keys for a person. Raises `PermissionDeniedError` for a passphrase that is too short."""
    check_length(passphrase)
    private = Ed25519PrivateKey.generate()
    sealed = BestAvailableEncryption(passphrase.encode())
    files = {f"{pseudonym}.key.pem": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)}
    recipient: str | None = None
    if "evidence" in roles:
        identity = pyrage.x25519.Identity.generate()
        recipient = str(identity.to_public())
        content = f"# public key: {recipient}\n{identity}\n".encode("ascii")
        files[f"{pseudonym}.identity.txt"] = pyrage.passphrase.encrypt(content, passphrase, armored=True)
    return MadeKeys(files, SigningKey(private).public, recipient)


def lines(pseudonym: str, roles: Sequence[Role], made: MadeKeys) -> Iterator[str]:
    """For the list `people` of the fleet file."""
    yield f"  - id: {pseudonym}"
    yield f"    roles: [{', '.join(roles)}]"
    yield f"    key: {made.public.raw.hex()}"
    if made.recipient:
        yield f"    recipient: {made.recipient}"
