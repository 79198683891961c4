"""A call for help and its confirmation: no byte of either can be changed, and neither stands for another call, camera or station."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.errors import DataError
from bodycamd.evidence import signed_document
from bodycamd.evidence.help_call import (
    HelpCall,
    HelpSent,
    SignedCall,
    check_call,
    decode_call,
    decode_sent,
    judge_sent,
    sign_call,
    sign_sent,
)
from bodycamd.evidence.roster import KeyHolder
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import camera, key, raw, signed
from tests.kit.scale import count

CALL = HelpCall(
    camera="HV-01",
    start=7,
    number=1,
    at="2026-03-10T12:00:00.000000Z",
    clock_trusted=True,
    nonce="12" * 16,
    recording="000007-0001",
    officer="H-12",
)
SENT = HelpSent(station="station-1", camera="HV-01", call="ab" * 32, sent_at="2026-03-10T12:00:01.000000Z", people=2)
MESSAGE_KEY = key("HV-01 message_key")
STATION = key("station-1")


def called(**changes: object) -> SignedCall:
    return sign_call(replace(CALL, **changes), MESSAGE_KEY)


def test_a_call_is_of_the_camera_whose_message_key_signed_it() -> None:
    check_call(called(), IN_FORCE, "HV-01")
    for wrong in (key("HV-01 uplink_key"), key("HV-01 first_key"), key("C-01"), key("nobody")):
        with pytest.raises(DataError, match="has not signed"):
            check_call(sign_call(CALL, wrong), IN_FORCE, "HV-01")
    with pytest.raises(DataError, match="not of HV-01"):
        check_call(called(camera="HV-09"), IN_FORCE, "HV-01")
    with pytest.raises(DataError, match="not an active camera"):
        check_call(called(), IN_FORCE, "HV-09")
    for state in ("suspended", "lost", "retired"):
        other = signed(replace(IN_FORCE.roster, cameras=(camera("HV-01", state=state),)))
        with pytest.raises(DataError, match="not an active camera"):
            check_call(called(), other, "HV-01")


def test_a_test_has_no_recording_and_a_call_has_one() -> None:
    assert called(test=True, recording=None).call.test
    for wrong in ({"recording": None}, {"test": True}):
        with pytest.raises(DataError, match="comes from a recording"):
            called(**wrong)


@pytest.mark.parametrize(
    ("sent", "signer", "outcome"),
    [
        (SENT, STATION, "accepted"),
        (replace(SENT, camera="HV-02"), STATION, "other_device"),
        (replace(SENT, station="station-2"), STATION, "not_a_station"),
        (SENT, MESSAGE_KEY, "not_signed"),
        (SENT, key("C-01"), "not_signed"),
        (SENT, key("HV-01 uplink_key"), "not_signed"),
    ],
)
def test_only_a_station_of_the_roster_says_that_it_was_sent(sent: HelpSent, signer: object, outcome: str) -> None:
    assert judge_sent(sign_sent(sent, signer), IN_FORCE, "HV-01") == outcome  # type: ignore[arg-type]
    assert judge_sent(sign_sent(SENT, STATION), None, "HV-01") == "not_a_station", "without a roster nobody counts"
    retired = signed(replace(IN_FORCE.roster, stations=(KeyHolder(id="station-1", key=raw("station-1"), state="retired"),)))
    assert judge_sent(sign_sent(SENT, STATION), retired, "HV-01") == "not_a_station"


def test_neither_is_read_as_the_other() -> None:
    with pytest.raises(DataError, match="line 1"):
        decode_sent(called().document.file_bytes, "x")
    with pytest.raises(DataError, match="line 1"):
        decode_call(sign_sent(SENT, STATION).document.file_bytes, "x")


@settings(max_examples=count(400))
@given(st.data())
def test_no_changed_byte_counts(data: st.DataObject) -> None:
    of_call = data.draw(st.booleans())
    good = (called().document if of_call else sign_sent(SENT, STATION).document).file_bytes
    at = data.draw(st.integers(0, len(good) - 1))
    end = data.draw(st.integers(at, min(len(good), at + 40)))
    changed = good[:at] + data.draw(st.one_of(st.binary(max_size=6), st.just(good[at:end] * 2))) + good[end:]
    try:
        if of_call:
            check_call(decode_call(changed, "x"), IN_FORCE, "HV-01")
            assert changed == good
        else:
            assert judge_sent(decode_sent(changed, "x"), IN_FORCE, "HV-01") != "accepted" or changed == good
    except DataError:
        return


@settings(max_examples=count(400))
@given(st.binary(max_size=8_192))
def test_what_is_none_is_refused_in_one_line(raw_bytes: bytes) -> None:
    for content in (raw_bytes, b"bodycam-help/1\n" + raw_bytes, b"bodycam-help-sent/1\n" + raw_bytes):
        for decode in (decode_call, decode_sent):
            with pytest.raises(DataError) as refused:
                decode(content, "x")
            assert "\n" not in str(refused.value)


def test_two_calls_alike_but_for_the_nonce_are_two_calls() -> None:
    assert called().id != called(nonce="34" * 16).id
    assert decode_call(called().document.file_bytes, "x") == called()
    assert isinstance(called().document, signed_document.SignedDocument)
