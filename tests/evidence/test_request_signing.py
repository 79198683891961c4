"""A camera's signatures under requests, held against somebody else's code: what it takes is what the station takes."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import PermissionDeniedError
from bodycamd.evidence.request_signing import COVERED_WITH_CONTENT, TAG, Content, Target, signed_headers
from bodycamd.municipality.station.request_signature import SignedRequest, check_content, verify
from tests.evidence.rostering import key
from tests.kit.scale import count

SIGNER = key("uplink")
KEYS = {SIGNER.public.id: SIGNER.public}
WORD = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True)
TARGETS = st.builds(
    Target,
    st.sampled_from(["HEAD", "GET", "PATCH", "PUT", "POST"]),
    st.sampled_from(["station.example.org", "station.example.org:8443", "[2001:db8::1]:8443", "127.0.0.1:80"]),
    st.builds(lambda a, b: f"/v1/cameras/{a}/recordings/{b}", WORD, WORD),
    st.sampled_from(["", "after=12", "a=b&c"]),
)
CONTENTS = st.none() | st.builds(Content, st.binary(max_size=200), st.integers(0, 10**15), st.booleans())


def as_seen(target: Target, headers: dict[str, str]) -> SignedRequest:
    query = f"?{target.query}" if target.query else ""
    return SignedRequest(target.method, f"https://{target.authority}{target.path}{query}", headers)


@given(TARGETS, CONTENTS, WORD)
@settings(max_examples=count(500))
def test_the_station_takes_it_and_knows_whose_it_is(target: Target, content: Content | None, nonce: str) -> None:
    headers = signed_headers(target, content, nonce, SIGNER)
    seen = as_seen(target, headers)
    found = verify(seen, KEYS.get, with_content=content is not None)
    if content is not None:
        check_content(seen, found, content.body)
        with pytest.raises(PermissionDeniedError):
            check_content(seen, found, content.body + b"x")
    assert (found.key_id, found.nonce) == (SIGNER.public.id, nonce)


@given(TARGETS, CONTENTS, WORD, st.data())
@settings(max_examples=count(500))
def test_whatever_is_changed_it_takes_no_longer(target: Target, content: Content | None, nonce: str, data: st.DataObject) -> None:
    headers = signed_headers(target, content, nonce, SIGNER)
    what = data.draw(st.sampled_from(["method", "path", "query", "authority", *headers]))
    seen = as_seen(target, headers)
    if what == "method":
        seen = SignedRequest("DELETE", seen.url, headers)
    elif what in ("path", "query", "authority"):
        extra = {"path": f"{target.path}x", "query": f"{target.query}x", "authority": f"x{target.authority}".replace("x[", "[1")}[what]
        words = {"method": target.method, "authority": target.authority, "path": target.path, "query": target.query, what: extra}
        seen = as_seen(Target(**words), headers)
    else:
        value = headers[what]
        at = data.draw(st.integers(0, len(value) - 1))
        other = "0" if value[at] != "0" else "1"
        seen = SignedRequest(seen.method, seen.url, {**headers, what: value[:at] + other + value[at + 1 :]})
        if what == "signature" and base64_of(seen.headers[what]) == base64_of(value):
            return  # the same bytes, spelt otherwise
    with pytest.raises(PermissionDeniedError):
        verify(seen, KEYS.get, with_content=content is not None)


def base64_of(signature: str) -> bytes:
    try:
        return base64.b64decode(signature.removeprefix(f"{TAG}=:").removesuffix(":") + "==")
    except ValueError:
        return b""


def test_a_known_request_has_a_known_signature() -> None:
    """For other implementations: Ed25519 signs the same bytes alike."""
    content = Content(b"part\n", 1000, False)
    headers = signed_headers(Target("PATCH", "station.example.org", "/v1/cameras/HV-01/ledger/1"), content, "n0", SIGNER)
    digest = base64.b64encode(hashlib.sha256(b"part\n").digest()).decode()
    base = "\n".join(
        [
            '"@method": PATCH',
            '"@authority": station.example.org',
            '"@path": /v1/cameras/HV-01/ledger/1',
            '"@query": ?',
            f'"content-digest": sha-256=:{digest}:',
            '"content-length": 5',
            '"upload-offset": 1000',
            '"upload-complete": ?0',
            f'"@signature-params": {headers["signature-input"].removeprefix("bodycam=")}',
        ]
    )
    assert SIGNER.public.verifies(base64.b64decode(headers["signature"][9:-1]), base.encode())
    listed = " ".join(f'"{name}"' for name in COVERED_WITH_CONTENT)
    assert headers["signature-input"] == f'bodycam=({listed});keyid="{SIGNER.public.id}";nonce="n0";tag="bodycam"'
