"""A real store with retention, on a clock that the test sets; recordings are small, but real segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.opening import keep
from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentSealed
from bodycamd.evidence.keys import PublicKey, provision
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.evidence.statements import Caller
from bodycamd.linux.clock import SettableClock
from bodycamd.linux.disk import Disk, FileOperations
from bodycamd.retention.holds import HoldRequest, ReleaseRequest
from bodycamd.retention.policy import Rules
from tests.camera.recorder.faults import FaultyDisk
from tests.kit.fragments import RECIPIENT, SECOND, fragment, init

WHO = Caller(via="control_socket", uid=1000)
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@contextmanager
def format_1() -> Iterator[None]:
    """Starts that are begun in here, and their entries, are those of the software of before: `bodycam-ledger/1`."""
    names = ("bodycamd.evidence.entries.LEDGER_FORMAT", "bodycamd.evidence.ledger.LEDGER_FORMAT")
    with mock.patch(names[0], "bodycam-ledger/1"), mock.patch(names[1], "bodycam-ledger/1"):
        yield


class RefusingDisk(FaultyDisk):
    """A disk whose removals can fail."""

    def remove(self, path: Path) -> None:
        self._step("remove", path.name)
        super().remove(path)

    def removals(self) -> int:
        return sum(1 for operation, _ in self.calls if operation == "remove")


class RestingCamera:
    """Store, keeper and clock, without a daemon. `switch_on` and `switch_off` as often as wanted."""

    def __init__(self, root: Path, *, days: int = 28, keep_months: int = 24, disk: FileOperations | None = None) -> None:
        self.root = root
        self.store_folder = root / "store"
        self.rules = Rules(days, keep_months, None)
        self.clock = SettableClock()
        self.boot = 0
        self.recorded = 0
        self.seq = 0
        self.sealed_to: Callable[[int], tuple[str, ...]] = lambda segment: (RECIPIENT,)
        self.disk = disk or Disk()
        if not (root / "signing").exists():
            (root / "device.pem").parent.mkdir(parents=True, exist_ok=True)
            (root / "device.pem").write_bytes(provision(root / "signing"))
        self._opened: tuple[Store, Keeper] | None = None

    @property
    def store(self) -> Store:
        assert self._opened is not None
        return self._opened[0]

    @property
    def keeper(self) -> Keeper:
        assert self._opened is not None
        return self._opened[1]

    def switch_on(self, *, off_us: int = 0, same_boot: bool = False) -> RestingCamera:
        """After `off_us` without running time."""
        if not same_boot:
            self.boot += 1
            self.clock.wall_us += off_us
            self.clock.boottime_us = 1_000_000
        store = Store.open(
            self.store_folder,
            signing=self.root / "signing",
            device_id="cam-7",
            clock=self.clock,
            config_sha256="0" * 64,
            boot_id=f"boot-{self.boot}",
            disk=self.disk,
        )
        self.recorded = 0
        self._opened = store, keep(store, self.clock, self.rules)
        return self

    def switch_off(self, *, clean: bool = True) -> None:
        if clean:
            self.keeper.sweep(self.store.ledger.note)
        self.store.close()
        self._opened = None

    def run(self, duration_us: int, *, pace_us: int = 10 * MINUTE, sweep: bool = True) -> None:
        """Time passes, with the sweeps that belong to it."""
        end_us = self.clock.boottime_us + duration_us
        while self.clock.boottime_us < end_us:
            self.clock.advance(min(pace_us, end_us - self.clock.boottime_us))
            if sweep:
                self.sweep()

    def settle(self) -> None:
        """Long enough for the clock to be confirmed."""
        self.run(40 * MINUTE)

    def sweep(self) -> list[str]:
        self.keeper._look()
        return self.keeper.sweep(self.store.ledger.note)

    def record(self, *, segments: int = 2, fragments: int = 3, close: bool = True) -> str:
        """One recording that ends now."""
        ledger = self.store.ledger
        self.recorded += 1
        name = f"{self.store.start:06d}-{self.recorded:04d}"
        folder = self.store.recordings_folder / name
        folder.mkdir(mode=0o700)
        ledger.note(RecordingOpened(recording=name, keep_from_us=self.clock.boottime_us, warning="played_to_device"))
        for segment in range(segments):
            self.record_segment(name, segment, fragments)
        if close:
            self.close_recording(name, segments=segments, duration_us=segments * fragments * SECOND)
        return name

    def record_segment(self, name: str, segment: int, fragments: int = 3, gap_us: int = 0) -> None:
        """One segment more of a recording that is open; `gap_us` of picture may be missing before it."""
        ledger, folder = self.store.ledger, self.store.recordings_folder / name
        growing = GrowingSegment(ledger.start, recording=name, segment=segment, ledger_head=ledger.head)
        buffers = list(growing.init(init(recipients=self.sealed_to(segment))))
        for _ in range(fragments):
            self.seq += 1
            buffers += growing.fragment(fragment(self.seq, size=400, pts_us=self.clock.boottime_us), gap_us=gap_us)
            self.clock.advance(SECOND)
        buffers += growing.end()
        (folder / f"{segment:06d}.tar").write_bytes(b"".join(buffers))
        ledger.note(
            SegmentSealed(
                recording=name,
                segment=segment,
                file=f"{segment:06d}.tar",
                last=growing.last_sha256,
                sha256=growing.file_sha256,
                size=growing.size,
                fragments=growing.fragments,
            )
        )
        ledger.change_key()

    def close_recording(self, name: str, *, segments: int, duration_us: int) -> None:
        """It ends now."""
        self.store.ledger.note(
            RecordingClosed(recording=name, reason="officer", duration_us=duration_us, segments=segments, end_us=self.clock.boottime_us)
        )

    def hold(self, recording: str, ground: str = "complaint", review_on: str = "2030-01-01", reference: str = "K-2026-117") -> str:
        asked = HoldRequest(recording=recording, ground=ground, reference=reference, by="coordinator", review_on=review_on)
        return self.keeper.add_hold(asked, WHO, self.store.ledger.note).hold

    def release(self, recording: str, ground: str | None = None) -> None:
        asked = ReleaseRequest(recording=recording, ground=ground, reason="settled", by="coordinator")
        self.keeper.release_hold(asked, WHO, self.store.ledger.note)

    def release_hold(self, hold: str) -> None:
        asked = ReleaseRequest(hold=hold, reason="settled", by="coordinator")
        self.keeper.release_hold(asked, WHO, self.store.ledger.note)

    def present(self) -> list[str]:
        return sorted(path.name for path in (self.store_folder / "recordings").iterdir())

    def verified_types(self) -> list[str]:
        """The types of all entries, after the whole chain was verified from the registered key."""
        registered = PublicKey.from_pem((self.root / "device.pem").read_bytes())
        return [line.entry.type for line in Chain(self.store_folder / "ledger", registered)]
