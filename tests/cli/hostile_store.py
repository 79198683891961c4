"""A store that verifies, in which every text that a camera takes from others steers terminals; and files beside it that do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence import entries, ledger
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentSealed
from bodycamd.evidence.keys import provision
from bodycamd.evidence.ledger import Ledger
from bodycamd.evidence.retention_entries import Ground, HoldAdded, HoldReleased, RecordingDeleted, RecordingDeleting, RetentionRules
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.evidence.statements import Caller
from bodycamd.footage import EncryptedInit
from bodycamd.linux.clock import SettableClock
from tests.cli.terminal import HOSTILE, HOSTILE_NAME
from tests.kit.films import BOOT_SECONDS, fragmented_mp4, picture_begins_us, split
from tests.kit.fragments import sealed_piece

KEPT, DELETED = "000001-0001", "000001-0002"
MONTH = "2025-06"


@dataclass(frozen=True)
class HostileStore:
    """`root` holds identity.txt, device.pem, and one file with a hostile name and hostile text."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "store"


def make(root: Path) -> HostileStore:
    """Make it, as cameras wrote before `bodycam-ledger/2`: then a reference, a reason and an officer could be any text."""
    with pytest.MonkeyPatch.context() as before:
        for module in (entries, ledger):
            before.setattr(module, "LEDGER_FORMAT", "bodycam-ledger/1")
        _make(root)
    return HostileStore(root)


def _make(root: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (root / "identity.txt").write_text(f"{identity}\n")
    (root / "device.pem").write_bytes(provision(root / "keys"))
    at_us = int((BOOT_SECONDS + 20) * 1e6)
    clock = SettableClock(at_us, 1_750_000_000_000_000 + at_us, source=HOSTILE, step_us=1000)
    store = Store.open(root / "store", signing=root / "keys", device_id="cam", clock=clock, config_sha256="0" * 64, boot_id="b")
    written = store.ledger
    written.note(RetentionRules(days=28, keep_months=24, legal_basis=HOSTILE))
    written.append("shift_begun", {"officer": HOSTILE})
    _record(written, root / "store/recordings", KEPT, identity)
    grounds: tuple[Ground, ...] = ("complaint", "access-request")
    for ground in grounds:
        written.note(HoldAdded(recording=KEPT, ground=ground, reference=HOSTILE, by=HOSTILE, review_on="2026-01-01"))
    written.note(HoldReleased(recording=KEPT, ground="access-request", reason=HOSTILE, by=HOSTILE))
    written.append("clock_changed", {"source": HOSTILE, "was": HOSTILE})
    written.append("a_type_of_tomorrow", {HOSTILE: HOSTILE, "recording": KEPT})
    written.note(_opened(DELETED))
    written.note(RecordingClosed(recording=DELETED, reason=HOSTILE, duration_us=1, segments=0))
    written.note(RecordingDeleting(recording=DELETED, reason=HOSTILE, days=28, proof="running_time", segments=0, bytes=0))
    written.note(RecordingDeleted(recording=DELETED))
    store.close()
    for folder in ("store/recordings", f"store/recordings/{KEPT}", "store/ledger"):
        (root / folder / HOSTILE_NAME).write_text("a stray")
    (root / HOSTILE_NAME).write_text(HOSTILE)


def _opened(recording: str) -> RecordingOpened:
    return RecordingOpened(
        recording=recording, keep_from_us=0, warning="failed", pressed_us=1, officer=HOSTILE, caller=Caller(via="button")
    )


def _record(written: Ledger, recordings: Path, recording: str, identity: pyrage.x25519.Identity) -> None:
    recipient = identity.to_public()
    init, fragments = split(fragmented_mp4(2, audio=False))
    (recordings / recording).mkdir()
    written.note(_opened(recording))
    written.append("warning", {"recording": recording, "outcome": "failed", "detail": HOSTILE})
    growing = GrowingSegment(written.start, recording=recording, segment=0, ledger_head=written.head)
    content = b"".join(growing.init(EncryptedInit(1, pyrage.encrypt(init, [recipient]), (str(recipient),), HOSTILE, 320, 180, 30.0, False)))
    for seq, fragment in enumerate(fragments, 1):
        pts_us = picture_begins_us(init, fragment)
        age = pyrage.encrypt(fragment, [recipient])
        sealed = sealed_piece(1, seq, pts_us, 1_000_000, 30, "off", None, 0, 0, age)
        content += b"".join(growing.fragment(sealed, gap_us=0, pre_start_us=0 if seq == 1 else None))
        written.append("marker", {"recording": recording, "at_us": pts_us})
        written.append("capture_stalled", {"generation": seq, "reason": HOSTILE, "recording": recording})
    content += b"".join(growing.end())
    (recordings / recording / "000000.tar").write_bytes(content)
    written.note(
        SegmentSealed(
            recording=recording,
            segment=0,
            file="000000.tar",
            last=growing.last_sha256,
            sha256=growing.file_sha256,
            size=growing.size,
            fragments=growing.fragments,
        )
    )
    written.note(RecordingClosed(recording=recording, reason=HOSTILE, duration_us=2_000_000, segments=1))
