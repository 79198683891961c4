"""Requests that no camera of the roster makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycamd.evidence.request_signing import COVERED, COVERED_WITH_CONTENT, NONCE_HEADER
from bodycamd.municipality.station.nonces import LIFE_SECONDS
from bodycamd.municipality.station.staging import MAX_PART_BYTES
from tests.municipality.station.attacks.attack import NETWORK, UPLINK_KEY, Carried, attack
from tests.municipality.station.attacks.ground import Ground

GROUP = "Requests at the station's door"
DOOR = "the station, before it reads a body"
LEDGER = "/v1/cameras/HV-01/ledger/1"
OFFSETS = {"upload-offset": "0", "upload-complete": "?0"}


def part(ground: Ground) -> httpx.Request:
    """The first part of the ledger, as the camera signs it."""
    return ground.fresh.signed("PATCH", LEDGER, ground.ledger(), **OFFSETS)


def status(ground: Ground, request: httpx.Request) -> str:
    """Of the answer; nothing is kept."""
    answer = ground.scene.station.client.send(ground.fresh.at_client(request))
    assert ground.kept() == []
    return str(answer.status_code)


def changed(name: str, value: str) -> Callable[[httpx.Request], None]:
    def change(request: httpx.Request) -> None:
        request.headers[name] = value

    return change


def without(name: str) -> Callable[[httpx.Request], None]:
    def change(request: httpx.Request) -> None:
        del request.headers[name]

    return change


AFTER_SIGNING: dict[str, Callable[[httpx.Request], None]] = {
    "say another offset than was signed": changed("upload-offset", "7"),
    "call a part the last one": changed("upload-complete", "?1"),
    "put the digest of other bytes": changed("content-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    "leave the digest out": without("content-digest"),
    "leave the signature out": without("signature"),
    "leave out what is signed": without("signature-input"),
    "put a signature of four bytes": changed("signature", "bodycam=:AAAA:"),
    "put a signature that is no structure": changed("signature", "((("),
    "sign twice": lambda request: request.headers.update(
        {
            "signature": f"{request.headers['signature']}, other=:AAAA:",
            "signature-input": f'{request.headers["signature-input"]}, other=("@method");tag="bodycam";keyid="x"',
        }
    ),
}


def after_signing(change: Callable[[httpx.Request], None]) -> Carried:
    def carried(ground: Ground) -> str:
        request = part(ground)
        change(request)
        return status(ground, request)

    return carried


for title, change in AFTER_SIGNING.items():
    attack(GROUP, title, holds=NETWORK, by=DOOR, outcome="401")(after_signing(change))

SIGNED_OTHERWISE: dict[str, dict[str, Any]] = {
    "bring a request that was signed for another station": {"authority": "station.example.com"},
    "sign with a key that no roster lists": {"key": Ed25519PrivateKey.generate()},
    "sign under another label": {"words": {"label": "pyhms"}},
    "sign with another tag": {"words": {"tag": "other"}},
    "leave the offset out of what is signed": {"covered": tuple(name for name in COVERED_WITH_CONTENT if name != "upload-offset")},
    "leave the digest out of what is signed": {"covered": COVERED, "words": {"body": None}},
    "leave the path out of what is signed": {"covered": tuple(name for name in COVERED_WITH_CONTENT if name != "@path")},
    "sign more than is asked for": {"covered": (*COVERED_WITH_CONTENT, "host")},
    "make up a nonce": {"nonce": "00" * 22},
    "sign without a nonce": {"words": {"nonce": None}},
}


def signed_otherwise(words: dict[str, Any]) -> Carried:
    def carried(ground: Ground) -> str:
        return status(ground, replace(ground.fresh, **words).signed("PATCH", LEDGER, ground.ledger(), **OFFSETS))

    return carried


for title, words in SIGNED_OTHERWISE.items():
    attack(GROUP, title, holds=NETWORK, by=DOOR, outcome="401")(signed_otherwise(words))


@attack(GROUP, "put another body under a signed digest", holds=NETWORK, by="the station, once the body is there", outcome="401")
def _(ground: Ground) -> str:
    request = part(ground)
    other = bytearray(request.content)
    other[-2] ^= 1
    headers = [(name, value) for name, value in request.headers.items() if name != "host"]
    answer = ground.scene.station.client.request("PATCH", LEDGER, content=bytes(other), headers=headers)
    assert ground.kept() == []
    return str(answer.status_code)


def moved_to(method: str, path: str) -> Carried:
    def carried(ground: Ground) -> str:
        request = part(ground)
        moved = ground.scene.station.client.build_request(method, path, content=request.content, headers=request.headers)
        answer = ground.scene.station.client.send(moved)
        assert ground.kept() == []
        return str(answer.status_code)

    return carried


for what, method, path in (
    ("another place", "PATCH", "/v1/cameras/HV-01/ledger/2"),
    ("the same place with a query", "PATCH", f"{LEDGER}?x=1"),
    ("another method", "PUT", f"{LEDGER}/rest"),
):
    attack(GROUP, f"move a signed request to {what}", holds=NETWORK, by=DOOR, outcome="401")(moved_to(method, path))


@attack(GROUP, "replay a request at once", holds=NETWORK, by="the station: it is not the end any more", outcome="204, then 409")
def _(ground: Ground) -> str:
    request = part(ground)
    answers = [ground.scene.station.client.send(ground.fresh.at_client(request)) for _ in range(2)]
    copied = ground.scene.station.copy("HV-01") / "ledger" / "000001.jsonl"
    assert copied.read_bytes() == ground.ledger()
    return ", then ".join(str(answer.status_code) for answer in answers)


@attack(GROUP, "replay a request after five minutes", holds=NETWORK, by=DOOR, outcome="401")
def _(ground: Ground) -> str:
    request = part(ground)
    ground.scene.station.now += LIFE_SECONDS + 1
    answer = ground.scene.station.client.send(ground.fresh.at_client(request))
    assert NONCE_HEADER in answer.headers, "with which the camera itself goes on"
    assert ground.kept() == []
    return str(answer.status_code)


@attack(GROUP, "send under another camera's name", holds=UPLINK_KEY, by=DOOR, outcome="403")
def _(ground: Ground) -> str:
    answer = replace(ground.fresh, device="IN-01").part("ledger/1", 0, ground.ledger())
    assert not (ground.scene.station.root / "cameras" / "IN-01").exists()
    return str(answer.status_code)


@attack(GROUP, "ask for another camera's orders", holds=UPLINK_KEY, by=DOOR, outcome="403")
def _(ground: Ground) -> str:
    return str(replace(ground.fresh, device="IN-01").ask("GET", "orders?after=0&wait=0").status_code)


@attack(GROUP, "ask for another camera's receipts", holds=UPLINK_KEY, by=DOOR, outcome="403")
def _(ground: Ground) -> str:
    return str(replace(ground.fresh, device="IN-01").ask("GET", "receipts?after=0").status_code)


@attack(GROUP, "send from a camera that the roster calls lost", holds=UPLINK_KEY, by=DOOR, outcome="401")
def _(ground: Ground) -> str:
    ground.scene.station.senders = {}
    return status(ground, part(ground))


for what, path in (
    ("of a segment that is open", "recordings/000001-0001/000000.tar.part"),
    ("that leads out of the folder", "recordings/000001-0001/..%2f..%2fledger%2f000001.jsonl"),
    ("of a folder above", "recordings/%2e%2e/000000.tar"),
    ("of a start that cannot be", "ledger/1000000"),
):

    def asked(ground: Ground, path: str = path) -> str:
        answer = ground.fresh.ask("GET" if path.startswith("r") else "HEAD", path)
        assert ground.kept() == []
        return str(answer.status_code)

    attack(GROUP, f"name a place {what}", holds=UPLINK_KEY, by="the station: there is no such place", outcome="404")(asked)


@attack(GROUP, "send a part of more than a MiB", holds=UPLINK_KEY, by="the station, before it has read it all", outcome="413")
def _(ground: Ground) -> str:
    return status(ground, ground.fresh.signed("PATCH", LEDGER, bytes(MAX_PART_BYTES + 1), **OFFSETS))
