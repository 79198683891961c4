"""An anchor's line, case by case: what it is made of, whose word it is, and what is no anchor."""

from __future__ import annotations

import base64

import msgspec
import pytest

from bodycamd.evidence.anchor import AnchorStatement, Pin, decode, encode
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.statements import ZERO_HASH, ClockQuality
from tests.evidence.making import BOOT_ID, brief, new_start, told

KEY = SigningKey.generate()
HEAD = "ab" * 32
PIN = Pin(recording="000001-0002", segment=3, n=7, sha256="cd" * 32)
SIGNED = new_start(KEY, number=4).anchor(HEAD, PIN)
SIGNATURE, _, JSON = SIGNED.line.partition(" ")


def test_an_anchor_states_head_pin_and_who_when() -> None:
    signed = new_start(KEY, number=4).anchor(HEAD, PIN)
    assert signed == SIGNED
    assert signed.json == msgspec.json.encode(signed.statement, order="sorted")
    assert KEY.public.verifies(signed.signature, signed.json)
    assert signed.statement == AnchorStatement(
        format="bodycam-anchor/1",
        n=1,
        head=HEAD,
        key=KEY.public.id,
        device="cam-7",
        start=4,
        boot_id=BOOT_ID,
        boottime_ns=1_001_000_000,
        wall="2025-06-15T15:06:41.001000Z",
        clock=ClockQuality(source="kernel-ntp", error_ms=12),
        open=PIN,
    )
    assert "open" not in msgspec.json.decode(new_start(KEY).anchor(ZERO_HASH, None).json)


def test_the_line_is_the_signature_and_what_was_signed() -> None:
    assert base64.b64decode(SIGNATURE, validate=True) == SIGNED.signature
    assert JSON.encode() == SIGNED.json == encode(SIGNED.statement)
    assert decode(SIGNED.line, "x") == SIGNED
    assert decode(f" {SIGNED.line}\n", "x") == SIGNED


def test_what_was_signed_is_kept_as_it_was_written() -> None:
    """Keys in any order, spaces between them: what counts is the bytes."""
    spaced = JSON.replace(",", ", ").encode()
    read = decode(f"{base64.b64encode(KEY.sign(spaced)).decode()} {spaced.decode()}", "x")
    assert (read.statement, read.json) == (SIGNED.statement, spaced)
    assert read.signed_by(KEY.public)


def test_it_is_the_word_of_the_key_that_it_names_and_that_signed_it() -> None:
    other = SigningKey.generate()
    named_falsely = decode(f"{base64.b64encode(other.sign(SIGNED.json)).decode()} {JSON}", "x")
    named_other = msgspec.structs.replace(SIGNED.statement, key=other.public.id)
    names_other = decode(f"{base64.b64encode(KEY.sign(encode(named_other))).decode()} {encode(named_other).decode()}", "x")
    asked = [(anchor, key) for anchor in (SIGNED, named_falsely, names_other) for key in (KEY, other)]
    assert [anchor.signed_by(key.public) for anchor, key in asked] == [True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "not an anchor: base64 of a signature, a space and JSON"),
        (f"{SIGNATURE[:84]} {JSON}", "not an anchor: base64 of a signature, a space and JSON"),
        (f"{base64.b64encode(bytes(65)).decode()} {JSON}", "not an anchor: base64 of a signature, a space and JSON"),
        (f"{SIGNATURE[:9]}!{SIGNATURE[9:]} {JSON}", "not an anchor: base64 of a signature, a space and JSON"),
        (f"{SIGNATURE[:-1]} {JSON}", "not an anchor: base64 of a signature, a space and JSON"),
        (f"é{SIGNATURE} {JSON}", "not an anchor: base64 of a signature, a space and JSON"),
        (f"{SIGNATURE} {JSON}\ud800", "not an anchor: base64 of a signature, a space and JSON"),
        (f"{SIGNATURE} ", "not an anchor: base64 of a signature, a space and JSON"),
        (f"{SIGNATURE}  {JSON}\n{JSON}", "control character at byte"),
        (f"{SIGNATURE} {JSON.replace('head', 'prev')}", "Object contains unknown field `prev`"),
        (f"{SIGNATURE} {JSON.replace('anchor/1', 'anchor/2')}", "Invalid enum value 'bodycam-anchor/2' - at `$.format`"),
        (f"{SIGNATURE} {JSON.replace('2025-06-15', '2025-06-31')}", "wall '2025-06-31T15:06:41.001000Z' is no time: "),
    ],
    ids=brief,
)
def test_what_is_no_anchor_is_told(line: str, reason: str) -> None:
    assert told(lambda: decode(line, "anchors.txt: line 2")).startswith(f"anchors.txt: line 2: {reason}")


def test_what_a_reader_would_refuse_is_not_signed() -> None:
    wrong = msgspec.structs.replace(SIGNED.statement, n=0)
    assert told(lambda: encode(wrong)) == "to be signed: Expected `int` >= 1 - at `$.n`"
    assert told(lambda: encode(msgspec.structs.replace(wrong, device="\ud800"))).startswith("to be signed: 'utf-8' codec can't encode")
