"""A camera's application: three keys sign it, and nobody without the token makes one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.errors import DataError
from bodycamd.evidence.application import Application, decode, sign, token_signer
from bodycamd.evidence.keys import SigningKey
from tests.evidence.rostering import key
from tests.kit.scale import count

TOKEN = token_signer(bytes(range(32)))
KEYS = {"uplink": key("uplink"), "message": key("message"), "token": TOKEN}
APPLICATION = Application(
    camera="HV-07",
    token_key=TOKEN.public.raw.hex(),
    first_key=key("first").public.raw.hex(),
    uplink_key=KEYS["uplink"].public.raw.hex(),
    message_key=KEYS["message"].public.raw.hex(),
)
SIGNED = sign(APPLICATION, list(KEYS.values()))


def test_it_is_read_as_it_was_signed_and_has_no_token_in_it() -> None:
    raw = SIGNED.document.file_bytes
    assert decode(raw, "x") == SIGNED
    assert bytes(range(32)).hex().encode() not in raw
    assert SIGNED.fingerprint.replace(" ", "") == SIGNED.document.sha256
    assert len(SIGNED.fingerprint.split()) == 16


@pytest.mark.parametrize("left_out", KEYS)
def test_all_three_keys_sign(left_out: str) -> None:
    signers: list[SigningKey] = [signer for name, signer in KEYS.items() if name != left_out]
    with pytest.raises(DataError, match="not signed by all"):
        sign(APPLICATION, signers)
    with pytest.raises(DataError, match="not signed by all"):
        sign(APPLICATION, [*signers, key("stranger")])


@pytest.mark.parametrize("same", ["first_key", "uplink_key", "message_key"])
def test_each_key_has_one_purpose(same: str) -> None:
    other = "message_key" if same != "message_key" else "uplink_key"
    with pytest.raises(DataError, match="two of its keys are the same"):
        sign(replace(APPLICATION, **{same: getattr(APPLICATION, other)}), [*KEYS.values(), key("first")])


def test_a_token_has_32_bytes() -> None:
    with pytest.raises(DataError, match="32 bytes, not 31"):
        token_signer(bytes(31))


@settings(max_examples=count(400))
@given(st.data())
def test_no_changed_byte_is_taken(data: st.DataObject) -> None:
    good = SIGNED.document.file_bytes
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + data.draw(st.binary(max_size=3)) + good[at + data.draw(st.integers(0, 3)) :]
    if changed != good:
        with pytest.raises(DataError, match="x: "):
            decode(changed, "x")
