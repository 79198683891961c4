"""A signed line: `base64(signature) SP json`, the form of the ledger's entries, of a copy's record and of anchors. There is one reading of
a line: whatever is not exactly what `join` makes is refused.
"""

from __future__ import annotations

import binascii
from typing import Final

from bodycamd.errors import DataError
from bodycamd.evidence.keys import SIGNATURE_BYTES
from bodycamd.evidence.strict_json import MAX_JSON_BYTES

_SIGNATURE_TEXT: Final = 88
MAX_LINE_BYTES: Final = _SIGNATURE_TEXT + 1 + MAX_JSON_BYTES + 1
"""With its line end."""


def join(signature: bytes, json: bytes) -> bytes:
    """The line, without its line end."""
    return binascii.b2a_base64(signature, newline=False) + b" " + json


def split(raw: bytes, where: str) -> tuple[bytes, bytes]:
    """The 64 bytes of the signature and the JSON that it is over, of a line without its line end; neither is checked yet. Raises
    `DataError`.
    """
    text, json = raw[:_SIGNATURE_TEXT], raw[_SIGNATURE_TEXT + 1 :]
    if raw[_SIGNATURE_TEXT : _SIGNATURE_TEXT + 1] != b" ":
        raise DataError(f"{where}: not a signature of {_SIGNATURE_TEXT} characters, a space and JSON")
    return signature_of(text, where), json


def signature_of(text: bytes, where: str) -> bytes:
    """The 64 bytes of a signature in base64, in its only spelling. Raises `DataError`."""
    try:
        signature = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise DataError(f"{where}: the signature is not base64") from error
    if len(signature) != SIGNATURE_BYTES or binascii.b2a_base64(signature, newline=False) != text:
        raise DataError(f"{where}: the signature is not the base64 of {SIGNATURE_BYTES} bytes")
    return signature
