"""Requests to something that calls itself a station: every answer is looked at, and nobody without the right name is told anything."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bodycamd.camera.uplink.sending import interface_is_up
from bodycamd.camera.uplink.station_link import MAX_ANSWER_BYTES, StationError, StationLink
from bodycamd.config.station_checks import StationAddress
from bodycamd.errors import ConfigError, PermissionDeniedError
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.request_signing import Content
from tests.kit.scale import only_in_full

KEY = SigningKey(Ed25519PrivateKey.generate())
OK = b"HTTP/1.1 204 No Content\r\nUpload-Offset: 7\r\n\r\n"


@contextmanager
def answering(answers: Sequence[bytes], context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A server that gives these answers, one for each connection, and the requests' headers that it has seen."""
    seen: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            with plain:
                try:
                    found = context.wrap_socket(plain, server_side=True) if context else plain
                except (ssl.SSLError, OSError):
                    continue
                with found:
                    head = b""
                    while b"\r\n\r\n" not in head and (more := found.recv(65536)):
                        head += more
                    seen.append(head)
                    found.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], seen
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def link(port: int, *, host: str = "127.0.0.1", tls: bool = False, ca: str | None = None) -> StationLink:
    return StationLink(StationAddress(tls, host, port, f"{host}:{port}"), "cam-7", KEY, ca)


NO_STATION: dict[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "a line without an end": b"HTTP/1.1 200 " + b"x" * 70_000,
    "headers without an end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "a body without an end": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER_BYTES + 1),
    "503": b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
}


@only_in_full
@pytest.mark.parametrize("what", NO_STATION)
def test_what_is_no_answer_is_an_error_and_the_next_request_another_connection(what: str) -> None:
    with answering([NO_STATION[what], OK]) as (port, _):
        asked = link(port)
        with pytest.raises(StationError):
            asked.ask("GET", "receipts")
        assert asked.ask("HEAD", "ledger/1").number("upload-offset") == 7
        asked.close()


@only_in_full
@pytest.mark.parametrize(
    ("value", "number"), [("7", 7), ("007", 7), ("-1", None), ("", None), ("7,7", None), ("1e3", None), ("9" * 16, None)]
)
def test_only_a_number_is_an_offset(value: str, number: int | None) -> None:
    with answering([f"HTTP/1.1 204 x\r\nUpload-Offset: {value}\r\n\r\n".encode()]) as (port, _):
        asked = link(port)
        assert asked.ask("HEAD", "ledger/1").number("upload-offset") == number
        asked.close()


def test_a_nonce_is_answered_once_and_kept() -> None:
    fresh = b"HTTP/1.1 401 x\r\nStation-Nonce: n-2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with answering([fresh, OK, OK, fresh, fresh]) as (port, seen):
        asked = link(port)
        for _ in range(2):
            assert asked.ask("PATCH", "ledger/1", Content(b"x\n")).status == 204
            asked.close()
        with pytest.raises(PermissionDeniedError, match="active in the roster"):
            asked.ask("HEAD", "ledger/1")
        asked.close()
    assert [b'nonce="n-2"' in head for head in seen] == [False, True, True, True, True]


@pytest.mark.parametrize("nonce", ['x"; keyid="y', "x" * 600, "x\\", "", "é"])
def test_a_nonce_that_is_none_is_not_signed(nonce: str) -> None:
    answer = f"HTTP/1.1 401 x\r\nStation-Nonce: {nonce}\r\nContent-Length: 0\r\n\r\n".encode()
    with answering([answer]) as (port, seen):
        asked = link(port)
        with pytest.raises(PermissionDeniedError):
            asked.ask("HEAD", "ledger/1")
        asked.close()
    assert len(seen) == 1


@pytest.mark.parametrize(("header", "seconds"), [("Retry-After: 30", 30.0), ("Retry-After: Fri, 31 Dec", None), ("X: y", None)])
def test_when_a_busy_station_wants_to_be_asked_again(header: str, seconds: float | None) -> None:
    with answering([f"HTTP/1.1 503 x\r\n{header}\r\nContent-Length: 0\r\n\r\n".encode()]) as (port, _):
        asked = link(port)
        with pytest.raises(StationError) as found:
            asked.ask("HEAD", "ledger/1")
        asked.close()
        assert found.value.after_seconds == seconds


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(StationError, match="refused"):
        link(port).ask("HEAD", "ledger/1")


