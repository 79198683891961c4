"""Requests that no camera of the roster makes: each is refused, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.evidence.request_signing import COVERED, COVERED_WITH_CONTENT, NONCE_HEADER
from bodycamd.municipality.station import nonces
from bodycamd.municipality.station.nonces import LIFE_SECONDS
from bodycamd.municipality.station.staging import MAX_PART_BYTES
from tests.kit.scale import one_in
from tests.municipality.station.conftest import SECRET, FilmedStore, Station
from tests.municipality.station.sending import CameraLink

LEDGER = "/v1/cameras/cam-7/ledger/1"


def first_part(filmed: FilmedStore) -> bytes:
    return (filmed.store / "ledger" / "000001.jsonl").read_bytes()


@pytest.fixture
def fresh(station: Station, link: CameraLink) -> CameraLink:
    """It has a nonce that holds."""
    return replace(link, nonce=nonces.nonce(SECRET, link.key_id, station.now))


def kept(station: Station) -> list[Path]:
    folder = station.copy("cam-7") / "ledger"
    return list(folder.iterdir()) if folder.exists() else []


def changed(name: str, value: str) -> Callable[[httpx.Request], None]:
    def change(request: httpx.Request) -> None:
        request.headers[name] = value

    return change


def without(name: str) -> Callable[[httpx.Request], None]:
    def change(request: httpx.Request) -> None:
        del request.headers[name]

    return change


AFTER_SIGNING: dict[str, Callable[[httpx.Request], None]] = {
    "another place": changed("upload-offset", "7"),
    "the last part": changed("upload-complete", "?1"),
    "another digest": changed("content-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    "no digest": without("content-digest"),
    "no signature": without("signature"),
    "no word of what is signed": without("signature-input"),
    "a signature that is none": changed("signature", "bodycam=:AAAA:"),
    "a signature that is no structure": changed("signature", "((("),
    "two signatures": lambda request: request.headers.update(
        {
            "signature": f"{request.headers['signature']}, other=:AAAA:",
            "signature-input": f'{request.headers["signature-input"]}, other=("@method");tag="bodycam";keyid="x"',
        }
    ),
}


@one_in(3)
@pytest.mark.parametrize("change", AFTER_SIGNING)
def test_what_was_changed_after_it_was_signed(change: str, filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    headers = {"upload-offset": "0", "upload-complete": "?0"}
    request = fresh.signed("PATCH", LEDGER, first_part(filmed), **headers)
    AFTER_SIGNING[change](request)
    answer = station.client.send(fresh.at_client(request))
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert kept(station) == []


def test_another_body_than_was_signed(filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    part = first_part(filmed)
    request = fresh.signed("PATCH", LEDGER, part, **{"upload-offset": "0", "upload-complete": "?0"})
    other = bytearray(part)
    other[-2] ^= 1
    headers = [(name, value) for name, value in request.headers.items() if name != "host"]
    answer = station.client.request("PATCH", LEDGER, content=bytes(other), headers=headers)
    assert answer.status_code == 401
    assert kept(station) == []


def test_a_request_for_one_place_is_none_for_another(filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    request = fresh.signed("PATCH", LEDGER, first_part(filmed), **{"upload-offset": "0", "upload-complete": "?0"})
    for path in (f"{LEDGER}?x=1", "/v1/cameras/cam-7/ledger/2"):
        moved = station.client.build_request("PATCH", path, content=request.content, headers=request.headers)
        assert station.client.send(moved).status_code == 401
    put = station.client.build_request("PUT", f"{LEDGER}/rest", content=request.content, headers=request.headers)
    assert station.client.send(put).status_code == 401
    assert kept(station) == []


SIGNED_OTHERWISE: dict[str, dict[str, Any]] = {
    "for another station": {"authority": "station.example.com"},
    "by a key that nobody knows": {"key": Ed25519PrivateKey.generate()},
    "under another label": {"words": {"label": "pyhms"}},
    "with another tag": {"words": {"tag": "other"}},
    "without the offset": {"covered": tuple(name for name in COVERED_WITH_CONTENT if name != "upload-offset")},
    "without the digest": {"covered": COVERED, "words": {"body": None}},
    "without the path": {"covered": tuple(name for name in COVERED_WITH_CONTENT if name != "@path")},
    "with more than is asked for": {"covered": (*COVERED_WITH_CONTENT, "host")},
    "with a nonce of its own": {"nonce": "00" * 22},
    "with no nonce": {"words": {"nonce": None}},
}


@one_in(5)
@pytest.mark.parametrize("how", SIGNED_OTHERWISE)
def test_what_is_signed_otherwise(how: str, filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    link = replace(fresh, **SIGNED_OTHERWISE[how])
    request = link.signed("PATCH", LEDGER, first_part(filmed), **{"upload-offset": "0", "upload-complete": "?0"})
    assert station.client.send(link.at_client(request)).status_code == 401
    assert kept(station) == []


def test_another_cameras_name(filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    for device in ("cam-8", "CAM-7", "..%2fcam-7"):
        answer = replace(fresh, device=device).ask("HEAD", "ledger/1")
        assert answer.status_code in (403, 404), device
    assert not list((station.root / "cameras").glob("*")) if (station.root / "cameras").exists() else True


def test_a_camera_that_is_not_active_any_more(filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    station.senders = {}
    assert fresh.ask("HEAD", "ledger/1").status_code == 401


def test_a_nonce_ends_and_the_answer_brings_another(station: Station, fresh: CameraLink) -> None:
    assert fresh.ask("HEAD", "ledger/1").status_code == 204
    station.now += LIFE_SECONDS + 1
    answer = station.client.send(fresh.at_client(fresh.signed("HEAD", LEDGER)))
    assert (answer.status_code, NONCE_HEADER in answer.headers) == (401, True)
    assert fresh.ask("HEAD", "ledger/1").status_code == 204


def test_the_same_request_again_changes_nothing(filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    """Within the nonce's life a request can be repeated by whoever saw it: it says where it belongs."""
    request = fresh.signed("PATCH", LEDGER, first_part(filmed), **{"upload-offset": "0", "upload-complete": "?0"})
    answers = [station.client.send(fresh.at_client(request)).status_code for _ in range(2)]
    assert answers == [204, 409]


