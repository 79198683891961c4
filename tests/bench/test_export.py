"""What an export costs, beside `tar | age | ffmpeg -c copy` to the same MP4, over the same sealed segments in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from bodycamd.capture.muxer import Muxer
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.evidence.start import Start
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.footage import SealedFragment, SealedInit
from tests.bench.figures import Table
from tests.bench.film import FRAME_RATE, HEIGHT, WIDTH, Film, encoded_frames
from tests.casework.footage import Clock

pytestmark = pytest.mark.bench

RECORDING = "000001-0001"
SEGMENTS = 10 if float(os.environ.get("BODYCAMD_TEST_SCALE", "0.1")) >= 1 else 4
"""Of 60 s and about 60 MB each."""
ROUNDS = 3


class Sealed:
    """A store with one long recording of the benches' film."""

    def __init__(self, folder: Path, film: Film, segments: int) -> None:
        identity = pyrage.x25519.Identity.generate()
        self.identity = folder / "identity.txt"
        self.identity.write_text(f"{identity}\n")
        self.store = folder / "store"
        self._recipient = identity.to_public()
        self._start = Start(number=1, device="bench", boot_id="b", signer=SigningKey.generate(), clock=Clock())
        self._folder = self.store / "recordings" / RECORDING
        self._folder.mkdir(parents=True)
        (self.store / "ledger").mkdir()
        self._seq = 0
        self.paths = [self._segment(number, film) for number in range(segments)]
        self.bytes = sum(path.stat().st_size for path in self.paths)

    def _segment(self, number: int, film: Film) -> Path:
        growing = GrowingSegment(self._start, recording=RECORDING, segment=number, ledger_head=ZERO_HASH)
        pieces: list[bytes] = []

        def init(plain: bytes) -> None:
            sealed = pyrage.encrypt(plain, [self._recipient])
            recipients = (str(self._recipient),)
            pieces.extend(growing.init(SealedInit(1, sealed, recipients, "libx264", WIDTH, HEIGHT, FRAME_RATE, False)))

        def fragment(made: object) -> None:
            self._seq += 1
            plain, pts_us, frames = made.data, made.pts_us, made.frames  # type: ignore[attr-defined]
            sealed = pyrage.encrypt(plain, [self._recipient])
            pieces.extend(
                growing.fragment(SealedFragment(1, self._seq, pts_us, 1_000_000, frames, "off", None, 0, 0, sealed), gap_us=0)
            )

        muxer = Muxer(width=WIDTH, height=HEIGHT, frame_rate=FRAME_RATE, audio_bit_rate=None, on_init=init, on_fragment=fragment)
        for frame in encoded_frames(film.loop, 7_200_000_000 + number * 60_000_000):
            muxer.put_frame(frame)
        muxer.close()
        pieces.extend(growing.end())
        path = self._folder / f"{number:06d}.tar"
        path.write_bytes(b"".join(pieces))
        return path


def took(run: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock and of processor, children's included."""
    before, began = os.times(), time.monotonic()
    run()
    wall, after = time.monotonic() - began, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def peer(sealed: Sealed, out: Path) -> None:
    """One film of all segments; `ffmpeg` passes over the init segments after the first."""
    tars = "; ".join(f"tar -xf {path} --wildcards '*.age' --to-command='age -d -i {sealed.identity}'" for path in sealed.paths)
    ffmpeg = f"ffmpeg -nostdin -v fatal -y -i - -c copy -movflags +faststart {out}"
    subprocess.run(["bash", "-c", f"{{ {tars}; }} | {ffmpeg}"], check=True)


def ours(sealed: Sealed, out: Path) -> None:
    command = [sys.executable, "-m", "bodycamd.cli.main", "export", RECORDING, "--store", str(sealed.store)]
    subprocess.run([*command, "--identity", str(sealed.identity), "--out", str(out), "--overwrite"], check=True, capture_output=True)


def test_export(table: Table, film: Film, memory_folder: Path) -> None:
    sealed = Sealed(memory_folder, film, SEGMENTS)
    walls: dict[str, list[float]] = {"peer": [], "film": [], "package": []}
    processors: dict[str, list[float]] = {"peer": [], "film": [], "package": []}
    for _ in range(ROUNDS):
        for name, run in (
            ("peer", lambda: peer(sealed, memory_folder / "peer.mp4")),
            ("film", lambda: ours(sealed, memory_folder / "film.mp4")),
            ("package", lambda: ours(sealed, memory_folder / "case")),
        ):
            wall, processor = took(run)
            walls[name].append(wall)
            processors[name].append(processor)
    gigabytes = sealed.bytes / 1e9
    base, base_cpu = min(walls["peer"]) / gigabytes, min(processors["peer"]) / gigabytes
    for name, what in (("film", "export to one MP4"), ("package", "export to a package: films read back, contact sheet, report, sums")):
        wall, processor = min(walls[name]) / gigabytes, min(processors[name]) / gigabytes
        table.add(
            f"{what}, {sealed.bytes / 1e6:.0f} MB: by the clock",
            wall / base,
            f"{wall:.2f} s/GB ({processor:.2f} s of CPU)",
            peer=f"tar | age | ffmpeg {base:.2f} s/GB ({base_cpu:.2f} s of CPU)",
            ratio=f"{wall / base:.2f}x, {processor / base_cpu:.2f}x by CPU",
            at_most=1.3,
            target="<= 1.3x",
        )
