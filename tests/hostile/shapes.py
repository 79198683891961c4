"""Hostile text by its shape, each of any size: what makes a parser go back to where it has been, hold on to what it has read, or open what
it never closes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

Shape = Callable[[int], bytes]


def repeated(unit: bytes, head: bytes = b"", tail: bytes = b"") -> Shape:
    """`head`, as many whole `unit` as fit, `tail`."""
    return lambda size: head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def numbered(form: str, head: bytes = b"", tail: bytes = b"") -> Shape:
    """The same with a number in each unit: no two are alike."""

    def made(size: int) -> bytes:
        parts, length = [head], len(head) + len(tail)
        for number in count():
            part = form.format(number).encode()
            length += len(part)
            if length > size:
                return b"".join([*parts, tail])
            parts.append(part)
        raise AssertionError

    return made


SHAPES: dict[str, Shape] = {
    "quotes": repeated(b'"'),
    "an odd number of quotes": repeated(b'"', b'"', b"x"),
    "escaped quotes without an end": repeated(b'\\"', b'"'),
    "escaped quotes after each other": repeated(b'"\\"'),
    "backslashes": repeated(b"\\", b'"'),
    "escapes": repeated(b"\\u0061", b'"', b'"'),
    "half an escape": repeated(b"\\u00"),
    "single quotes": repeated(b"'"),
    "strings in a list": repeated(b'"a",', b"[", b'"b"]'),
    "open brackets": repeated(b"["),
    "open braces": repeated(b"{"),
    "open objects": repeated(b'{"a":'),
    "open and closed": repeated(b"[],", b"[", b"[]]"),
    "closed brackets": repeated(b"]"),
    "brackets and back": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "flow mappings": repeated(b"{a: "),
    "repeated keys": repeated(b'"a":1,', b"{", b'"b":1}'),
    "many keys": numbered('"k{}":1,', b"{", b'"k":1}'),
    "a long key": repeated(b"a", b'{"', b'":1}'),
    "digits": repeated(b"9"),
    "a number in an object": repeated(b"9", b'{"a":', b"}"),
    "a fraction": repeated(b"3", b'{"a":0.', b"}"),
    "an exponent": repeated(b"9", b'{"a":1e', b"}"),
    "underscores in a number": repeated(b"_", b"device_id: 1", b"x"),
    "digits and underscores": repeated(b"1_", b"device_id: ", b"x"),
    "sexagesimal": repeated(b":1", b"device_id: 1", b"x"),
    "a fraction and no number": repeated(b"1.", b"device_id: "),
    "minus signs": repeated(b"-"),
    "nothing but spaces": repeated(b" "),
    "nothing but line ends": repeated(b"\n"),
    "carriage returns": repeated(b"\r"),
    "tabs": repeated(b"\t"),
    "zeros": repeated(b"\0"),
    "not UTF-8": repeated(b"\xff"),
    "a byte order mark": repeated(b"\xef\xbb\xbf"),
    "letters": repeated(b"a"),
    "letters of two bytes": repeated("é".encode()),
    "words": repeated(b"a "),
    "lines": repeated(b"a\n"),
    "comments": repeated(b"# x\n"),
    "a long comment": repeated(b"#"),
    "mapping lines": numbered("k{}: v\n"),
    "the same mapping line": repeated(b"a: b\n"),
    "sequence lines": repeated(b"- a\n", b"a:\n"),
    "nested sequences": repeated(b"- "),
    "nested question marks": repeated(b"? "),
    "nested mappings": lambda size: b"".join(b" " * depth + b"a:\n" for depth in range(int((2 * size) ** 0.5))),
    "anchors": numbered("- &a{} b\n", b"a:\n"),
    "aliases": repeated(b"*a, ", b"a: [", b"*a]"),
    "an alias bomb": numbered("k{0}: &k{0} [*k, *k, *k]\n"),
    "tags": repeated(b"!t "),
    "directives": repeated(b"%YAML 1.1\n"),
    "documents": repeated(b"--- a\n"),
    "a folded text": repeated(b" a\n", b"a: >\n"),
    "a quoted text over lines": repeated(b" a\n", b'a: "'),
    "colons": repeated(b": "),
    "merge keys": repeated(b"<<: {}\n"),
    "age stanzas": repeated(b"-> X25519 A\nA\n"),
    "age recipients": repeated(b"age1q\n"),
    "one long age recipient": repeated(b"q", b"age1"),
    "age identities": repeated(b"AGE-SECRET-KEY-1Q\n"),
    "one long age identity": repeated(b"Q", b"AGE-SECRET-KEY-1"),
    "age plugins without an end": repeated(b"AGE-PLUGIN-"),
    "begun PEM blocks": repeated(b"-----BEGIN PUBLIC KEY-----\n"),
    "begun lines of dashes": repeated(b"-----BEGIN "),
    "an open PEM block": repeated(b"A" * 64 + b"\n", b"-----BEGIN PUBLIC KEY-----\n"),
    "steps of a script": repeated(b"1 tap\n"),
    "a step at a long time": repeated(b"1"),
}
