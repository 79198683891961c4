"""A time-stamping authority on this computer: `openssl ts -reply` behind a real HTTP server, with a root and a certificate of its own."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
"""


def openssl(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


@dataclass
class Authority:
    """`answer` makes the bytes of an answer of those of a request; a test may change it. `asked`: what came."""

    folder: Path
    url: str = ""
    status: int = 200
    asked: list[bytes] = field(default_factory=list)
    answer: Callable[[bytes], bytes] = lambda request: request

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "tsa.cnf").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl(
            "req", "-x509", *key, "-subj", "/CN=Root", "-days", "30", "-keyout", self.folder / "root.key", "-out", self.folder / "root.pem"
        )
        openssl("req", *key, "-subj", "/CN=Authority", "-keyout", self.folder / "tsa.key", "-out", self.folder / "tsa.csr")
        (self.folder / "ext").write_text(
            "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nbasicConstraints=CA:FALSE\n"
        )
        signing = ["-CA", self.folder / "root.pem", "-CAkey", self.folder / "root.key", "-CAcreateserial", "-days", "30"]
        openssl("x509", "-req", "-in", self.folder / "tsa.csr", *signing, "-extfile", self.folder / "ext", "-out", self.folder / "tsa.pem")
        self.answer = self.reply

    @property
    def ca(self) -> Path:
        return self.folder / "root.pem"

    def reply(self, request: bytes) -> bytes:
        (self.folder / "query.tsq").write_bytes(request)
        files = ["-queryfile", self.folder / "query.tsq", "-out", self.folder / "reply.tsr"]
        openssl("ts", "-reply", "-config", self.folder / "tsa.cnf", *files)
        return (self.folder / "reply.tsr").read_bytes()

    @contextmanager
    def listening(self) -> Iterator[Authority]:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["content-length"]))
                authority.asked.append(request)
                assert self.headers["content-type"] == "application/timestamp-query"
                body = authority.answer(request)
                self.send_response(authority.status)
                self.send_header("content-type", "application/timestamp-reply")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/tsr"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
