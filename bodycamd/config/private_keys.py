"""Private keys where only public ones belong: found anywhere in a text, comments too, and never shown.

Known are age identities (of plugins too), and private keys in PEM, of OpenSSH, PGP and PuTTY. Not known, and not found: a key in any other
spelling, such as one that was cut into pieces.
"""

from __future__ import annotations

import re

_PRIVATE = re.compile(
    rb"AGE-SECRET-KEY|AGE-PLUGIN-[^\s]{1,100}?-1|-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-[0-9]", re.IGNORECASE
)
WHAT_TO_DO = "a private key: it must never be on a camera. Treat it as exposed, make a new pair, and put only the public half here"


def line_of_private_key(raw: bytes) -> int | None:
    """The number, from 1, of the first line that holds a private key, or a part of one that says what it is; `None` where none does.
    Zero bytes are passed over: UTF-16 has one in every letter.
    """
    text = raw.replace(b"\0", b"")
    found = _PRIVATE.search(text)
    return None if found is None else text.count(b"\n", 0, found.start()) + 1
