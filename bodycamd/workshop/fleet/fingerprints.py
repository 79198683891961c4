"""The fingerprint of a person of the fleet: what is compared by telephone before somebody signs that this person counts."""

from __future__ import annotations

import hashlib


def person_fingerprint(key: str, recipient: str | None) -> str:
    """SHA-256 in groups to read aloud, over the key in hex and, where there is one, the recipient, a line each: neither can be swapped
    without its changing. `printf '%s\\n' KEY RECIPIENT | sha256sum` makes the same.
    """
    told = "".join(f"{line}\n" for line in (key, recipient) if line is not None)
    digest = hashlib.sha256(told.encode("ascii")).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, 64, 4))
