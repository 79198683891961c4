"""Mutations of valid input: seeded, so that a case can be had again by its number."""

from __future__ import annotations

import random
import struct

TOKENS = (
    b"",
    b"\0" * 512,
    b"\0" * 1024,
    b"\n",
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b"9" * 40,
    b"[" * 200,
    b'{"a":' * 50,
    b'"\\ud800"',
    b"\xff\xfe",
    b"\xc0\xaf",
    b"../../",
    b"77777777777",
    b"\x80" + b"\xff" * 11,
    b'"type":"start",',
    b'"type":"fragment",',
    b"BCL1",
    struct.pack("<II", 2**32 - 1, 2**32 - 1),
    struct.pack("<II", 65536, 0),
    b"A" * 70_000,
)


def mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    """One input of the corpus with one to four changes."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        _CHANGES[chance.randrange(len(_CHANGES))](chance, data, corpus)
    return bytes(data)


def _place(chance: random.Random, data: bytearray) -> int:
    return chance.randrange(len(data) + 1)


def _flip(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.choice((0, 1, 0x20, 0x22, 0x30, 0x39, 0x5B, 0x5C, 0x7B, 0x7F, 0x80, 0xFF))


def _cut(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    del data[_place(chance, data) :]


def _remove(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    at = _place(chance, data)
    del data[at : at + chance.choice((1, 4, 64, 512, 1536))]


def _insert(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    at = _place(chance, data)
    data[at:at] = chance.choice(TOKENS)


def _overwrite(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    at, token = _place(chance, data), chance.choice(TOKENS)
    data[at : at + len(token)] = token


def _repeat(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    at = _place(chance, data)
    piece = data[at : at + chance.choice((1, 16, 512, 1536, 4096))]
    data[at:at] = piece * chance.choice((1, 1, 2, 8))


def _swap(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    size = chance.choice((1, 32, 512))
    first, second = sorted((_place(chance, data), _place(chance, data)))
    if second - first >= size:
        data[first : first + size], data[second : second + size] = data[second : second + size], data[first : first + size]


def _splice(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    other = chance.choice(corpus)
    data[_place(chance, data) :] = other[chance.randrange(len(other) + 1) :]


def _number(chance: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    digits = [at for at, byte in enumerate(data) if 0x30 <= byte <= 0x39]
    if digits:
        at = chance.choice(digits)
        data[at : at + 1] = chance.choice((b"0", b"-", b"9999999999999999999", b"1.5", b"1e30", b'"', b"[]"))


_CHANGES = (_flip, _flip, _set, _cut, _remove, _insert, _overwrite, _repeat, _swap, _splice, _number)
