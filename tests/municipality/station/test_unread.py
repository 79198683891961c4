"""What costs the station nothing: bodies of whoever has no key, bodies that do not come, and more connections than it has room for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycamd.municipality.station import door, nonces
from bodycamd.municipality.station import server as serving
from bodycamd.municipality.station.app import application
from tests.kit.scale import one_in
from tests.kit.waiting import wait_for
from tests.municipality.station.conftest import SECRET, Station
from tests.municipality.station.sending import CameraLink

WITH_BODY = {
    "/v1/cameras/cam-7/ledger/1": "PATCH",
    "/v1/cameras/cam-7/ledger/1/rest": "PUT",
    "/v1/cameras/cam-7/recordings/000001-0001/000000.tar": "PATCH",
    "/v1/cameras/cam-7/state": "PUT",
    "/v1/orders": "POST",
}
WHO: dict[str, Callable[[CameraLink, Station], CameraLink]] = {
    "nobody": lambda link, _: replace(link, words={"label": "other"}),
    "a key that nobody knows": lambda link, _: replace(link, key=Ed25519PrivateKey.generate()),
    "a nonce that has ended": lambda link, station: replace(link, nonce=nonces.nonce(SECRET, link.key_id, station.now - 3600)),
}


@pytest.fixture
def fresh(station: Station, link: CameraLink) -> CameraLink:
    return replace(link, nonce=nonces.nonce(SECRET, link.key_id, station.now))


def headers_alone(station: Station, request: httpx.Request) -> bytes:
    """The status of the answer to a request whose body never comes."""
    with socket.create_connection(("127.0.0.1", station.port), 20) as connection:
        words = {name: value for name, value in request.headers.items() if name != "host"} | {"host": "127.0.0.1"}
        lines = [f"{request.method} {request.url.raw_path.decode()} HTTP/1.1", *(f"{name}: {value}" for name, value in words.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        with connection.makefile("rb") as answer:
            return answer.readline().split(b" ")[1]


@one_in(3)
@pytest.mark.parametrize("who", WHO)
def test_no_body_is_waited_for_before_its_headers_are_signed(who: str, station: Station, fresh: CameraLink) -> None:
    link = WHO[who](fresh, station)
    for place, method in WITH_BODY.items():
        request = link.signed(method, place, bytes(100_000), **{"upload-offset": "0", "upload-complete": "?1"})
        assert headers_alone(station, request) == b"401", place


def test_a_signed_body_must_come_and_to_its_own_place(station: Station, fresh: CameraLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "BODY_SECONDS", 0.02)
    found: dict[str, bytes] = {}
    for place in ("/v1/cameras/cam-8/ledger/1", *WITH_BODY):
        request = fresh.signed(WITH_BODY.get(place, "PATCH"), place, bytes(1000), **{"upload-offset": "0", "upload-complete": "?1"})
        found[place] = headers_alone(station, request)
    assert (found.pop("/v1/cameras/cam-8/ledger/1"), found.pop("/v1/orders")) == (b"403", b"401")
    assert set(found.values()) == {b"408"}


def test_beyond_its_connections_it_says_so_and_goes_on_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MAX_CONNECTIONS", 3)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(serving.server_config(application([]), "127.0.0.1", port))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()

    def health() -> int:
        return httpx.get(f"http://127.0.0.1:{port}/v1/health").status_code

    try:
        assert health() == 200
        with ExitStack() as held:
            for _ in range(3):
                held.enter_context(socket.create_connection(("127.0.0.1", port)))
            wait_for(lambda: health() == 503, 20, "no room")
        wait_for(lambda: health() == 200, 20, "room again")
    finally:
        server.should_exit = True
        thread.join(20)
