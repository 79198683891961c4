"""JSON that could be read in two ways, or that is made to hurt, is refused with what and where, and never in another way."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError
from bodycamd.evidence import strict_json as strict
from bodycamd.evidence.statements import JsonValue, decode_entry, decode_statement
from tests.evidence.making import brief, made_segment, new_start, told
from tests.kit.scale import count, only_in_full

ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, Any])
STATEMENT = made_segment([]).segment.last.json  # type: ignore[union-attr]
FRAGMENT = made_segment([b"x"]).segment.last.json  # type: ignore[union-attr]
ENTRY = new_start().entry("marker", {"at_us": 5, "text": "é\u2028"}, prev="0" * 64).json

HOSTILE = {
    "repeated key": (b'{"a":1,"a":1}', "'a' is repeated"),
    "repeated by an escape": (b'{"a":1,"\\u0061":1}', "'a' is repeated"),
    "repeated deep inside": (b'{"x":[{"b":1,"b":2}]}', "'b' is repeated"),
    "null": (b'{"a":null}', "null"),
    "null in a list": (b'{"a":[[null]]}', "null"),
    "NaN": (b'{"a":NaN}', "NaN"),
    "infinity": (b'{"a":-Infinity}', "Infinity"),
    "too large a number": (b'{"a":1e999}', "out of range"),
    "an integer of 65 bits": (b'{"a":9223372036854775808}', "64 bits"),
    "an integer of 10,000 digits": (b'{"a":' + b"9" * 10_000 + b"}", "64 bits"),
    "9 levels": (b'{"a":' + b"[" * 8 + b"]" * 8 + b"}", "8 levels"),
    "60,000 levels": (b'{"a":' + b"[" * 60_000, "8 levels"),
    "65,537 bytes": (b'{"a":"' + b"x" * 65_530 + b'"}', "at most 65536"),
    "a line end": (b'{"a":\n1}', "control character at byte 5"),
    "not UTF-8": (b'{"a":"\xff"}', "utf-8"),
    "UTF-16": (b'{\x00"\x00a\x00"\x00}\x00', "control"),
    "byte order mark": (b'\xef\xbb\xbf{"a":1}', "BOM"),
    "half a surrogate pair": (b'{"a":"\\ud800x"}', ""),
    "nothing": (b"", "Expecting value"),
    "two values": (b'{"a":1}{"a":1}', "Extra data"),
    "a string with no end": (b'{"a":"', "Unterminated"),
    "no object": (b"[1]", "Expected `object`"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_with_place_and_reason(name: str) -> None:
    raw, reason = HOSTILE[name]
    with pytest.raises(DataError, match=r"^file 3: ") as refused:
        strict.decode(raw, ANYTHING, "file 3")
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 300
    assert str(refused.value).isprintable()


def test_all_that_is_allowed_is_read() -> None:
    raw = b' {"a" : [1, -2.5, true, "\\u00e9\\ud83d\\ude00 []{}\\"", {"b":{"c":{"d":{"e":[]}}}}], "i":-9223372036854775808}'
    assert strict.decode(raw, ANYTHING, "x")["a"][:4] == [1, -2.5, True, 'é😀 []{}"']


DEEP = b'{"a":' + b"[" * 7 + b"]" * 7 + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":"' + b"x" * 65_528 + b'"}',
        DEEP,
        DEEP[:-1] + b',"b":' + b"[" * 7 + b"]" * 7 + b"}",
        b'{"a":"' + b"[" * 20 + b'","b":["' + b"{" * 20 + b'\\"{{"]}',
        b'{"a":[],"b":[],"c":[],"d":[],"e":[],"f":[],"g":[],"h":[],"i":[]}',
        b'{"a":9223372036854775807,"b":-9223372036854775808}',
        b'{"a":{"a":{"a":1},"b":1},"b":[{"a":1},{"a":1}]}',
        b"{}",
    ],
    ids=brief,
)
def test_what_stands_at_a_bound_is_read(raw: bytes) -> None:
    assert strict.decode(raw, ANYTHING, "x") == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"a":"' + b"x" * 65_529 + b'"}', "65537 bytes of JSON; at most 65536 are allowed"),
        (b"[" + DEEP + b"]", "nested deeper than 8 levels"),
        (DEEP[:-1] + b',"b":' + b"[" * 8, "nested deeper than 8 levels"),
        (b'{"":"a","b":' + b"[{" * 4, "nested deeper than 8 levels"),
        (b'{"a":[],"b":[[]],"c":[[]],"d":' + b"[" * 8, "nested deeper than 8 levels"),
        (b'{"a":1}\x1f', "control character at byte 7"),
        (b'{"' + b"k" * 50 + b'":null}', f"key '{'k' * 39}…' is null; what does not apply is left out"),
        (b'{"' + b"k" * 50 + b'":1,"' + b"k" * 50 + b'":1}', f"key '{'k' * 39}…' is repeated"),
        (b'{"a":[1,[null]]}', "key 'a' is null; what does not apply is left out"),
        (b'{"a":NaN}', "NaN is not a number of JSON"),
        (b'{"a":-Infinity}', "-Infinity is not a number of JSON"),
        (b'{"a":9223372036854775808}', "integer 9223372036854775808 does not fit 64 bits"),
        (b'{"a":-9223372036854775809}', "integer -9223372036854775809 does not fit 64 bits"),
        (b'{"a":' + b"9" * 40 + b"}", f"integer {'9' * 23}… does not fit 64 bits"),
        (b'{"a":' + b"9" * 5000 + b"}", f"integer {'9' * 23}… does not fit 64 bits"),
        (b"[1]", "Expected `object`, got `array`"),
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ],
    ids=brief,
)
def test_what_is_refused_is_said_in_these_words(raw: bytes, said: str) -> None:
    assert told(lambda: strict.decode(raw, ANYTHING, "ledger: line 3")) == f"ledger: line 3: {said}"


def test_what_is_written_is_sorted_and_what_cannot_be_written_is_told() -> None:
    assert strict.encode({"b": 1, "a": {"d": 1, "c": 2}}, "x") == b'{"a":{"c":2,"d":1},"b":1}'
    said = "to be signed: Encoding objects of type object is unsupported"
    assert told(lambda: strict.encode({"a": object()}, "to be signed")) == said


def test_a_repeated_key_stays_short_and_printable_in_the_message() -> None:
    key = "\\u001b" + "k" * 5000
    with pytest.raises(DataError) as refused:
        strict.decode(f'{{"{key}":1,"{key}":2}}'.encode(), ANYTHING, "x")
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()


CHANGES = {
    "unknown key": (b'{"', b'{"zz":1,"'),
    "float for an integer": (b'"n":1,', b'"n":1.0,'),
    "boolean for an integer": (b'"n":1,', b'"n":true,'),
    "zero": (b'"n":1,', b'"n":0,'),
    "negative": (b'"n":1,', b'"n":-1,'),
    "missing": (b'"n":1,', b""),
    "a hash with a line end in it": (b'"prev":"0', b'"prev":"\\n0'),
    "a hash in capitals": (b'"prev":"0', b'"prev":"A'),
    "month 13": (b'"wall":"2025-06', b'"wall":"2025-13'),
    "digits of another script": (b'"wall":"2025', '"wall":"٢٠٢٥'.encode()),
    "a device with a slash": (b'"device":"cam', b'"device":"../cam'),
    "a device with a line end": (b'"device":"cam-7"', b'"device":"cam-7\\n"'),
}


@pytest.mark.parametrize("name", CHANGES)
def test_statements_and_entries_with_wrong_fields_are_refused(name: str) -> None:
    old, new = CHANGES[name]
    for raw, decode in ((STATEMENT, decode_statement), (ENTRY, decode_entry)):
        decode(raw, "x")
        assert old in raw
        with pytest.raises(DataError, match=r"^x: "):
            decode(raw.replace(old, new, 1), "x")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"type":"fragment"', b'"type":"init"'),
        (b'"type":"fragment"', b'"type":"other"'),
        (b'"type":"fragment",', b""),
        (b'"audio":"live"', b'"audio":"loud"'),
        (b'"duration_us":1000000', b'"duration_us":0'),
        (b'"duration_us":1000000', b'"duration_us":10000001'),
        (b'"frames":', b'"frames":99999'),
        (b'"audio_samples":', b'"audio_samples":99999999'),
        (b'"index":1', b'"index":0'),
        (b'"size":1', b'"size":33554433'),
        (b'"recording":"000001-0001"', b'"recording":"1-1"'),
        (b"}\n", b"}"),
        (b"}\n", b"}\n\n"),
    ],
)
def test_a_fragment_with_impossible_values_is_refused(old: bytes, new: bytes) -> None:
    assert old in FRAGMENT
    with pytest.raises(DataError):
        decode_statement(FRAGMENT.replace(old, new, 1), "x")


PIECES = [b'"', b"{", b"[", b"\\u", b"1e9", b"null"]


@only_in_full
@settings(max_examples=count(6000))
@given(st.data())
def test_no_bytes_raise_anything_but_a_data_error(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([STATEMENT, FRAGMENT, ENTRY])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3) | st.sampled_from(PIECES))
    for decode in (decode_statement, decode_entry):
        with contextlib.suppress(DataError):
            decode(bytes(raw), "x")


@pytest.mark.parametrize("value", ["\ud800", 2**64, -(2**63) - 1, float("nan"), [float("inf")], object(), {"a": None}, "x" * 70_000])
def test_what_cannot_be_stated_is_refused_before_it_is_signed(value: JsonValue) -> None:
    with pytest.raises(DataError):
        new_start().entry("marker", {"a": value}, prev="0" * 64)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@only_in_full
@settings(max_examples=count(3000))
@example({"\ufffd": []})
@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_an_entry_is_written_as_it_is_read_or_refused(detail: dict[str, Any]) -> None:
    start = new_start()
    try:
        signed = start.entry("marker", detail, prev="0" * 64)
    except DataError:
        return
    assert decode_entry(signed.json, "x") == signed.entry
    assert start.signer.public.verifies(signed.signature, signed.json)


def test_a_line_as_a_camera_writes_it_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(json, "loads", again)
    written = new_start().entry("marker", {"at_us": 5, "text": "é\u2028"}, prev="ab" * 32)
    assert decode_entry(written.json, "x") == written.entry
    assert strict.decode(b'{"a":[{"b":-1.5},{"c":123456789012345678}]}', ANYTHING, "x") == {"a": [{"b": -1.5}, {"c": 123456789012345678}]}


def outcome(raw: bytes) -> tuple[str | None, object]:
    values: list[object] = []
    try:
        values.append(strict.decode(raw, ANYTHING, "x"))
    except DataError as error:
        return str(error), None
    return None, repr(values)


@settings(max_examples=count(300))
@example(b'{"a":9223372036854775808}')
@example(b'{"a":{"b":{"c":[[[[[[]]]]]]}}}')
@example(b'{"a":"null","b":null}')
@given(
    st.dictionaries(st.text(max_size=5), json_values, max_size=4).map(
        lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    )
    | st.lists(
        st.sampled_from(
            [b'"a":', b"1", b"-0", b"1.0", b"{", b"}", b"[", b"]", b",", b'"\xff"', b'"\\u0061"', b"1e999", b"12345678901234567890"]
        )
    ).map(lambda parts: b'{"a":' + b"".join(parts) + b"}")
)
def test_reading_once_and_reading_twice_say_the_same(raw: bytes) -> None:
    at_once = outcome(raw)
    with pytest.MonkeyPatch.context() as twice:
        twice.setattr(strict, "_needs_no_second_look", lambda _: False)
        assert outcome(raw) == at_once


def test_what_stands_for_unreadable_text_is_not_written() -> None:
    """U+FFFD: a reader with stock tools cannot tell it from bytes that are no UTF-8, and would call an honest line altered."""
    entry = new_start().entry("voice_failed", {"detail": "cannot open Ger\ufffdt", "more": {"k\ufffd": ["\ufffd"]}}, prev="0" * 64)
    assert "\ufffd" not in entry.json.decode()
    assert decode_entry(entry.json, "here").detail == {"detail": "cannot open Ger?t", "more": {"k?": ["?"]}}
