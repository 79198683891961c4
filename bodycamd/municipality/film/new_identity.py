"""A new age identity, as `age-keygen` writes it: for the evidence officer's computer, never for a camera."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bodycamd.linux.age_library import pyrage
from bodycamd.linux.new_file import write_new


def new_identity(out: Path, passphrase: str | None = None) -> str:
    """Make a key pair, write the private half to a new file (0600, durable) and return the public half (`age1…`).
    With a passphrase the file is sealed with it, as `age -p` does: only who knows it opens footage.

    Raises `OutputError` where the file exists already or cannot be written: an identity is never overwritten, because footage may be sealed
    to it.
    """
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    content = f"# created: {made}\n# public key: {recipient}\n{identity}\n".encode("ascii")
    if passphrase is not None:
        content = pyrage.passphrase.encrypt(content, passphrase, armored=True)
    write_new({out: content})
    return recipient
