"""Small evidence for tests: a clock that steps, a start, fragments, a segment and a store's folders."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bodycamd.errors import BodycamError, DataError
from bodycamd.evidence.keys import KeyFolder, PublicKey, SigningKey, provision
from bodycamd.evidence.ledger import LastStart, Ledger, last_start, next_number, open_ledger
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.evidence.ledger_reader import Line, Rest, taken_numbers
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.evidence.signing import Start
from bodycamd.evidence.statements import ZERO_HASH, ClockQuality, Entry, wall_text
from bodycamd.footage import AGE_MAGIC, EncryptedFragment, EncryptedInit
from bodycamd.linux.clock import SettableClock
from tests.kit.fragments import sealed_piece

BOOT_ID = "2f6bd1d5-5f0e-4b35-8c57-0d1c8d6c1a11"
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def stepping_clock() -> SettableClock:
    """Every reading is 1 ms after the one before."""
    return SettableClock(1_000_000, 1_750_000_001_000_000, source="kernel-ntp", error_ms=12, step_us=1000)


def new_start(key: SigningKey | None = None, number: int = 1) -> Start:
    return Start(number=number, device="cam-7", boot_id=BOOT_ID, signer=key or SigningKey.generate(), clock=stepping_clock())


def encrypted_init(age: bytes = AGE_MAGIC + b"init", generation: int = 1) -> EncryptedInit:
    return EncryptedInit(generation, age, (RECIPIENT,), "libx264", 1280, 720, 30.0, True)


def encrypted_fragment(seq: int, age: bytes | None = None, generation: int = 1) -> EncryptedFragment:
    pts_us = seq * 1_000_000
    return sealed_piece(generation, seq, pts_us, 1_000_000, 30, "live", pts_us, 48_000, 0, age or AGE_MAGIC + b"fragment %d" % seq)


@dataclass(frozen=True)
class MadeSegment:
    content: bytes
    bounds: Sequence[int]
    """The file's size after each whole triple, from 0 (nothing) on; the end-of-archive mark is not among them."""
    start: Start
    segment: GrowingSegment

    @property
    def keys(self) -> dict[str, PublicKey]:
        return {self.start.signer.public.id: self.start.signer.public}

    def good_before(self, size: int) -> int:
        """The largest bound up to `size`."""
        return max(bound for bound in self.bounds if bound <= size)


def made_segment(ages: Sequence[bytes], init: bytes = AGE_MAGIC + b"init", start: Start | None = None, end: bool = True) -> MadeSegment:
    start = start or new_start()
    segment = GrowingSegment(start, recording="000001-0001", segment=0, ledger_head=ZERO_HASH)
    parts = [b"".join(segment.init(encrypted_init(init)))]
    bounds = [0, segment.size]
    for seq, age in enumerate(ages, 1):
        parts.append(b"".join(segment.fragment(encrypted_fragment(seq, age), gap_us=0, pre_start_us=400_000 if seq == 1 else None)))
        bounds.append(segment.size)
    if end:
        parts.append(b"".join(segment.end()))
    return MadeSegment(b"".join(parts), bounds, start, segment)


def before(root: Path) -> LastStart:
    """What the next start goes on behind."""
    return last_start(root / "ledger", KeyFolder(root / "signing"))


def good_part(folder: Path) -> tuple[list[Line], Rest | None]:
    """The lines that verify, with whatever key the first one names, and what stands behind them."""
    read, found = Chain(folder), []
    try:
        for line in read:
            found.append(line)
    except DataError:
        assert read.pending, "wrong before the end"
    return found, read.pending[0] if read.pending else None


def entry(type: str, detail: dict[str, Any], *, start: int = 1, boot_id: str = "boot", at_us: int = 0, wall_us: int = 0) -> Entry:
    """An entry of the ledger that nobody has signed."""
    return Entry(
        n=1,
        prev=ZERO_HASH,
        key=ZERO_HASH,
        device="cam-7",
        start=start,
        boot_id=boot_id,
        boottime_ns=at_us * 1000,
        wall=wall_text(wall_us),
        clock=ClockQuality(source="test"),
        type=type,
        detail=detail,
    )


def next_start(root: Path) -> Ledger:
    """Begin the next start in `root/ledger` with the keys of `root/signing`."""
    ledger = root / "ledger"
    return open_ledger(
        ledger,
        root / "signing",
        start=next_number(before(root).number, taken_numbers(ledger)),
        device="cam-7",
        boot_id=BOOT_ID,
        clock=stepping_clock(),
        software="0.1.0",
        config_sha256="ab" * 32,
    )


def provisioned(root: Path) -> PublicKey:
    """A first key in `root/signing`; gives what the camera's owner registers."""
    return PublicKey.from_pem(provision(root / "signing"))


def chain(root: Path, registered: PublicKey) -> list[Line]:
    """The whole ledger of `root`, checked."""
    return list(Chain(root / "ledger", registered))


def some_start(root: Path, markers: int = 2) -> None:
    """One start from its beginning to its end."""
    ledger = next_start(root)
    for at_us in range(markers):
        ledger.append("marker", {"at_us": at_us, "absent": None})
    ledger.close()


def told(call: Callable[[], object], kind: type[BodycamError] = DataError) -> str:
    """What a refusal says, word for word. It must be of exactly this kind."""
    with pytest.raises(kind) as refused:
        call()
    assert type(refused.value) is kind
    return str(refused.value)


def ledger_line(by: SigningKey, n: int, prev: str, type: str, detail: Mapping[str, Any], **changes: Any) -> bytes:
    """A line as the camera writes it, but for the changes: signed all the same, without its line end."""
    common = {"device": "cam-7", "start": 3, "boot_id": "boot", "wall": "2026-06-01T12:00:00.000000Z", "clock": {"source": "test"}}
    said = {"n": n, "prev": prev, "key": by.public.id, "boottime_ns": n, "type": type, "detail": detail}
    json = msgspec.json.encode(common | said | changes, order="sorted")
    return base64.b64encode(by.sign(json)) + b" " + json


def start_fields(by: SigningKey, following: SigningKey, memory: SigningKey, **changes: Any) -> dict[str, Any]:
    """The detail of an entry `start`: who signs it, who the next one, and who what follows."""
    keys = {"public_key": by.public.raw.hex(), "next_public_key": following.public.raw.hex(), "ram_public_key": memory.public.raw.hex()}
    return keys | {"format": "bodycam-ledger/2", "software": "0.1.0", "config_sha256": "ab" * 32} | changes


def brief(value: object) -> str | None:
    """The name of a case: what is signed differs from run to run, its length does not."""
    return f"{len(value)} long" if isinstance(value, str | bytes) and len(value) > 40 else None


def put(root: Path, start: int, content: bytes) -> None:
    (root / "ledger").mkdir(exist_ok=True)
    (root / "ledger" / f"{start:06d}.jsonl").write_bytes(content)


def content_of(root: Path, start: int) -> bytes:
    return (root / "ledger" / f"{start:06d}.jsonl").read_bytes()


def only_key(root: Path) -> PublicKey:
    (found,) = [key for _, key in KeyFolder(root / "signing")._read_all() if key is not None]
    return found.public