PLACES = {
    "/v1/cameras/cam-7/ledger/0": 404,
    "/v1/cameras/cam-7/ledger/1000000": 404,
    "/v1/cameras/cam-7/ledger/x": 404,
    "/v1/cameras/cam-7/ledger/-1": 404,
    "/v1/cameras/cam-7/ledger/1/rest": 405,
    "/v1/cameras/cam-7/recordings/000001-0001/000000.tar.part": 404,
    "/v1/cameras/cam-7/recordings/000001-0001/..%2f..%2fledger%2f000001.jsonl": 404,
    "/v1/cameras/cam-7/recordings/%2e%2e/000000.tar": 404,
    "/v1/cameras/cam-7/recordings/000001-0001/000000.tar": 409,
    "/v1/cameras/cam-7/receipts?after=x": 404,
    "/v1/cameras/cam-7/receipts?after=-1": 404,
    "/v1/cameras/cam-7/receipts?after=99999999999999999": 404,
    "/v1/cameras/cam-7": 404,
    "/v1/": 404,
}


@one_in(7)
@pytest.mark.parametrize("place", PLACES)
def test_places_that_there_are_not(place: str, fresh: CameraLink) -> None:
    request = fresh.signed("HEAD" if "/ledger/" in place else "GET", place)
    assert fresh.client.send(fresh.at_client(request)).status_code == PLACES[place]


def test_a_part_that_is_too_large_is_not_read_to_its_end(station: Station, fresh: CameraLink) -> None:
    request = fresh.signed("PATCH", LEDGER, bytes(MAX_PART_BYTES + 1), **{"upload-offset": "0", "upload-complete": "?0"})
    assert station.client.send(fresh.at_client(request)).status_code == 413


@one_in(5)
@pytest.mark.parametrize("offset", ["", "-1", "1.5", "0x1", "9" * 20])
def test_an_offset_that_is_none(offset: str, filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    request = fresh.signed("PATCH", LEDGER, first_part(filmed), **{"upload-offset": offset, "upload-complete": "?0"})
    assert station.client.send(fresh.at_client(request)).status_code == 422
    assert kept(station) == []


@given(st.binary(min_size=32, max_size=32), st.text(max_size=80), st.text(max_size=60), st.integers(0, 2**33))
def test_no_text_is_a_nonce_but_what_was_given(secret: bytes, key_id: str, text: str, now: int) -> None:
    assert not nonces.holds(secret, key_id, text, now)
    given_then = nonces.nonce(secret, key_id, now)
    assert nonces.holds(secret, key_id, given_then, now + LIFE_SECONDS)
    assert not nonces.holds(secret, key_id, given_then, now + LIFE_SECONDS + 1)
    assert not nonces.holds(secret, key_id + "x", given_then, now)
    assert not nonces.holds(bytes(32), key_id, given_then, now) or secret == bytes(32)
