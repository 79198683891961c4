"""Ledgers of several starts, line by line, as their camera or a forger writes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bodycamd.errors import DataError
from bodycamd.evidence.checkpoint import checkpoint_name
from bodycamd.evidence.entries import TornFile
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.making import ledger_line, start_fields

KEYS = [SigningKey.generate() for _ in range(8)]
"""They begin the starts, one after the other."""
MEMORY = SigningKey.generate()
ALTERED = "the signature does not verify with the key that is in force here"
TORN = b"torn"
NOT_THERE = "the torn ledger files it states are not those that are there"


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def torn_file(start: int, good: bytes, rest: bytes) -> TornFile:
    return TornFile(file=f"{start:06d}.jsonl", good_bytes=len(good), sha256=sha(good), torn_bytes=len(rest), torn_sha256=sha(rest))


@dataclass
class Written:
    """A ledger, start by start, as its camera or a forger writes it."""

    folder: Path
    head: str = ZERO_HASH
    order: dict[int, int] = field(default_factory=dict)
    first_lines: dict[int, bytes] = field(default_factory=dict)
    good: dict[int, bytes] = field(default_factory=dict)

    def start(self, number: int, *entries: tuple[str, dict[str, Any]], rest: bytes = b"", **changes: Any) -> None:
        """One file: its start, the entries, and what is not good behind them."""
        at = self.order.setdefault(number, len(self.order))
        by, following = KEYS[at], KEYS[at + 1]
        detail = start_fields(by, following, MEMORY, **changes.pop("stated", {}))
        raw = [ledger_line(changes.pop("by", by), 1, changes.pop("prev", self.head), "start", detail, **{"start": number} | changes)]
        for n, (type, fields) in enumerate(entries or [("marker", {})], 2):
            raw.append(ledger_line(MEMORY, n, sha(raw[-1]), type, fields, start=number))
        self.head, self.first_lines[number] = sha(raw[-1]), raw[0] + b"\n"
        self.good[number] = b"".join(one + b"\n" for one in raw)
        self.put(number, self.good[number] + rest)

    def put(self, number: int, content: bytes) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        (self.folder / f"{number:06d}.jsonl").write_bytes(content)

    def checkpoint(self, first_kept: int, *lines: bytes) -> str:
        """The file of that name; of all starts before where no lines are given. Returns its SHA-256."""
        content = b"".join(lines or (self.first_lines[number] for number in range(1, first_kept)))
        (self.folder / checkpoint_name(first_kept)).write_bytes(content)
        return sha(content)

    def drop(self, *starts: int) -> None:
        for number in starts:
            (self.folder / f"{number:06d}.jsonl").unlink()


def read(chain: Chain) -> tuple[list[str], str]:
    """What is given, by file and line, and what ends it."""
    found: list[str] = []
    try:
        for line in chain:
            found.append(line.where.replace(".jsonl: line ", ":").lstrip("0"))
    except DataError as error:
        return found, str(error)
    return found, ""


def stated(*torn: TornFile, unlisted: int = 0) -> dict[str, Any]:
    return {"torn_ledgers": torn, "torn_ledgers_unlisted": unlisted} if torn or unlisted else {}
