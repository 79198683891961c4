"""Requests that no camera of the roster makes: each is refused, and nothing of it is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.evidence.request_signing import NONCE_HEADER
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


def test_another_cameras_name(filmed: FilmedStore, station: Station, fresh: CameraLink) -> None:
    for device in ("cam-8", "CAM-7", "..%2fcam-7"):
        answer = replace(fresh, device=device).ask("HEAD", "ledger/1")
        assert answer.status_code in (403, 404), device
    assert not list((station.root / "cameras").glob("*")) if (station.root / "cameras").exists() else True


def test_a_nonce_ends_and_the_answer_brings_another(station: Station, fresh: CameraLink) -> None:
    assert fresh.ask("HEAD", "ledger/1").status_code == 204
    station.now += LIFE_SECONDS + 1
    answer = station.client.send(fresh.at_client(fresh.signed("HEAD", LEDGER)))
    assert (answer.status_code, NONCE_HEADER in answer.headers) == (401, True)
    assert fresh.ask("HEAD", "ledger/1").status_code == 204


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
