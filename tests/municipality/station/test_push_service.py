"""A push to one browser: what a subscription may be, where it may lead, and what a push service may do to the station."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from bodycamd.errors import ConfigError, DataError, UnavailableError
from bodycamd.municipality.station import push_key, push_service, push_subscription
from bodycamd.municipality.station.push_service import PushAnswer, PushService, sealed
from bodycamd.municipality.station.push_subscription import Subscription, may_be_asked
from tests.camera.uplink.test_station_link import certificate
from tests.municipality.station.push_server import Browser, PushServer, from_unpadded, trusted, unpadded

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1")]
CONTACT = "mailto:beheer@example.nl"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PushServer]:
    with PushServer(tmp_path / "push").listening() as started:
        yield started


def pushed(server: PushServer, *, timeout_seconds: float = 20, **others: Any) -> PushAnswer:
    found = push_subscription.decode(server.subscribe("C-01").encode(), "x")
    return push(PushService(trusted(server), LOOPBACK, timeout_seconds, **others), found)


def push(service: PushService, to: Subscription) -> PushAnswer:
    key = push_key.PushKey(ec.generate_private_key(ec.SECP256R1()))
    word = key.authorization(to.endpoint, CONTACT, time.time_ns() // 1000)
    return service(to.endpoint, {"Authorization": word, "Content-Encoding": "aes128gcm", "TTL": "120"}, sealed(to, b'{"a":"b"}'))


def test_the_tests_browser_reads_what_the_rfc_has_sealed() -> None:
    """RFC 8291, appendix A: so what it reads of the station's is no agreement between two mistakes."""
    numbers = int.from_bytes(from_unpadded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    browser = Browser(ec.derive_private_key(numbers, ec.SECP256R1()), from_unpadded("BTBZMqHH6r4Tts7J_aSIgg"))
    body = from_unpadded(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.opened(body) == b"When I grow up, I want to be a watermelon"


def test_a_message_reaches_the_browser_and_nobody_else_reads_it(server: PushServer) -> None:
    assert pushed(server).accepted
    [found] = server.pushed
    assert (found.message, server.wrong) == ({"a": "b"}, [])
    assert found.claims["aud"] == server.origin
    assert 0 < found.claims["exp"] - time.time() < 86_400
    to = push_subscription.decode(server.subscribe("C-01").encode(), "x")
    once, again = sealed(to, b"x" * 3993), sealed(to, b"x" * 3993)
    assert len(once) == 4096
    assert (once[:16], once[21:86]) != (again[:16], again[21:86]), "a key and a salt of its own each time"
    with pytest.raises(InvalidTag):
        Browser().opened(once)


@pytest.mark.parametrize(
    ("status", "accepted", "over"),
    [
        (201, True, False),
        (404, False, True),
        (410, False, True),
        *((status, False, False) for status in (200, 202, 301, 307, 400, 401, 403, 413, 429, 500, 503)),
    ],
)
def test_only_201_is_taken_and_nothing_is_followed(server: PushServer, status: int, accepted: bool, over: bool) -> None:
    server.statuses["/push/C-01/0"] = status
    found = pushed(server)
    assert (found.status, found.accepted, found.over) == (status, accepted, over)
    assert len(server.asked) == 1, "no redirect is followed, nothing tried again"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 201 Created",
        b"HTTP/1.1 201 Created\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 201 Created\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 99999 Created\r\n\r\n",
    ],
    ids=["nothing", "garbage", "no number", "half a line", "many headers", "a long header", "no status"],
)
def test_what_is_no_answer_is_none(server: PushServer, raw: bytes) -> None:
    server.raw = raw
    with pytest.raises(UnavailableError, match="localhost"):
        pushed(server)


def test_of_an_endless_answer_the_beginning_is_read(server: PushServer) -> None:
    server.raw = b"HTTP/1.1 500 No\r\n\r\n" + b"\x1b[31m reason " * 100_000
    found = pushed(server)
    assert (found.status, len(found.why) <= 160, "\x1b" in found.why) == (500, True, False)


def test_all_of_it_has_one_end(server: PushServer) -> None:
    """A service that does not answer, one that does not speak TLS, a name server that is silent: nobody waits for longer."""
    server.silent = True
    before = time.monotonic()
    with pytest.raises(UnavailableError, match=r"no whole answer within 0\.5 seconds"):
        pushed(server, timeout_seconds=0.5)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        found = push_subscription.decode(json.dumps(Browser().subscription(f"https://localhost:{deaf.getsockname()[1]}/x")).encode(), "x")
        with pytest.raises(UnavailableError):
            push(PushService(trusted(server), LOOPBACK, 0.5), found)
    go_on, ended = threading.Event(), list[str]()

    def lookup(host: str, port: int) -> list[str]:
        go_on.wait(20)
        ended.append(host)
        return ["127.0.0.1"]

    asked = len(server.asked)
    with pytest.raises(UnavailableError):
        pushed(server, timeout_seconds=0.5, lookup=lookup)
    assert time.monotonic() - before < 10
    go_on.set()
    for thread in [one for one in threading.enumerate() if one.name == "help push"]:
        thread.join(10)
    assert (ended, len(server.asked)) == (["localhost"], asked), "too late: nothing is sent any more"


