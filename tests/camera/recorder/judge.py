"""An independent reading of a store: Python's tarfile, json, hashlib and the cryptography library; nothing of bodycamd."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass
class Piece:
    """One triple as it was found."""

    statement: dict[str, Any]
    age: bytes


@dataclass
class Found:
    """What a store holds. `pieces` by recording, segment and index."""

    ledger: list[dict[str, Any]] = field(default_factory=list)
    pieces: dict[tuple[str, int, int], Piece] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        return [entry["detail"] for entry in self.ledger if entry["type"] == kind]

    def seqs(self, recording: str) -> list[int]:
        """The capture numbers of a recording in the order of its segments."""
        return [piece.statement["seq"] for key, piece in sorted(self.pieces.items()) if key[0] == recording and key[2] > 0]

    def fragments(self, recording: str) -> list[dict[str, Any]]:
        return [piece.statement for key, piece in sorted(self.pieces.items()) if key[0] == recording and key[2] > 0]


def read(store: Path) -> Found:
    """Read and check everything: the ledger's chain and signatures, every whole triple of every segment."""
    found = Found()
    keys: dict[str, Ed25519PublicKey] = {}
    heads = {"0" * 64}
    head = "0" * 64
    for path in sorted((store / "ledger").iterdir()):
        in_force = ""
        for line in path.read_bytes().splitlines():
            signature, text = base64.b64decode(line[:88]), line[89:]
            entry = json.loads(text)
            if entry["type"] == "start":
                in_force = _know(keys, entry["detail"]["public_key"])
            assert entry["key"] == in_force
            keys[in_force].verify(signature, text)
            if entry["type"] == "start":
                in_force = _know(keys, entry["detail"]["ram_public_key"])
            elif entry["type"] == "key_changed":
                in_force = _know(keys, entry["detail"]["public_key"])
            assert entry["prev"] == head
            head = hashlib.sha256(line).hexdigest()
            heads.add(head)
            found.ledger.append(entry)
    recovered = {(entry["recording"], entry["file"]): entry for entry in found.entries("segment_recovered")}
    sealed = {(entry["recording"], entry["file"]): entry for entry in found.entries("segment_sealed")}
    for folder in sorted(path for path in (store / "recordings").iterdir() if path.is_dir() and path.name[:6].isdigit()):
        paths = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
        names = sorted(path.name for path in paths if path.name.endswith((".tar", ".tar.part")))
        found.files[folder.name] = names
        for name in names:
            content = (folder / name).read_bytes()
            if (folder.name, name) in sealed:
                entry = sealed[folder.name, name]
                assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["size"], entry["sha256"])
            elif (folder.name, name) in recovered:
                entry = recovered[folder.name, name]
                assert len(content) == entry["good_bytes"] + entry["torn_bytes"]
                content = content[: entry["good_bytes"]]
                assert hashlib.sha256(content).hexdigest() == entry["sha256"]
            count = _read_segment(found, folder.name, content, keys, heads)
            if (folder.name, name) in sealed or (folder.name, name) in recovered:
                assert count == entry["fragments"]
    return found


def _know(keys: dict[str, Ed25519PublicKey], text: str) -> str:
    """Remember a key of the ledger by its id."""
    raw = bytes.fromhex(text)
    name = hashlib.sha256(raw).hexdigest()
    keys[name] = Ed25519PublicKey.from_public_bytes(raw)
    return name


def _read_segment(found: Found, recording: str, content: bytes, keys: dict[str, Ed25519PublicKey], heads: set[str]) -> int:
    """Every whole triple; a torn end is no error here: what was acknowledged in it is looked for by the caller. Returns the fragments."""
    prev, count = "", -1
    waiting: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                source = archive.extractfile(member)
                assert source is not None
                data = source.read()
                if len(data) < member.size:
                    break
                index, kind = member.name[:6], member.name[7:]
                waiting[kind] = data
                if kind != "sig":
                    continue
                statement = json.loads(waiting["json"])
                age = waiting.pop("init.mp4.age" if int(index) == 0 else "m4s.age")
                keys[statement["key"]].verify(data, waiting["json"])
                assert statement["index"] == int(index) == count + 1
                assert statement["recording"] == recording
                assert (statement["size"], statement["sha256"]) == (len(age), hashlib.sha256(age).hexdigest())
                assert statement["prev"] in heads if count < 0 else statement["prev"] == prev
                prev = hashlib.sha256(waiting["json"]).hexdigest()
                count += 1
                key = recording, statement["segment"], count
                assert key not in found.pieces, "a number is used once"
                found.pieces[key] = Piece(statement, age)
                waiting = {}
    except tarfile.ReadError:
        pass  # a torn or empty end
    return max(0, count)