# --- TLS --------------------------------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str, *, ended: bool = False) -> tuple[ssl.SSLContext, str]:
    """A server's, signed by itself."""
    key = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    ends = now - datetime.timedelta(days=1) if ended else now + datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder(subject, subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    pem, private = folder / f"{name}-{ended}.pem", folder / f"{name}-{ended}.key"
    pem.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, str(pem)


def test_only_who_has_the_stations_name_by_a_trusted_certificate_is_asked(tmp_path: Path) -> None:
    own, ca = certificate(tmp_path, "localhost")
    other, of_other = certificate(tmp_path, "other.example.org")
    with answering([OK, OK, OK, OK], own) as (port, seen):
        asked = link(port, host="localhost", tls=True, ca=ca)
        assert asked.ask("HEAD", "ledger/1").status == 204
        asked.close()
        for trusting in (of_other, None):
            with pytest.raises(StationError, match="certificate"):
                link(port, host="localhost", tls=True, ca=trusting).ask("HEAD", "ledger/1")
    with answering([OK], other) as (port, seen_by_other), pytest.raises(StationError, match="certificate"):
        link(port, host="localhost", tls=True, ca=of_other).ask("HEAD", "ledger/1")
    assert (len(seen), seen_by_other) == (1, [])


def test_a_camera_without_a_clock_looks_at_chain_and_name_and_not_at_dates(tmp_path: Path) -> None:
    ended, ca = certificate(tmp_path, "localhost", ended=True)
    with answering([OK, OK], ended) as (port, _):
        asked = link(port, host="localhost", tls=True, ca=ca)
        with pytest.raises(StationError, match="expired"):
            asked.ask("HEAD", "ledger/1")
        asked.timed = False
        assert asked.ask("HEAD", "ledger/1").status == 204
        asked.close()
    other, of_other = certificate(tmp_path, "other.example.org", ended=True)
    with answering([OK], other) as (port, _):
        asked = link(port, host="localhost", tls=True, ca=of_other)
        asked.timed = False
        with pytest.raises(StationError, match="certificate"):
            asked.ask("HEAD", "ledger/1")


def test_a_file_without_certificates_is_a_mistake(tmp_path: Path) -> None:
    for content in (b"", b"x"):
        (tmp_path / "ca.pem").write_bytes(content)
        with pytest.raises(ConfigError, match=r"station\.ca"):
            link(1, tls=True, ca=str(tmp_path / "ca.pem"))


def test_only_the_named_interface_is_used() -> None:
    with answering([OK]) as (port, seen):
        asked = link(port)
        asked.link = "no-such-link"
        with pytest.raises(StationError, match="No such device"):
            asked.ask("HEAD", "ledger/1")
        asked.link = "lo"
        assert asked.ask("HEAD", "ledger/1").status == 204
        asked.close()
    assert len(seen) == 1


def test_an_interface_is_up_or_not(tmp_path: Path) -> None:
    for name, state, up in (("eth0", "up", True), ("eth1", "down", False), ("lo", "unknown", True), ("eth2", "dormant", False)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "operstate").write_text(f"{state}\n")
        assert interface_is_up(name, tmp_path) is up
    assert not interface_is_up("eth9", tmp_path)


def test_an_answer_that_comes_byte_by_byte_holds_nobody_for_long() -> None:
    """Each wait for the network would end in time."""
    listening, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip() -> None:
        plain, _ = listening.accept()
        with plain, suppress(OSError):
            plain.recv(65536)
            plain.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not over.wait(0.05):
                plain.sendall(b"x")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    slow = StationLink(StationAddress(False, "127.0.0.1", port, f"127.0.0.1:{port}"), "cam-7", KEY, None, 0.3)
    with pytest.raises(StationError, match="too slowly"):
        slow.ask("GET", "orders")
    over.set()
    thread.join(10)
    listening.close()
