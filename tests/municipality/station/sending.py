"""A camera that sends, by any HTTP client: what `camera.uplink` does, in the least words, and requests that no camera makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import file_name, starts
from bodycamd.evidence.request_signing import COVERED, COVERED_WITH_CONTENT, NONCE_HEADER, TAG
from bodycamd.store.names import recording_names, segment_files

AUTHORITY = "station.example.org"


@dataclass
class CameraLink:
    """A camera's uplink. `changes` are made to a request after it was signed."""

    client: httpx.Client
    device: str
    key: Ed25519PrivateKey
    nonce: str = "none"
    authority: str = AUTHORITY
    covered: tuple[str, ...] | None = None
    words: dict[str, Any] = field(default_factory=dict)

    @property
    def key_id(self) -> str:
        return PublicKey(self.key.public_key().public_bytes_raw()).id

    def signed(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx.Request:
        request = httpx.Request(method, f"https://{self.authority}{path}", content=content, headers=headers)
        if content is None:
            request.headers.pop("content-length", None)
        signer = HTTPMessageSigner(
            signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={self.key_id: self.key})
        )
        covered = self.covered or (COVERED if content is None else COVERED_WITH_CONTENT)
        words = {"key_id": self.key_id, "nonce": self.nonce, "label": TAG, "tag": TAG, "body": content} | self.words
        signer.sign(request, covered_component_ids=covered, **words)
        return request

    def ask(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        """Send it; once more where the station gives a nonce."""
        return self.ask_at(method, f"/v1/cameras/{self.device}/{path}", content, **headers)

    def ask_at(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        """The same, anywhere at the station."""
        for _ in range(2):
            request = self.signed(method, path, content, **headers)
            answer = self.client.send(self.at_client(request))
            if answer.status_code != 401 or NONCE_HEADER not in answer.headers:
                break
            self.nonce = answer.headers[NONCE_HEADER]
        return answer

    def at_client(self, request: httpx.Request) -> httpx.Request:
        """The same request, to where the client is connected to."""
        return self.client.build_request(request.method, request.url.raw_path.decode(), content=request.content, headers=request.headers)

    def part(self, path: str, offset: int, content: bytes, *, last: bool = False) -> httpx.Response:
        return self.ask("PATCH", path, content, **{"upload-offset": str(offset), "upload-complete": "?1" if last else "?0"})

    def put(self, method: str, path: str, content: bytes) -> httpx.Response:
        """Something whole."""
        return self.ask_at(method, path, content, **{"upload-offset": "0", "upload-complete": "?1"})


def send_ledger(link: CameraLink, store: Path, *, most: int = 1 << 20) -> None:
    """All of it, in whole lines; rests where they are asked for."""
    folder = store / "ledger"
    for start in starts(folder):
        content = (folder / file_name(start)).read_bytes()
        content = content[: content.rfind(b"\n") + 1]
        path = f"ledger/{start}"
        there = link.ask("HEAD", path)
        assert there.status_code == 204, there
        offset = int(there.headers["upload-offset"])
        while offset < len(content):
            part = content[offset : offset + most]
            answer = link.part(path, offset, part[: part.rfind(b"\n") + 1])
            assert answer.status_code == 204, answer.text
            offset = int(answer.headers["upload-offset"])


def sealed(store: Path) -> Iterator[Path]:
    names, _ = recording_names(store / "recordings")
    for name in names:
        files, _ = segment_files(store / "recordings" / name)
        yield from (file.path for file in files if file.kind != "open")


def send_segment(link: CameraLink, file: Path, *, most: int = 1 << 20) -> httpx.Response:
    """From where the station is; the answer that brings the receipt."""
    path = f"recordings/{file.parent.name}/{file.name}"
    answer = link.ask("GET", path)
    content = file.read_bytes()
    while answer.status_code == 204:
        offset = int(answer.headers["upload-offset"])
        answer = link.part(path, offset, content[offset : offset + most], last=offset + most >= len(content))
    return answer
