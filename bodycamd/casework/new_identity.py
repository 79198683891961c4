"""A new age identity, as `age-keygen` writes it: for the evidence officer's computer, never for a camera."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pyrage

from bodycamd.errors import OutputError
from bodycamd.evidence import durable


def new_identity(out: Path) -> str:
    """Make a key pair, write the private half to a new file (0600, durable) and return the public half (`age1…`).

    Raises `OutputError` where the file exists already or cannot be written: an identity is never overwritten, because footage may be sealed
    to it.
    """
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    content = f"# created: {made}\n# public key: {recipient}\n{identity}\n".encode("ascii")
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise OutputError(f"{out}: exists already; an identity is never overwritten: choose another name") from error
    except OSError as error:
        raise OutputError(f"{out}: cannot be created: {error.strerror}") from error
    try:
        try:
            os.fchmod(descriptor, 0o600)
            durable.write_all(descriptor, (content,))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        durable.sync_folder(out.absolute().parent)
    except OSError as error:
        out.unlink(missing_ok=True)
        raise OutputError(f"{out}: cannot be written: {error.strerror}") from error
    return recipient
