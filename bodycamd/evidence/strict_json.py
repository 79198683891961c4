"""Strict JSON for evidence: one reading of the bytes, or a `DataError` that says what is wrong and where.

Refused, besides everything that is not JSON in UTF-8: repeated keys (also when written with escapes), `null` (what does not apply is
absent), numbers that are not finite or do not fit 64 bits, more than 8 levels, more than 64 KiB (or the caller's own limit), control
characters and line ends. Key order and spaces are free: a signature is checked over the stored bytes, nothing is ever serialised again.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import NoReturn, TypeVar

import msgspec

from bodycamd.errors import DataError
from bodycamd.foreign_text import shown

MAX_JSON_BYTES = 64 * 1024
MAX_DEPTH = 8

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""One string, or all that follows a quote that is never closed: it gives nothing back, so no byte is looked at from two quotes."""
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_CONTROL = re.compile(rb"[\x00-\x1f]")
_MANY_DIGITS = re.compile(rb"[0-9]{19}")
"""Fewer always fit 64 bits."""
T = TypeVar("T")


class _UnclearError(ValueError):
    """The text is JSON, but could be read in more than one way or not be held."""


def decode(raw: bytes, decoder: msgspec.json.Decoder[T], where: str, longest_bytes: int = MAX_JSON_BYTES) -> T:
    """The value that `raw` (without its line end) holds, by the decoder. Raises `DataError`, and nothing else, for all other bytes."""
    if len(raw) > longest_bytes:
        raise DataError(f"{where}: {len(raw)} bytes of JSON; at most {longest_bytes} are allowed")
    if _needs_no_second_look(raw) and (value := _as_encoded(raw, decoder)) is not None:
        return value
    if control := _CONTROL.search(raw):
        raise DataError(f"{where}: control character at byte {control.start()}")
    if _depth(raw) > MAX_DEPTH:
        raise DataError(f"{where}: nested deeper than {MAX_DEPTH} levels")
    try:
        json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer)
        return decoder.decode(raw)
    except (ValueError, msgspec.MsgspecError) as error:
        raise DataError(f"{where}: {shown(error)}") from error


def encode(value: object, where: str) -> bytes:
    """The value as sorted JSON without line end. Raises `DataError` for what JSON cannot hold; what `decode` would refuse is the caller's
    to check.
    """
    try:
        return msgspec.json.encode(value, order="sorted")
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise DataError(f"{where}: {shown(error)}") from error


def check_own(raw: bytes, decoder: msgspec.json.Decoder[T], where: str) -> None:
    """Raises `DataError` where `decode` would refuse what `encode` made of a value whose type bounds every integer to 64 bits and leaves no
    room for depth: it spells no key twice and no control character. A number that is not finite it spells as null: where the word stands,
    all is looked at as a stranger's.
    """
    if b"null" in raw:
        decode(raw, decoder, where)
        return
    if len(raw) > MAX_JSON_BYTES:
        raise DataError(f"{where}: {len(raw)} bytes of JSON; at most {MAX_JSON_BYTES} are allowed")
    try:
        decoder.decode(raw)
    except (ValueError, msgspec.MsgspecError) as error:
        raise DataError(f"{where}: {shown(error)}") from error


def _needs_no_second_look(raw: bytes) -> bool:
    """Whether nothing that `decode` refuses can be in it if it is to the byte what `encode` makes of its value: that spells no key twice,
    no control character, and a number that is not finite as null. Reading it twice as Python objects takes ten times as long, and a store
    has thousands of lines.
    """
    return raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH and b"null" not in raw and _MANY_DIGITS.search(raw) is None


def _as_encoded(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T | None:
    """The value, if `raw` is to the byte what `encode` makes of it; why it is not is said by the second look."""
    try:
        value = decoder.decode(raw)
    except (ValueError, msgspec.MsgspecError):
        return None
    return value if msgspec.json.encode(value, order="sorted") == raw else None


def _depth(raw: bytes) -> int:
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKET)
    return max(accumulate((1 if byte in b"[{" else -1 for byte in brackets), initial=0))


def _object(pairs: list[tuple[str, object]]) -> set[str]:
    """Its keys stand for the object: nothing else is asked of it here."""
    found: set[str] = set()
    for key, value in pairs:
        if key in found:
            raise _UnclearError(f"key {shown(key, 40)!r} is repeated")
        if _holds_null(value):
            raise _UnclearError(f"key {shown(key, 40)!r} is null; what does not apply is left out")
        found.add(key)
    return found


def _holds_null(value: object) -> bool:
    return value is None or (isinstance(value, list) and any(map(_holds_null, value)))


def _refuse_constant(name: str) -> NoReturn:
    raise _UnclearError(f"{name} is not a number of JSON")


def _integer(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (value := int(text)) < 2**63:
        raise _UnclearError(f"integer {shown(text, 24)} does not fit 64 bits")
    return value
