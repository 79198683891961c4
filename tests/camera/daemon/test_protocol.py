"""What the control socket takes: every request comes through as it was, and what is none is told why, whatever it holds."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.daemon import protocol
from bodycamd.camera.daemon.protocol import AddHold, ReleaseHold, Request, decode_request, encode_line
from bodycamd.errors import UsageError
from tests.kit.scale import count, only_in_full

KINDS = sorted(Request.__subclasses__(), key=lambda kind: kind.__name__)
ADD = {"recording": "000001-0001", "ground": "complaint", "reference": "K-1", "by": "E-03", "review_on": "2026-01-01"}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "word": st.text(st.characters(codec="utf-8"), max_size=200),
    "optional": st.none() | st.text(st.characters(codec="utf-8"), max_size=200),
    "count": st.integers(0, 2**53 - 1),
    "bytes": st.binary(max_size=200),
}


def value_of(kind: Any, field: str) -> st.SearchStrategy[Any]:
    if field == "wait_seconds":
        return st.integers(0, 20)
    told = str(next(f.type for f in msgspec.structs.fields(kind) if f.name == field))
    return VALUES["count" if "int" in told else "bytes" if "bytes" in told else "optional" if "None" in told else "word"]


@st.composite
def requests(draw: st.DrawFn) -> Any:
    kind: Any = draw(st.sampled_from(KINDS))
    return kind(**{field: draw(value_of(kind, field)) for field in kind.__struct_fields__})


@settings(max_examples=count(1000))
@given(request=requests())
def test_a_request_arrives_as_it_was(request: Any) -> None:
    line = encode_line(request)
    assert decode_request(line) == request
    assert type(decode_request(line)) is type(request)
    assert set(json.loads(line)) == {"command", *request.__struct_fields__}


def test_every_request_says_what_it_takes_and_who_may_ask() -> None:
    """Who changes something is of the admin group; who is handed what is to be sent is the uplink."""
    handed = {kind.__struct_config__.tag for kind in KINDS if kind.uplink_only}
    kinds = ("bundles", "call", "checkpoint", "ledger", "segment", "segments", "waiting")
    assert handed == {f"uplink_{kind}" for kind in kinds}
    assert all(kind.admin and kind.courier for kind in KINDS if kind.uplink_only)
    changing = {kind.__struct_config__.tag for kind in KINDS if kind.admin} - handed
    assert changing == {
        "check_parts",
        "deliver",
        "hold_add",
        "hold_release",
        "offloaded",
        "shift_begin",
        "shift_end",
        "show_check",
        "sweep",
        "update_told",
        "updates",
    }
    assert {kind.__struct_config__.tag for kind in KINDS if kind.root_only} == {"update_told", "updates"}
    for kind in KINDS:
        with pytest.raises(UsageError, match=rf"^{kind.__struct_config__.tag} takes .*: Object contains unknown field `sudo`"):
            decode_request(json.dumps({"command": kind.__struct_config__.tag, **_filled(kind), "sudo": True}).encode())


def _filled(kind: Any) -> dict[str, Any]:
    """Words that are base64 too."""
    return {field: 1 if "int" in str(f.type) else "word" for f in msgspec.structs.fields(kind) for field in [f.name]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recording": None}, "Expected `str`, got `null` - at `$.recording`"),
        ({"ground": None}, "Expected `str`, got `null` - at `$.ground`"),
        ({"reference": 7}, "Expected `str`, got `int` - at `$.reference`"),
        ({"review_on": 7}, "Expected `str`, got `int` - at `$.review_on`"),
        ({"by": ["E-03"]}, "Expected `str`, got `array` - at `$.by`"),
        ({"by": "x" * 201}, "length <= 200"),
        ({"hold": "a" * 12}, "unknown field `hold`"),
    ],
)
def test_a_hold_is_asked_for_in_words(change: dict[str, Any], words: str) -> None:
    assert decode_request(json.dumps({"command": "hold_add", **ADD}).encode()) == AddHold(**ADD)
    with pytest.raises(UsageError) as refused:
        decode_request(json.dumps({"command": "hold_add", **ADD, **change}).encode())
    assert str(refused.value).startswith("hold_add takes by, ground, recording, reference, review_on: ")
    assert words in str(refused.value)


def test_a_release_may_leave_out_what_does_not_apply() -> None:
    asked = {"command": "hold_release", "hold": "a" * 12, "reason": "settled", "by": "E-03"}
    short = ReleaseHold(hold="a" * 12, reason="settled", by="E-03")
    assert decode_request(json.dumps(asked).encode()) == short
    assert decode_request(json.dumps({**asked, "recording": None, "ground": None}).encode()) == short


@only_in_full
@settings(max_examples=count(1000))
@given(
    line=st.binary(max_size=300)
    | st.recursive(st.none() | st.booleans() | st.text(), lambda v: st.dictionaries(st.text(), v)).map(
        lambda value: json.dumps(value).encode()
    )
    | requests().map(encode_line).flatmap(lambda line: st.integers(0, len(line)).map(lambda end: line[:end]))
)
def test_what_is_no_request_is_refused_in_one_short_line(line: bytes) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(decode_request(line), Request)
        return
    with pytest.raises(UsageError) as refused:
        decode_request(line)
    assert len(str(refused.value)) < 800
    assert str(refused.value).isprintable()


def test_a_long_name_is_not_told_back() -> None:
    with pytest.raises(UsageError) as refused:
        decode_request(json.dumps({"command": "\x1b" * 60_000}).encode())
    assert len(protocol.failure(refused.value)) < 1000