def test_only_a_certificate_of_the_name_is_believed(server: PushServer, tmp_path: Path) -> None:
    found = push_subscription.decode(server.subscribe("C-01").encode(), "x")
    _, other = certificate(tmp_path, "other.example.org")
    with pytest.raises(UnavailableError, match="certificate"):
        push(PushService(push_service.trusted(Path(other)), LOOPBACK, 20), found)
    server.context.load_cert_chain(other, Path(other).with_suffix(".key"))
    with pytest.raises(UnavailableError, match="certificate"):
        push(PushService(push_service.trusted(Path(other)), LOOPBACK, 20), found)
    assert server.asked == []


# --- where it may lead --------------------------------------------------------------------------------------------------------------------


def test_the_stations_own_network_is_not_asked(server: PushServer) -> None:
    found = push_subscription.decode(server.subscribe("C-01").encode(), "x")
    with pytest.raises(UnavailableError, match="no push service's"):
        push(PushService(trusted(server), [], 20), found)
    assert server.asked == []


def test_a_name_is_looked_up_once_and_the_judged_address_is_asked(server: PushServer) -> None:
    """A name server that answers with another address the second time leads nowhere else."""
    answers = [["10.0.0.1", "127.0.0.1"], ["169.254.169.254"]]
    assert pushed(server, lookup=lambda host, port: answers.pop(0)).accepted
    assert len(answers) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.2.3",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "fec0::1",
    ],
)
def test_an_address_that_is_not_of_the_whole_internet(address: str) -> None:
    assert not may_be_asked(address, [])


def test_an_address_of_the_whole_internet_or_of_ones_own_push_service() -> None:
    assert all(may_be_asked(one, []) for one in ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"))
    assert may_be_asked("10.2.0.9", [ip_network("10.2.0.0/16")])
    assert not may_be_asked("10.3.0.9", [ip_network("10.2.0.0/16"), ip_network("fd00::/8")])


# --- what a subscription is ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/x",
        "HTTPS://push.example.org/x",
        "https://push.example.org",
        "https://user@push.example.org/x",
        "https://push.example.org:0/x",
        "https://push.example.org:65536/x",
        "https://[::1]/x",
        "https://push.example.org/x#y",
        "https://push.example.org/x y",
        "https://push.example.org/x\r\nHost: y",
        "https://push.example.org/é",
        "https://-push/x",
        "https:///x",
        "file:" + "/etc/passwd",
        "https://push.example.org/" + "x" * 3000,
        "",
    ],
)
def test_an_endpoint_that_is_none(endpoint: str) -> None:
    with pytest.raises(DataError, match="endpoint"):
        push_subscription.decode(json.dumps(Browser().subscription(endpoint)).encode(), "C-01.json")


def test_an_endpoint_as_browsers_have_them() -> None:
    found = push_subscription.decode(json.dumps(Browser().subscription("https://Fcm.example.org:443/fcm/send/a:b-c_d?e=f")).encode(), "x")
    assert (found.endpoint.origin, found.endpoint.target) == ("https://fcm.example.org", "/fcm/send/a:b-c_d?e=f")
    assert (
        push_subscription.decode(json.dumps(Browser().subscription("https://h:8443/x")).encode(), "x").endpoint.origin == "https://h:8443"
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dh": unpadded(b"\x04" + b"\x01" * 64), "auth": unpadded(bytes(16))},
        {"p256dh": unpadded(bytes(65)), "auth": unpadded(bytes(16))},
        {"p256dh": unpadded(bytes(64)), "auth": unpadded(bytes(16))},
        {"auth": unpadded(bytes(15))},
        {"auth": base64.b64encode(b"\xff" * 16).decode()},
        {"auth": None},
        {"p256dh": 7},
    ],
)
def test_keys_that_are_none(keys: dict[str, object]) -> None:
    given = Browser().subscription("https://push.example.org/x")
    given["keys"] |= keys
    with pytest.raises(DataError, match=r"C-01\.json"):
        push_subscription.decode(json.dumps(given).encode(), "C-01.json")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"[" * 5000, b'{"endpoint": "https://x/y"}'])
def test_what_is_no_subscription(raw: bytes) -> None:
    with pytest.raises(DataError):
        push_subscription.decode(raw, "x")


# --- the station's key --------------------------------------------------------------------------------------------------------------------


def test_a_key_that_is_none(tmp_path: Path) -> None:
    pem = tmp_path / "ed25519.key"
    certificate(tmp_path, "x")
    for name in ("x-False.key", "nowhere", "x-False.pem"):
        with pytest.raises(ConfigError, match=r"help\.push\.key"):
            push_key.load(tmp_path / name)
    pem.write_text("junk")
    for wrong in (pem, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match=r"help\.push\.ca"):
            push_service.trusted(wrong)
