"""A push service on this computer, and a browser that has subscribed there: HTTPS with a certificate of its own; the station's word checked
by PyJWT, messages opened by the receiver's side of RFC 8291, with none of the code that seals them."""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.camera.uplink.test_station_link import certificate


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


@dataclass
class Browser:
    """Its own key, and the secret that it gives with its subscription."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    def subscription(self, endpoint: str) -> dict[str, Any]:
        """As `PushSubscription.toJSON` has it."""
        return {
            "endpoint": endpoint,
            "expirationTime": None,
            "keys": {"p256dh": unpadded(point(self.private)), "auth": unpadded(self.auth)},
        }

    def opened(self, body: bytes) -> bytes:
        """RFC 8291, 3.4, of one record (RFC 8188, 2)."""
        salt, record_bytes, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= record_bytes, "one record"
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = _hkdf(self.auth, shared, b"WebPush: info\0" + point(self.private) + sender, 32)
        key, nonce = (_hkdf(salt, secret, f"Content-Encoding: {what}\0".encode(), n) for what, n in (("aes128gcm", 16), ("nonce", 12)))
        padded = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert padded[-1] == 2, "the last record"
        return padded[:-1]


@dataclass
class Pushed:
    """What came: to which path, with which headers, what the station's word says, and what the browser reads."""

    path: str
    headers: dict[str, str]
    claims: dict[str, Any]
    key: str
    message: dict[str, Any]


@dataclass
class PushServer:
    """`statuses` has what a path is answered, else 201; `raw` are bytes in place of any answer, and with `silent` there is none."""

    folder: Path
    browsers: dict[str, Browser] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    raw: bytes | None = None
    silent: bool = False
    now_seconds: Callable[[], float] = time.time
    over: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    pushed: list[Pushed] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What a real one would refuse."""
    origin: str = ""
    port: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.context, ca = certificate(self.folder, "localhost")
        self.ca = Path(ca)

    def subscribe(self, person: str) -> str:
        """What the browser of this person gives."""
        path = f"/push/{person}/{len(self.browsers)}?v=2"
        self.browsers[path] = Browser()
        return json.dumps(self.browsers[path].subscription(self.origin + path), indent=1)

    def taken(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """One message, judged as RFC 8030, 8291 and 8292 want it; its status."""
        self.asked.append(path)
        try:
            token, key = headers["authorization"].removeprefix("vapid t=").split(",k=")
            numbers = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_unpadded(key))
            options: Any = {"require": ["aud", "exp", "sub"], "verify_exp": False}  # by the clock of this service
            claims = jwt.decode(token, numbers, algorithms=["ES256"], audience=self.origin, options=options)
            assert 0 < claims["exp"] - self.now_seconds() <= 86_400, "no longer than a day, and not over"
            assert claims["sub"].startswith(("mailto:", "https://"))
            assert headers["content-encoding"] == "aes128gcm"
            assert int(headers["ttl"]) >= 0
            assert len(body) <= 4096, "413"
            message = json.loads(self.browsers[path].opened(body))
        except Exception as error:
            self.wrong.append(f"{path}: {type(error).__name__}: {error}")
            return 400
        status = self.statuses.get(path.partition("?")[0], 201)
        if status == 201:
            self.pushed.append(Pushed(path, headers, claims, key, message))
        return status

    @contextmanager
    def listening(self) -> Iterator[PushServer]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = service.taken(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                if service.silent:
                    service.over.wait(60)
                elif service.raw is not None:
                    self.wfile.write(service.raw)
                else:
                    self.send_response(status)
                    self.send_header("Location", f"{service.origin}/elsewhere")
                    self.send_header("Retry-After", "120")
                    self.send_header("Content-Length", "7")
                    self.end_headers()
                    self.wfile.write(b"because")
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request: Any, address: Any) -> None:
                with suppress(OSError), service.context.wrap_socket(request, server_side=True) as tls:  # the other side may hang up
                    Handler(tls, address, self)

        server = Server(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        self.origin = f"https://localhost:{self.port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            server.shutdown()
            server.server_close()
            thread.join()


def trusted(server: PushServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.ca))
